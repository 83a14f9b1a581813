"""What the rest of a risk says about it, for ids that can be read in several ways."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from seclab.frameworks import Crossing, Frameworks

_WORD = re.compile(r"[^\W_]+")
_STEM = 5
_SMALL = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "into", "is", "of", "on", "or", "the", "to")
)


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """The words of a text without small ones, cut so that endings do not count."""
    return frozenset(word[:_STEM] for word in _WORD.findall(text.casefold()) if word not in _SMALL)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a risk.

    Attributes:
        nist: Its id of NIST AI 100-2; empty where it has none.
        ids: All ids of it that there are, that of NIST among them.
        words: Stems of its title, goal and pattern.
    """

    nist: str = ""
    ids: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


class Compass:
    """Which threats of the crosswalk an id points to.

    Args:
        frameworks: Which entries there are.
    """

    def __init__(self, frameworks: Frameworks) -> None:
        self._frameworks = frameworks
        self._threats = {crossing.threat: crossing for crossing in frameworks.threats()}
        self.of = cache(self._of)
        self.kin = _kin(frameworks.threats())

    def _of(self, id_: str) -> frozenset[str]:
        """Threats that an id points to; those of its successor for an entry of an older list."""
        found = self._frameworks.crosswalk(id_)
        if not found and (change := self._frameworks.change_of(id_)) and change.replacement:
            found = self._frameworks.crosswalk(change.replacement)
        return frozenset(crossing.threat for crossing in found)

    def threats(self, context: Context) -> frozenset[str]:
        """Threats of a risk: those of its NIST id, else those that any of its ids point to."""
        if context.nist and (found := self.of(context.nist)):
            return found
        return self.union(context.ids)

    def union(self, ids: Iterable[str]) -> frozenset[str]:
        """Threats that any of the ids points to."""
        return frozenset(threat for id_ in ids for threat in self.of(id_))

    def around(self, threats: Iterable[str]) -> frozenset[str]:
        """The threats, and those that share ids with one of them."""
        return frozenset().union(*(self.kin[threat] for threat in threats))

    def akin(self, one: Iterable[str], other: Iterable[str]) -> bool:
        """Whether two sets of threats have some in common, or some that share ids."""
        return not self.around(one).isdisjoint(other)

    def techniques(self, threats: Iterable[str]) -> frozenset[str]:
        """The techniques of threats."""
        return frozenset(id_ for each in threats for id_ in self._threats[each].atlas_ids)

    def letters(self, threats: Iterable[str]) -> frozenset[str]:
        """The STRIDE letters of threats."""
        return frozenset(letter for each in threats for letter in self._threats[each].stride)

    def names(self, threats: Iterable[str]) -> str:
        """Names of threats, for messages."""
        return ", ".join(self._threats[each].name for each in sorted(threats))


def _kin(crossings: Iterable[Crossing]) -> Mapping[str, frozenset[str]]:
    """For each threat those that share an id of NIST, ATLAS or OWASP with it, itself among them."""
    sharing: dict[str, set[str]] = defaultdict(set)
    ids_of = {each.threat: (*each.nist_ids, *each.atlas_ids, *each.owasp_ids) for each in crossings}
    for threat, ids in ids_of.items():
        for id_ in ids:
            sharing[id_].add(threat)
    return {
        threat: frozenset({threat}).union(*(sharing[id_] for id_ in ids))
        for threat, ids in ids_of.items()
    }
