"""Making findings."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from difflib import get_close_matches

from seclab.findings import Edit, Finding
from seclab.register_checks.rules import RULES
from seclab.registers.tables import Row


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes the findings about one file.

    Attributes:
        file: Its name.
    """

    file: str

    def about(
        self,
        place: Row | int,
        rule: str,
        column: str,
        *,
        message: str,
        suggestion: str,
        edit: Edit | None = None,
    ) -> Finding:
        """A finding about a row, or about a line."""
        line = place if isinstance(place, int) else place.line
        level = RULES[rule].level
        return Finding(rule, level, self.file, line, column, message, suggestion, edit)

    def unknown(
        self,
        row: Row,
        rule: str,
        column: str,
        *,
        message: str,
        name: str,
        known: Collection[str],
        cell: Callable[[str], str] = str,
    ) -> Finding:
        """A finding about a name that means nothing.

        Args:
            row: Where it stands.
            rule: Name of the rule.
            column: Where it stands.
            message: What is wrong.
            name: The name.
            known: The names there are.
            cell: Makes the whole cell of the name that was perhaps meant.
        """
        near = nearest(name, known)
        suggestion = f"known: {', '.join(sorted(known)[:12]) or 'none'}"
        edit = None
        if near:
            suggestion, edit = f"perhaps {near} was meant", Edit(cell(near), safe=False)
        return self.about(row, rule, column, message=message, suggestion=suggestion, edit=edit)


def nearest(name: str, known: Collection[str]) -> str:
    """The name that was perhaps meant, in any case of letters; empty for none."""
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.strip().casefold(), folded, n=1)
    return folded[near[0]] if near else ""
