"""How ids are written by people, and what they look like once they are straight."""

import re

ANY_ID = r"AML\.T[0-9]{4}(?:\.[0-9]{3})?|NISTAML\.[0-9]{3}|(?:LLM|ML|ASI)[0-9]{2}(?::[0-9]{4})?"
_BETWEEN = r"[\s:,(\u2013-]+"
ID_AND_NAME = re.compile(rf"({ANY_ID}){_BETWEEN}(.+?)\)?")
ATTACK_AND_NAME = re.compile(
    rf"((?:TA|T|M)[0-9]{{4}}(?:\.[0-9]{{3}})?){_BETWEEN}(.+)", re.IGNORECASE
)
OTHER_SEPARATORS = re.compile(r"[\s,|/&+]+")
LOOSE_ATLAS = re.compile(r"(?:AML[._-]?)?T([0-9]{1,4})(?:\.([0-9]{1,3}))?")
_LOOSE_NIST = re.compile(r"(?:NIST)?AML[.:-]?([0-9]{1,3})")
_LOOSE_OWASP = re.compile(
    r"(?:OWASP)?(LLM|ML|ASI)-?([0-9]{1,2})(?:[:._/-]?\(?(20[0-9]{2})(?:[-/](?:20)?24)?\)?|[:/](2[0-9]))"
)
_WORD = re.compile(r"[^\W_]+")
BARE_OWASP = re.compile(r"(LLM|ML|ASI)-?([0-9]{1,2})")


def ids_in(text: str) -> list[str]:
    """The ids that a text names."""
    return re.findall(ANY_ID, text)


def squeezed(token: str) -> str:
    """A token in capitals, without blanks."""
    return "".join(token.split()).upper()


def straightened(token: str, column: str) -> str:
    """A token in the form of the column, if only case, blanks, prefix or zeros are wrong."""
    text = squeezed(token)
    if column == "atlas_ids" and (match := LOOSE_ATLAS.fullmatch(text)):
        number, part = match.groups()
        if not text.startswith("AML") and not number.startswith("0"):
            return ""  # it would be an id of ATT&CK, which numbers independently
        return f"AML.T{int(number):04d}" + (f".{int(part):03d}" if part else "")
    if column == "nist_id" and (match := _LOOSE_NIST.fullmatch(text)):
        return f"NISTAML.{int(match[1]):03d}"
    if column == "owasp_ids" and (match := _LOOSE_OWASP.fullmatch(text)):
        return f"{match[1]}{int(match[2]):02d}:{match[3] or f'20{match[4]}'}"
    return ""


def folded(text: str) -> str:
    """A name in small letters, without what stands between its words."""
    return " ".join(_WORD.findall(text.casefold()))
