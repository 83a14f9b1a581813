"""Take what an earlier run has measured already, where its evidence is as good as new."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from seclab import reuse, tracking
from seclab.errors import SeclabError
from seclab.evidence.ledger import Entry
from seclab.outcome import Evaluated
from seclab.reuse import Wanted
from seclab.shelf import Evidence
from seclab.tracking import Holding
from tasks.context import Context
from tasks.progress import progress


def earlier_results(context: Context, wanted: Iterable[Wanted]) -> Mapping[str, Evaluated]:
    """The results about one subject that need not be measured again, by evaluation.

    Why an earlier result cannot be reused, a warning says. Reuse only saves time: whatever is
    wrong with earlier evidence, the evaluation then runs.
    """
    if context.refresh:
        return {}
    search = _Search(context)
    found = {want.entry.name: search.result(want) for want in wanted if want.key}
    return {name: outcome for name, outcome in found.items() if outcome}


class _Search:
    """One look through the store: every run in it is verified at most once.

    Args:
        context: The run that asks.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._proofs: dict[str, Evidence | None] = {}
        self._entries: list[Entry] | None = None

    def result(self, want: Wanted) -> Evaluated | None:
        """The newest result that may be reused."""
        try:
            candidates = tracking.holding(self._context.store, want.entry.name, want.key)
        except SeclabError as error:
            progress.warning("measured anew, for %s", error)
            return None
        for candidate in candidates:
            outcome = self._taken(want, candidate)
            if outcome is not None and outcome.reused_from is not None:
                source = outcome.reused_from.run[:12]
                name = want.subject.name
                progress.info("reused   %s  %s from run %s", name, want.entry.name, source)
                return outcome
        return None

    def _taken(self, want: Wanted, found: Holding) -> Evaluated | None:
        what = f"{want.subject.name}  {want.entry.name} of run {found.measured_by[:12]}"
        place = found.run.run_id
        if place not in self._proofs:
            self._proofs[place] = self._proof(found)
        proof = self._proofs[place]
        if proof is None:
            return None
        try:
            outcome = reuse.take(want, proof)
        except (SeclabError, OSError) as error:
            progress.warning("not reused %s: %s", what, error)
            return None
        if outcome is None:
            progress.warning("not reused %s: its evidence holds no such result", what)
            return None
        registers, now = self._context.project.registers, datetime.now(UTC)
        stale = reuse.too_old(outcome, registers, want.subject, at=now)
        if stale:
            progress.info("not reused %s: %s", what, stale)
            return None
        return outcome

    def _proof(self, found: Holding) -> Evidence | None:
        """The evidence of a run, if nothing speaks against it."""
        context = self._context
        try:
            if self._entries is None:
                self._entries = tracking.read_ledger(context.store)
            evidence = tracking.load_holding(context.store, found)
            problems = reuse.objections(
                evidence,
                keyring=context.project.keyring,
                ledger=self._entries,
                signed=context.key is not None,
                clean=context.environment.git_clean is True,
            )
        except (SeclabError, OSError, LookupError, TypeError, ValueError) as error:
            # Evidence that somebody has damaged may be of any shape.
            problems = [str(error)]
        for problem in problems:
            progress.warning("not reused run %s: %s", found.measured_by[:12], problem)
        return None if problems else evidence
