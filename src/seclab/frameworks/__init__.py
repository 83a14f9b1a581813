"""Frameworks: ids and names of ATLAS, NIST AI 100-2, OWASP, STRIDE and PASTA, by edition."""

from seclab.frameworks.catalogue import Frameworks
from seclab.frameworks.loading import FOLDER, load_frameworks
from seclab.frameworks.records import (
    ATLAS,
    FRAMEWORKS,
    KINDS,
    Change,
    ChangeKind,
    Crossing,
    Edition,
    Entry,
    FormerName,
    Framework,
    Kind,
    Legacy,
    LegacyKind,
    Severity,
    Status,
    Verified,
)
from seclab.frameworks.relations import Related, Relation, related

__all__ = [
    "ATLAS",
    "FOLDER",
    "FRAMEWORKS",
    "KINDS",
    "Change",
    "ChangeKind",
    "Crossing",
    "Edition",
    "Entry",
    "FormerName",
    "Framework",
    "Frameworks",
    "Kind",
    "Legacy",
    "LegacyKind",
    "Related",
    "Relation",
    "Severity",
    "Status",
    "Verified",
    "load_frameworks",
    "related",
]
