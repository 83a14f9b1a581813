"""The layout of a data-flow diagram: the same model gives the same one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from seclab.diagrams.geometry import Box, Point, around, straights
from seclab.diagrams.labels import Label, name_labels, number_labels
from seclab.diagrams.placing import PORTS, Placing, place
from seclab.diagrams.routing import Lattice, Way, corners
from seclab.errors import Misconfigured
from seclab.threat_models.records import Flow, ThreatModel

_SPREADS = (1, 2, 3, 5, 8)
_MARGIN = 20


@dataclass(frozen=True, slots=True)
class Arrow:
    """A flow as drawn.

    Attributes:
        points: Its ends and bends, from the edge of one node to that of the other.
        number: The box of its id.
        name: Its name beside it; ``None`` where there is no room.
    """

    points: tuple[Point, ...]
    number: Box
    name: Label | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in pixels, from 0 to the right and down.

    Attributes:
        nodes: Boxes of the elements, by id.
        boundaries: Boxes of the trust boundaries, by id.
        titles: Boxes of the names of the boundaries, by id.
        arrows: The flows, by id.
        width: Of the whole.
        height: Of the whole.
    """

    nodes: Mapping[str, Box]
    boundaries: Mapping[str, Box]
    titles: Mapping[str, Box]
    arrows: Mapping[str, Arrow]
    width: int
    height: int


def lay_out(model: ThreatModel) -> Layout:
    """Lay out the elements, boundaries and flows of a threat model.

    Arrows run along a lattice around the nodes, no two on the same piece of it, and each carries
    its number where nothing else is. When there is no room for that, all is moved further apart.

    Args:
        model: The threat model.

    Raises:
        Misconfigured: A flow ends at an element that the model has not.
    """
    _check(model)
    # More room does not help where a node's edge is too short for its flows.
    for spread in _SPREADS if _most_flows(model) <= PORTS else ():
        placing = place(model, spread=spread)
        ways = _ways(model, placing)
        if ways is not None:
            numbers = number_labels(ways, placing)
            if numbers is not None:
                break
    else:
        placing = place(model, spread=_SPREADS[0])
        return _at_origin(placing, _direct(model, placing))
    names = name_labels(model, ways, numbers, placing=placing)
    return _at_origin(
        placing,
        {id_: Arrow(corners(way), numbers[id_], names.get(id_)) for id_, way in ways.items()},
    )


def _check(model: ThreatModel) -> None:
    known = {element.id for element in model.elements}
    problems = [
        f"{model.id}: the flow {flow.id} ends at {end}, and there is no such element; see "
        "seclab threat-model check"
        for flow in model.flows
        for end in (flow.source, flow.target)
        if end not in known
    ]
    if problems:
        raise Misconfigured(problems)


def _most_flows(model: ThreatModel) -> int:
    """How many ends of flows there are at the busiest element."""
    ends = Counter(end for flow in model.flows for end in (flow.source, flow.target))
    return max(ends.values(), default=0)


def _ways(model: ThreatModel, placing: Placing) -> dict[str, Way] | None:
    """Short flows first: they have the least choice."""
    if not placing.nodes:
        return {}
    lattice = Lattice(
        placing.nodes, titles=placing.titles.values(), zones=placing.boundaries.values()
    )
    found = {}
    for flow in sorted(model.flows, key=lambda flow: _distance(flow, placing)):
        way = lattice.route(flow.source, flow.target)
        if way is None:
            return None
        found[flow.id] = way
    return found


def _distance(flow: Flow, placing: Placing) -> int:
    (x0, y0), (x1, y1) = placing.nodes[flow.source].centre, placing.nodes[flow.target].centre
    return abs(x1 - x0) + abs(y1 - y0)


def _direct(model: ThreatModel, placing: Placing) -> dict[str, Arrow]:
    """Straight lines: for more flows at one node than its edge has room for."""
    found = {}
    for flow in model.flows:
        source, target = placing.nodes[flow.source], placing.nodes[flow.target]
        (x0, y0), (x1, y1) = source.centre, target.centre
        end = (x1, target.y if y0 < y1 else target.bottom)
        middle = Box((x0 + x1) // 2 - 12, (y0 + y1) // 2 - 8, 24, 16)
        found[flow.id] = Arrow((source.centre, end), middle, None)
    return found


def _at_origin(placing: Placing, arrows: Mapping[str, Arrow]) -> Layout:
    drawn = [*placing.nodes.values(), *placing.boundaries.values()]
    drawn += [line for arrow in arrows.values() for line in straights(arrow.points)]
    drawn += [arrow.number for arrow in arrows.values()]
    drawn += [arrow.name.box for arrow in arrows.values() if arrow.name]
    whole = around(drawn or [Box(0, 0, 1, 1)]).grown(_MARGIN)
    dx, dy = -whole.x, -whole.y

    def moved(boxes: Mapping[str, Box]) -> dict[str, Box]:
        return {id_: box.moved(dx, dy) for id_, box in boxes.items()}

    return Layout(
        moved(placing.nodes),
        moved(placing.boundaries),
        moved(placing.titles),
        {id_: _shifted(arrow, dx, dy) for id_, arrow in arrows.items()},
        whole.width,
        whole.height,
    )


def _shifted(arrow: Arrow, dx: int, dy: int) -> Arrow:
    return Arrow(
        tuple((x + dx, y + dy) for x, y in arrow.points),
        arrow.number.moved(dx, dy),
        arrow.name and Label(arrow.name.box.moved(dx, dy), arrow.name.lines),
    )
