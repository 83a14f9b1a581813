"""Where evidence of a subject is: its newest runs, and how each kind of it is found in them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from seclab.checklist.records import Item, Place
from seclab.errors import SeclabError
from seclab.evidence import Bundle, outcomes_of, reports_of
from seclab.evidence.bundle import REPORT_FILE
from seclab.evidence.custody import traced
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import Entry
from seclab.evidence.signing import check
from seclab.shelf import Evidence, RunSummary, Shelf


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of evidence.

    Attributes:
        what: What was found, in words.
        made: When it was made.
        run: The run it was found in.
        file: Path of its file, empty where the run's page shows it.
    """

    what: str
    made: datetime
    run: RunSummary
    file: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A run of the subject whose evidence can be read.

    Attributes:
        evidence: What it left behind.
        entries: The entries of the ledger that are about it.
        keyring: The public keys that are trusted.
    """

    evidence: Evidence
    entries: Sequence[Entry]
    keyring: Keyring

    @property
    def bundle(self) -> Bundle:
        """The bundle."""
        return self.evidence.bundle


def sources(
    shelf: Shelf, runs: Iterable[RunSummary], entries: Sequence[Entry], keyring: Keyring
) -> tuple[list[Source], list[str]]:
    """The evidence of some runs, the newest first, and what could not be read of it.

    Args:
        shelf: The store.
        runs: The runs, the newest first.
        entries: The whole ledger.
        keyring: The public keys that are trusted.

    Raises:
        StoreUnavailable: The store itself cannot be read.
    """
    found: list[Source] = []
    problems: list[str] = []
    for run in runs:
        try:
            evidence = shelf.evidence(run)
        except SeclabError as error:
            problems += error.problems
            continue
        if str(evidence.bundle.digest) != run.bundle_digest:
            problems.append(f"the bundle of run {run.run_id[:12]} is not the recorded one")
            continue
        if not _whole(evidence.bundle):
            problems.append(f"the bundle of run {run.run_id[:12]} is malformed")
            continue
        own = [entry for entry in entries if entry.run == run.run_id]
        found.append(Source(evidence, own, keyring))
    return found, problems


def _whole(bundle: Bundle) -> bool:
    """Whether everything that is looked into has its shape, and every moment a time zone."""
    try:
        predicate, outcomes = bundle.predicate, outcomes_of(bundle)
        reports_of(bundle)
        traced(predicate)
        moments = [datetime.fromisoformat(predicate["finished"])]
        moments += [each.measured_at for each in outcomes if each.measured_at]
        return isinstance(predicate["artifacts"], Mapping) and all(each.tzinfo for each in moments)
    except (SeclabError, AttributeError, LookupError, TypeError, ValueError):
        return False


def find(item: Item, known: Iterable[Source]) -> Found | None:
    """The newest piece of evidence that an item asks for; ``None`` where there is none.

    Args:
        item: The item.
        known: The evidence, the newest first.
    """
    look = _LOOKING[item.place]
    pieces = (piece for source in known for piece in look(source, item.name))
    return next(pieces, None)


def broke(item: Item, known: Iterable[Source]) -> tuple[str, RunSummary] | None:
    """What kept a measurement from being made, in words, and the run that says so.

    Args:
        item: The item.
        known: The evidence, the newest first.
    """
    if item.place != "measurement":
        return None
    evaluation = item.name.partition("/")[0]
    for source in known:
        for outcome in source.bundle.predicate["evaluations"]:
            if outcome["evaluation"] == evaluation and outcome["status"] != "measured":
                why = f"{evaluation} was {outcome['status']}: {outcome['reason']}"
                return why, source.evidence.run
    return None


def _measurement(source: Source, name: str) -> Iterator[Found]:
    evaluation, _, metric = name.partition("/")
    for outcome in source.bundle.predicate["evaluations"]:
        if outcome["evaluation"] != evaluation or outcome["status"] != "measured":
            continue
        values = [each for each in outcome["measurements"] if each["metric"] == metric]
        if values:
            made = _moment(outcome.get("measured_at")) or source.evidence.run.started
            yield _piece(source, f"{name} ({len(values)})", made)


def _checks(source: Source, name: str) -> Iterator[Found]:
    for report in source.bundle.predicate["checks"]:
        if report["suite"] == name:
            yield _piece(source, f"{len(report['results'])} checks of {name}.json")


def _artifact(source: Source, name: str) -> Iterator[Found]:
    files = [*source.bundle.predicate["artifacts"], REPORT_FILE]
    for file in files:
        path = source.evidence.folder / file
        if fnmatchcase(file, name) and path.is_file():
            yield _piece(source, file, file=str(path))
            return


def _statement(source: Source, name: str) -> Iterator[Found]:
    if source.bundle.predicate.get(name):
        yield _piece(source, f"{name} in the bundle")


def _custody(source: Source, _name: str) -> Iterator[Found]:
    origins = traced(source.bundle.predicate)
    if origins and all(each.covered == each.rows for each in origins):
        rows = sum(each.rows for each in origins)
        yield _piece(source, f"manifests of {len(origins)} datasets, {rows} rows of known origin")


def _signature(source: Source, _name: str) -> Iterator[Found]:
    envelope, document = source.evidence.envelope, source.bundle.document
    if envelope is None:
        return
    at = datetime.fromisoformat(source.bundle.predicate["finished"])
    signed = check(envelope, document, keyring=source.keyring, role="pipeline", at=at)
    if not signed.problem:
        yield _piece(source, f"a good signature of {signed.owner}")


def _approvals(source: Source, _name: str) -> Iterator[Found]:
    roles = sorted({str(e.about.get("role")) for e in source.entries if e.kind == "approval"})
    if roles:
        yield _piece(source, f"approved by {', '.join(roles)}")


def _ledger(source: Source, _name: str) -> Iterator[Found]:
    for entry in source.entries:
        if entry.kind == "bundle" and entry.digest == source.evidence.run.bundle_digest:
            yield _piece(source, f"ledger entry {entry.sequence}")


def _nowhere(_source: Source, _name: str) -> Iterator[Found]:
    return iter(())


def _piece(source: Source, what: str, made: datetime | None = None, *, file: str = "") -> Found:
    run = source.evidence.run
    return Found(what, min(made or run.started, run.started), run, file)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


_LOOKING: Mapping[Place, Callable[[Source, str], Iterator[Found]]] = {
    "measurement": _measurement,
    "checks": _checks,
    "artifact": _artifact,
    "statement": _statement,
    "custody": _custody,
    "signature": _signature,
    "approvals": _approvals,
    "ledger": _ledger,
    "promotion": _nowhere,
    "threat-model": _nowhere,
    "nothing": _nowhere,
}
