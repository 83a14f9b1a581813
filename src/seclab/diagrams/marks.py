"""How flows are drawn: what their lines, heads and numbers tell without any colour."""

from dataclasses import dataclass

from seclab.threat_models.records import Flow, ThreatModel

INK = "#1a1d21"
RED = "#a3171b"
_AMBER = "#8a4b00"


@dataclass(frozen=True, slots=True)
class Look:
    """How a flow is drawn.

    Attributes:
        crossing: Whether it crosses a trust boundary.
        encrypted: Whether it is encrypted.
        authenticated: Whether its target knows who sent it.
    """

    crossing: bool
    encrypted: bool
    authenticated: bool

    @property
    def exposed(self) -> bool:
        """Whether it crosses a boundary in clear text."""
        return self.crossing and not self.encrypted

    @property
    def colour(self) -> str:
        """Of its line."""
        return _AMBER if self.exposed else INK

    @property
    def width(self) -> float:
        """Of its line, in pixels."""
        return 2.4 if self.crossing else 1.3

    @property
    def dashes(self) -> str:
        """The attribute that breaks its line."""
        return ' stroke-dasharray="7 4"' if self.exposed else ""

    @property
    def head(self) -> str:
        """Id of its arrowhead: hollow where the sender is not known."""
        return f"head-{'known' if self.authenticated else 'unknown'}{'-exposed' * self.exposed}"

    @property
    def rounding(self) -> int:
        """Of the corners around its number."""
        return 2 if self.crossing else 8

    @property
    def fill(self) -> str:
        """Behind its number."""
        return INK if self.crossing and self.encrypted else "#fff"

    @property
    def ink(self) -> str:
        """Of its number."""
        return "#fff" if self.crossing and self.encrypted else self.colour

    @property
    def words(self) -> str:
        """The same in words."""
        return ", ".join(
            [
                "crosses a trust boundary" if self.crossing else "crosses no trust boundary",
                "encrypted" if self.encrypted else "not encrypted",
                "authenticated" if self.authenticated else "not authenticated",
            ]
        )


def look_of(model: ThreatModel, flow: Flow) -> Look:
    """How a flow of a model is drawn."""
    return Look(model.crosses(flow), flow.encrypted, flow.authenticated)


def _head(name: str, colour: str, fill: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 12 12" refX="10.5" refY="6" markerWidth="11" '
        f'markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M1.5 1.5L10.5 6'
        f'L1.5 10.5z" fill="{fill}" stroke="{colour}" stroke-width="1.4"/></marker>'
    )


HEADS = (
    "<defs>"
    + _head("head-known", INK, INK)
    + _head("head-unknown", INK, "#fff")
    + _head("head-known-exposed", _AMBER, _AMBER)
    + _head("head-unknown-exposed", _AMBER, "#fff")
    + "</defs>"
)
"""The arrowheads that the looks name."""
