"""The bundle: everything a verdict rests on, as one canonical JSON document with a digest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from seclab.custody import Manifest
from seclab.datasets import Dataset
from seclab.errors import EvidenceMismatch
from seclab.evidence.custody import custody_document
from seclab.evidence.environment import Environment
from seclab.evidence.json_text import parse
from seclab.fingerprint import Digest, of_file, of_json
from seclab.gate import Decision
from seclab.measurement import CheckReport, Subject
from seclab.outcome import Evaluated, Outcome
from seclab.registers import Threshold

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:ai-security-lab:security-evaluation:v2"
# What earlier versions sealed stays readable for as long as it is kept.
READABLE_TYPES = ("urn:ai-security-lab:security-evaluation:v1", PREDICATE_TYPE)


# Where a run keeps them, by path below its folder.
BUNDLE_FILE = "evidence/bundle.json"
ENVELOPE_FILE = "evidence/bundle.dsse.json"
REPORT_FILE = "report.html"
APPROVALS = "approvals"
ROW_DECISIONS = "row-decisions"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run was, beside its numbers.

    Attributes:
        subject: What was evaluated.
        profile: Name of the profile that set the effort.
        seed: The seed of everything random.
        started: Start of the run, with time zone.
        finished: End of the run, with time zone.
        description: What makes the subject what it is: spec and digests of a model, documents
            and rules of an agent; empty for a dataset, which is pinned below.
        datasets: Every dataset involved.
        registers: Digest of every register file, by name.
        environment: Code, libraries, machine.
        previous: Digest of the bundle before this one about a subject of the same name and kind;
            ``None`` for the first.
        tier: The risk tier of the subject, which says what it has to show.
        manifests: The manifests of the datasets and of what they were made of, by their digest,
            as far as there are any.
    """

    subject: Subject
    profile: str
    seed: int
    started: datetime
    finished: datetime
    description: Mapping[str, Any]
    datasets: Sequence[Dataset]
    registers: Mapping[str, Digest]
    environment: Environment
    previous: str | None = None
    tier: str = "low"
    manifests: Mapping[Digest, Manifest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sealed document.

    Attributes:
        document: An in-toto statement whose predicate holds the evidence.
        digest: Digest of its canonical form.
    """

    document: Mapping[str, Any]
    digest: Digest

    @property
    def predicate(self) -> Mapping[str, Any]:
        """The evidence itself."""
        predicate: Mapping[str, Any] = self.document["predicate"]
        return predicate

    def text(self) -> str:
        """The document, indented for people; its digest is that of the canonical form."""
        return json.dumps(self.document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def seal(
    facts: Facts,
    *,
    outcomes: Sequence[Outcome],
    reports: Sequence[CheckReport],
    thresholds: Sequence[Threshold],
    decision: Decision,
    artifacts: Mapping[str, Digest],
    waivers: Sequence[Any] = (),
    champion: Any = None,
    required: Sequence[str] = (),
) -> Bundle:
    """Put everything a verdict rests on into one document.

    Args:
        facts: What the run was.
        outcomes: Every evaluation, measured or not.
        reports: Every data check.
        thresholds: The criteria that were judged.
        decision: What they gave.
        artifacts: Digest of every further file kept with the run, by relative path.
        waivers: Every waiver that stood in the register.
        champion: What the subject was compared with; ``None`` where there was no champion.
        required: The evaluations that the tier requires.

    Returns:
        The bundle. Equal runs give equal ``measurements``; times and surroundings differ.

    References:
        in-toto Attestation Framework, Statement v1. RFC 8785, JSON Canonicalization Scheme.
    """
    predicate = plain(
        {
            "subject": facts.subject,
            "profile": facts.profile,
            "seed": facts.seed,
            "started": facts.started,
            "finished": facts.finished,
            "description": facts.description,
            "datasets": [_describe(dataset) for dataset in facts.datasets],
            "custody": custody_document(facts.datasets, facts.manifests),
            "registers": {name: str(digest) for name, digest in facts.registers.items()},
            "environment": facts.environment,
            "previous": facts.previous,
            "tier": facts.tier,
            "required": required,
            "waivers": waivers,
            "champion": champion,
            "checks": reports,
            "evaluations": [_without_pictures(outcome) for outcome in outcomes],
            "thresholds": thresholds,
            "decision": decision,
            "artifacts": {name: str(digest) for name, digest in artifacts.items()},
        }
    )
    document = {
        "_type": STATEMENT_TYPE,
        "subject": statement_subjects(predicate),
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return Bundle(document, of_json(document))


def statement_subjects(predicate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the statement around a predicate is about: the subject, each dataset, each artifact.

    Args:
        predicate: The evidence as plain JSON.

    Returns:
        Names with digests, in this order.

    References:
        in-toto Attestation Framework, Statement v1, ResourceDescriptor.
    """
    subject = predicate["subject"]
    pinned = [
        (subject["name"], subject["digest"]),
        *((dataset["name"], dataset["ordered"]) for dataset in predicate["datasets"]),
        *sorted(predicate["artifacts"].items()),
    ]
    return [{"name": name, "digest": {"sha256": _hex(digest)}} for name, digest in pinned]


def read(text: str | bytes) -> Bundle:
    """A bundle from its file, of this version or an earlier one.

    Raises:
        EvidenceMismatch: The text is no bundle of this kind.
    """
    try:
        document = parse(text)
        digest = of_json(document)
    except (ValueError, RecursionError) as error:
        raise EvidenceMismatch(f"the bundle is not JSON: {error}") from error
    found = document.get("predicateType") if isinstance(document, dict) else None
    if found not in READABLE_TYPES:
        expected = " or ".join(map(repr, READABLE_TYPES))
        raise EvidenceMismatch(f"the bundle is of type {found!r}, expected {expected}")
    return Bundle(document, digest)


def artifact_digests(folder: Path) -> dict[str, Digest]:
    """Digest of every file below ``folder``, by relative path in a fixed order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): of_file(path) for path in files}


def plain(value: Any) -> Any:
    """Any value of the library as plain JSON: mappings, lists, texts, numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def _without_pictures(outcome: Outcome) -> Any:
    """Tables and figures are files of their own; the bundle pins them by digest."""
    if not isinstance(outcome, Evaluated):
        return {"status": outcome.missing, **plain(outcome)}
    kept = plain(
        {
            item.name: getattr(outcome, item.name)
            for item in fields(outcome)
            if item.name not in ("tables", "figures", "files")
        }
    )
    return {"status": "measured", **kept}


def _describe(dataset: Dataset) -> dict[str, Any]:
    pinned = dataset.fingerprint()
    return {
        "name": dataset.name,
        "rows": pinned.rows,
        "ordered": str(pinned.ordered),
        "unordered": str(pinned.unordered),
        "classes": {str(label): str(digest) for label, digest in pinned.classes.items()},
        "feature_range": list(dataset.feature_range),
        "provenance": dataset.provenance,
    }


def _hex(digest: str) -> str:
    return digest.rsplit(":", 1)[-1]
