"""How each risk stood after each of the last commands."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seclab.coverage.asked import Asked
from seclab.coverage.evidence import Evidence
from seclab.coverage.records import Point
from seclab.measurement import SubjectKind
from seclab.registers import Registers, Risk
from seclab.scoring import Scoring, Strength, residual
from seclab.shelf import WORST_FIRST, RunSummary, Shelf
from seclab.shelf.records import FINISHED

# Runs that the past is read from. More would tell nobody more, and each has a tag for every risk.
_RUNS = 120
# Points that a reader can take in.
_POINTS = 12


@dataclass(frozen=True, slots=True)
class Past:
    """The last runs and the newest of each subject, by risk, and which criteria judge what.

    Attributes:
        runs: By risk the runs with a verdict that say anything about it, the oldest first.
        judged: Which risks criteria of the gate judge, on which kinds of subjects.
        whom: Of whom evidence is asked.
        scoring: What evidence does to a score.
    """

    runs: Mapping[str, Sequence[RunSummary]]
    judged: frozenset[tuple[str, SubjectKind]]
    whom: Asked
    scoring: Scoring

    def strength(self, risk: str, kinds: Collection[SubjectKind]) -> Strength:
        """What passing evidence about subjects of some kinds rests on."""
        return "thresholds" if all((risk, kind) in self.judged for kind in kinds) else "checks"

    def trend(self, risk: Risk) -> tuple[Point, ...]:
        """How a risk stood after each of the last commands that measured it."""
        return tuple(self._points(risk))[-_POINTS:]

    def _points(self, risk: Risk) -> Iterator[Point]:
        newest: dict[str, RunSummary] = {}
        runs = self.runs.get(risk.id, ())
        for number, run in enumerate(runs):
            newest[run.subject] = run
            following = runs[number + 1] if number + 1 < len(runs) else None
            # One command makes several runs: how it stands is known when the last is there.
            if following and run.batch and following.batch == run.batch:
                continue
            verdict = min((each.risks[risk.id] for each in newest.values()), key=_rank)
            kinds = {each.kind for each in newest.values()}
            whole = not self.whom.missing(risk.id, risk.sources, evidence=newest)
            strength = self.strength(risk.id, kinds) if whole and verdict == "pass" else "none"
            lowered = residual(risk, strength, self.scoring)
            yield Point(run.started, run.run_id, verdict, lowered)


def past(
    registers: Registers, shelf: Shelf, evidence: Evidence, whom: Asked, *, scoring: Scoring
) -> Past:
    """Read the last runs.

    Args:
        registers: Who is not listed in ``models.yaml`` is left out.
        shelf: The store.
        evidence: The newest runs of each subject, however many others came after them.
        whom: Of whom evidence is asked.
        scoring: What evidence does to a score.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    runs: dict[str, list[RunSummary]] = {}
    known = {run.run_id: run for run in (*shelf.runs(limit=_RUNS), *evidence.runs)}
    for run in sorted(known.values(), key=lambda each: (each.started, each.run_id)):
        finished = run.status == FINISHED and run.verdict
        if finished and run.subject in registers.models.models:
            for risk in run.risks:
                runs.setdefault(risk, []).append(run)
    judged = frozenset((each.risk, each.subject) for each in registers.thresholds)
    return Past(runs, judged, whom, scoring)


def _rank(verdict: str) -> int:
    # A word that this tool never wrote stands for nothing good.
    return WORST_FIRST.index(verdict) if verdict in WORST_FIRST else -1
