"""What ``seclab quarantine`` does: rows that checks stopped on, and what people say of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from seclab import datasets, registers, settings
from seclab.cli.output import age, as_json, say, table
from seclab.cli.pictures import picture
from seclab.cli.shelves import open_shelf
from seclab.datasets import Dataset
from seclab.evidence import plain
from seclab.evidence.keys import load_keyring
from seclab.fingerprint import row_digests
from seclab.quarantine import Choice, Held, Quarantine, State
from seclab.shelf.row_decisions import quarantined_datasets, read_quarantine

_LARGEST_PICTURE = 40  # cells of width that a terminal holds twice
_TOLD = 20  # rows that are named one by one after a decision


def list_rows(dataset: str | None, *, pictures: bool, json: bool) -> None:
    """List what is in quarantine, of one dataset or of all."""
    project = settings.find()
    shelf, keyring = open_shelf(project), load_keyring(project.public_keys)
    register = registers.load_registers(project.registers)
    names = [dataset] if dataset else quarantined_datasets(shelf.ledger())
    found = [
        read_quarantine(shelf, name, keyring=keyring, signatures=register.tier_of(name).signature)
        for name in names
    ]
    if json:
        as_json({held.dataset: [_plain(row) for row in held.rows.values()] for held in found})
        return
    if not any(held.rows for held in found):
        say(f"no rows of {dataset or 'any dataset'} were ever set aside")
    for held in found:
        if held.rows:
            _say(held, pictures=pictures)


def decide(
    choice: Choice,
    meant: Any,
    *,
    dataset: str | None,
    by: str,
    reason: str,
    role: Any,
) -> None:
    """Confirm or release rows."""
    from seclab import project, row_decisions, tracking

    now = datetime.now(UTC)
    parts = project.load(settings.find())
    name = dataset or parts.settings.dataset
    rows = row_decisions.decide(
        parts,
        tracking.open_store(parts.settings),
        name,
        choice,
        meant=meant,
        by=by,
        reason=reason,
        at=now,
        role=role,
    )
    done = "confirmed" if choice == "confirm" else "released"
    for held in rows[:_TOLD]:
        before = held.decision.words() if held.decision else "suspected"
        say(f"{done:<9} row {held.row[:12]} (index {held.index}), until now {before}")
    if len(rows) > _TOLD:
        say(f"{done:<9} {len(rows) - _TOLD} more rows")
    say(f"signed    {f'with the key of {role}' if role else 'by nobody: UNSIGNED'}")
    say("next      seclab evaluate: it uses what is left, and says what is set aside")


def _say(held: Quarantine, *, pictures: bool) -> None:
    say(f"{held.dataset}: {_counted(held)}")
    table(
        ("row", "index", "label", "copies", "state", "flagged by", "age", "run", "decided"),
        [_cells(row) for row in held.rows.values()],
    )
    if pictures:
        _draw(held)
    if held.of(State.SUSPECTED):
        say()
        say("next: seclab quarantine confirm ROW... --reason WHY --by WHO   they are bad indeed")
        say("      seclab quarantine release ROW... --reason WHY --by WHO   a false alarm")


def _counted(held: Quarantine) -> str:
    return ", ".join(f"{len(held.of(state))} {state}" for state in State)


def _cells(row: Held) -> tuple[str, ...]:
    last = row.decisions[-1] if row.decisions else None
    problem = f" (does not count: {last.problem})" if last and last.problem else ""
    return (
        row.row[:12],
        str(row.index),
        str(row.label),
        str(row.copies),
        row.state,
        ", ".join(row.flagged_by),
        age(row.found),
        row.runs[0][:12],
        f"{last.words()}{problem}" if last else "",
    )


def _draw(held: Quarantine) -> None:
    """The rows themselves, where the dataset still has them."""
    dataset = datasets.load(held.dataset)
    digests = row_digests(dataset.features, dataset.labels)
    places = {digest: index for index, digest in reversed(list(enumerate(digests)))}
    for row in held.rows.values():
        say()
        say(f"row {row.row[:12]}, label {row.label}, {row.state}")
        if row.row not in places:
            say(f"  {held.dataset} has no such row any more")
            continue
        for line in _lines(dataset, dataset.features[places[row.row]]):
            say(f"  {line}")


def _lines(dataset: Dataset, features: np.ndarray) -> list[str]:
    shape = dataset.image_shape
    if shape and shape[1] <= _LARGEST_PICTURE:
        return picture(features, shape, dataset.feature_range)
    named = zip(dataset.feature_names, features, strict=True)
    return [", ".join(f"{name} = {value:g}" for name, value in named)]


def _plain(row: Held) -> Mapping[str, Any]:
    document: dict[str, Any] = plain(row)
    return {**document, "state": row.state}
