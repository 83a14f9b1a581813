"""Who signed the evidence, as every page says it: first, and also when nobody did."""

from typing import Protocol

UNSIGNED = "whoever can write to this store could have changed this evidence, and nobody would know"
_SHORT = 12  # hexadecimal digits that name a key to people


class Signer(Protocol):
    """Whose key signs; :class:`seclab.evidence.keys.SigningKey` and ``Signed`` fit."""

    @property
    def keyid(self) -> str:
        """ID of the key."""
        ...

    @property
    def owner(self) -> str:
        """Who holds it."""
        ...

    @property
    def role(self) -> str:
        """What its signatures stand for."""
        ...


def short(signer: Signer) -> str:
    """As much of the key's ID as people compare."""
    return signer.keyid[:_SHORT]
