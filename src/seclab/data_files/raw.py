"""What every format is read into before it becomes a dataset: a matrix, labels and names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from seclab.data_files.problems import Problems, is_missing_label, shown, unsafe_name
from seclab.errors import Misconfigured

LABEL_NAMES = ("label", "class", "target")
"""How the column of labels is usually called."""


@dataclass(slots=True, eq=False)
class Raw:
    """Rows as they stood in a file.

    Attributes:
        features: float64 of shape (n, d).
        codes: int64 of shape (n,), indexes into ``texts``.
        texts: The labels as texts, each once, in the order of their first row.
        names: d names, or None where the file gives none.
        image_shape: (height, width) where the file itself says so.
        notes: What was decided while reading, short sentences without a full stop.
    """

    features: np.ndarray
    codes: np.ndarray
    texts: tuple[str, ...]
    names: tuple[str, ...] | None
    image_shape: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)


class Labels:
    """Labels of rows, gathered as numbers so that a million of them stay small.

    Args:
        limit: Largest number of different labels.
        problems: Where broken labels are noted.
    """

    def __init__(self, limit: int, problems: Problems) -> None:
        self._limit = limit
        self._problems = problems
        self._codes: dict[str, int] = {}
        self._parts: list[np.ndarray] = []

    def add(self, texts: Iterable[str], places: Iterable[str]) -> None:
        """Take the labels of further rows, each with the place of its row.

        Raises:
            InvalidData: There are too many different ones; with all problems found so far.
        """
        pairs = zip(texts, places, strict=True)
        codes = [self._code(text, place) for text, place in pairs]
        self._parts.append(np.array(codes, dtype=np.int64))

    def _code(self, text: str, place: str) -> int:
        known = self._codes.get(text)
        if known is not None:
            return known
        if is_missing_label(text):
            self._problems.add("the label is missing; complete the row or take it out", at=place)
            return -1
        if len(self._codes) >= self._limit:
            raise self._problems.stop(
                f"the label column holds more than {self._limit} different labels; "
                "name the right column",
                at=place,
            )
        reason = unsafe_name(text)
        if reason:
            self._problems.add(f"the label {shown(text)} is refused: {reason}", at=place)
        return self._codes.setdefault(text, len(self._codes))

    def codes(self) -> np.ndarray:
        """A number per row, int64 of shape (n,); -1 where the label was missing."""
        return np.concatenate(self._parts) if self._parts else np.zeros(0, dtype=np.int64)

    def texts(self) -> tuple[str, ...]:
        """The different labels in the order of their numbers."""
        return tuple(self._codes)


def check_names(names: Sequence[str], problems: Problems) -> None:
    """Note column names that are empty, repeated or unsafe to show."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        reason = unsafe_name(name)
        if not name:
            problems.add(
                f"column {position} has no name; name it, or save the table without its index"
            )
        elif name in seen:
            problems.add(f"the column name {shown(name)} stands twice")
        elif reason:
            problems.add(f"the name of column {position}, {shown(name)}, is refused: {reason}")
        seen.add(name)


def label_column(names: Sequence[str], label: str | None, *, file: str) -> tuple[int, str]:
    """Which column holds the labels.

    Args:
        names: Names of all columns; where the file gives none, their positions from 0.
        label: The name asked for, or None: ``label``, ``class`` or ``target``, else the last one.
        file: Name of the file, for messages.

    Returns:
        Its position, and how it was found.

    Raises:
        Misconfigured: There is no such column, or several could be meant.
    """
    if label is not None:
        if label not in names:
            known = ", ".join(shown(name) for name in names[:10])
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            raise Misconfigured(f"{file}: no column is named {shown(label)}; it has {known}{more}")
        return names.index(label), f"labels from column {label}, as asked"
    fitting = [at for at, name in enumerate(names) if name.lower() in LABEL_NAMES]
    if len(fitting) > 1:
        found = ", ".join(shown(names[at]) for at in fitting)
        raise Misconfigured(f"{file}: the label could be any of {found}; say which one it is")
    if fitting:
        return fitting[0], f"labels from column {names[fitting[0]]}, by its name"
    return len(names) - 1, f"labels from the last column, {names[-1]}, for none has a known name"
