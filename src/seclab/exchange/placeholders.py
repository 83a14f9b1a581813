"""Texts and values for what an imported file does not tell: plain about it, and the strictest."""

from datetime import date

from seclab.threat_models import read_threat_model, write_threat_model
from seclab.threat_models.records import ThreatModel

NOT_DESCRIBED = "imported; not described"
NEW_RISK = "R-NEW-01"
"""The risk of threats whose file names none: no register has it, so the check reports each."""
_LONG_AGO = date(2000, 1, 1)


def one_line(text: str, *, otherwise: str = NOT_DESCRIBED) -> str:
    """A text as a threat model may hold in one line; ``otherwise`` where nothing is left."""
    return _printable(text).replace("\n", " ").strip() or otherwise


def prose(text: str, *, otherwise: str = NOT_DESCRIBED) -> str:
    """A text as a threat model may hold; ``otherwise`` where nothing is left."""
    return _printable(text).strip() or otherwise


def empty_model(name: str, description: str) -> ThreatModel:
    """A threat model of which nothing is known but a name.

    Nobody has judged it yet: its data count as restricted, it as critical, and its review is long
    overdue.
    """
    return ThreatModel(
        id="imported",
        name=one_line(name),
        description=prose(description),
        owner="security",
        review_date=_LONG_AGO,
        sensitivity="restricted",
        criticality="critical",
        subjects=(),
        assets=(),
        actors=(),
        boundaries=(),
        elements=(),
        flows=(),
        entry_points=(),
        assumptions=(),
        threats=(),
        dismissed=(),
        abuse_cases=(),
        controls=(),
        pasta=(),
        risks=(),
        out_of_scope=(),
    )


def in_form(model: ThreatModel, *, file: str) -> ThreatModel:
    """A model made of somebody else's file, if it can be written as one of ours.

    Raises:
        Misconfigured: It cannot; with all reasons.
    """
    return read_threat_model(write_threat_model(model).encode(), file=file)


def _printable(text: str) -> str:
    breaks = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in breaks)
