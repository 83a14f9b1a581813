"""The frameworks, ready to be asked."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from seclab.frameworks.changes import between, successions
from seclab.frameworks.mappings import ATTACK
from seclab.frameworks.records import (
    ATLAS,
    Change,
    Content,
    Crossing,
    Edition,
    Entry,
    FormerName,
    Legacy,
    LegacyKind,
)
from seclab.frameworks.searching import Index

_ATTACK_KINDS: Mapping[str, LegacyKind] = {
    "TA": "attack-tactic",
    "T": "attack-technique",
    "M": "attack-mitigation",
}


class Frameworks:
    """Every entry of every edition, and how they belong together.

    Args:
        content: What the tables hold, checked.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._by_id: dict[str, list[Entry]] = defaultdict(list)
        for entry in content.entries:
            self._by_id[entry.id].append(entry)
        self._former: dict[str, list[FormerName]] = defaultdict(list)
        self._named: dict[str, list[FormerName]] = defaultdict(list)
        for former in content.former_names:
            self._former[former.id].append(former)
            self._named[_folded(former.name)].append(former)
        self._crossings: dict[str, list[Crossing]] = defaultdict(list)
        for crossing in content.crossings:
            for each in dict.fromkeys(crossing.ids):
                self._crossings[each].append(crossing)
        self._legacy: dict[str, list[Legacy]] = defaultdict(list)
        for legacy in content.legacy:
            self._legacy[_folded(legacy.token)].append(legacy)
        self._against = {edition: _turned(links) for edition, links in content.links.items()}
        self._after = {id_: (each.id,) for id_, each in content.successors.items()} | {
            each.id: (each.replacement,) for each in content.former_names if each.replacement
        }
        self._before = _turned(self._after)
        self._changes = {change.id: change for change in self._latest_changes()}
        newest = [found[-1] for found in self._by_id.values()]
        names = {id_: [each.name for each in found] for id_, found in self._former.items()}
        self._index = Index(newest, names)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry of every edition, in the order of the tables, older editions first."""
        return self._content.entries

    @property
    def editions(self) -> tuple[Edition, ...]:
        """Every edition, of each framework from the oldest to the newest."""
        return self._content.editions

    def newest(self, framework: str) -> str:
        """Name of the newest edition of a framework."""
        return [each.edition for each in self.editions if each.framework == framework][-1]

    def get(self, id_: str, *, edition: str | None = None) -> Entry | None:
        """The entry with exactly this id; ``None`` where there is none.

        Args:
            id_: The id.
            edition: In which edition; the newest that has it when ``None``.
        """
        found = self.editions_of(id_)
        if edition is not None:
            return next((entry for entry in found if entry.edition == edition), None)
        return found[-1] if found else None

    def editions_of(self, id_: str) -> tuple[Entry, ...]:
        """The entry in every edition that has it, the oldest first.

        An OWASP id names its edition and so is in one only.
        """
        return tuple(self._by_id.get(id_, ()))

    def search(self, words: str) -> tuple[Entry, ...]:
        """Entries that have every word in their id or in a name they have or had, best first."""
        return self._index.search(words)

    def nearest(self, token: str) -> tuple[Entry, ...]:
        """Entries whose id may have been meant by one that there is not, best first."""
        return self._index.nearest(token)

    def tactics(self) -> tuple[Entry, ...]:
        """The tactics of the newest ATLAS, in the order of its matrix."""
        return self._of("tactic")

    def techniques(self) -> tuple[Entry, ...]:
        """The techniques of the newest ATLAS, each followed by its sub-techniques."""
        return self._of("technique")

    def mitigations(self) -> tuple[Entry, ...]:
        """The mitigations of the newest ATLAS."""
        return self._of("mitigation")

    def _of(self, kind: str) -> tuple[Entry, ...]:
        newest = (ATLAS, self.newest(ATLAS), kind)
        return tuple(e for e in self.entries if (e.framework, e.edition, e.kind) == newest)

    def mitigations_of(self, technique: str, *, edition: str | None = None) -> tuple[Entry, ...]:
        """What ATLAS names against exactly this technique, neither its parent nor its parts.

        Args:
            technique: Its id.
            edition: Of ATLAS; the newest that has the technique when ``None``.
        """
        entry = self.get(technique, edition=edition)
        return self._tied(entry, self._against) if entry else ()

    def techniques_of(self, mitigation: str, *, edition: str | None = None) -> tuple[Entry, ...]:
        """The techniques that ATLAS names a mitigation against.

        Args:
            mitigation: Its id.
            edition: Of ATLAS; the newest that has the mitigation when ``None``.
        """
        entry = self.get(mitigation, edition=edition)
        return self._tied(entry, self._content.links) if entry else ()

    def _tied(
        self, entry: Entry, links: Mapping[str, Mapping[str, tuple[str, ...]]]
    ) -> tuple[Entry, ...]:
        ids = links.get(entry.edition, {}).get(entry.id, ())
        found = (self.get(each, edition=entry.edition) for each in ids)
        return tuple(each for each in found if each)

    def threats(self) -> tuple[Crossing, ...]:
        """The crosswalk, one row per threat."""
        return self._content.crossings

    def crosswalk(self, id_: str) -> tuple[Crossing, ...]:
        """The rows of the crosswalk that name exactly this id."""
        return tuple(self._crossings.get(id_, ()))

    def changes(self, framework: str, old: str, new: str) -> tuple[Change, ...]:
        """What changed between two editions of ATLAS or of an OWASP list.

        Args:
            framework: ``MITRE ATLAS`` or ``OWASP LLM``; of the others there is one edition only.
            old: The older edition.
            new: The newer one.
        """
        if framework == ATLAS:
            return tuple(between(self._content, old, new))
        return tuple(successions(self._content, framework, old, new))

    def change_of(self, id_: str) -> Change | None:
        """What became of an id last; ``None`` where nothing did.

        For ATLAS from one edition to the next, and for an id that is older than all tables from
        the release that had it first to the newest; for OWASP from the edition of the id to the
        newest.
        """
        return self._changes.get(id_)

    def _latest_changes(self) -> Iterator[Change]:
        newest = self.newest(ATLAS)
        for former in self._content.former_names:
            replaced = self.get(former.replacement)
            if former.id not in self._by_id and replaced:
                yield Change(
                    id=former.id,
                    framework=replaced.framework,
                    old_edition=former.first_seen,
                    new_edition=newest,
                    kind="retired",
                    old_name=former.name,
                    new_name=replaced.full_name,
                    replacement=replaced.id,
                )
        for framework in dict.fromkeys(each.framework for each in self.editions):
            known = [each.edition for each in self.editions if each.framework == framework]
            for old, following in pairwise(known):
                new = following if framework == ATLAS else known[-1]
                for change in self.changes(framework, old, new):
                    if framework == ATLAS or change.replacement:
                        yield change

    def successors_of(self, id_: str) -> tuple[Entry, ...]:
        """What takes the place of an entry: in the next OWASP list, or of a retired ATLAS id."""
        return self._entries_of(self._after.get(id_, ()))

    def predecessors_of(self, id_: str) -> tuple[Entry, ...]:
        """What an entry took the place of, as far as the tables hold it."""
        return self._entries_of(self._before.get(id_, ()))

    def _entries_of(self, ids: Iterable[str]) -> tuple[Entry, ...]:
        return tuple(entry for each in ids if (entry := self.get(each)))

    def attack_ids_of(self, id_: str) -> tuple[str, ...]:
        """The entries of ATT&CK that ATLAS made an entry of its own after."""
        return tuple(ref.attack_id for ref in self._content.references if ref.atlas_id == id_)

    def former_names_of(self, id_: str) -> tuple[FormerName, ...]:
        """Names that an id carried before, the oldest first."""
        return tuple(self._former.get(id_, ()))

    def former_name(self, text: str) -> tuple[FormerName, ...]:
        """The ids that once carried this name, in any case of letters; mostly none or one."""
        return tuple(self._named.get(_folded(text), ()))

    def legacy(self, token: str) -> tuple[Legacy, ...]:
        """What a token is that people write in the place of an id, in any case of letters.

        Rows with a context come first where the table has several. An id of ATT&CK that the table
        does not list is read from ATLAS's own references, which know no context; where ATLAS has
        none either, the row has neither replacement nor alternatives.
        """
        rows = self._legacy.get(_folded(token), [])
        listed = sorted(rows, key=lambda row: not row.context)
        attack = token.strip().upper()
        if any(not row.context for row in rows) or not re.fullmatch(ATTACK, attack):
            return tuple(listed)
        return (*listed, self._referenced(attack))

    def _referenced(self, attack: str) -> Legacy:
        """What an id of ATT&CK is by the references that ATLAS gives."""
        ids = tuple(ref.atlas_id for ref in self._content.references if ref.attack_id == attack)
        kind = _ATTACK_KINDS[attack.rstrip("0123456789.")]
        what = f"ATT&CK {kind.partition('-')[2]}"
        entry = self.get(ids[0]) if len(ids) == 1 else None
        return Legacy(
            token=attack,
            context="",
            kind=kind,
            what_it_is=f"{what}; {'ATLAS has its own id for it' if ids else 'not one of ATLAS'}",
            replacement=entry.id if entry else "",
            alternatives=() if entry else ids,
            severity="error",
        )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _turned(links: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Links the other way round: mitigations by technique from techniques by mitigation."""
    turned: dict[str, list[str]] = defaultdict(list)
    for source, targets in links.items():
        for target in targets:
            turned[target].append(source)
    return {target: tuple(found) for target, found in turned.items()}
