"""What a user names, among what there is."""

from collections.abc import Mapping
from typing import TypeVar

from seclab.errors import Misconfigured
from seclab.settings import Settings
from seclab.threat_models import FOLDER, ThreatModel, load_threat_models

_Known = TypeVar("_Known")


def pick(table: Mapping[str, _Known], name: str, what: str) -> _Known:
    """The entry of a table that has a name.

    Raises:
        Misconfigured: There is none; the message says which there are.
    """
    if name not in table:
        known = ", ".join(sorted(table)) or "none"
        raise Misconfigured(f"there is no {what} {name!r}; known: {known}")
    return table[name]


def find_model(project: Settings, model: str) -> ThreatModel:
    """One of a project's threat models.

    Raises:
        Misconfigured: There is none of this id, or a file is wrong.
    """
    return pick(load_threat_models(project.registers / FOLDER), model, "threat model")
