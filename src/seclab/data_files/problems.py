"""Problems of a file, collected so that all are told at once, and texts that are safe to show."""

import re

from seclab.errors import InvalidData

# What stands for no value, in lower case. "none" can be a class: nothing was found.
_MISSING_LABEL = frozenset({"", "nan", "na", "n/a", "null"})
_MISSING_VALUE = _MISSING_LABEL | {"none"}
_NUMBER = re.compile(
    r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity|nan)", re.IGNORECASE | re.ASCII
)
_LONGEST_TEXT = 200
_SHOWN = 40
# A spreadsheet takes a cell that begins so for a formula; the wide forms are read like the narrow.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"


class Problems:
    """Problems of one file, the first few one by one.

    Args:
        file: Name of the file, for messages.
        limit: How many are told.
    """

    def __init__(self, file: str, limit: int) -> None:
        self.file = file
        self._limit = limit
        self._found: list[str] = []

    def add(self, problem: str, *, at: str = "") -> None:
        """Note a problem and where it is, such as ``line 3``. Beyond the limit none is kept."""
        if not self.full:
            self._found.append(f"{self.file} {at}: {problem}" if at else f"{self.file}: {problem}")

    @property
    def full(self) -> bool:
        """Whether as many were found as are told: there is no use in reading on."""
        return len(self._found) >= self._limit

    def __bool__(self) -> bool:
        return bool(self._found)

    def settle(self) -> None:
        """Go on only if there was none.

        Raises:
            InvalidData: All that were found.
        """
        if self._found:
            more = [f"{self.file}: there may be more; reading stopped here"] if self.full else []
            raise InvalidData([*self._found, *more])

    def stop(self, problem: str, *, at: str = "") -> InvalidData:
        """A problem that ends the reading, after all found so far, ready to be raised."""
        place = f"{self.file} {at}" if at else self.file
        return InvalidData([*self._found, f"{place}: {problem}"])


def shown(text: str) -> str:
    """A text from a file as it may stand in a message: quoted, escaped and short."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "\u2026")


def is_missing(text: str) -> bool:
    """Whether the cell of a feature says that it holds no value."""
    return len(text) <= 4 and text.lower() in _MISSING_VALUE


def is_missing_label(text: str) -> bool:
    """Whether a label says that there is none."""
    return len(text) <= 4 and text.lower() in _MISSING_LABEL


def is_number(text: str) -> bool:
    """Whether a cell holds a decimal number, NaN or infinity."""
    return _NUMBER.fullmatch(text) is not None


def unsafe_name(text: str) -> str | None:
    """Why a text cannot be the name of a class or a column, if so.

    Names reach reports and tables that people open in a terminal, a browser or a spreadsheet.

    References:
        OWASP, CSV Injection.
    """
    if len(text) > _LONGEST_TEXT:
        return f"it is longer than {_LONGEST_TEXT} characters"
    if not text.isprintable():
        return "it holds control or invisible characters"
    if text.lstrip()[:1] in tuple(_FORMULA) and not is_number(text.strip()):
        return f"a spreadsheet would run it as a formula, for it begins with {text.lstrip()[0]}"
    return None
