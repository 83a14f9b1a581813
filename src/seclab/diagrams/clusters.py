"""What belongs together in a diagram, and in which column it stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seclab.threat_models.records import ThreatModel

_MOST_ROWS = 4
MOST_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """A trust boundary with its elements, or one element outside of all.

    Attributes:
        boundary: Id of the boundary; empty for an element outside.
        columns: Ids of its elements, column by column from the left, each from the top.
    """

    boundary: str
    columns: tuple[tuple[str, ...], ...]

    @property
    def elements(self) -> tuple[str, ...]:
        """Ids of all its elements."""
        return tuple(element for column in self.columns for element in column)

    def ordered(self, height: Mapping[str, float]) -> "Cluster":
        """The cluster with each of its columns in the order of some height."""
        columns = (tuple(sorted(column, key=lambda id_: height[id_])) for column in self.columns)
        return replace(self, columns=tuple(columns))


def clusters(model: ThreatModel, *, most: Mapping[int, int]) -> tuple[tuple[Cluster, ...], ...]:
    """The clusters of a model in columns: on the left the actors, then what they reach, and so on.

    Boundaries without an element stand in the last column.

    Args:
        model: The threat model.
        most: How many columns the clusters of a column may have, where not the usual number.
    """
    known = {element.id for element in model.elements}
    inside = {
        id_: each.id for each in reversed(model.boundaries) for id_ in each.elements if id_ in known
    }
    home = {element.id: inside.get(element.id, element.id) for element in model.elements}
    actors = [element.id for element in model.elements if element.kind == "actor"]
    seeds = [id_ for id_ in actors if id_ not in inside] or actors
    rank = _distances(
        dict.fromkeys(home.values()),
        [(home[flow.source], home[flow.target]) for flow in model.flows],
        seeds=[home[id_] for id_ in seeds],
    )
    empty = [each.id for each in model.boundaries if each.id not in rank]
    rank |= dict.fromkeys(empty, max(rank.values(), default=0))
    members = {id_: [each for each, of in home.items() if of == id_] for id_ in rank}
    names = {each.id for each in model.boundaries}
    found = {
        id_: Cluster(
            id_,
            _columns(
                _depths(model, members[id_], home=home, rank=rank),
                most=most.get(rank[id_], MOST_COLUMNS),
            ),
        )
        if id_ in names
        else Cluster("", ((id_,),))
        for id_ in rank
    }
    return tuple(
        tuple(found[id_] for id_ in rank if rank[id_] == number)
        for number in sorted(set(rank.values()))
    )


def _depths(
    model: ThreatModel,
    members: Sequence[str],
    *,
    home: Mapping[str, str],
    rank: Mapping[str, int],
) -> dict[str, int]:
    """How far the elements of a boundary are from those that are reached from further left."""
    within = [
        (flow.source, flow.target)
        for flow in model.flows
        if flow.source in members and flow.target in members
    ]
    ends = [pair for flow in model.flows for pair in _both(flow.source, flow.target)]
    entries = [
        id_
        for id_ in members
        if any(here == id_ and rank[home[there]] < rank[home[id_]] for here, there in ends)
    ]
    return _distances(members, within, seeds=entries or members[:1])


def _columns(depths: Mapping[str, int], *, most: int) -> tuple[tuple[str, ...], ...]:
    """Elements by their depth; a column that is full gives its rest to the next."""
    columns: list[list[str]] = [[] for _ in range(most)]
    for id_ in sorted(depths, key=lambda id_: depths[id_]):
        wanted = columns[min(depths[id_], most - 1) :]
        free = [column for column in wanted if len(column) < _MOST_ROWS]
        (free or sorted(columns, key=len))[0].append(id_)
    return tuple(tuple(column) for column in columns if column)


def _distances(
    nodes: Iterable[str], edges: Sequence[tuple[str, str]], *, seeds: Sequence[str]
) -> dict[str, int]:
    """How many edges each node is from the nearest seed; a part without one begins anew."""
    near: dict[str, list[str]] = {node: [] for node in nodes}
    for one, other in edges:
        near[one].append(other)
        near[other].append(one)
    found = dict.fromkeys(seeds, 0)
    front = list(found)
    rest = iter(near)
    while True:
        for node in front:
            for other in near[node]:
                if other not in found:
                    found[other] = found[node] + 1
                    front.append(other)
        start = next((node for node in rest if node not in found), None)
        if start is None:
            return {node: found[node] for node in near}
        found[start] = 0
        front = [start]


def _both(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)
