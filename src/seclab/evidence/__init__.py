"""Evidence: one canonical document per evaluated subject, and the check that it is still true."""

from seclab.evidence.bundle import (
    PREDICATE_TYPE,
    Bundle,
    Facts,
    artifact_digests,
    plain,
    read,
    seal,
)
from seclab.evidence.contents import decide_again, decision_of, outcomes_of, reports_of, subject_of
from seclab.evidence.custody import Traced, traced
from seclab.evidence.environment import Environment, observe
from seclab.evidence.keyring import ROLES, Keyring, PublicKey, Revocation, Role
from seclab.evidence.keys import SigningKey, load_keyring, load_signing_key
from seclab.evidence.schema import schema_problems
from seclab.evidence.signing import Signed, sign
from seclab.evidence.verification import Examination, examine, verify

__all__ = [
    "PREDICATE_TYPE",
    "ROLES",
    "Bundle",
    "Environment",
    "Examination",
    "Facts",
    "Keyring",
    "PublicKey",
    "Revocation",
    "Role",
    "Signed",
    "SigningKey",
    "Traced",
    "artifact_digests",
    "decide_again",
    "decision_of",
    "examine",
    "load_keyring",
    "load_signing_key",
    "observe",
    "outcomes_of",
    "plain",
    "read",
    "reports_of",
    "schema_problems",
    "seal",
    "sign",
    "subject_of",
    "traced",
    "verify",
]
