"""Manipulated model files (R-ART-01): which of them are loaded, and whether code of them ran."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from sklearn.pipeline import Pipeline

from seclab.artifacts import Table
from seclab.attacks.model_files import KINDS, Kind, material
from seclab.datasets import Dataset
from seclab.errors import Misconfigured, NotEvaluated, UntrustedModel
from seclab.fingerprint import Digest, of_bytes
from seclab.measurement import Metric, Reading, Scalar
from seclab.models import Target, fit, spec
from seclab.models.persistence import dumps, loads
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import proportion_of

_TAMPERED, _HOSTILE = "tampered_refusal_rate", "untrusted_type_refusal_rate"
_SWAPPED = "undetected_swap_rate"
# A model that is quick to train, on as few rows.
_OTHER, _OTHER_ROWS = "softmax-regression", 40


Loader: TypeAlias = Callable[[bytes, Digest], Pipeline]


@dataclass(frozen=True, slots=True)
class _Loading:
    """What came of loading a file once.

    Attributes:
        model: What was loaded; ``None`` where the file was refused.
        reason: Why it was refused; empty where it was not.
        executed: Whether code of the file ran meanwhile.
    """

    model: Pipeline | None
    reason: str
    executed: bool

    @property
    def refused(self) -> bool:
        """Whether the file did no harm: refused, and before any of its code ran."""
        return self.model is None and not self.executed


@dataclass(frozen=True, slots=True)
class _Trial:
    """What came of one manipulated file.

    Attributes:
        recorded: Loaded with the digest that was recorded for the target.
        recomputed: Loaded with the digest of the file itself; ``None`` where that was not tried.
        changed: Share of the test rows that a swapped model answers otherwise; ``None`` where no
            swapped model was loaded.
    """

    kind: Kind
    recorded: _Loading
    recomputed: _Loading | None
    changed: float | None


@evaluation(
    risks=("R-ART-01",),
    metrics=(
        Metric(
            _TAMPERED,
            unit="fraction",
            better="higher",
            description="Manipulated files refused by the recorded digest, none of their code run.",
        ),
        Metric(
            _HOSTILE,
            unit="fraction",
            better="higher",
            description="Files with hostile content refused although their digest was recomputed.",
        ),
        Metric(
            _SWAPPED,
            unit="fraction",
            better="lower",
            description="Well-formed files of other weights loaded once the digest is recomputed.",
        ),
    ),
)
def model_file_tampering(
    target: Target, *, rng: np.random.Generator, draws: int = 34, swaps: int = 3
) -> Result:
    """Malicious or replaced model files, held against the loader that serving uses.

    The file of the target is damaged, swapped or replaced by one that holds code, in every kind
    of :data:`seclab.attacks.model_files.KINDS`. Each file is loaded with the digest that was
    recorded; hostile and swapped ones again with their own digest, for an attacker who can change
    the record too. Hostile content tries to make a folder, so that code that runs is seen.

    A swapped file with a matching record is a model like any other: no loader can tell. What
    protects the record is its signature and the ledger, which this does not test.

    Args:
        target: The model whose file is manipulated; its file is left alone.
        rng: Draws positions, members, contents and other models.
        draws: Files of each damaged and each hostile kind, at least 1.
        swaps: Files of each well-formed kind, at least 1: they are loaded whole, and a large one
            takes its time.

    Returns:
        With ``digest`` recorded ``tampered_refusal_rate`` (higher is better), with ``digest``
        recomputed ``untrusted_type_refusal_rate`` (higher) and ``undetected_swap_rate`` (lower;
        1 is expected). All are fractions from 0 to 1; a refusal counts only where no code ran.

    Raises:
        Misconfigured: A number of files below 1.
        NotEvaluated: The target has no file.

    References:
        NIST AI 100-2 E2025, NISTAML.051. MITRE ATLAS AML.T0010.003, AML.T0011.000 and
        AML.T0018.002. OWASP ML06:2023.
    """
    if min(draws, swaps) < 1:
        raise Misconfigured(
            f"model_file_tampering: draws and swaps are from 1 on, got {draws} and {swaps}"
        )
    if not target.model_file:
        raise NotEvaluated(f"{target.subject.name} has no file that could be manipulated")
    trials = measure(target, load, rng=rng, draws=draws, swaps=swaps)
    return Result(
        readings=tuple(_readings(trials)),
        tables=(_table(trials),),
        notes=tuple(_notes(trials)),
    )


def load(data: bytes, digest: Digest) -> Pipeline:
    """The loader under test, as serving and promotion call it."""
    return loads(data, expected=digest)


def measure(
    target: Target, loader: Loader, *, rng: np.random.Generator, draws: int, swaps: int
) -> list[_Trial]:
    """Manipulate the file of a target in every kind and have each file loaded.

    Args:
        target: The model.
        loader: Gives the model of a file with a digest, or raises ``UntrustedModel``.
        rng: Draws the manipulations.
        draws: Files of each damaged and each hostile kind.
        swaps: Files of each well-formed kind.
    """
    recorded = of_bytes(target.model_file)
    rows = target.data.test.features
    answers = target.predict(rows)
    trials = []
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        given = material(
            target.model_file,
            another=lambda rng: _another(target.data.population, rng),
            canary=str(canary),
            rng=rng,
        )
        for kind in KINDS:
            for _ in range(swaps if kind.sort == "swap" else draws):
                data = kind.make(given, rng)
                first, again = _try(loader, data, recorded, canary), None
                if kind.sort != "damage":
                    again = _try(loader, data, of_bytes(data), canary)
                changed = None
                if kind.sort == "swap" and again is not None and again.model is not None:
                    changed = float((again.model.predict(rows) != answers).mean())
                trials.append(_Trial(kind, first, again, changed))
    return trials


def _another(rows: Dataset, rng: np.random.Generator) -> bytes:
    """The file of a model that was trained on a few rows of the attacker's own."""
    drawn = rng.choice(len(rows), min(_OTHER_ROWS, len(rows)), replace=False)
    return dumps(fit(spec(_OTHER), rows.take(drawn), seed=0))


def _try(loader: Loader, data: bytes, digest: Digest, canary: Path) -> _Loading:
    model, reason = None, ""
    try:
        model = loader(data, digest)
    except UntrustedModel as error:
        reason = str(error)
    executed = canary.exists()
    if executed:
        canary.rmdir()
    return _Loading(model, reason, executed)


def _readings(trials: Sequence[_Trial]) -> Iterator[Reading]:
    again = [
        (trial.kind.sort, trial.recomputed) for trial in trials if trial.recomputed is not None
    ]
    for metric, digest, outcomes in (
        (_TAMPERED, "recorded", [trial.recorded.refused for trial in trials]),
        (_HOSTILE, "recomputed", [it.refused for sort, it in again if sort == "hostile"]),
        (_SWAPPED, "recomputed", [not it.refused for sort, it in again if sort == "swap"]),
    ):
        yield Reading(metric, proportion_of(outcomes), {"digest": digest})


def _table(trials: Sequence[_Trial]) -> Table:
    return Table(
        name="tampering_by_kind",
        caption="Manipulated model files by kind: how many the recorded digest refused, how many "
        "were refused when the digest was recomputed, and how many ran code. Changed labels is "
        "the mean share of test rows that a swapped model answers otherwise.",
        columns=(
            "kind",
            "sort",
            "files",
            "refused_recorded_digest",
            "files_recomputed_digest",
            "refused_recomputed_digest",
            "executed",
            "changed_labels",
        ),
        rows=tuple(_row(kind, [trial for trial in trials if trial.kind == kind]) for kind in KINDS),
    )


def _row(kind: Kind, trials: Sequence[_Trial]) -> tuple[Scalar, ...]:
    again = [trial.recomputed for trial in trials if trial.recomputed is not None]
    changed = [trial.changed for trial in trials if trial.changed is not None]
    return (
        kind.name,
        kind.sort,
        len(trials),
        sum(trial.recorded.refused for trial in trials),
        len(again),
        sum(loading.refused for loading in again),
        sum(loading.executed for loading in [*again, *(trial.recorded for trial in trials)]),
        float(np.mean(changed)) if changed else None,
    )


def _notes(trials: Sequence[_Trial]) -> Iterator[str]:
    loadings = [it for trial in trials for it in (trial.recorded, trial.recomputed) if it]
    executed = sum(loading.executed for loading in loadings)
    yield (
        f"Code of {executed} files ran while they were loaded: the loader is no protection."
        if executed
        else "No code of any file ran while it was loaded, refused or not."
    )
    swaps = [it.recomputed for it in trials if it.kind.sort == "swap" and it.recomputed]
    passed = sum(not loading.refused for loading in swaps)
    yield (
        f"{passed} of {len(swaps)} well-formed files of other weights were loaded once the record "
        "gave their digest. A loader cannot tell them from the model: only the signature over the "
        "record and the ledger can, and neither is tested here."
    )
    yield "The intervals cover the draw of files from these kinds, not kinds that nobody made."
