"""Seeing through disguises: invisible characters, look-alike letters and encodings."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

Decoder: TypeAlias = Callable[[str], Iterable[str]]

# Cyrillic and Greek letters that look like Latin ones; compatibility forms are left to NFKC.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝкмтвнАЕОРСУХІЈЅТВНКМ" + "αονρτυικΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwkmtbhAEOPCYXIJSTBHKM" + "aovptuikABEZHIKMNOPTYX",
)
_BASE64_RUN = re.compile(
    r"[A-Za-z0-9+/_-]{16,}(?:\n[A-Za-z0-9+/_-]{4,})*(?:\n?[A-Za-z0-9+/_-]{0,3}={1,2})?"
)


def without_invisible(text: str) -> str:
    """The text without format characters: zero-width, joiners, soft hyphens, direction marks."""
    if text.isascii():  # no ASCII character is a format character
        return text
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def fold(text: str) -> str:
    r"""The text as it looks: nothing invisible, compatibility forms and look-alikes made plain.

    Args:
        text: Anything.

    Returns:
        Text that is equal for texts which differ only in format characters (category Cf).

    References:
        Unicode Standard Annex 15 (NFKC), Unicode Technical Standard 39 (confusables). Boucher et
        al. (2022), Bad characters: imperceptible NLP attacks, arXiv:2106.09898.

    Examples:
        >>> fold("ig\u200bn\u043ere \uff54his")
        'ignore this'
    """
    return unicodedata.normalize("NFKC", without_invisible(text)).translate(_LOOK_ALIKES)


def from_base64(text: str) -> Iterator[str]:
    """The readable texts behind the base64 runs of a text, URL-safe alphabet and wrapped lines too.

    References:
        RFC 4648.
    """
    for run in _BASE64_RUN.findall(text):
        body = re.sub(r"\s", "", run).rstrip("=").replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if is_readable(decoded):
            yield decoded


def is_readable(text: str) -> bool:
    """Whether all visible characters can be printed, white space included."""
    visible = without_invisible(text)
    return bool(visible) and all(
        character.isprintable() or character.isspace() for character in visible
    )


def layers(text: str, decoders: Iterable[Decoder], *, depth: int) -> tuple[str, ...]:
    """A folded text and everything that the decoders find in it, down to a depth.

    Args:
        text: Anything.
        decoders: Each gives the texts hidden in a text.
        depth: How many encodings may lie on top of one another, from 0.

    Returns:
        Folded texts without repetition, the outermost first.
    """
    decoders = tuple(decoders)
    found = {fold(text): None}
    frontier = list(found)
    for _ in range(depth):
        inner = dict.fromkeys(
            fold(hidden) for outer in frontier for decode in decoders for hidden in decode(outer)
        )
        frontier = [hidden for hidden in inner if hidden not in found]
        found.update(dict.fromkeys(frontier))
    return tuple(found)
