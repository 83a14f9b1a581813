"""What stands below a diagram: the key of its lines, and its flows by number."""

from collections.abc import Iterator
from dataclasses import dataclass

from seclab.diagrams.geometry import Box
from seclab.diagrams.labels import NUMBER_SIZE
from seclab.diagrams.marks import Look, look_of
from seclab.diagrams.text import width, wrap
from seclab.threat_models.records import ThreatModel

TEXT_SIZE = 11
_LINE = 14
_GAP = 24
_COLUMN = 420
_KEY = (
    (Look(crossing=False, encrypted=True, authenticated=True), "crosses no trust boundary"),
    (Look(crossing=True, encrypted=True, authenticated=True), "crosses one, encrypted"),
    (Look(crossing=True, encrypted=False, authenticated=True), "crosses one, not encrypted"),
    (Look(crossing=False, encrypted=True, authenticated=False), "sender not authenticated"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A line of the key.

    Attributes:
        x: Where it begins.
        y: The middle of its line.
        look: What it shows.
        text: What that means.
    """

    x: int
    y: int
    look: Look
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A flow in the list.

    Attributes:
        flow: Its id.
        box: Where that stands.
        look: As in the diagram.
        text_x: Where its words begin.
        lines: Its words.
    """

    flow: str
    box: Box
    look: Look
    text_x: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Legend:
    """All below a diagram, from its own upper left corner.

    Attributes:
        samples: The key.
        entries: The flows.
        height: In pixels.
    """

    samples: tuple[Sample, ...]
    entries: tuple[Entry, ...]
    height: int


def legend(model: ThreatModel, *, room: int) -> Legend:
    """Lay out the key and the flows of a model.

    Args:
        model: The threat model.
        room: The width there is, in pixels.
    """
    samples = tuple(_samples(room))
    top = max(sample.y for sample in samples) + _GAP
    columns = max(1, room // _COLUMN)
    entries = []
    bottom = top
    label = max((_label(flow.id) for flow in model.flows), default=0)
    each = room // columns
    per_column = -(-len(model.flows) // columns)
    for index, flow in enumerate(model.flows):
        if index % max(per_column, 1) == 0:
            x, y = index // per_column * each, top
        lines = wrap(_words(model, flow.id), TEXT_SIZE, room=each - label - _GAP)
        box = Box(x, y, _label(flow.id), 16)
        entries.append(Entry(flow.id, box, look_of(model, flow), x + label + 8, lines))
        y += max(len(lines) * _LINE, 16) + 5
        bottom = max(bottom, y)
    return Legend(samples, tuple(entries), bottom + 12)


def _samples(room: int) -> Iterator[Sample]:
    x, y = 0, 10
    for look, text in _KEY:
        across = 46 + width(text, TEXT_SIZE) + _GAP
        if x and x + across > room:
            x, y = 0, y + 20
        yield Sample(x, y, look, text)
        x += across


def _label(flow: str) -> int:
    return width(flow, NUMBER_SIZE, bold=True) + 8


def _words(model: ThreatModel, id_: str) -> str:
    flow = next(flow for flow in model.flows if flow.id == id_)
    names = {element.id: element.name for element in model.elements}
    return (
        f"{flow.name}: {names[flow.source]} \N{RIGHTWARDS ARROW} {names[flow.target]} "
        f"({flow.protocol}; {look_of(model, flow).words})"
    )
