"""The tables of one folder: each row as a value, with the place to complain about it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from seclab.registers.tables import Cells, Problems, Table, read_table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[T]):
    """One table, read.

    Attributes:
        file: Its name.
        table: Its rows as text.
        rows: The cells and the value of each row.
    """

    file: str
    table: Table
    rows: tuple[tuple[Cells, T], ...]

    @property
    def ids(self) -> frozenset[str] | None:
        """What stands in the column ``id`` or may have been meant to; ``None`` if unknowable."""
        return self.table.column("id")

    @property
    def values(self) -> tuple[T, ...]:
        """The value of every row."""
        return tuple(value for _, value in self.rows)


class Tables:
    """A folder of tables.

    Args:
        folder: Where they stand.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes: list[Problems] = []

    def sheet(
        self,
        file: str,
        columns: Sequence[str],
        make: Callable[[Cells], T],
        *,
        key: Sequence[str] = ("id",),
    ) -> Sheet[T]:
        """Read one table.

        Args:
            file: Its name.
            columns: Its header.
            make: Makes a value of the cells of a row and notes what is wrong with them.
            key: The columns that no two rows have alike.
        """
        problems = Problems(f"{self._folder.name}/{file}")
        self._notes.append(problems)
        table = read_table(self._bytes(file, problems), columns, problems)
        _check_unique(table, key, problems)
        found = [Cells(row, problems) for row in table.rows]
        return Sheet(file, table, tuple((cells, make(cells)) for cells in found))

    def problems(self) -> Iterator[str]:
        """The mistakes of all tables, in the order in which they were read."""
        for problems in self._notes:
            yield from problems.found

    def _bytes(self, file: str, problems: Problems) -> bytes | None:
        try:
            return (self._folder / file).read_bytes()
        except FileNotFoundError:
            problems.add(f"the file is missing; it belongs into {self._folder}")
        except OSError as error:
            problems.add(f"the file cannot be read: {error.strerror}")
        return None


def _check_unique(table: Table, key: Sequence[str], problems: Problems) -> None:
    first: dict[tuple[str, ...], int] = {}
    for row in table.rows:
        content = tuple(row.cells.get(column, "") for column in key)
        line = first.setdefault(content, row.line)
        if content[0] and line != row.line:
            what = " ".join(filter(None, content))
            problems.add(f"{what} stands in line {line} already", line=row.line, column=key[0])
