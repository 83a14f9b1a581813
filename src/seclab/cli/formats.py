"""The formats that threat models are exchanged in: what ``export`` and ``import`` know.

A format is one line in a table and one function. Functions import what they need when they run:
the tables are read for ``--help``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from seclab.settings import Settings

if TYPE_CHECKING:
    from seclab.threat_models.records import ThreatModel

Write: TypeAlias = Callable[[Settings, str], str]
"""A project and the id of one of its threat models; what to write to the file."""
Read: TypeAlias = "Callable[[bytes, str], ThreatModel]"
"""The bytes of a file and its name for messages; the model in it."""


@dataclass(frozen=True, slots=True)
class Export:
    """A format to write.

    Attributes:
        about: What it is, in a few words.
        write: The function that makes the text of the file.
    """

    about: str
    write: Write


@dataclass(frozen=True, slots=True)
class Import:
    """A format to read.

    Attributes:
        about: What it is, in a few words.
        read: The function that makes a model of a file.
    """

    about: str
    read: Read


def _write_threat_dragon(project: Settings, model: str) -> str:
    import json

    from seclab.cli.known import find_model
    from seclab.exchange.threat_dragon import NEWEST, to_threat_dragon
    from seclab.registers import load_registers

    risks = load_registers(project.registers).risks
    document = to_threat_dragon(find_model(project, model), version=NEWEST, risks=risks)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read_threat_dragon(data: bytes, file: str) -> "ThreatModel":
    from seclab.exchange.threat_dragon import from_threat_dragon, parse

    return from_threat_dragon(parse(data, file=file))


def _read_tmt_csv(data: bytes, file: str) -> "ThreatModel":
    from seclab.exchange.tmt_csv import from_tmt_csv

    return from_tmt_csv(data, file=file)


EXPORTS: Mapping[str, Export] = {
    "threat-dragon": Export("OWASP Threat Dragon v2, JSON", _write_threat_dragon),
}
IMPORTS: Mapping[str, Import] = {
    "threat-dragon": Import("OWASP Threat Dragon v2, JSON", _read_threat_dragon),
    "tmt": Import("threat list of the Microsoft Threat Modeling Tool, CSV", _read_tmt_csv),
}
