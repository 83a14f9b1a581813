"""What an entry belongs to, what belongs to it, and what came before and after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from seclab.frameworks.catalogue import Frameworks
from seclab.frameworks.records import Entry

Relation: TypeAlias = Literal[
    "predecessor",
    "successor",
    "tactic",
    "part of",
    "sub-technique",
    "technique",
    "mitigation",
    "objective",
    "attack",
]


@dataclass(frozen=True, slots=True)
class Related:
    """An entry that is tied to another.

    Attributes:
        relation: What it is to the other.
        entry: The entry.
    """

    relation: Relation
    entry: Entry


def related(frameworks: Frameworks, entry: Entry) -> tuple[Related, ...]:
    """The entries that the framework itself ties to an entry.

    Of its own edition: of a technique its tactics, parent, sub-techniques and mitigations; of a
    tactic its techniques; of a mitigation the techniques it stands against; of an attack of NIST
    its objectives, and the other way round. Of other editions what it took the place of, and what
    takes its place.
    """
    return (
        *(Related("predecessor", each) for each in frameworks.predecessors_of(entry.id)),
        *(Related("successor", each) for each in frameworks.successors_of(entry.id)),
        *_above(frameworks, entry),
        *_below(frameworks, entry),
        *(
            Related("mitigation", each)
            for each in frameworks.mitigations_of(entry.id, edition=entry.edition)
        ),
        *(
            Related("technique", each)
            for each in frameworks.techniques_of(entry.id, edition=entry.edition)
        ),
    )


def _above(frameworks: Frameworks, entry: Entry) -> Iterator[Related]:
    named: Mapping[Relation, tuple[str, ...]] = {
        "tactic": entry.tactics,
        "part of": (entry.parent,),
        "objective": entry.objectives,
    }
    for relation, ids in named.items():
        for id_ in ids:
            found = frameworks.get(id_, edition=entry.edition)
            if found:
                yield Related(relation, found)


def _below(frameworks: Frameworks, entry: Entry) -> Iterator[Related]:
    for each in frameworks.entries:
        if (each.framework, each.edition) == (entry.framework, entry.edition):
            if entry.id == each.parent:
                yield Related("sub-technique", each)
            elif entry.id in each.tactics:
                yield Related("technique", each)
            elif entry.id in each.objectives:
                yield Related("attack", each)
