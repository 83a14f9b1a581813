"""What is wrong in a register, where, and what to write instead."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of mistake.

    Attributes:
        name: Its stable name.
        level: ``error``, or ``warning`` for what a person has to judge.
        when: When it fires.
        proposes: What it proposes; says whether ``--fix`` applies it.
    """

    name: str
    level: Level
    when: str
    proposes: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What a cell should hold instead.

    Attributes:
        value: The whole new content of the cell.
        safe: Whether nothing but this can have been meant, so that ``--fix`` may apply it.
    """

    value: str
    safe: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a file of the registers.

    Attributes:
        rule: Which kind of mistake, ``unknown-id``.
        level: ``error``, or ``warning`` for what a person has to judge.
        file: Path relative to the folder of the registers, ``threat_models/rag-bot.yaml``.
        line: Line that the row or entry begins in, from 1.
        column: Column of the table or key of the entry; empty where it is about all of it.
        message: What is wrong.
        suggestion: What to do about it.
        edit: What to write there; ``None`` where no one edit mends it.
    """

    rule: str
    level: Level
    file: str
    line: int
    column: str
    message: str
    suggestion: str
    edit: Edit | None = None

    @property
    def order(self) -> tuple[str, int, str, str]:
        """What findings are sorted by: file, line, column and message."""
        return (self.file, self.line, self.column, self.message)

    @property
    def place(self) -> str:
        """File, line and column for people: ``risks.csv:4 atlas_ids``."""
        return f"{self.file}:{self.line}" + (f" {self.column}" if self.column else "")
