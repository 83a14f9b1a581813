"""What stands in the place of a framework id, and what should."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from seclab.frameworks import Entry, Frameworks, Legacy
from seclab.register_checks.context import Compass, Context, stems
from seclab.register_checks.forms import NOTHING
from seclab.register_checks.id_columns import COLUMNS, OWASP, belongs
from seclab.register_checks.id_spelling import (
    ANY_ID,
    ATTACK_AND_NAME,
    BARE_OWASP,
    ID_AND_NAME,
    LOOSE_ATLAS,
    OTHER_SEPARATORS,
    folded,
    squeezed,
    straightened,
)
from seclab.registers.tables import NONE

_PREFIX = "AML."
_MOST = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What is wrong with a token in an id column.

    Attributes:
        rule: Name of the rule.
        message: What is wrong.
        suggestion: What to do.
        replacement: What to write instead; empty to drop it, ``None`` where nothing is proposed.
        safe: Whether nothing else can have been meant.
    """

    rule: str
    message: str
    suggestion: str
    replacement: str | None = None
    safe: bool = False


class Reader:
    """Reads tokens of id columns.

    Args:
        frameworks: Which ids there are.
        compass: Which threats they point to.
    """

    def __init__(self, frameworks: Frameworks, compass: Compass) -> None:
        self._frameworks = frameworks
        self._compass = compass
        self.fits = cache(self._fits)
        self._named: dict[str, list[Entry]] = defaultdict(list)
        self._numbered: dict[str, list[Entry]] = defaultdict(list)
        for entry in frameworks.entries:
            for name in {folded(entry.name), folded(entry.full_name)}:
                self._named[name].append(entry)
            if entry.framework in OWASP:
                self._numbered[entry.id.partition(":")[0]].append(entry)

    def _fits(self, token: str, column: str) -> bool:
        """Whether a token is an id that may stand in a column."""
        entry = self._frameworks.get(token)
        return entry is not None and entry.status != "retired" and belongs(entry, column)

    def read(self, token: str, column: str, context: Context) -> Reading | None:
        """What is wrong with a token; ``None`` for nothing."""
        bare = " ".join(token.split())
        if self.fits(bare, column):
            return None if bare == token else _tidied(token, bare)
        if not bare:
            return Reading(
                "malformed", "an item of the list is empty", "remove the ;", "", safe=True
            )
        steps: tuple[Callable[[str, str, Context], Reading | None], ...] = (
            self._nothing,
            self._separated,
            self._retired,
            self._elsewhere,
            self._slip,
            self._of_attack,
            self._bare_number,
            self._with_name,
            self._name_alone,
        )
        found = (step(bare, column, context) for step in steps)
        return next(filter(None, found), None) or self._unknown(bare, column, context)

    def _nothing(self, token: str, _column: str, _context: Context) -> Reading | None:
        """A word for nothing that is not the one."""
        if token.casefold() not in NOTHING:
            return None
        return Reading(
            "malformed",
            f"{token!r} is no id",
            f"write {NONE} where the framework has none that fits",
            NONE,
            safe=token.casefold() == NONE,
        )

    def _separated(self, token: str, column: str, _context: Context) -> Reading | None:
        """Ids with something else than ``;`` between them."""
        parts = tuple(filter(None, OTHER_SEPARATORS.split(token)))
        if len(parts) < 2 or not all(self.fits(part, column) for part in parts):
            return None
        meant = ";".join(parts)
        return Reading(
            "malformed", f"{token!r} is a list without ;", f"write {meant}", meant, safe=True
        )

    def _retired(self, token: str, column: str, _context: Context) -> Reading | None:
        change = self._frameworks.change_of(token)
        if not change or change.kind != "retired" or column != "atlas_ids":
            return None
        return Reading(
            "retired-id",
            f"{token} ({change.old_name}) was retired from ATLAS",
            f"write {change.replacement} ({change.new_name})"
            if change.replacement
            else "nothing takes its place: name what fits now, or remove it",
            change.replacement or None,
            safe=bool(change.replacement),
        )

    def _elsewhere(self, token: str, column: str, _context: Context) -> Reading | None:
        entry = self._frameworks.get(token) or self._frameworks.get(squeezed(token))
        if not entry or belongs(entry, column):
            return None
        article = "an" if entry.kind[0] in "aeiou" else "a"
        return Reading(
            "id-in-wrong-column",
            f"{token} is {article} {entry.kind} of {entry.framework} ({entry.full_name}), "
            f"not {COLUMNS[column].what}",
            "move it to its own column, or name what belongs here",
        )

    def _slip(self, token: str, column: str, _context: Context) -> Reading | None:
        """Case, blanks, prefix, leading zeros."""
        known = [row.replacement for row in self._rows(token) if row.kind == "malformed"]
        meant = known[0] if len(known) == 1 else straightened(token, column)
        if not meant or not self.fits(meant, column):
            return None
        name = self._name(meant)
        return Reading(
            "malformed",
            f"{token!r} has not the form of an id",
            f"write {meant} ({name})",
            meant,
            safe=len(known) == 1 or self._only_one(token, meant),
        )

    def _only_one(self, token: str, meant: str) -> bool:
        """Whether a number of too few digits can be completed to one technique only."""
        match = LOOSE_ATLAS.fullmatch(squeezed(token))
        if not match or len(match[1]) == len("0000"):
            return True
        pattern = re.compile(".*".join(match[1]))
        ids = (entry.id for entry in self._frameworks.techniques() if not entry.parent)
        numbers = {id_[5:] for id_ in ids if pattern.search(id_[5:])}
        return numbers == {meant[5:9]}

    def _of_attack(self, token: str, column: str, context: Context) -> Reading | None:
        named = ATTACK_AND_NAME.fullmatch(token)
        attack = named[1] if named and not re.search(ANY_ID, named[2]) else token
        rows = [row for row in self._rows(attack) if row.kind.startswith("attack-")]
        if not rows:
            return None
        known = _first(rows[0].what_it_is)
        nameless = known == f"ATT&CK {rows[0].kind.removeprefix('attack-')}"
        what = f"{attack} is {'an ' * nameless}{known}"
        if column != "atlas_ids":
            return Reading("id-in-wrong-column", what, f"name {COLUMNS[column].what}")
        offered, safe, suggestion = self._counterparts(attack, rows, context)
        return Reading(
            "attack-id-in-atlas-column",
            f"{what}, not an id of ATLAS",
            suggestion,
            offered[0] if offered else None,
            safe=safe,
        )

    def _counterparts(
        self, attack: str, rows: Sequence[Legacy], context: Context
    ) -> tuple[Sequence[str], bool, str]:
        """Techniques instead of an id of ATT&CK, whether the first is safe, and what to do.

        A part of an ATT&CK technique that ATLAS does not refer to is read as the whole.
        """
        if not any(row.replacement for row in rows):
            rows = self._rows(attack.partition(".")[0])
        fitting = [id_ for id_ in self._fitting(rows, context) if self.fits(id_, "atlas_ids")]
        if fitting:
            suggestion = f"write {self._named_ids(fitting)}, which fits the rest of the risk"
            return fitting, len(fitting) == 1, suggestion
        offered = [row.replacement for row in rows if not row.context]
        offered = [id_ for id_ in offered if self.fits(id_, "atlas_ids")]
        apt = self._apt(context) if rows[0].kind == "attack-technique" else []
        if offered and apt:
            advice = f"; the threat of the risk has {self._named_ids(apt)}"
            return offered, False, f"write {self._named_ids(offered)} if that was meant{advice}"
        if offered:
            named = self._named_ids(offered)
            return offered, False, f"write {named}, unless something else was meant"
        if apt:
            return apt, False, f"write what was meant, perhaps {self._named_ids(apt)}"
        return (), False, f"{COLUMNS['atlas_ids'].what} that fits this risk is needed"

    def _apt(self, context: Context) -> list[str]:
        """Techniques of the risk's threats, first those whose names have most words of the risk."""
        techniques = self._compass.techniques(self._compass.threats(context))
        shared = {id_: len(stems(self._name(id_)) & context.words) for id_ in techniques}
        ordered = sorted(techniques, key=lambda id_: (-shared[id_], id_))
        return [id_ for id_ in ordered if self.fits(id_, "atlas_ids")][:_MOST]

    def _named_ids(self, ids: Sequence[str]) -> str:
        return " or ".join(f"{id_} ({self._name(id_)})" for id_ in ids)

    def _fitting(self, rows: Sequence[Legacy], context: Context) -> list[str]:
        """What the rest of the risk leaves of the readings; its threats count before its words."""
        techniques = self._compass.techniques(self._compass.threats(context))
        found: dict[str, None] = {}
        for row in rows:
            by_threat = row.replacement in techniques
            by_words = bool(row.context) and stems(row.context) <= context.words
            if by_threat or (by_words and not techniques):
                found[row.replacement] = None
        return [id_ for id_ in found if id_]

    def _bare_number(self, token: str, column: str, context: Context) -> Reading | None:
        match = BARE_OWASP.fullmatch(squeezed(token))
        if column != "owasp_ids" or not match:
            return None
        entries = self._numbered.get(f"{match[1]}{int(match[2]):02d}", [])
        if not entries:
            return None
        fitting = self._of_threat(entries, context)
        meant = fitting or entries
        editions = "; ".join(f"{entry.id} is {entry.name}" for entry in entries)
        return Reading(
            "missing-edition",
            f"{token} names no edition: {editions}",
            f"write {' or '.join(entry.id for entry in meant)}",
            meant[-1].id if len(fitting) == 1 else self._usual(token, meant, context),
            safe=len(fitting) == 1 or len(entries) == 1,
        )

    def _usual(self, token: str, entries: list[Entry], context: Context) -> str:
        """The edition that the risk names beside, else that of the table, else the newest."""
        beside = [self._frameworks.get(id_) for id_ in context.ids]
        editions = {(each.framework, each.edition) for each in beside if each}
        same = [entry for entry in entries if (entry.framework, entry.edition) in editions]
        if len(same) == 1:
            return same[0].id
        listed = [row.replacement for row in self._rows(token) if row.replacement]
        return listed[0] if listed else entries[-1].id

    def _of_threat(self, entries: list[Entry], context: Context) -> list[Entry]:
        """The entries that point to a threat of the risk."""
        threats = self._compass.threats(context)
        return [entry for entry in entries if self._compass.of(entry.id) & threats]

    def _with_name(self, token: str, column: str, context: Context) -> Reading | None:
        match = ID_AND_NAME.fullmatch(token)
        if not match:
            return None
        id_, name = match[1], folded(match[2])
        if column == "owasp_ids" and ":" not in id_:
            return self._number_and_name(token, id_, name)
        entry = self._frameworks.get(id_)
        if not entry or not self.fits(id_, column):
            return None
        if name in (folded(entry.name), folded(entry.full_name)):
            return Reading(
                "malformed", f"{token!r} is an id and its name", f"write {id_}", id_, safe=True
            )
        if any(folded(each.name) == name for each in self._frameworks.former_names_of(id_)):
            return Reading(
                "renamed",
                f"{id_} is called {entry.full_name} today, no longer {match[2]}",
                f"write {id_} alone",
                id_,
                safe=True,
            )
        return self._other_name(entry, match[2], column, context)

    def _number_and_name(self, token: str, number: str, name: str) -> Reading | None:
        """An OWASP number without an edition, but with a name."""
        entries = [entry for entry in self._numbered.get(number, []) if folded(entry.name) == name]
        if not entries:
            return None
        slips = self._rows(f"{number}: {entries[0].name}")
        usual = next((row.replacement for row in slips if row.replacement), entries[-1].id)
        only = len(entries) == 1
        old = (
            only
            and usual != entries[0].id
            and (not usual.startswith(number) or folded(self._name(usual)) != name)
        )
        editions = " and ".join(entry.edition for entry in entries)
        return Reading(
            "owasp-name-of-other-edition" if old else "missing-edition",
            f"{token!r} is number and name of edition {editions}",
            f"write {usual} ({self._name(usual)})",
            usual,
            safe=only and self._same_content(entries[0], usual),
        )

    def _same_content(self, entry: Entry, other: str) -> bool:
        """Whether an entry is the other, or goes on in it and was not dropped on the way."""
        change = self._frameworks.change_of(entry.id)
        return entry.id == other or (change is not None and change.kind != "nearest")

    def _other_name(self, entry: Entry, name: str, column: str, context: Context) -> Reading | None:
        carriers = [each for each in self._named.get(folded(name), []) if belongs(each, column)]
        if not carriers:
            return None
        if column != "owasp_ids":
            ids = " or ".join(dict.fromkeys(each.id for each in carriers))
            problem = f"{entry.id} is {entry.full_name}; {name} is {ids}"
            return Reading(
                "malformed", problem, f"write {entry.id} or {ids}, the one that is meant"
            )
        meant = self._of_edition(carriers, entry)
        fitting = self._of_threat([entry, meant], context)
        chosen = fitting[0] if len(fitting) == 1 and self._compass.of(meant.id) else meant
        carrier = next((each for each in carriers if each.id == meant.id), carriers[-1])
        return Reading(
            "owasp-name-of-other-edition",
            f"{entry.id} is {entry.name}; {name} is {carrier.id}",
            f"write {chosen.id} ({chosen.name})",
            chosen.id,
            safe=len(fitting) == 1 and bool(self._compass.of(meant.id)),
        )

    def _of_edition(self, carriers: Sequence[Entry], entry: Entry) -> Entry:
        """What carriers of a name are in the edition of an entry, else the newest of its list."""
        own = [each for each in carriers if each.framework == entry.framework] or carriers
        for carrier in reversed(own):
            later: Entry | None = carrier
            while later and later.edition != entry.edition:
                later = next(iter(self._frameworks.successors_of(later.id)), None)
            if later:
                return later
        return own[-1]

    def _name_alone(self, token: str, column: str, _context: Context) -> Reading | None:
        current = self._named.get(folded(token), [])
        ids = [each.id for each in current if self.fits(each.id, column)]
        rule, problem = "malformed", f"{token!r} is a name, not an id"
        if not ids:
            former = self._frameworks.former_name(token)
            ids = [each.replacement or each.id for each in former]
            ids = [each for each in ids if self.fits(each, column)]
            rule, problem = "renamed", f"{token!r} is a name of former days, not an id"
        ids = list(dict.fromkeys(ids))
        if not ids:
            return None
        named = " or ".join(f"{id_} ({self._name(id_)})" for id_ in ids)
        return Reading(rule, problem, f"write {named}", ids[-1], safe=len(ids) == 1)

    def _unknown(self, token: str, column: str, context: Context) -> Reading:
        well_formed = re.fullmatch(COLUMNS[column].form, token)
        problem = f"no edition has the id {token}" if well_formed else f"{token!r} is not an id"
        rule = "unknown-id" if well_formed else "malformed"
        prefixed = self._prefixed(token, column, context)
        if prefixed:
            return replace(
                prefixed, rule=rule, message=f"{problem}; {prefixed.message}", safe=False
            )
        near = [each for each in self._frameworks.nearest(token) if self.fits(each.id, column)]
        near = self._of_threat(near, context) or near
        named = " or ".join(f"{each.id} ({each.full_name})" for each in near)
        return Reading(
            rule,
            f"{problem}; {COLUMNS[column].what} is needed",
            f"perhaps {named} was meant" if near else "search it with `seclab frameworks search`",
            self._likeliest(near, context),
        )

    def _likeliest(self, near: list[Entry], context: Context) -> str | None:
        """Of one OWASP number in several editions the usual one, else the nearest."""
        numbers = {each.id.partition(":")[0] for each in near}
        if len(numbers) == 1:
            return self._usual(numbers.pop(), near, context)
        return near[0].id if near else None

    def _prefixed(self, token: str, column: str, context: Context) -> Reading | None:
        """An id of ATT&CK that was given the prefix of ATLAS."""
        attack = token.removeprefix(_PREFIX)
        known = any(row.replacement for row in self._rows(attack.partition(".")[0]))
        return self._of_attack(attack, column, context) if known and attack != token else None

    def _rows(self, token: str) -> tuple[Legacy, ...]:
        return self._frameworks.legacy(token)

    def _name(self, id_: str) -> str:
        entry = self._frameworks.get(id_)
        return entry.full_name if entry else ""


def _tidied(token: str, bare: str) -> Reading:
    return Reading(
        "malformed", f"blanks stand around or inside {token!r}", f"write {bare}", bare, safe=True
    )


def _first(text: str) -> str:
    return text.partition(";")[0]
