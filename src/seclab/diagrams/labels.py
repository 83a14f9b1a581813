"""Where the numbers and names of flows stand: on or beside their arrows, and on nothing else."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seclab.diagrams.geometry import Box, Point, straights
from seclab.diagrams.placing import Placing
from seclab.diagrams.routing import Way, corners, pixels
from seclab.diagrams.text import width, wrap
from seclab.threat_models.records import ThreatModel

NUMBER_SIZE = 10
NAME_SIZE = 10
_NUMBER_HEIGHT = 16
_NAME_LINE = 12
_NAME_ROOM = 120
_CLEAR = 2


@dataclass(frozen=True, slots=True)
class Label:
    """A text and its place.

    Attributes:
        box: What it covers.
        lines: Its lines, set around the middle.
    """

    box: Box
    lines: tuple[str, ...]


def number_labels(ways: Mapping[str, Way], placing: Placing) -> dict[str, Box] | None:
    """A box for the id of each flow on its arrow; ``None`` when one finds no room.

    Args:
        ways: Where the arrows run, by flow.
        placing: Nodes, boundaries and titles.
    """
    solid = [*placing.nodes.values(), *placing.titles.values()]
    lines = _lines(ways)
    borders = _borders(placing)
    found: dict[str, Box] = {}
    for id_ in sorted(ways, key=lambda id_: len(ways[id_])):
        others = [line for other, each in lines.items() if other != id_ for line in each]
        taken = [*solid, *found.values(), *others]
        free = [box for box in _on(id_, ways[id_]) if _is_free(box, taken)]
        if not free:
            return None
        beside = [box for box in free if not any(box.overlaps(line) for line in borders)]
        found[id_] = (beside or free)[0]
    return found


def name_labels(
    model: ThreatModel,
    ways: Mapping[str, Way],
    numbers: Mapping[str, Box],
    *,
    placing: Placing,
) -> dict[str, Label]:
    """The names of those flows that have room for them beside their number.

    Args:
        model: The threat model.
        ways: Where the arrows run, by flow.
        numbers: Where the ids of the flows stand.
        placing: Nodes, boundaries and titles.
    """
    taken = [*placing.nodes.values(), *placing.titles.values(), *numbers.values()]
    taken += [line for each in _lines(ways).values() for line in each]
    taken += _borders(placing)
    found: dict[str, Label] = {}
    for flow in model.flows:
        lines = wrap(flow.name, NAME_SIZE, room=_NAME_ROOM)
        for box in _beside(numbers[flow.id], lines):
            if len(lines) <= 2 and _is_free(box, taken):
                found[flow.id] = Label(box, lines)
                taken.append(box)
                break
    return found


def _on(name: str, way: Way) -> Iterator[Box]:
    """Boxes on an arrow, from its middle outwards; on a bend or an end only for want of better."""
    across = width(name, NUMBER_SIZE, bold=True) + 8
    points = pixels(way)
    halves = [
        point
        for (x0, y0), (x1, y1) in itertools.pairwise(points)
        for point in ((x0, y0), ((x0 + x1) // 2, (y0 + y1) // 2))
    ]
    bends = corners(way)
    boxes = {
        index: Box(x - across // 2, y - _NUMBER_HEIGHT // 2, across, _NUMBER_HEIGHT)
        for index, (x, y) in enumerate(halves)
        if index
    }
    middle = len(halves) / 2

    def worse(index: int) -> tuple[bool, float]:
        return any(_inside(bend, boxes[index]) for bend in bends), abs(index - middle)

    for index in sorted(boxes, key=worse):
        yield boxes[index]


def _inside(point: Point, box: Box) -> bool:
    return box.x <= point[0] <= box.right and box.y <= point[1] <= box.bottom


def _beside(number: Box, lines: tuple[str, ...]) -> Iterator[Box]:
    """Boxes right above, below, right and left of a number."""
    across = max(width(line, NAME_SIZE) for line in lines)
    down = _NAME_LINE * len(lines)
    (x, y), gap = number.centre, _CLEAR + 1
    yield Box(x - across // 2, number.y - gap - down, across, down)
    yield Box(x - across // 2, number.bottom + gap, across, down)
    yield Box(number.right + gap, y - down // 2, across, down)
    yield Box(number.x - gap - across, y - down // 2, across, down)


def _is_free(box: Box, taken: list[Box]) -> bool:
    return not any(box.grown(_CLEAR).overlaps(each) for each in taken)


def _lines(ways: Mapping[str, Way]) -> dict[str, list[Box]]:
    return {id_: list(straights(corners(way))) for id_, way in ways.items()}


def _borders(placing: Placing) -> list[Box]:
    found: list[Box] = []
    for box in placing.boundaries.values():
        left, top, right, bottom = box.x, box.y, box.right, box.bottom
        edge = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        found += straights(edge)
    return found
