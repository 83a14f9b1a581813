"""What the figures are computed from, read from registers and store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from seclab import frameworks, threat_models
from seclab.coverage import RiskCoverage, cover
from seclab.fingerprint import Digest, of_file
from seclab.frameworks import Frameworks
from seclab.programme.computing import Facts
from seclab.programme.history import said
from seclab.programme.records import State
from seclab.programme.times import Made
from seclab.registers import Registers, load_registers
from seclab.scoring import SCORING, Scoring, read_scoring
from seclab.shelf import Registered, Shelf
from seclab.threat_models.records import ThreatModel

_ALL = 1_000_000_000
_SPEC_TAG = "model.spec"


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided: every register that the figures rest on.

    Attributes:
        registers: Risks, tiers, waivers.
        frameworks: ATLAS and the others.
        models: The threat models, by id.
        scoring: What evidence does to a score.
        digests: Digest of every file of these, by its path in the folder of the registers.
    """

    registers: Registers
    frameworks: Frameworks
    models: Mapping[str, ThreatModel]
    scoring: Scoring
    digests: Mapping[str, Digest]


def load_decided(folder: Path) -> Decided:
    """Read every register that the figures rest on.

    Args:
        folder: The folder of the registers.

    Raises:
        Misconfigured: A part is missing or wrong.
    """
    register = load_registers(folder)
    library = frameworks.load_frameworks(folder / frameworks.FOLDER)
    models = threat_models.load_threat_models(folder / threat_models.FOLDER)
    scoring = read_scoring(folder)
    below = (threat_models.FOLDER, frameworks.FOLDER)
    files = [folder / SCORING, *(path for each in below for path in (folder / each).glob("*.*"))]
    digests = {path.relative_to(folder).as_posix(): of_file(path) for path in sorted(files)}
    return Decided(register, library, models, scoring, {**register.digests, **digests})


def gather(decided: Decided, shelf: Shelf, *, registered_model: str, at: datetime) -> Facts:
    """Read everything that the figures are computed from.

    Args:
        decided: The registers.
        shelf: The evidence.
        registered_model: Name of the registered model whose versions runs name.
        at: Now, with time zone.

    Raises:
        EvidenceMismatch: The ledger is damaged.
        StoreUnavailable: The store cannot be read.
    """
    registers = decided.registers
    coverage = cover(
        registers, decided.frameworks, decided.models, shelf, scoring=decided.scoring, at=at
    )
    return Facts(
        names=frozenset(registers.models.models) | frozenset(shelf.registered()),
        models=decided.models,
        risks={risk.id: worth(risk) for risk in coverage.risks.values()},
        versions=[_made(version) for version in shelf.versions(registered_model)],
        history=said(shelf.runs(limit=_ALL), shelf.ledger()),
        waivers=registers.waivers,
    )


def worth(risk: RiskCoverage) -> State:
    """What the evidence for a risk is worth, whichever way it went.

    A failure is no less of a failure when it is old, but it is no fresh evidence then.
    """
    if risk.state == "out-of-scope":
        return "out-of-scope"
    if not risk.evidence:
        return "never-tested"
    if any(link.stale for link in risk.evidence):
        return "stale"
    judged = all(link.state in {"passed", "failed"} for link in risk.evidence)
    return "fresh" if judged and not risk.missing else "incomplete"


def _made(version: Registered) -> Made:
    names = {version.name, version.tags.get(_SPEC_TAG, version.name)}
    return Made(version.number, frozenset(names), version.created)
