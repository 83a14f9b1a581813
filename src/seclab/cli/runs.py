"""``seclab runs``, ``show`` and ``risks``: reading what the store holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seclab import admission, registers, settings
from seclab.cli.output import age, as_json, say, table
from seclab.cli.schedules import Refreshing, refreshing
from seclab.cli.shelves import open_shelf
from seclab.errors import EvidenceMismatch
from seclab.evidence import decide_again, outcomes_of, plain, traced
from seclab.evidence.keys import Keyring, load_keyring
from seclab.gate import explain
from seclab.outcome import Evaluated, Outcome
from seclab.quarantine import SET_ASIDE_FILE, SUSPECTED_FILE
from seclab.registers import Risk
from seclab.shelf import (
    WORST_FIRST,
    Evidence,
    RunSummary,
    Shelf,
    Standing,
    evidence_by_risk,
    standings,
)

_NEVER_TESTED = "never tested"
_DONE = {"promotion": "done", "rollback": "back to it", "promotion-refused": "refused"}


def runs(*, limit: int, json: bool) -> None:
    """List the newest runs."""
    found = open_shelf(settings.find()).runs(limit=limit)
    if json:
        as_json([plain(run) for run in found])
        return
    if not found:
        say("no runs yet: `seclab evaluate` makes the first")
        return
    rows = [
        (
            run.run_id[:12],
            run.verdict or run.status,
            run.subject,
            f"v{run.version}" if run.version else "",
            run.profile,
            age(run.started),
        )
        for run in found
    ]
    table(("run", "verdict", "subject", "version", "profile", "age"), rows)


def show(reference: str, *, json: bool) -> None:
    """Print the verdict of a run and every number behind it."""
    project = settings.find()
    shelf = open_shelf(project)
    run = shelf.find(reference)
    evidence = shelf.evidence(run)
    if json:
        as_json(evidence.bundle.document)
        return
    say(f"{run.name}  {run.run_id}")
    if poison := evidence.bundle.predicate["description"].get("poison"):
        said = f"{poison['kind']}, {len(poison['rows'])} rows"
        say(f"poisoned on purpose ({said}): it says nothing of the data as they are")
    say()
    say(explain(decide_again(evidence.bundle)))
    for outcome in outcomes_of(evidence.bundle):
        say()
        _say_outcome(outcome)
    say()
    for each in traced(evidence.bundle.predicate):
        share = f"{each.covered} of {each.rows} rows ({each.share:.1%})"
        say(f"custody   {each.dataset}: {share} of known origin")
        for gap in each.gaps:
            say(f"          {gap}")
    say(f"evidence  {run.bundle_digest}")
    say(f"signature {_signature(evidence, load_keyring(project.public_keys))}")
    for what, name in (("suspected", SUSPECTED_FILE), ("set aside", SET_ASIDE_FILE)):
        if name in evidence.bundle.predicate["artifacts"]:
            say(f"{what} rows are named in {evidence.folder / name}  (seclab quarantine list)")
    for line in _promotions(shelf, run):
        say(f"promotion {line}")
    say(f"files     {evidence.folder}")
    say(f"page      {shelf.page(run)}  (seclab ui)")


def _say_outcome(outcome: Outcome) -> None:
    if not isinstance(outcome, Evaluated):
        say(f"{outcome.evaluation} was {outcome.missing}: {outcome.reason}")
        return
    say(f"{outcome.evaluation}  ({', '.join(outcome.risks)}; {outcome.queries} queries)")
    rows = [
        (
            f"  {m.label()}",
            f"{m.value:.3f}",
            f"{m.interval.low:.3f} to {m.interval.high:.3f}" if m.interval else "",
            str(m.n),
            f"{m.better} is better" if m.better != "neither" else "",
        )
        for m in outcome.measurements
    ]
    table(("  metric", "value", "95% interval", "n", ""), rows)
    for note in outcome.notes:
        say(f"  {note}")


def _signature(evidence: Evidence, keyring: Keyring) -> str:
    signed = admission.signature_of(evidence, keyring)
    if signed is None:
        return "UNSIGNED: nothing shows who made this evidence, or that it is as it was made"
    if signed.problem:
        return f"NOT GOOD: {signed.problem}"
    return f"good, key {signed.keyid[:12]} of {signed.owner} ({signed.role})"


def _promotions(shelf: Shelf, run: RunSummary) -> Iterator[str]:
    """What the ledger says was done on the ground of a run."""
    try:
        ledger = shelf.ledger()
    except EvidenceMismatch as error:
        yield f"nobody knows: {error}"
        return
    for entry in ledger:
        if entry.run != run.run_id:
            continue
        what = f"{entry.subject} v{entry.about.get('version', '')} at {entry.at[:16]}"
        if entry.kind == "promotion" and entry.about.get("forced"):
            yield f"FORCED in spite of the gate: {what}: {entry.about['forced']}"
        elif entry.kind in _DONE:
            yield f"{_DONE[entry.kind]}: {what}"


@dataclass(frozen=True, slots=True)
class _Row:
    """A risk with what its evidence is worth, the worst subject first."""

    risk: Risk
    run: RunSummary | None
    standings: tuple[Standing, ...]

    @property
    def verdict(self) -> str:
        return self.standings[0].verdict if self.standings else _NEVER_TESTED

    @property
    def stale(self) -> tuple[Standing, ...]:
        return tuple(standing for standing in self.standings if standing.stale)


def risks(*, json: bool) -> None:
    """Print the register with the newest evidence for every risk, and whether it still counts."""
    project = settings.find()
    register = registers.load_registers(project.registers)
    # Who has left the models needs no evidence any more.
    newest = open_shelf(project).newest(risks=register.risks, subjects=register.models.models)
    evidence = evidence_by_risk(newest, register.risks)
    at = datetime.now(UTC)
    rows = []
    for risk in register.risks.values():
        found = evidence.get(risk.id)
        held = standings(found, register, at=at) if found else ()
        rows.append(_Row(risk, found.run if found else None, held))
    planned = refreshing(project)
    if json:
        as_json({row.risk.id: _plain(row, planned) for row in rows})
        return
    table(
        ("risk", "title", "score", "verdict", "subjects", "age", "limit", "run"),
        [_cells(row) for row in rows],
    )
    say()
    _say_stale(rows, planned)
    untested = sum(not row.standings for row in rows)
    stale = sum(bool(row.stale) for row in rows)
    said = f", {stale} with stale evidence" if stale else ""
    say(f"{len(rows)} risks, {untested} never tested{said}; score is likelihood x impact, 1-25")


def _cells(row: _Row) -> tuple[str, ...]:
    risk = row.risk
    begin = (risk.id, risk.title, f"{risk.likelihood * risk.impact}", row.verdict)
    if not row.standings:
        return (*begin, "", "", "", "")
    worst = row.standings[0]
    words = [standing.verdict for standing in row.standings]
    counted = ", ".join(f"{words.count(word)} {word}" for word in WORST_FIRST if word in words)
    limit = f"{worst.limit_days} d"
    return (*begin, counted, age(worst.made), limit, worst.run.run_id[:12])


def _say_stale(rows: Sequence[_Row], planned: Refreshing) -> None:
    """Whose evidence is too old, and what should have refreshed it."""
    about: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for standing in row.stale:
            key = (standing.subject, standing.run.run_id[:12], standing.stale)
            about.setdefault(key, []).append(row.risk.id)
    if not about:
        return
    say("Stale, which blocks:")
    for (subject, run, why), ids in about.items():
        say(f"  {subject} (run {run}), {why}: {', '.join(ids)}")
    if planned.schedules:
        each = "; ".join(
            f"{schedule.deployment} ({schedule.when})" for schedule in planned.schedules
        )
        say(f"  It should have been refreshed by {each}: does a worker run, or `make schedule`?")
    else:
        say(f"  No schedule refreshes it: {planned.why_none}")
    say()


def _plain(row: _Row, planned: Refreshing) -> dict[str, Any]:
    evidence: Mapping[str, Any] | None = None
    if row.run:
        evidence = {
            "risk": row.risk.id,
            "run": plain(row.run),
            "verdicts": {standing.subject: standing.verdict for standing in row.standings},
            "subjects": {
                standing.subject: plain(standing) | {"run": standing.run.run_id}
                for standing in row.standings
            },
        }
    return {
        "risk": plain(row.risk),
        "verdict": row.verdict,
        "stale": bool(row.stale),
        "evidence": evidence,
        "refreshed_by": plain(planned.schedules),
        "not_refreshed": planned.why_none,
    }
