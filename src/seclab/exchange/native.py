"""What Threat Dragon itself writes into a file, read strictly: every mistake with its place.

A null is what is missing, as in the language that Threat Dragon is written in.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from seclab.diagrams.geometry import Box
from seclab.errors import Misconfigured
from seclab.registers.entries import is_number
from seclab.registers.records import OWNERS, Owner
from seclab.threat_models.records import STRIDE_LETTERS, STRIDE_NAMES, ElementKind

# As Threat Dragon writes them.
TYPES: Mapping[str, str] = {letter: name.capitalize() for letter, name in STRIDE_NAMES.items()}
_STATUSES = (
    "NotApplicable",
    "Open",
    "Mitigated",
    "Accepted",
    "Transferred",
    "Avoided",
    "Eliminated",
)
_SEVERITIES = ("TBD", "Low", "Medium", "High", "Critical")
_KINDS: Mapping[str, ElementKind] = {"actor": "actor", "process": "process", "store": "store"}
# Older versions of the tool misspell the curve.
_CURVES = ("trust-boundary", "trust-boundary-curve", "trust-broundary-curve")
_TEXT = "td-text-block"
_FAR = 1e9


@dataclass(frozen=True, slots=True)
class NativeThreat:
    """A threat as Threat Dragon knows it.

    Attributes:
        id: Its UUID; empty in files of old versions.
        number: Its number in the model; 0 where it has none.
        title: May be empty, as all texts.
        letter: Its STRIDE letter.
        status: As Threat Dragon spells it.
        severity: As Threat Dragon spells it.
        description: How it is done.
        mitigation: What is done about it.
    """

    id: str
    number: int
    title: str
    letter: str
    status: str
    severity: str
    description: str
    mitigation: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A component of a diagram.

    Attributes:
        id: Its UUID.
        kind: ``actor``, ``process``, ``store``, ``flow`` or ``boundary``.
        name: May be empty, as all texts.
        description: What it is.
        box: Where it stands; ``None`` for flows and boundaries drawn as curves.
        source: Cell that a flow comes from; empty where it hangs in the air.
        target: Cell that it goes to.
        protocol: Of a flow.
        encrypted: Whether a flow is.
        both_ways: Whether a flow goes back as well.
        reason: Why it is out of scope; ``None`` where it is in scope.
        threats: In the order of the file.
    """

    id: str
    kind: str
    name: str
    description: str
    box: Box | None
    source: str
    target: str
    protocol: str
    encrypted: bool
    both_ways: bool
    reason: str | None
    threats: tuple[NativeThreat, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file of Threat Dragon.

    Attributes:
        title: Of the model.
        description: Of the model.
        owner: One of our roles; ``None`` in a foreign file that names somebody else.
        diagrams: The cells of each diagram.
        block: What this project put there; ``None`` in a foreign file.
    """

    title: str
    description: str
    owner: Owner | None
    diagrams: tuple[tuple[Cell, ...], ...]
    block: Any


def read_native(document: Any, *, block: str) -> Document:
    """Read the native part of a document.

    Args:
        document: Any JSON value.
        block: Key of this project's own part in ``detail``.

    Raises:
        Misconfigured: All that Threat Dragon would not have written so, and all that no model of
            ours can say: flows that are not attached to two elements, an owner who is no role.
    """
    reader = _Reader()
    top = reader.mapping(document, "the document")
    version = reader.text(top, "version", "")
    if isinstance(document, dict) and not re.match(r"2(\.|$)", version):
        reader.problems.append(
            "version: a file of Threat Dragon 2 is needed; open the file there and save it"
        )
    summary = reader.mapping(top.get("summary"), "summary")
    detail = reader.mapping(top.get("detail"), "detail")
    diagrams = tuple(
        tuple(reader.cells(item, f"detail.diagrams[{index}]"))
        for index, item in enumerate(reader.items(detail, "diagrams", "detail"))
    )
    cells = [cell for diagram in diagrams for cell in diagram]
    reader.twice([cell.id for cell in cells])
    reader.loose(cells)
    ours = detail.get(block)
    found = Document(
        title=reader.text(summary, "title", "summary."),
        description=reader.text(summary, "description", "summary."),
        owner=reader.owner(summary, foreign=ours is None),
        diagrams=diagrams,
        block=ours,
    )
    if reader.problems:
        raise Misconfigured([f"Threat Dragon file: {problem}" for problem in reader.problems])
    return found


class _Reader:
    """Takes values out of JSON and notes those of the wrong type."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def mapping(self, value: Any, place: str) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.problems.append(f"{place}: an object is needed")
        return {}

    def items(self, mapping: Mapping[str, Any], key: str, place: str) -> Sequence[Any]:
        value = mapping.get(key)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self.problems.append(f"{place}.{key}: a list is needed")
        return []

    def text(self, mapping: Mapping[str, Any], key: str, place: str) -> str:
        value = mapping.get(key)
        if value is not None and not isinstance(value, str):
            self.problems.append(f"{place}{key}: a text is needed")
        return value if isinstance(value, str) else ""

    def flag(self, mapping: Mapping[str, Any], key: str, place: str) -> bool:
        value = mapping.get(key)
        if value is not None and not isinstance(value, bool):
            self.problems.append(f"{place}{key}: true or false is needed")
        return value is True

    def choice(self, mapping: Mapping[str, Any], key: str, place: str, *, of: Sequence[str]) -> str:
        value = self.text(mapping, key, place)
        known = {word.casefold(): word for word in of}
        if value.casefold() not in known:
            self.problems.append(f"{place}{key}: {value!r} is not one of {', '.join(of)}")
        return known.get(value.casefold(), of[0])

    def cells(self, diagram: Any, place: str) -> Iterator[Cell]:
        found = self.mapping(diagram, place)
        for index, item in enumerate(self.items(found, "cells", place)):
            cell = self.cell(item, f"{place}.cells[{index}]")
            if cell is not None:
                yield cell

    def cell(self, item: Any, place: str) -> Cell | None:
        """A component; ``None`` for one that says nothing about the model."""
        cell = self.mapping(item, place)
        shape = self.text(cell, "shape", f"{place}.")
        if shape == _TEXT or not cell:
            return None
        data = {} if cell.get("data") is None else self.mapping(cell["data"], f"{place}.data")
        at = f"{place}.data."
        return Cell(
            id=self.text(cell, "id", f"{place}."),
            kind=self._kind(shape, place),
            name=self.text(data, "name", at),
            description=self.text(data, "description", at),
            box=self._box(cell, place),
            source=self._end(cell, "source", place),
            target=self._end(cell, "target", place),
            protocol=self.text(data, "protocol", at),
            encrypted=self.flag(data, "isEncrypted", at),
            both_ways=self.flag(data, "isBidirectional", at),
            reason=self._reason(data, at),
            # The tool keeps them in the data; its schema, and who writes by it, beside the data.
            threats=(*self._threats(data, f"{place}.data"), *self._threats(cell, place)),
        )

    def twice(self, ids: Sequence[str]) -> None:
        for id_, times in Counter(ids).items():
            if times > 1:
                self.problems.append(f"{times} components have the id {id_!r}")

    def loose(self, cells: Sequence[Cell]) -> None:
        elements = {cell.id for cell in cells if cell.kind in _KINDS.values()}
        for cell in cells:
            if cell.kind == "flow" and not {cell.source, cell.target} <= elements:
                self.problems.append(
                    f"the flow {cell.name!r} ({cell.id}) is not attached at both ends to an "
                    "element; attach it in Threat Dragon, or delete it there"
                )

    def owner(self, summary: Mapping[str, Any], *, foreign: bool) -> Owner | None:
        """A role; the name that a foreign file has there is none and is not taken over."""
        name = self.text(summary, "owner", "summary.")
        if name in OWNERS:
            return cast("Owner", name)
        if not foreign:
            self.problems.append(f"summary.owner: {name!r} is not one of {', '.join(OWNERS)}")
        return None

    def _kind(self, shape: str, place: str) -> str:
        if shape in _KINDS or shape == "flow":
            return shape
        if shape == "trust-boundary-box" or shape in _CURVES:
            return "boundary"
        self.problems.append(f"{place}.shape: {shape!r} is no shape of Threat Dragon 2")
        return "process"

    def _box(self, cell: Mapping[str, Any], place: str) -> Box | None:
        if "position" not in cell and "size" not in cell:
            return None
        position = self.mapping(cell.get("position"), f"{place}.position")
        size = self.mapping(cell.get("size"), f"{place}.size")
        numbers = [
            self._number(part, key, place)
            for part, key in ((position, "x"), (position, "y"), (size, "width"), (size, "height"))
        ]
        return Box(*numbers)

    def _number(self, part: Mapping[str, Any], key: str, place: str) -> int:
        value = part.get(key)
        if is_number(value) and abs(value) < _FAR:
            return round(value)
        self.problems.append(f"{place}: {key} has to be a number of pixels")
        return 0

    def _end(self, cell: Mapping[str, Any], key: str, place: str) -> str:
        if cell.get(key) is None:
            return ""
        return self.text(self.mapping(cell[key], f"{place}.{key}"), "cell", f"{place}.{key}.")

    def _reason(self, data: Mapping[str, Any], at: str) -> str | None:
        reason = self.text(data, "reasonOutOfScope", at)
        return reason if self.flag(data, "outOfScope", at) else None

    def _threats(self, where: Mapping[str, Any], place: str) -> Iterator[NativeThreat]:
        for index, item in enumerate(self.items(where, "threats", place)):
            yield self._threat(item, f"{place}.threats[{index}]")

    def _threat(self, item: Any, place: str) -> NativeThreat:
        threat = self.mapping(item, place)
        at = f"{place}."
        number = 0 if threat.get("number") is None else threat["number"]
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole:
            self.problems.append(f"{at}number: a whole number is needed")
        letter = self.choice(threat, "type", at, of=tuple(TYPES.values()))
        return NativeThreat(
            id=self.text(threat, "id", at) or self.text(threat, "threatId", at),
            number=number if whole else 0,
            title=self.text(threat, "title", at),
            letter=STRIDE_LETTERS[letter.casefold()],
            status=self.choice(threat, "status", at, of=_STATUSES),
            severity=self.choice(threat, "severity", at, of=_SEVERITIES),
            description=self.text(threat, "description", at),
            mitigation=self.text(threat, "mitigation", at),
        )
