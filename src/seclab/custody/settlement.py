"""What happened set off against what was declared, content by content."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seclab.custody.changes import Changes
from seclab.custody.manifest import Kind
from seclab.custody.rows import Rows

_Content = tuple[bytes, str]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is left on either side.

    Attributes:
        happened: Positions of rows to which something happened that nobody declared, by kind.
        idle: Positions at which something was declared that did not happen, by kind.
    """

    happened: Mapping[Kind, tuple[int, ...]]
    idle: Mapping[Kind, tuple[int, ...]]


def settle(
    changes: Changes, before: Rows, after: Rows, declared: Mapping[Kind, frozenset[int]]
) -> Settlement:
    """Set changes off against declarations.

    Which content is gone and which is new is certain, whichever of several equal rows it was; so
    both sides are counted by content. A row declared as relabelled needs one with its features
    that is gone, a row declared as changed needs any other that is gone.

    Args:
        changes: What was found between the two.
        before: The old version.
        after: The new version.
        declared: Positions by kind, of declarations that hold what is there.
    """
    sides = _Sides.of(changes, before, after)
    said = {kind: sides.contents(kind, rows) for kind, rows in declared.items()}
    gone, new = Counter(sides.gone.values()), Counter(sides.new.values())
    idle = {Kind.REMOVED: said[Kind.REMOVED] - gone}
    gone -= said[Kind.REMOVED]
    idle[Kind.ADDED] = said[Kind.ADDED] - new
    new -= said[Kind.ADDED]
    idle[Kind.RELABELLED] = _relabel(said[Kind.RELABELLED], gone, new)
    idle[Kind.CHANGED] = _change(said[Kind.CHANGED], gone, new, sides)
    moved = idle[Kind.REMOVED] & idle[Kind.ADDED]
    idle[Kind.REMOVED] -= moved
    idle[Kind.ADDED] -= moved
    return Settlement(
        sides.kinds(
            _pick(sides.gone, gone, avoid=declared[Kind.REMOVED]),
            _pick(sides.new, new, avoid=frozenset().union(*declared.values())),
        ),
        {
            kind: tuple(_pick(sides.at(kind, declared[kind]), idle[kind], avoid=sides.moving(kind)))
            for kind in Kind
        },
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Both versions by content.

    Attributes:
        old: Content of each row before.
        young: Content of each row after.
        gone: Content of the rows that have no equal after, by position.
        new: Content of the rows that have no equal before, by position.
        pairs: Positions of those of them that are taken for one row.
    """

    old: Sequence[_Content]
    young: Sequence[_Content]
    gone: Mapping[int, _Content]
    new: Mapping[int, _Content]
    pairs: tuple[tuple[Kind, int, int], ...]

    @classmethod
    def of(cls, changes: Changes, before: Rows, after: Rows) -> "_Sides":
        old, young = before.contents(), after.contents()
        pairs = [(Kind.RELABELLED, a, b) for a, b in changes.relabelled.tolist()]
        pairs += [(Kind.CHANGED, a, b) for a, b in changes.changed.tolist()]
        gone = sorted([*changes.removed.tolist(), *(a for _, a, _ in pairs)])
        new = sorted([*changes.added.tolist(), *(b for _, _, b in pairs)])
        return cls(old, young, {a: old[a] for a in gone}, {b: young[b] for b in new}, tuple(pairs))

    def at(self, kind: Kind, rows: Iterable[int]) -> dict[int, _Content]:
        holder = self.old if kind is Kind.REMOVED else self.young
        return {row: holder[row] for row in sorted(rows)}

    def contents(self, kind: Kind, rows: Iterable[int]) -> Counter[_Content]:
        return Counter(self.at(kind, rows).values())

    def moving(self, kind: Kind) -> frozenset[int]:
        return frozenset(self.gone if kind is Kind.REMOVED else self.new)

    def kinds(self, gone: set[int], new: set[int]) -> dict[Kind, tuple[int, ...]]:
        """What became of rows that nothing accounts for, a pair of them counted once."""
        found: dict[Kind, tuple[int, ...]] = {}
        for kind in (Kind.CHANGED, Kind.RELABELLED):
            both = [(a, b) for k, a, b in self.pairs if k is kind and a in gone and b in new]
            gone, new = gone - {a for a, _ in both}, new - {b for _, b in both}
            found[kind] = tuple(sorted(b for _, b in both))
        return found | {Kind.REMOVED: tuple(sorted(gone)), Kind.ADDED: tuple(sorted(new))}


def _relabel(
    said: Counter[_Content], gone: Counter[_Content], new: Counter[_Content]
) -> Counter[_Content]:
    """Take out what was relabelled as declared; gives the declarations that are left."""
    sources = defaultdict(list)
    for content in sorted(gone.elements()):
        sources[content[0]].append(content)
    left: Counter[_Content] = Counter()
    for content in said.elements():
        if new[content] and sources[content[0]]:
            new[content] -= 1
            gone[sources[content[0]].pop()] -= 1
        else:
            left[content] += 1
    return left


def _change(
    said: Counter[_Content], gone: Counter[_Content], new: Counter[_Content], sides: _Sides
) -> Counter[_Content]:
    """Take out what was changed as declared, with its likely source or else any."""
    likely = defaultdict(list)
    for kind, a, b in sides.pairs:
        if kind is Kind.CHANGED:
            likely[sides.new[b]].append(sides.gone[a])
    features = {key for key, _ in +gone}
    left, waiting = Counter[_Content](), 0
    for content in said.elements():
        if not new[content] or content[0] in features:
            left[content] += 1
            continue
        new[content] -= 1
        source = next((each for each in likely[content] if gone[each] > 0), None)
        if source:
            gone[source] -= 1
        else:
            waiting += 1
    _without(gone, waiting, last={content for each in likely.values() for content in each})
    return left


def _without(gone: Counter[_Content], count: int, *, last: set[_Content]) -> None:
    """Take out so many, those that may have become another row last."""
    rest = sorted((+gone).elements(), key=lambda content: (content in last, content))
    gone.subtract(rest[:count])


def _pick(
    rows: Mapping[int, _Content], counts: Counter[_Content], *, avoid: frozenset[int]
) -> set[int]:
    """As many rows of each content as are counted, others than those to avoid first."""
    left = Counter(+counts)

    def chosen() -> Iterator[int]:
        for row in sorted(rows, key=lambda row: (row in avoid, row)):
            if left[rows[row]] > 0:
                left[rows[row]] -= 1
                yield row

    return set(chosen())
