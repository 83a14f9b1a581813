"""From what a store keeps (tags, parameters, files) to values: the same for every store."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import read
from seclab.evidence.bundle import APPROVALS, BUNDLE_FILE, ENVELOPE_FILE
from seclab.evidence.json_text import parse
from seclab.evidence.ledger import Entry, from_lines
from seclab.measurement import SubjectKind
from seclab.shelf.records import (
    BATCH_TAG,
    BUNDLE_TAG,
    KIND_TAG,
    LEDGER_ENTRY,
    MEASURED_TAG,
    PARENT_TAG,
    PROGRAMME,
    RISK_TAG,
    SIGNED_TAG,
    SUBJECT_TAG,
    VERDICT_TAG,
    Evidence,
    RunSummary,
)

_EMBEDDED_PAGES = "http://127.0.0.1:5000"
_NAMED_AT_MOST = 10
_NEVER = datetime.min.replace(tzinfo=UTC)


def summary(
    run_id: str, *, name: str | None, status: str, started: int, tags: Mapping[str, str]
) -> RunSummary:
    """A run, from its row and its tags.

    Args:
        run_id: Its ID.
        name: Its name, if it has one.
        status: Its status.
        started: Its start, in milliseconds since 1970.
        tags: Its tags; those that no list shows may be left out.

    Raises:
        Misconfigured: It is a part of a run, or another tool's.
    """
    if PARENT_TAG in tags:
        raise Misconfigured(f"run {run_id} is a part of run {tags[PARENT_TAG]}; name that")
    return RunSummary(
        run_id=run_id,
        name=name or "",
        status=status,
        verdict=tags.get(VERDICT_TAG, ""),
        kind=_kind(run_id, tags.get(KIND_TAG, "")),
        subject=tags.get(SUBJECT_TAG, ""),
        version=tags.get("model.version", ""),
        profile=tags.get("seclab.profile", ""),
        batch=tags.get(BATCH_TAG, ""),
        started=instant(started),
        bundle_digest=tags.get(BUNDLE_TAG, ""),
        signed_by=tags.get(SIGNED_TAG, ""),
        risks=_by_risk(RISK_TAG, tags),
        measured={risk: _moment(at) for risk, at in _by_risk(MEASURED_TAG, tags).items()},
    )


def instant(milliseconds: int) -> datetime:
    """A moment that MLflow keeps in milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _by_risk(tag: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that there is one of for each risk."""
    prefix = tag.format("")
    return {k.removeprefix(prefix): value for k, value in tags.items() if k.startswith(prefix)}


def _moment(text: str) -> datetime:
    """A moment; one that cannot be read is as old as can be, so that nothing is fresh by it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _NEVER
    return found if found.tzinfo else _NEVER


def _kind(run_id: str, tag: str) -> SubjectKind:
    if tag == PROGRAMME:
        raise Misconfigured(
            f"run {run_id} holds figures of the programme: `seclab programme` shows them"
        )
    if tag not in get_args(SubjectKind):
        raise Misconfigured(f"run {run_id} was not written by this tool: it evaluated a {tag!r}")
    return cast("SubjectKind", tag)


def the_one(reference: str, matching: Sequence[RunSummary]) -> RunSummary:
    """The run that is meant by a reference, of those that fit it.

    Raises:
        Misconfigured: None fits, or more than one.
    """
    if not matching and reference == "latest":
        raise Misconfigured("there are no runs yet: `seclab evaluate` makes the first")
    if not matching:
        raise Misconfigured(f"there is no run {reference}; `seclab runs` lists them")
    if len(matching) > 1:
        ids = ", ".join(run.run_id[:12] for run in matching[:_NAMED_AT_MOST])
        more = " and more" if len(matching) > _NAMED_AT_MOST else ""
        raise Misconfigured(
            f"{reference} is the beginning of several runs: {ids}{more}; give more of it"
        )
    return matching[0]


def evidence(run: RunSummary, folder: Path) -> Evidence:
    """What a run left behind, from the folder with its files.

    Raises:
        EvidenceMismatch: A file is no document of its kind; all of them at once.
        OSError: The bundle is missing, or a file cannot be read.
    """
    problems: list[str] = []
    try:
        bundle = read((folder / BUNDLE_FILE).read_bytes())
    except EvidenceMismatch as error:
        problems += error.problems
    envelope = folder / ENVELOPE_FILE
    signed = _documents([envelope] if envelope.exists() else [], problems)
    approvals = _documents(sorted((folder / APPROVALS).glob("*.json")), problems)
    if problems:
        raise EvidenceMismatch([f"run {run.run_id}: {problem}" for problem in problems])
    return Evidence(run, bundle, folder, signed[0] if signed else None, tuple(approvals))


def _documents(paths: Sequence[Path], problems: list[str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for path in paths:
        try:
            document = parse(path.read_bytes())
        except (ValueError, RecursionError) as error:
            problems.append(f"{path.name} is not JSON: {error}")
            continue
        if isinstance(document, dict):
            found.append(document)
        else:
            problems.append(f"{path.name} is no JSON object")
    return found


def ledger(kept: Mapping[str, Mapping[str, str]]) -> list[Entry]:
    """The entries of the ledger, in order of the numbers they are kept under.

    Args:
        kept: The parameters of every run in the ledger's experiment, by run.

    Raises:
        EvidenceMismatch: There are two ledgers, an entry is none, or is kept under another number.
    """
    if len(kept) > 1:
        raise EvidenceMismatch(
            f"the store holds {len(kept)} ledgers, expected one: {', '.join(sorted(kept))}"
        )
    parameters = sorted(item for found in kept.values() for item in found.items())
    entries = from_lines("".join(f"{line}\n" for _, line in parameters))
    names = [LEDGER_ENTRY.format(entry.sequence) for entry in entries]
    if names != [name for name, _ in parameters]:
        wrong = sorted({name for name, _ in parameters} ^ set(names)) or sorted(names)
        raise EvidenceMismatch(
            f"the ledger keeps entries under numbers that are not theirs: {', '.join(wrong[:10])}"
        )
    return entries


def page(pages: str, experiment_id: str, run_id: str) -> str:
    """Address under which people open a run's page.

    Args:
        pages: Where MLflow's pages are; where ``seclab ui`` serves them when empty.
        experiment_id: The experiment of the run.
        run_id: The run.
    """
    where = f"experiments/{experiment_id}/runs/{run_id}"
    return f"{pages or _EMBEDDED_PAGES}/#/{where}?workflowType=machine_learning"
