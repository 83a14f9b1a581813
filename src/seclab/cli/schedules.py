"""The schedules that refresh evidence, from the project's ``prefect.yaml``, without Prefect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from seclab.settings import Settings

_FILE = "prefect.yaml"
_KINDS = ("cron", "rrule", "interval")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deployment evaluates.

    Attributes:
        deployment: Its name.
        when: Its rule: ``cron 0 2 * * * UTC``.
    """

    deployment: str
    when: str


@dataclass(frozen=True, slots=True)
class Refreshing:
    """What refreshes the evidence of a project.

    Attributes:
        schedules: Every active schedule of the evaluation flow.
        why_none: Why there is none, in words; empty where there is one.
    """

    schedules: tuple[Schedule, ...]
    why_none: str


def refreshing(project: Settings) -> Refreshing:
    """What is planned in the project's folder. Whether anything runs it cannot be seen there."""
    path = project.root / _FILE
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Refreshing((), f"there is no {path}")
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Refreshing((), f"{path} cannot be read: {' '.join(str(error).split())}")
    found = tuple(_schedules(document, _dotted(project.evaluation_flow)))
    if found:
        return Refreshing(found, "")
    return Refreshing((), f"no deployment of {project.evaluation_flow} in {path} has a schedule")


def _schedules(document: Any, flow: str) -> Iterator[Schedule]:
    for entry in _mappings(document, "deployments"):
        if _dotted(str(entry.get("entrypoint", ""))) != flow or entry.get("paused"):
            continue
        for schedule in _mappings(entry, "schedules"):
            if schedule.get("active", True):
                yield Schedule(str(entry.get("name", "")), _when(schedule))


def _mappings(holder: Any, key: str) -> Iterator[Mapping[str, Any]]:
    items = holder.get(key) if isinstance(holder, Mapping) else None
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, Mapping))


def _dotted(entrypoint: str) -> str:
    """One form of ``flows.a:b``, ``flows.a.b`` and ``flows/a.py:b``, which mean the same."""
    return entrypoint.replace(".py:", ":").replace("/", ".").replace(":", ".").lstrip(".")


def _when(schedule: Mapping[str, Any]) -> str:
    for kind in _KINDS:
        if kind in schedule:
            seconds = " s" if kind == "interval" else ""
            zone = schedule.get("timezone")
            return f"{kind} {schedule[kind]}{seconds}" + (f" {zone}" if zone else "")
    return "a schedule without a rule"
