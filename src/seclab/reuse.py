"""The same work is not done twice: what earlier evidence holds already is not measured again.

There is no cache beside the evidence. A result is reused out of the bundle of an earlier run, and
only while that bundle would stand before the gate: verified, in the ledger, signed where the new
one will be. So a reused number is exactly as hard to plant as any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from seclab import admission
from seclab.errors import EvidenceMismatch
from seclab.evidence import Bundle, Environment, outcomes_of, verify
from seclab.evidence.keys import Keyring
from seclab.evidence.ledger import Entry, ledger_differences
from seclab.fingerprint import of_bytes, of_file, of_json
from seclab.gate.evidence_criteria import CLOCK_SKEW
from seclab.measurement import Measurement, Subject
from seclab.outcome import Evaluated, Origin
from seclab.registers import Registers
from seclab.registry import Evaluation, recorded
from seclab.shelf import Evidence

_RECIPE = "evaluation-key/1"
# The libraries that compute; everything else only carries or judges the numbers.
_COMPUTING = ("numpy", "scikit-learn", "scipy")
# The rooms of this package above the evaluations. That no evaluation imports them, import-linter
# sees to; what is not named here counts, so that a new room does without anybody thinking of it.
ABOVE_EVALUATIONS = frozenset(
    {
        "admission",
        "assessment",
        "audit",
        "checklist",
        "cli",
        "coverage",
        "data_checks",
        "diagrams",
        "evidence",
        "exchange",
        "gate",
        "programme",
        "project",
        "promotion",
        "register_checks",
        "reports",
        "reuse",
        "row_decisions",
        "shelf",
        "tracking",
    }
)
_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result that is asked for.

    Attributes:
        entry: The evaluation.
        subject: What is evaluated.
        parameters: Overrides of its defaults.
        seed: What decides everything random.
        key: Digest of everything that decides the numbers; empty when it is not known.
    """

    entry: Evaluation
    subject: Subject
    parameters: Mapping[str, Any]
    seed: int
    key: str


def wanted(
    entry: Evaluation,
    subject: Subject,
    *,
    data: Mapping[str, str],
    parameters: Mapping[str, Any],
    seed: int,
    environment: Environment,
    code: str,
) -> Wanted:
    """A result with its key: equal keys, equal numbers.

    Args:
        entry: The evaluation.
        subject: What is evaluated. Its name counts too: it says how a model is trained again.
        data: Digest of all data it may look at, by part, the order of rows included.
        parameters: Overrides of its defaults. The defaults count as if they were given.
        seed: What decides everything random.
        environment: Of this, interpreter, platform and the libraries that compute count.
        code: What :func:`code_of` gives.
    """
    document = {
        "recipe": _RECIPE,
        "evaluation": entry.name,
        "code": code,
        "python": ".".join(environment.python.split(".")[:2]),
        "platform": environment.platform,
        "libraries": {name: environment.libraries.get(name) for name in _COMPUTING},
        "subject": {"kind": subject.kind, "name": subject.name, "digest": subject.digest},
        "data": dict(data),
        "seed": seed,
    }
    used = {**entry.defaults, **parameters}
    try:
        document["parameters"] = {name: _exact(value) for name, value in used.items()}
        key = str(of_json(document)) if code else ""
    except ValueError:
        key = ""  # a parameter that JSON cannot hold: who knows when two are equal?
    return Wanted(entry, subject, parameters, seed, key)


def _exact(value: Any) -> Any:
    """A parameter as JSON, such that unlike values stay unlike: 1 is not 1.0, and not true."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return {type(value).__name__: repr(value)}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_exact(item) for item in value]
    raise ValueError(f"no exact form is known for {value!r}")


def code_of(entry: Evaluation) -> str:
    """Digest of all code that can change a number of an evaluation.

    It is all of this package up to the evaluations, not only the modules one of them imports: a
    change too many costs a measurement, a change too few would prove something that is not true.

    Returns:
        The digest; empty for an evaluation from elsewhere, whose code is not known to the end.
    """
    module = entry.function.__module__
    return _OWN_CODE if module.startswith(f"{__package__}.") else ""


def code_digest(package: Path) -> str:
    """Digest of the code of a package like this one, without the rooms above the evaluations.

    Args:
        package: The folder of the package.

    Raises:
        OSError: A file cannot be read.
    """
    files = {path.relative_to(package): path for path in sorted(package.rglob("*.py"))}
    return str(
        of_json(
            {
                name.as_posix(): str(of_file(path))
                for name, path in files.items()
                if name.parts[0].removesuffix(".py") not in ABOVE_EVALUATIONS
            }
        )
    )


def objections(
    evidence: Evidence, *, keyring: Keyring, ledger: Sequence[Entry], signed: bool, clean: bool
) -> list[str]:
    """Why nothing of a run may be reused; empty when its proof is as good as a new one's.

    Args:
        evidence: What the run left behind; of an interrupted one, a part that was kept.
        keyring: The public keys that are trusted.
        ledger: Every entry of the ledger.
        signed: Whether the new evidence will be signed: it vouches for no unsigned number.
        clean: Whether the new evidence will be of a commit without changes: it vouches for no
            number of code that nobody can get back.
    """
    bundle = evidence.bundle
    found = verify(bundle, expected_digest=evidence.run.bundle_digest, artifacts=evidence.folder)
    found += _ledger_problems(evidence, ledger)
    signature = admission.signature_of(evidence, keyring)
    if signature is not None and signature.problem:
        found.append(f"signature: {signature.problem}")
    if signature is None and signed:
        found.append("it is not signed, and this run will be")
    if not found and clean and bundle.predicate["environment"]["git_clean"] is not True:
        found.append("its code was not a commit without changes, and that of this run is")
    return found


def _ledger_problems(evidence: Evidence, ledger: Sequence[Entry]) -> list[str]:
    """Where the ledger has not entered a run's evidence, or that part of it which was kept."""
    about = (evidence.run.run_id, str(evidence.bundle.digest))
    if any(("partial", *about) == (entry.kind, entry.run, entry.digest) for entry in ledger):
        return ledger_differences(ledger)
    return admission.ledger_problems(evidence, ledger)


def take(want: Wanted, evidence: Evidence) -> Evaluated | None:
    """A result out of the evidence of an earlier run, with its files.

    Args:
        want: What is asked for.
        evidence: Evidence to which there are no objections.

    Returns:
        The result, with where it was measured and when; ``None`` when there is none.

    Raises:
        EvidenceMismatch: A file is not the one that was sealed.
        OSError: A file cannot be read.
    """
    for outcome in outcomes_of(evidence.bundle):
        if isinstance(outcome, Evaluated) and _answers(outcome, want):
            here = Origin(evidence.run.run_id, str(evidence.bundle.digest))
            files = _files(outcome.evaluation, evidence.bundle, evidence.folder)
            return replace(outcome, reused_from=outcome.reused_from or here, files=files)
    return None


def _answers(outcome: Evaluated, want: Wanted) -> bool:
    """Whether a result is the one asked for, by its key and by everything else it says."""
    return (
        (outcome.key, outcome.evaluation) == (want.key, want.entry.name)
        and outcome.key != ""
        and outcome.measured_at is not None
        and outcome.seed == want.seed
        and outcome.risks == want.entry.risks
        and dict(outcome.parameters) == recorded(want.entry, want.parameters)
        and bool(outcome.measurements)
        and all(_belongs(measurement, want) for measurement in outcome.measurements)
    )


def _belongs(measurement: Measurement, want: Wanted) -> bool:
    found = (measurement.evaluation, measurement.subject_digest, measurement.seed)
    asked = (want.entry.name, want.subject.digest, want.seed)
    return found == asked and measurement.metric in want.entry.metrics


def _files(evaluation: str, bundle: Bundle, folder: Path) -> dict[str, bytes]:
    """The tables and figures of an evaluation, each the one that the bundle pins."""
    found, problems = {}, []
    for name, digest in bundle.predicate["artifacts"].items():
        room, *rest = PurePosixPath(name).parts
        if room not in ("tables", "figures") or len(rest) != 1:
            continue
        if rest[0].partition(".")[0] == evaluation:
            found[name] = (folder / name).read_bytes()
            if str(of_bytes(found[name])) != digest:
                problems.append(f"{name}: expected {digest}, found {of_bytes(found[name])}")
    if problems:
        raise EvidenceMismatch(problems)
    return found


def too_old(outcome: Evaluated, registers: Registers, subject: Subject, *, at: datetime) -> str:
    """Why a result would not count by its age, in words; empty when it would.

    Args:
        outcome: The result.
        registers: Tiers and thresholds, which say how old it may be.
        subject: What it is about.
        at: Now, with time zone.

    Raises:
        Misconfigured: The subject has no tier.
    """
    made = outcome.measured_at
    if made is None:
        return "nobody knows when it was measured"
    if made - at > CLOCK_SKEW:
        return f"it was measured in the future ({made:%Y-%m-%d %H:%M %Z}): a clock was set back"
    limit = _oldest_days(outcome.evaluation, registers, subject)
    age = (at - made) / timedelta(days=1)
    return f"it is {age:.1f} days old; at most {limit} days are allowed" if age > limit else ""


def _oldest_days(evaluation: str, registers: Registers, subject: Subject) -> int:
    limits = [
        threshold.oldest_days
        for threshold in registers.thresholds
        if (threshold.subject, threshold.evaluation) == (subject.kind, evaluation)
        and threshold.oldest_days is not None
    ]
    return min([registers.tier_of(subject.name).oldest_days, *limits])


# Taken when the rest of the package is imported: what counts is the code that runs, not what
# somebody saves while it does.
_OWN_CODE = code_digest(_PACKAGE)
