"""The framework ids of the risk register as SARIF taxonomies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seclab.registers import Risk

_OWASP = {
    "ML": ("OWASP Machine Learning Security Top 10", "machine-learning-security-top-10"),
    "LLM": (
        "OWASP Top 10 for Large Language Model Applications",
        "top-10-for-large-language-model-applications",
    ),
    "ASI": ("OWASP Top 10 for Agentic Applications", ""),
}


@dataclass(frozen=True, slots=True)
class Framework:
    """A published list that ids of the risk register come from.

    Attributes:
        name: Its title.
        edition: The edition that the ids carry; empty where they carry none.
        organization: Who publishes it.
        address: Where to read it.
    """

    name: str
    edition: str
    organization: str
    address: str


_NIST = Framework("NIST AI 100-2", "E2025", "NIST", "https://doi.org/10.6028/NIST.AI.100-2e2025")
_ATLAS = Framework("MITRE ATLAS", "", "The MITRE Corporation", "https://atlas.mitre.org/")


def ids_of(risk: Risk) -> tuple[tuple[Framework, str], ...]:
    """Every framework id of a risk, each with the framework and edition it belongs to."""
    nist = ((_NIST, risk.nist_id),) if risk.nist_id else ()
    return (
        *nist,
        *((_ATLAS, technique) for technique in risk.atlas_ids),
        *((_owasp(entry), entry) for entry in risk.owasp_ids),
    )


def _owasp(entry: str) -> Framework:
    """The list of ``ML01:2023``: a bare number would be another entry in another edition."""
    number, _, edition = entry.partition(":")
    name, project = _OWASP[number.rstrip("0123456789")]
    address = f"https://owasp.org/www-project-{project}/" if project else "https://genai.owasp.org/"
    return Framework(name, edition, "OWASP", address)


class Taxonomies:
    """The frameworks that the rules of one SARIF run refer to.

    Args:
        risks: The risks that the criteria of the run are about.
    """

    def __init__(self, risks: Iterable[Risk]) -> None:
        taxa: dict[Framework, set[str]] = {}
        for risk in risks:
            for framework, entry in ids_of(risk):
                taxa.setdefault(framework, set()).add(entry)
        self._taxa: Mapping[Framework, list[str]] = {
            framework: sorted(taxa[framework])
            for framework in sorted(taxa, key=lambda each: (each.name, each.edition))
        }
        self._order = list(self._taxa)

    def relationships(self, risks: Iterable[Risk]) -> list[dict[str, Any]]:
        """The ``relationships`` of a rule that guards against ``risks``."""
        found = dict.fromkeys(pair for risk in risks for pair in ids_of(risk))
        return [
            {
                "target": {
                    "id": entry,
                    "index": self._taxa[framework].index(entry),
                    "toolComponent": self._reference(framework),
                },
                "kinds": ["relevant"],
            }
            for framework, entry in found
        ]

    def references(self) -> list[dict[str, Any]]:
        """The ``supportedTaxonomies`` of the tool."""
        return [self._reference(framework) for framework in self._order]

    def components(self) -> list[dict[str, Any]]:
        """The ``taxonomies`` of the run, each with the ids that occur in it and no others."""
        return [
            {
                "name": framework.name,
                **({"version": framework.edition} if framework.edition else {}),
                "organization": framework.organization,
                "informationUri": framework.address,
                "isComprehensive": False,
                "taxa": [{"id": entry} for entry in self._taxa[framework]],
            }
            for framework in self._order
        ]

    def _reference(self, framework: Framework) -> dict[str, Any]:
        return {"name": framework.name, "index": self._order.index(framework)}
