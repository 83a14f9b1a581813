"""Where the nodes and the trust boundaries of a diagram stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seclab.diagrams.clusters import MOST_COLUMNS, Cluster, clusters
from seclab.diagrams.geometry import PITCH, Box
from seclab.diagrams.text import width
from seclab.threat_models.records import ThreatModel

NODE_WIDTH = 8 * PITCH
NODE_HEIGHT = 4 * PITCH
PORTS = 2 * (NODE_WIDTH // PITCH - 1) + 2 * (NODE_HEIGHT // PITCH - 1)
"""How many flows find a place of their own on the edge of a node."""
TITLE_SIZE = 12
_TITLE_HEIGHT = 18
# Half a pitch beside the lattice: an arrow crosses the line of a boundary and never runs on it.
_SIDE = PITCH * 3 // 2
_BROAD_SIDE = PITCH * 5 // 2
_TOP = PITCH * 5 // 2
_EMPTY = Box(0, 0, NODE_WIDTH, PITCH)
_SWEEPS = 6
_PAGE = 1240
_WIDEST_TITLE = 340


@dataclass(frozen=True, slots=True)
class Placing:
    """Boxes by id.

    Attributes:
        nodes: Of the elements; their corners lie on the lattice.
        boundaries: Of the trust boundaries.
        titles: Of the names of the boundaries, inside them.
    """

    nodes: Mapping[str, Box]
    boundaries: Mapping[str, Box]
    titles: Mapping[str, Box]


def place(model: ThreatModel, *, spread: int) -> Placing:
    """Place all that a model holds, within the width of a page where that can be.

    Args:
        model: The threat model.
        spread: How many pitches to leave for arrows beyond the least.
    """
    most: dict[int, int] = {}
    while True:
        columns = clusters(model, most=most)
        best = _boxes(model, columns, spread)
        broad = [number for number, column in enumerate(columns) if _broadest(column) > 1]
        if _right(best) <= _PAGE or not broad:
            break
        # The column with the fewest elements grows least in height.
        number = min(broad, key=lambda number: sum(len(c.elements) for c in columns[number]))
        most[number] = min(_broadest(columns[number]), MOST_COLUMNS) - 1
    for _ in range(_SWEEPS):
        columns = _ordered(model, columns, best)
        candidate = _boxes(model, columns, spread)
        if _length(model, candidate) < _length(model, best):
            best = candidate
    return best


def _broadest(column: Sequence[Cluster]) -> int:
    return max(len(cluster.columns) for cluster in column)


def _ordered(
    model: ThreatModel, columns: Sequence[Sequence[Cluster]], placing: Placing
) -> tuple[tuple[Cluster, ...], ...]:
    """Every column in the order of the heights of what it is connected to."""
    heights = {id_: float(box.centre[1]) for id_, box in placing.nodes.items()}
    pulls: dict[str, list[float]] = {id_: [height] for id_, height in heights.items()}
    for flow in model.flows:
        pulls[flow.source].append(heights[flow.target])
        pulls[flow.target].append(heights[flow.source])
    wanted = {id_: sum(pull) / len(pull) for id_, pull in pulls.items()}

    def height(cluster: Cluster) -> float:
        known = [wanted[id_] for id_ in cluster.elements]
        return sum(known) / len(known) if known else float("inf")

    return tuple(
        tuple(sorted((each.ordered(wanted) for each in column), key=height)) for column in columns
    )


def _length(model: ThreatModel, placing: Placing) -> int:
    """How long all arrows are together, going along and down."""
    total = 0
    for flow in model.flows:
        (x0, y0), (x1, y1) = placing.nodes[flow.source].centre, placing.nodes[flow.target].centre
        total += abs(x1 - x0) + abs(y1 - y0)
    return total


def _boxes(model: ThreatModel, columns: Sequence[Sequence[Cluster]], spread: int) -> Placing:
    gap = (3 + spread) * PITCH
    names = {each.id: each.name for each in model.boundaries}
    stacks = []
    left = 0
    for column in columns:
        drawn = [_cluster(cluster, names=names, spread=spread) for cluster in column]
        across = max(_right(each) for each in drawn)
        stacks.append(_stack(drawn, left=left, across=across, gap=gap))
        left += across + gap + PITCH
    tallest = max((_bottom(stack) for stack in stacks), default=0)
    found = [_down(stack, (tallest - _bottom(stack)) // 2 // PITCH * PITCH) for stack in stacks]
    return Placing(
        {id_: box for each in found for id_, box in each.nodes.items()},
        {id_: box for each in found for id_, box in each.boundaries.items()},
        {id_: box for each in found for id_, box in each.titles.items()},
    )


def _cluster(cluster: Cluster, *, names: Mapping[str, str], spread: int) -> Placing:
    """One cluster with its upper left corner, or that of its boundary, at the origin."""
    over, down = NODE_WIDTH + (3 + spread) * PITCH, NODE_HEIGHT + (2 + spread) * PITCH
    tallest = max((len(column) for column in cluster.columns), default=0)
    nodes = {}
    for x, column in enumerate(cluster.columns):
        top = (tallest - len(column)) * down // 2 // PITCH * PITCH
        for y, id_ in enumerate(column):
            nodes[id_] = Box(x * over, top + y * down, NODE_WIDTH, NODE_HEIGHT)
    if not cluster.boundary:
        return Placing(nodes, {}, {})
    # Flows past a node in the middle of a column need room beside it.
    side = _BROAD_SIDE if tallest > 2 else _SIDE
    moved = {id_: box.moved(side, _TOP) for id_, box in nodes.items()}
    inner = list(moved.values()) or [_EMPTY.moved(side, _TOP)]
    title = min(width(names[cluster.boundary], TITLE_SIZE, bold=True) + 8, _WIDEST_TITLE)
    across = max(*(each.right + side for each in inner), -(-(title + 8) // PITCH) * PITCH)
    box = Box(0, 0, across, max(each.bottom for each in inner) + _SIDE)
    return Placing(
        moved, {cluster.boundary: box}, {cluster.boundary: Box(4, 4, title, _TITLE_HEIGHT)}
    )


def _stack(drawn: Sequence[Placing], *, left: int, across: int, gap: int) -> Placing:
    """Clusters one below the other, each in the middle of the column."""
    nodes: dict[str, Box] = {}
    boundaries: dict[str, Box] = {}
    titles: dict[str, Box] = {}
    top = 0
    for each in drawn:
        x = left + (across - _right(each)) // 2 // PITCH * PITCH
        shift = PITCH // 2 if each.boundaries else 0
        moved = _moved(each, x + shift, top + shift)
        nodes |= moved.nodes
        boundaries |= moved.boundaries
        titles |= moved.titles
        top = -(-_bottom(moved) // PITCH) * PITCH + gap - PITCH
    return Placing(nodes, boundaries, titles)


def _down(placing: Placing, by: int) -> Placing:
    return _moved(placing, 0, by)


def _moved(placing: Placing, dx: int, dy: int) -> Placing:
    return Placing(
        {id_: box.moved(dx, dy) for id_, box in placing.nodes.items()},
        {id_: box.moved(dx, dy) for id_, box in placing.boundaries.items()},
        {id_: box.moved(dx, dy) for id_, box in placing.titles.items()},
    )


def _outer(placing: Placing) -> list[Box]:
    return [*placing.nodes.values(), *placing.boundaries.values()]


def _right(placing: Placing) -> int:
    return max((box.right for box in _outer(placing)), default=0)


def _bottom(placing: Placing) -> int:
    return max((box.bottom for box in _outer(placing)), default=0)
