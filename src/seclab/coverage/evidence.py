"""What the newest runs say, risk by risk and subject by subject."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from seclab.coverage.contents import Contents, contents_of
from seclab.coverage.records import WORST_FIRST, Link, State
from seclab.measurement import SubjectKind
from seclab.registers import Registers, Threshold
from seclab.shelf import STALE, RunSummary, Shelf, Standing, evidence_by_risk, standings

_STATES: Mapping[str, State] = {"pass": "passed", "measured": "skipped"}
_WHY: Mapping[str, str] = {
    "pass": "the gate said pass",
    "measured": "measured, and no criterion judges it",
}


@dataclass(slots=True)
class Evidence:
    """The newest evidence for every risk and subject; bundles are opened once, when asked for.

    Attributes:
        registers: What is at risk, and how old evidence may be.
        shelf: The store.
        standings: By risk what the newest run of each subject is worth now, the worst first.
        runs: The runs that hold that evidence, newest first.
    """

    registers: Registers
    shelf: Shelf
    standings: Mapping[str, tuple[Standing, ...]]
    runs: tuple[RunSummary, ...]
    _pages: dict[str, str] = field(default_factory=dict)
    _contents: dict[str, Contents] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, SubjectKind]:
        """The kind of each subject that has evidence."""
        return {run.subject: run.kind for run in reversed(self.runs)}

    def contents(self, run: RunSummary) -> Contents:
        """What the bundle of a run holds."""
        if run.run_id not in self._contents:
            self._contents[run.run_id] = contents_of(self.shelf, run)
        return self._contents[run.run_id]

    def links(self, risk: str) -> tuple[Link, ...]:
        """What the newest evidence about each subject says of a risk, the worst first."""
        return worst_first(
            [self.link(risk, each, *self._state(risk, each)) for each in self.standings[risk]]
        )

    def link(self, risk: str, standing: Standing, state: State, reason: str) -> Link:
        """A state with the run behind it."""
        run = standing.run
        if run.run_id not in self._pages:
            self._pages[run.run_id] = self.shelf.page(run)
        return Link(
            risk=risk,
            subject=standing.subject,
            state=state,
            reason=reason,
            run_id=run.run_id,
            verdict=run.risks[risk],
            made=standing.made,
            age_days=standing.age_days,
            limit_days=standing.limit_days,
            stale=standing.stale,
            page=self._pages[run.run_id],
        )

    def judged(self, risk: str) -> bool:
        """Whether criteria of the thresholds passed a risk for each subject that has evidence."""
        return all(self.contents(each.run).passes(risk) for each in self.standings[risk])

    def _state(self, risk: str, standing: Standing) -> tuple[State, str]:
        """What a run says of a risk; what failed by its tag or by its bundle has failed."""
        word = standing.run.risks[risk]
        if word == "block":
            return "failed", "the gate said block"
        contents = self.contents(standing.run)
        held = contents.words.get(risk)
        if held == "block":
            return "failed", f"the bundle says block, and the tag of the run {word!r}"
        if standing.verdict == STALE:
            return "stale", standing.stale
        return _fresh(risk, word, contents)


def _fresh(risk: str, word: str, contents: Contents) -> tuple[State, str]:
    """What a word for a risk is worth, where the bundle has the same: a tag alone is no proof."""
    held = contents.words.get(risk)
    if contents.problem:
        return "errored", contents.problem
    if word != held:
        return "errored", f"the tag of the run says {word!r}, and its bundle {held or 'nothing'}"
    if word == "not-evaluated":
        return contents.why_not_evaluated(risk)
    return _STATES[word], _WHY[word]


def gather(registers: Registers, shelf: Shelf, *, at: datetime) -> Evidence:
    """Read the newest evidence.

    Args:
        registers: The register; who is not listed in ``models.yaml`` needs no evidence.
        shelf: The store.
        at: Now, with time zone.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    newest = shelf.newest(risks=registers.risks, subjects=registers.models.models)
    limits: dict[str, list[Threshold]] = {}
    for threshold in registers.thresholds:
        limits.setdefault(threshold.risk, []).append(threshold)
    found = {
        # With its own thresholds alone, or thousands of risks would look at those of all others.
        risk: standings(evidence, replace(registers, thresholds=tuple(limits.get(risk, ()))), at=at)
        for risk, evidence in evidence_by_risk(newest, registers.risks).items()
    }
    held = {risk: found.get(risk, ()) for risk in registers.risks}
    return Evidence(registers, shelf, held, tuple(newest))


def worst_first(links: list[Link]) -> tuple[Link, ...]:
    """Links in the order in which they are to be read."""
    return tuple(
        sorted(links, key=lambda each: (WORST_FIRST.index(each.state), each.made, each.subject))
    )
