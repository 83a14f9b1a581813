"""The entries of a YAML register, typed: every mistake with its line and key."""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeGuard

from seclab.errors import Misconfigured
from seclab.registers.tables import Problems
from seclab.yaml_files import YamlMapping, parse


class Entry:
    """The values of one mapping, typed, with the convention of :class:`Cells`.

    Args:
        item: The mapping.
        problems: Where its mistakes are noted.
    """

    def __init__(self, item: YamlMapping, problems: Problems) -> None:
        self._item = item
        self._problems = problems

    @property
    def line(self) -> int:
        """Line that the mapping begins in, from 1."""
        return self._item.line

    def wrong(self, key: str, problem: str, *, line: int | None = None) -> None:
        """Note a mistake in a value."""
        self._problems.add(problem, line=line or self._item.line_of(key), column=key)

    def only(self, allowed: Sequence[str], *, required: Sequence[str]) -> None:
        """Refuse keys that mean nothing, and note those that are missing."""
        for key in self._item:
            if key not in allowed:
                self.wrong(key, f"unknown key; known are {', '.join(allowed)}")
        for key in required:
            if key not in self._item:
                self.wrong(key, "this key is missing")

    def text(self, key: str) -> str:
        """A text that is not empty; empty when the key is missing."""
        value = self._item.get(key, "")
        if key in self._item and not (isinstance(value, str) and value.strip()):
            self.wrong(key, "a text is needed")
        return value if isinstance(value, str) else ""

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """One word of a closed vocabulary."""
        value = self.text(key)
        if value.strip() and value not in allowed:
            self.wrong(key, f"{value!r} is not one of {', '.join(allowed)}")
        return value

    def name(self, key: str, pattern: str, example: str) -> str:
        """An id or name of the given form."""
        value = self.text(key)
        if value.strip() and not re.fullmatch(pattern, value):
            self.wrong(key, f"{value!r} has not the form of {example}")
        return value

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A mapping, maybe empty."""
        value = self._item.get(key)
        if isinstance(value, YamlMapping):
            return value
        if key in self._item:
            self.wrong(key, "a mapping is needed; write {} for an empty one")
        return {}

    def entries(self, key: str) -> "tuple[Entry, ...]":
        """A list of mappings, maybe empty."""
        value = self._item.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, YamlMapping) for item in value):
            self.wrong(key, "a list of mappings is needed; write [] for an empty one")
            return ()
        return tuple(Entry(item, self._problems) for item in value)

    def number(self, key: str, *, least: float) -> float:
        """A finite number, at least ``least``; ``least`` when the key is missing."""
        value = self._item.get(key, least)
        if not is_number(value) or value < least:
            self.wrong(key, f"{value!r} is not a number from {least:g} on")
            return least
        return float(value)

    def whole(self, key: str, *, least: int) -> int:
        """A whole number, at least ``least``; ``least`` when the key is missing."""
        value = self._item.get(key, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.wrong(key, f"{value!r} is not a whole number from {least} on")
            return least
        return value

    def flag(self, key: str) -> bool:
        """A truth value; false when the key is missing."""
        value = self._item.get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, f"{value!r} is neither true nor false")
            return False
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts, maybe empty, none of them twice."""
        value = self._item.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.wrong(key, "a list of texts is needed; write [] for an empty one")
            return ()
        for word in dict.fromkeys(value):
            if value.count(word) > 1:
                self.wrong(key, f"{word!r} is named more than once")
        return tuple(dict.fromkeys(value))

    def day(self, key: str) -> date:
        """A date as ``2027-03-31``."""
        value = self.text(key)
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = date.min
        if value.strip() and found.isoformat() != value:
            self.wrong(key, f"{value!r} is not a date like 2027-03-31")
        return found


def read_document(data: bytes | None, problems: Problems) -> Any:
    """The document, ``None`` when there is nothing that could be looked at."""
    if data is None:
        return None
    try:
        return parse(data, file=problems.file)
    except Misconfigured as error:
        problems.found.extend(error.problems)
        return None


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a finite number; a truth value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # an int may be too large to be a float at all


def is_scalar(value: object) -> bool:
    """Whether a value is one text, finite number or truth value, or null."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)


def line_in(mapping: Mapping[str, Any], key: str) -> int | None:
    """Line of a key, where the mapping knows."""
    return mapping.line_of(key) if isinstance(mapping, YamlMapping) else None
