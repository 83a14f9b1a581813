"""The id columns of one row, read together: each is context for the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from seclab.findings import Edit, Finding
from seclab.register_checks.context import Context
from seclab.register_checks.id_spelling import ids_in
from seclab.register_checks.ids import Reader, Reading
from seclab.register_checks.writing import Writer
from seclab.registers.tables import NONE, Row


@dataclass(frozen=True, slots=True)
class IdCell:
    """One cell of ids.

    Attributes:
        column: Its column.
        tokens: What stands between the semicolons; empty where the cell says ``none``.
        readings: What is wrong with a token, by the token.
        said: Whether anything stands in the cell, if only ``none``.
    """

    column: str
    tokens: tuple[str, ...]
    readings: Mapping[str, Reading]
    said: bool

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids as they are once the safe edits are made, without what stays wrong."""
        if not self.readings:
            return tuple(dict.fromkeys(self.tokens))
        found = (
            token if reading is None else reading.replacement
            for token in self.tokens
            for reading in [self.readings.get(token)]
            if reading is None or reading.safe
        )
        return tuple(dict.fromkeys(_ids(found)))

    @property
    def doubtful(self) -> bool:
        """Whether something stays wrong."""
        return any(not reading.safe for reading in self.readings.values())

    @property
    def possible(self) -> tuple[str, ...]:
        """Every id that what stays wrong is or can mean, as its suggestions name them."""
        wrong = ((t, each) for t, each in self.readings.items() if not each.safe)
        return tuple(id_ for t, each in wrong for id_ in ids_in(f"{t} {each.suggestion}"))

    def value(self, token: str = "") -> str:
        """The cell after the safe edits, and after the one proposed for ``token``."""
        found: list[str | None] = []
        for each in self.tokens:
            reading = self.readings.get(each)
            applies = reading and (reading.safe or each == token)
            found.append(reading.replacement if reading and applies else each)
        return ";".join(dict.fromkeys(_ids(found))) or NONE

    def findings(self, row: Row, write: Writer) -> Iterator[Finding]:
        """One finding for each token that is wrong, and for each that is repeated."""
        for token in dict.fromkeys(self.tokens):
            reading = self.readings.get(token)
            edit = None
            if reading and reading.replacement is not None:
                edit = Edit(self.value("" if reading.safe else token), reading.safe)
            elif not reading and self.tokens.count(token) > 1:
                reading = Reading("malformed", f"{token} is named more than once", "name it once")
                edit = Edit(self.value(), safe=True)
            if reading:
                yield write.about(
                    row,
                    reading.rule,
                    self.column,
                    message=reading.message,
                    suggestion=reading.suggestion,
                    edit=edit,
                )
        if self.column == "nist_id" and ";" in self.value():
            problem, advice = "more than one id stands here", "keep the one that fits best"
            yield write.about(row, "malformed", self.column, message=problem, suggestion=advice)


def read_cells(
    row: Row, columns: tuple[str, ...], *, reader: Reader, base: Context
) -> tuple[Mapping[str, IdCell], Context]:
    """Read the id columns of a row.

    Ids that need no context are context for the rest, and each that is settled by it may settle
    another: this goes on until nothing changes, so that a second check after the safe edits finds
    what the first one left.

    Args:
        row: The row.
        columns: Which of its columns hold ids; one that the header lacks is left out.
        reader: Reads the tokens.
        base: What else is known of the risk.

    Returns:
        The cells by column, and the context they make.
    """
    tokens = {column: _tokens(row.cells[column]) for column in columns if column in row.cells}
    context = base
    while True:
        cells = {
            column: IdCell(
                column,
                found,
                {
                    token: reading
                    for token in found
                    if (reading := reader.read(token, column, context))
                },
                said=bool(row.cells[column].strip()),
            )
            for column, found in tokens.items()
        }
        settled = _with(context, cells)
        if settled == context or not any(cell.readings for cell in cells.values()):
            return cells, settled
        context = settled


def _ids(texts: Iterable[str | None]) -> Iterator[str]:
    """What stands in texts that may each hold several ids, or none."""
    for text in texts:
        yield from (id_ for id_ in (text or "").split(";") if id_ and id_ != NONE)


def _tokens(cell: str) -> tuple[str, ...]:
    """What a cell names; nothing where it only says so, or says nothing at all."""
    if cell.strip() == NONE or not cell.replace(";", "").strip():
        return ()
    return tuple(cell.split(";"))


def _with(context: Context, cells: Mapping[str, IdCell]) -> Context:
    nist = cells["nist_id"].ids if "nist_id" in cells else ()
    ids = context.ids.union(*(cell.ids for cell in cells.values()))
    return replace(context, nist=nist[0] if nist else context.nist, ids=ids)
