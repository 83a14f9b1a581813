"""Chain of custody: what a version of a dataset is, where it came from, and what changed."""

from seclab.custody.accounting import Block, Coverage, coverage, effect, unexplained
from seclab.custody.changes import Changes, explain
from seclab.custody.manifest import (
    Acquisition,
    ClassContent,
    Effect,
    Kind,
    Manifest,
    Transformation,
    record_manifest,
)
from seclab.custody.manifest_files import load_manifest, load_manifests, save_manifest

__all__ = [
    "Acquisition",
    "Block",
    "Changes",
    "ClassContent",
    "Coverage",
    "Effect",
    "Kind",
    "Manifest",
    "Transformation",
    "coverage",
    "effect",
    "explain",
    "load_manifest",
    "load_manifests",
    "record_manifest",
    "save_manifest",
    "unexplained",
]
