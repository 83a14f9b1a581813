"""Whether the ids, names and controls of a risk belong together."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from seclab.findings import Finding
from seclab.frameworks import Entry, Frameworks
from seclab.register_checks.context import Compass, Context
from seclab.register_checks.id_cells import IdCell
from seclab.register_checks.id_columns import COLUMNS, OWASP
from seclab.register_checks.ids import Reader
from seclab.register_checks.writing import Writer
from seclab.registers.tables import Row

_PROSE = (
    *("title", "attacker_goal", "attack_pattern", "control", "residual_risk"),
    *("attack", "defensive_control"),
)
_MITIGATION = re.compile(r"\b(?:AML\.)?(M0[0-9]{3}|(?<=\.)M[0-9]{4})\b", re.IGNORECASE)
_MOST = 6
_NO_CONTROL = re.compile(r"none\b", re.IGNORECASE)


def technique_fit(
    row: Row, cells: Mapping[str, IdCell], write: Writer, *, compass: Compass
) -> Iterator[Finding]:
    """Ids of a row that nothing else in it supports.

    Judged only where every column is there. What stays wrong is not judged, and supports the rest
    by everything that it can mean and what is akin to that; beside it only techniques are judged,
    since what else stands there may have been named for its sake. Where no two ids agree, the
    NIST id counts as the threat: it is the one that fits best.
    """
    if len(cells) < len(COLUMNS):
        return
    doubtful = any(cell.doubtful for cell in cells.values())
    possible = compass.union(id_ for cell in cells.values() for id_ in cell.possible)
    column_of = {id_: column for column, cell in cells.items() for id_ in cell.ids}
    pointing = {id_: compass.of(id_) for id_ in column_of if compass.of(id_)}
    odd = {
        id_: others
        for id_, threats in pointing.items()
        if (others := compass.union(pointing.keys() - {id_}))
        and not compass.akin(compass.around(threats) if doubtful else threats, others | possible)
    }
    if len(odd) == len(pointing):
        nist = [id_ for id_ in odd if column_of[id_] == "nist_id"]
        odd = {id_: compass.of(nist[0]) for id_ in odd if id_ not in nist} if nist else {}
    if doubtful:
        odd = {id_: others for id_, others in odd.items() if column_of[id_] == "atlas_ids"}
    for id_, others in odd.items():
        yield write.about(
            row,
            "technique-does-not-fit",
            column_of[id_],
            message=f"{id_} belongs to {compass.names(pointing[id_])}, "
            f"the rest of the risk to {compass.names(others)}",
            suggestion="replace it, or drop it",
        )
    if not doubtful:
        yield from _letters(row, pointing.keys() - odd.keys(), write, compass=compass)


def _letters(
    row: Row, ids: frozenset[str] | set[str], write: Writer, *, compass: Compass
) -> Iterator[Finding]:
    letters = row.cells.get("stride", "").split(";")
    expected = compass.letters(compass.union(ids))
    well_formed = all(re.fullmatch("[STRIDE]", letter) for letter in letters)
    if expected and well_formed and expected.isdisjoint(letters):
        yield write.about(
            row,
            "technique-does-not-fit",
            "stride",
            message=f"none of the letters is one of {compass.names(compass.union(ids))}",
            suggestion=f"expected at least one of {', '.join(sorted(expected))}",
        )


def control_support(
    row: Row,
    techniques: tuple[str, ...],
    write: Writer,
    *,
    frameworks: Frameworks,
    column: str = "control",
) -> Iterator[Finding]:
    """Whether ATLAS links a mitigation to what a control is meant to stop.

    In the matrix only mitigations that are named count: its rows may say how a risk is measured.
    """
    control = row.cells.get(column, "")
    named = dict.fromkeys(f"AML.{each.upper()}" for each in _MITIGATION.findall(control))
    if not named and column == "control":
        claims = bool(control and not _NO_CONTROL.match(control))
        if claims and techniques and not any(map(frameworks.mitigations_of, techniques)):
            yield write.about(
                row,
                "unsupported-control",
                column,
                message=f"ATLAS links no mitigation to {', '.join(techniques)}",
                suggestion="say what the control rests on, or name the technique that it stops",
            )
        return
    linked = {entry.id: entry for each in techniques for entry in frameworks.mitigations_of(each)}
    offered = ", ".join(f"{id_} ({entry.name})" for id_, entry in sorted(linked.items())[:_MOST])
    for id_ in named:
        known = frameworks.get(id_)
        if known and id_ in linked:
            continue
        message = f"there is no mitigation {id_}"
        if known:
            message = f"{id_} ({known.name}) is linked to no technique of the risk"
        yield write.about(
            row,
            "unsupported-control" if known else "unknown-id",
            column,
            message=message,
            suggestion=f"ATLAS links {offered or 'none'}",
        )


class Names:
    """The names of OWASP entries in the words of a risk, and of its rows in the matrix.

    Args:
        frameworks: Which entries there are.
        reader: Reads an id that stands beside a name.
    """

    def __init__(self, frameworks: Frameworks, reader: Reader) -> None:
        self._frameworks = frameworks
        self._reader = reader
        self._entries = [entry for entry in frameworks.entries if entry.framework in OWASP]
        self._numbered: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._entries:
            self._numbered[entry.id.partition(":")[0]].append(entry)
        names = sorted({re.escape(entry.name) for entry in self._entries}, key=len, reverse=True)
        self._mention = re.compile(
            rf"\b(?:LLM|ML|ASI)[0-9]{{2}}(?::[0-9]{{4}})?[\s:,(\u2013-]+(?:{'|'.join(names)})\b",
            re.IGNORECASE,
        )

    def findings(
        self, row: Row, cell: IdCell | None, context: Context, *, write: Writer
    ) -> Iterator[Finding]:
        """Numbers beside a name that they carry in another edition only."""
        for column in _PROSE:
            for mention in self._mention.findall(row.cells.get(column, "")):
                reading = self._reader.read(mention, "owasp_ids", context)
                if reading and reading.rule == "owasp-name-of-other-edition":
                    yield write.about(
                        row,
                        reading.rule,
                        column,
                        message=reading.message,
                        suggestion=reading.suggestion,
                    )
        for id_ in cell.ids if cell else ():
            yield from self._titled(row, id_, write)

    def _titled(self, row: Row, id_: str, write: Writer) -> Iterator[Finding]:
        """A title that is the name of the same number in another edition."""
        title = row.cells.get("title", "").casefold()
        entry = self._frameworks.get(id_)
        number = id_.partition(":")[0]
        if entry is None or entry.name.casefold() in title:
            return
        for other in self._numbered[number]:
            if other.id != id_ and other.name.casefold() in title:
                of_edition = (e for e in self._entries if e.name == other.name)
                right = [e.id for e in of_edition if e.edition == entry.edition]
                yield write.about(
                    row,
                    "owasp-name-of-other-edition",
                    "owasp_ids",
                    message=f"{id_} is {entry.name}; the title is that of {other.id}",
                    suggestion=f"write {(right or [other.id])[0]}, or another title",
                )
                return
