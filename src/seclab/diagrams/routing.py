"""Arrows that run along the lattice, around all nodes and never on top of one another."""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from seclab.diagrams.geometry import PITCH, Box, Point, around

Cell: TypeAlias = tuple[int, int]
Way: TypeAlias = tuple[Cell, ...]
_State: TypeAlias = tuple[Cell, int]

_DIRECTIONS: tuple[Cell, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
_MARGIN = 4
_BEND = 4.0
_CROSSING = 5.0
_OFF_CENTRE = 0.7
_NEAR_NODE = 0.4
_BORDER = 12.0


@dataclass(slots=True)
class _Taken:
    """What the arrows drawn so far have left to the next.

    Attributes:
        edges: Pieces of the lattice that an arrow runs on.
        across: Points that an arrow goes straight through, with its direction modulo 2.
        closed: Points where no other arrow may be: ends, bends and crossings.
    """

    edges: set[frozenset[Cell]] = field(default_factory=set)
    across: dict[Cell, int] = field(default_factory=dict)
    closed: set[Cell] = field(default_factory=set)

    def take(self, way: Way) -> None:
        """Note an arrow."""
        self.closed.update((way[0], way[-1]))
        self.edges.update(map(frozenset, itertools.pairwise(way)))
        for before, here, after in zip(way, way[1:], way[2:], strict=False):
            straight = (after[0] - before[0]) * (after[1] - before[1]) == 0
            if not straight or here in self.across:
                self.closed.add(here)
            else:
                self.across[here] = 0 if before[1] == after[1] else 1


class Lattice:
    """The lattice around some boxes.

    Args:
        nodes: Boxes of the nodes, which arrows go around.
        titles: Boxes of texts, which they go around as well.
        zones: Boxes whose lines they cross no more often than they must.
    """

    def __init__(
        self, nodes: Mapping[str, Box], *, titles: Iterable[Box], zones: Iterable[Box]
    ) -> None:
        self._nodes = {id_: _cells(box) for id_, box in nodes.items()}
        whole = _cells(around(list(nodes.values()))).grown(_MARGIN)
        self._bounds = whole
        blocked = [*nodes.values(), *titles]
        self._blocked = {cell for box in blocked for cell in _within(box)}
        self._near = {
            cell for box in self._nodes.values() for cell in _covered(box.grown(1))
        } - self._blocked
        self._zone = {
            cell: number for number, zone in enumerate(zones, start=1) for cell in _within(zone)
        }
        self._taken = _Taken()

    def route(self, source: str, target: str) -> Way | None:
        """The cheapest free way from one node to another, which is then taken.

        Returns:
            The points of the lattice from the edge of one node to that of the other; ``None`` when
            none is free.
        """
        way = self._search(source, target)
        if way is not None:
            self._taken.take(way)
        return way

    def _search(self, source: str, target: str) -> Way | None:
        goal = self._nodes[target]
        # A flow from a node to itself leaves at the side and comes back above or below.
        itself = source == target
        ends = {
            cell: (out, cost)
            for cell, out, cost in self._ports(target)
            if not itself or out % 2 == 1
        }
        best: dict[_State, float] = {}
        came: dict[_State, _State] = {}
        queue: list[tuple[float, float, Cell, int]] = []
        starts = set()
        for cell, out, cost in self._ports(source):
            if cell in ends:
                continue
            starts.add(cell)
            best[cell, out] = cost
            heapq.heappush(queue, (cost + _far(cell, goal), cost, cell, out))
        while queue:
            _, cost, cell, heading = heapq.heappop(queue)
            if cost > best[cell, heading]:
                continue
            if cell in ends:
                return _trace(came, (cell, heading))
            for state, step in self._steps(cell, heading, ends, start=cell in starts):
                total = cost + step
                if total < best.get(state, float("inf")):
                    best[state] = total
                    came[state] = (cell, heading)
                    heapq.heappush(queue, (total + _far(state[0], goal), total, *state))
        return None

    def _steps(
        self, cell: Cell, heading: int, ends: Mapping[Cell, tuple[int, float]], *, start: bool
    ) -> Iterator[tuple[_State, float]]:
        crossed = cell in self._taken.across
        turns = (heading,) if start or crossed else (heading, (heading + 1) % 4, (heading + 3) % 4)
        for turn in turns:
            dx, dy = _DIRECTIONS[turn]
            there = (cell[0] + dx, cell[1] + dy)
            if frozenset((cell, there)) in self._taken.edges or there in self._taken.closed:
                continue
            cost = 1.0 + (_BEND if turn != heading else 0.0)
            cost += _BORDER if self._zone.get(cell) != self._zone.get(there) else 0.0
            if there in ends:
                out, off = ends[there]
                if turn == (out + 2) % 4:
                    yield (there, turn), cost + off
                continue
            if not self._open(there, turn):
                continue
            cost += _CROSSING if there in self._taken.across else 0.0
            cost += _NEAR_NODE if there in self._near else 0.0
            yield (there, turn), cost

    def _open(self, cell: Cell, heading: int) -> bool:
        x, y = cell
        inside = (
            self._bounds.x <= x <= self._bounds.right and self._bounds.y <= y <= self._bounds.bottom
        )
        return inside and cell not in self._blocked and self._taken.across.get(cell) != heading % 2

    def _ports(self, node: str) -> Iterator[tuple[Cell, int, float]]:
        """Free points on the edge of a node, the way out, and the cost of being off the middle."""
        box = self._nodes[node]
        across, down = range(box.x + 1, box.right), range(box.y + 1, box.bottom)
        sides = (
            [((box.right, y), 0) for y in down],
            [((x, box.bottom), 1) for x in across],
            [((box.x, y), 2) for y in down],
            [((x, box.y), 3) for x in across],
        )
        for side in sides:
            for index, (cell, out) in enumerate(side):
                if cell not in self._taken.closed:
                    yield cell, out, _OFF_CENTRE * abs(index - (len(side) - 1) / 2)


def corners(way: Way) -> tuple[Point, ...]:
    """The ends and bends of a way, in pixels."""
    kept = [way[0]]
    for before, here, after in zip(way, way[1:], way[2:], strict=False):
        if (after[0] - before[0]) * (after[1] - before[1]) != 0:
            kept.append(here)
    kept.append(way[-1])
    return tuple((x * PITCH, y * PITCH) for x, y in kept)


def pixels(way: Way) -> tuple[Point, ...]:
    """All points of a way, in pixels."""
    return tuple((x * PITCH, y * PITCH) for x, y in way)


def _trace(came: Mapping[_State, _State], state: _State) -> Way:
    cells = [state[0]]
    while state in came:
        state = came[state]
        cells.append(state[0])
    return tuple(reversed(cells))


def _far(cell: Cell, goal: Box) -> float:
    x, y = cell
    return max(goal.x - x, x - goal.right, 0) + max(goal.y - y, y - goal.bottom, 0)


def _cells(box: Box) -> Box:
    """A box whose corners lie on the lattice, in pitches."""
    return Box(box.x // PITCH, box.y // PITCH, box.width // PITCH, box.height // PITCH)


def _within(box: Box) -> Iterator[Cell]:
    """The points of the lattice in a box or on its edge."""
    for x in range(-(-box.x // PITCH), box.right // PITCH + 1):
        for y in range(-(-box.y // PITCH), box.bottom // PITCH + 1):
            yield x, y


def _covered(box: Box) -> Sequence[Cell]:
    return [(x, y) for x in range(box.x, box.right + 1) for y in range(box.y, box.bottom + 1)]
