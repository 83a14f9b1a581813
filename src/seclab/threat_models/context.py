"""What the checks of a threat model have in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from seclab.findings import Finding, Level
from seclab.frameworks import Frameworks
from seclab.registers.records import Registers
from seclab.threat_models.loading import Lines


@dataclass(frozen=True, slots=True)
class Context:
    """What threat models are held against.

    Attributes:
        registers: Risks and models.
        frameworks: Techniques and mitigations.
        sources: The risks that each evaluation and check suite is evidence for.
    """

    registers: Registers
    frameworks: Frameworks
    sources: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding before its line is looked up.

    Attributes:
        rule: Which kind of mistake.
        where: Id of the entry, key of the document, or place as ``dismissed[0]``.
        column: Key of the entry; empty where it is about all of it.
        message: What is wrong.
        suggestion: What to do about it.
        level: ``error``, or ``warning`` for what a person has to judge.
    """

    rule: str
    where: str
    column: str
    message: str
    suggestion: str
    level: Level = "error"

    def finding(self, lines: Lines) -> Finding:
        """The finding, with file and line."""
        return Finding(
            rule=self.rule,
            level=self.level,
            file=lines.file,
            line=lines.of(self.where),
            column=self.column,
            message=self.message,
            suggestion=self.suggestion,
        )
