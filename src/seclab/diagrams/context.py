"""What the registers know of the ids that a threat model names."""

from collections.abc import Mapping
from dataclasses import dataclass

from seclab.frameworks import Frameworks
from seclab.registers import Risk


@dataclass(frozen=True, slots=True)
class Context:
    """Registers to look ids up in.

    Attributes:
        risks: The risk register.
        frameworks: What the publishers list.
    """

    risks: Mapping[str, Risk]
    frameworks: Frameworks

    def named(self, id_: str) -> str:
        """An id of a framework or risk with its name; alone where nobody knows it."""
        if id_ in self.risks:
            return f"{id_} {self.risks[id_].title}"
        entry = self.frameworks.get(id_)
        return f"{id_} {entry.full_name}" if entry else id_

    def title_of(self, risk: str) -> str:
        """The title of a risk; empty where the register has no such risk."""
        return self.risks[risk].title if risk in self.risks else ""

    def ids_of(self, risk: str) -> tuple[str, ...]:
        """The framework ids of a risk; none where the register has no such risk."""
        if risk not in self.risks:
            return ()
        found = self.risks[risk]
        return (*([found.nist_id] if found.nist_id else []), *found.atlas_ids, *found.owasp_ids)
