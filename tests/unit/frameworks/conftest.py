import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from seclab.errors import Misconfigured
from seclab.frameworks import Frameworks, load_frameworks

SHIPPED = Path(__file__).parents[3] / "registers" / "frameworks"


@dataclass(frozen=True)
class Folder:
    """A copy of the shipped tables, to be broken."""

    path: Path

    def rows(self, file: str) -> list[list[str]]:
        with (self.path / file).open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))

    def write(self, file: str, rows: list[list[str]]) -> None:
        with (self.path / file).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    def line_of(self, file: str, key: str) -> int:
        """The line of the first row that begins with a key."""
        return [row[0] for row in self.rows(file)].index(key) + 1

    def set_cell(self, file: str, key: str, column: str, value: str) -> int:
        """Change a cell of the first row that begins with a key; give its line."""
        rows, line = self.rows(file), self.line_of(file, key)
        rows[line - 1][rows[0].index(column)] = value
        self.write(file, rows)
        return line

    def drop(self, file: str, key: str) -> None:
        line = self.line_of(file, key)
        self.write(file, [row for number, row in enumerate(self.rows(file), 1) if number != line])

    def add(self, file: str, *row: str) -> int:
        rows = [*self.rows(file), list(row)]
        self.write(file, rows)
        return len(rows)

    def load(self) -> Frameworks:
        return load_frameworks(self.path)

    def problems(self) -> tuple[str, ...]:
        with pytest.raises(Misconfigured) as caught:
            self.load()
        return caught.value.problems


@pytest.fixture(scope="session")
def frameworks():
    return load_frameworks(SHIPPED)


@pytest.fixture
def folder(tmp_path):
    return Folder(Path(shutil.copytree(SHIPPED, tmp_path / "frameworks")))
