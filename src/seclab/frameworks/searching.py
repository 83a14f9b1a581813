"""Finding an entry by parts of its id and words of its names, and what a wrong id may mean."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from seclab.frameworks.mappings import ATTACK
from seclab.frameworks.records import Entry

_WORD = re.compile(r"[^\W_]+")
_SLOPPY = re.compile(r"(aml\.ta?|aml\.m|nistaml\.)([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_NEAR = 0.75
_MOST = 3


class Index:
    """The entries, ready to be searched.

    Args:
        entries: What can be found, each id once.
        former: Former names by id.
    """

    def __init__(self, entries: Iterable[Entry], former: Mapping[str, Sequence[str]]) -> None:
        self._entries = tuple(entries)
        self._ids = {entry.id.casefold(): entry for entry in self._entries}
        self._texts = [
            (entry, entry.id.casefold(), _plain(entry.full_name), _plain(*former.get(entry.id, ())))
            for entry in self._entries
        ]

    def search(self, words: str) -> tuple[Entry, ...]:
        """Entries that have every word in their id or in one of their names, best first."""
        wanted = words.casefold().split()
        if not wanted:
            return ()
        found = [
            (rank, place, entry)
            for place, (entry, *texts) in enumerate(self._texts)
            if (rank := _rank(wanted, entry, texts)) is not None
        ]
        return tuple(entry for *_, entry in sorted(found, key=lambda each: each[:2]))

    def nearest(self, token: str) -> tuple[Entry, ...]:
        """Entries whose id may have been meant, best first; none for an id of ATT&CK.

        ATT&CK numbers its entries independently: an id of ATLAS that looks alike means something
        else.
        """
        text = "".join(token.casefold().split())
        if re.fullmatch(ATTACK, text.upper()):
            return ()
        number = text.partition(":")[0]
        numbered = [entry for key, entry in self._ids.items() if key.startswith(f"{number}:")]
        if numbered:
            return tuple(numbered)
        close = difflib.get_close_matches(text, self._ids, n=_MOST, cutoff=_NEAR)
        keys = dict.fromkeys([_padded(text), *close])
        return tuple(self._ids[key] for key in keys if key in self._ids)[:_MOST]


def _padded(text: str) -> str:
    """An id whose numbers lack their zeros, or have too many, with as many as there must be."""
    found = _SLOPPY.fullmatch(text)
    if not found:
        return text
    kind, number, part = found.groups()
    sub = f".{int(part):03}" if part else ""
    return f"nistaml.{int(number):03}" if kind == "nistaml." else f"{kind}{int(number):04}{sub}"


def _plain(*names: str) -> str:
    """Names as words between single blanks, without punctuation, one name a line."""
    words = (" ".join(_WORD.findall(name.casefold())) for name in names)
    return "\n".join(f" {each} " for each in words)


def _rank(words: Sequence[str], entry: Entry, texts: Sequence[str]) -> int | None:
    """How well an entry fits, 0 best; ``None`` for not at all."""
    key, name, former = texts
    phrase = " ".join(words)
    whole = _plain(phrase)
    tests = (
        phrase == key or whole in (_plain(entry.name), name),
        len(words) == 1 and key.startswith(phrase),
        whole in name,
        all(f" {word} " in name for word in words),
        whole in former,
        all(word in key or word in name for word in words),
        all(word in key or word in name or word in former for word in words),
    )
    return next((rank for rank, fits in enumerate(tests) if fits), None)
