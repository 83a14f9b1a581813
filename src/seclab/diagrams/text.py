"""How wide text is, without a font at hand: an estimate that is rather too wide than too narrow."""

import unicodedata

_NARROW = frozenset("fijlrtI.,:;'|!()[]/ -")
_WIDE = frozenset("mwMW@%—&")


def width(text: str, size: float, *, bold: bool = False) -> int:
    """Width of a line of sans-serif text in pixels.

    Args:
        text: The line.
        size: Of the font, in pixels.
        bold: Whether it is set in bold.
    """
    units = sum(_units(character) for character in text)
    return round(units * size * (1.08 if bold else 1.0)) + 1


def _units(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _WIDE or unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if not character.isascii():
        return 0.8
    return 0.72 if character.isupper() else 0.58


def wrap(text: str, size: float, *, room: int, lines: int = 100) -> tuple[str, ...]:
    """Break text into lines that fit, words too long for one in pieces.

    Args:
        text: Any text; runs of white space count as one blank.
        size: Of the font, in pixels.
        room: Width of a line in pixels.
        lines: How many there may be; what is too much ends in an ellipsis.
    """
    found = [""]
    for word in text.split():
        for piece in _pieces(word, size, room):
            longer = f"{found[-1]} {piece}".strip()
            if width(longer, size) <= room:
                found[-1] = longer
            else:
                found.append(piece)
    if len(found) <= lines:
        return tuple(found)
    return (*found[: lines - 1], cut(" ".join(found[lines - 1 :]), size, room=room))


def cut(text: str, size: float, *, room: int) -> str:
    """A line that fits, with an ellipsis where something is missing."""
    if width(text, size) <= room:
        return text
    while text and width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _pieces(word: str, size: float, room: int) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and width(pieces[-1] + character, size) > room:
            pieces.append("")
        pieces[-1] += character
    return pieces
