"""The columns of framework ids, and what belongs into each."""

from collections.abc import Mapping
from dataclasses import dataclass

from seclab.frameworks import ATLAS, Entry


@dataclass(frozen=True, slots=True)
class Column:
    """A column of framework ids.

    Attributes:
        what: What it holds, for messages.
        frameworks: Whose ids.
        kinds: Which kinds of entries.
        form: The form of an id.
    """

    what: str
    frameworks: frozenset[str]
    kinds: frozenset[str]
    form: str


OWASP = frozenset({"OWASP LLM", "OWASP ML", "OWASP Agentic"})
COLUMNS: Mapping[str, Column] = {
    "nist_id": Column(
        "an attack of NIST AI 100-2",
        frozenset({"NIST AI 100-2"}),
        frozenset({"attack", "objective"}),
        r"NISTAML\.[0-9]{2,3}",
    ),
    "atlas_ids": Column(
        "a technique of MITRE ATLAS",
        frozenset({ATLAS}),
        frozenset({"technique"}),
        r"AML\.T[0-9]{4}(\.[0-9]{3})?",
    ),
    "owasp_ids": Column(
        "an entry of an OWASP list with its edition",
        OWASP,
        frozenset({"entry"}),
        "(LLM|ML|ASI)[0-9]{2}:[0-9]{4}",
    ),
}


def belongs(entry: Entry, column: str) -> bool:
    """Whether an entry is of the framework and kind that a column is for."""
    return entry.framework in COLUMNS[column].frameworks and entry.kind in COLUMNS[column].kinds
