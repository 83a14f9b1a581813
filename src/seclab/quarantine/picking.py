"""Which rows a person means, and whether they can be decided about."""

import re
from collections.abc import Iterator, Sequence

from seclab.errors import Misconfigured
from seclab.quarantine.states import CHOSEN, Choice, Held, Quarantine, State

MOST_REASON, MOST_BY = 2000, 100  # characters
_SHORTEST = 6  # characters of a digest that may stand for a row
_PREFIX = re.compile(r"[0-9a-f]{6,64}", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)


def pick(
    quarantine: Quarantine, references: Sequence[str], *, everything: bool = False, run: str = ""
) -> list[Held]:
    """The rows that a person means.

    Args:
        quarantine: What is held.
        references: Rows by their index when found, or by the beginning of their digest.
        everything: Every row that is still suspected, instead.
        run: Only what this run found, by the beginning of its ID. Without references: every row
            of it that is still suspected.

    Raises:
        Misconfigured: A row that is not in quarantine, or that several could be; nothing named,
            or two ways at once; all problems together.
    """
    name, rows = quarantine.dataset, list(quarantine.rows.values())
    if everything and references:
        raise Misconfigured("name rows or give --all, not both")
    if not (references or everything or run):
        raise Misconfigured("name the rows: by index, by digest, or with --all or --run")
    if run:
        rows = [held for held in rows if any(each.startswith(run) for each in held.runs)]
        if not rows:
            raise Misconfigured(f"no run {run} has put rows of {name} into quarantine")
    if not references:
        suspected = [held for held in rows if held.state is State.SUSPECTED]
        if not suspected:
            where = f" found by run {run}" if run else ""
            raise Misconfigured(f"no row of {name}{where} is still suspected")
        return suspected
    meant = [(reference, _meant(rows, reference)) for reference in references]
    problems = [problem for one in meant for problem in _problems(name, *one)]
    if problems:
        raise Misconfigured(problems)
    return list({held.row: held for _, found in meant for held in found}.values())


def _meant(rows: Sequence[Held], reference: str) -> list[Held]:
    text = reference.lower()
    return [
        held
        for held in rows
        if (_PREFIX.fullmatch(text) and held.row.startswith(text))
        or (_INDEX.fullmatch(text) and held.index == int(text))
    ]


def _problems(dataset: str, reference: str, found: Sequence[Held]) -> Iterator[str]:
    if not found:
        yield (
            f"row {reference} of {dataset} is not in quarantine: give an index or at least "
            f"{_SHORTEST} characters of a digest, as `seclab quarantine list` shows them"
        )
    elif len(found) > 1:
        those = ", ".join(held.row[:12] for held in found)
        yield f"row {reference} of {dataset} could be {those}; give more of the digest"


def decidable(rows: Sequence[Held], choice: Choice, *, by: str, reason: str) -> None:
    """Refuse a decision that says nothing.

    Raises:
        Misconfigured: No reason, nobody who decides, or rows about which that was decided
            already; all problems at once.
    """
    problems = [
        problem
        for given, what, most in ((reason, "--reason", MOST_REASON), (by, "--by", MOST_BY))
        for problem in _text_problems(given, what, most)
    ]
    problems += [
        f"row {held.row[:12]} (index {held.index}) was {held.decision.words()} already"
        for held in rows
        if held.decision and held.state is CHOSEN[choice]
    ]
    if problems:
        raise Misconfigured(problems)


def _text_problems(given: str, what: str, most: int) -> Iterator[str]:
    if not given.strip():
        yield f"{what} is empty: a decision about rows needs who makes it and why"
    elif len(given) > most:
        yield f"{what} has {len(given)} characters, at most {most} are kept"
    elif not given.isprintable():
        yield f"{what} must be one line of readable text"
