"""Ids of Threat Dragon made of ours: the same model always gets the same ones."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6f7b6c1e-0d0f-5c8e-9a53-5d2f2c7b9e10")


def uuid_of(model: str, id_: str) -> str:
    """The UUID of an entry of a threat model."""
    return str(uuid5(_NAMESPACE, f"{model}/{id_}"))


class Numbering:
    """Gives ids that nothing has yet: numbers after the highest.

    Args:
        prefix: What they begin with.
        taken: Ids that there are.
    """

    def __init__(self, prefix: str, taken: set[str]) -> None:
        self._prefix = prefix
        numbers = [id_.removeprefix(prefix) for id_ in taken]
        self._last = max((int(n) for n in numbers if n.isascii() and n.isdigit()), default=0)

    def __call__(self) -> str:
        """The next id."""
        self._last += 1
        return f"{self._prefix}{self._last}"
