"""Thresholds and profiles, entry by entry."""

import math
import re
from collections.abc import Mapping
from typing import cast

from seclab.measurement import Parameters, Scalar, SubjectKind
from seclab.registers.entries import Entry, is_number, is_scalar, line_in, read_document
from seclab.registers.records import (
    ENDS,
    KINDS,
    SUBJECTS,
    End,
    Kind,
    Profile,
    Setting,
    Threshold,
)
from seclab.registers.risks import RISK_ID, SNAKE_CASE
from seclab.registers.tables import Problems
from seclab.yaml_files import YamlMapping

_THRESHOLD_KEYS = ("id", "risk", "subject", "evaluation", "metric", "parameters", "judged", "why")
_CHANGE = "worse_than_champion_by"
_OPTIONAL_KEYS = (*KINDS, _CHANGE, "least_n", "effort", "oldest_days")
_EFFORT = rf"{SNAKE_CASE}(\.count)?"
THRESHOLD_ID = "T-[A-Z]{3}-[0-9]{2}"
_PROFILE_KEYS = ("description", "evaluations")
_PROFILE_NAME = "[a-z][a-z0-9]*(-[a-z0-9]+)*"


def thresholds(data: bytes | None, problems: Problems) -> list[tuple[YamlMapping, Threshold]]:
    """The criteria of a file, each with its mapping; the mistakes are noted in ``problems``."""
    document = read_document(data, problems)
    if document is None:
        return []
    if not isinstance(document, list) or not document:
        problems.add("a list of criteria is needed, at least one: without any, nothing is judged")
        return []
    found = []
    first: dict[str, int] = {}
    for number, item in enumerate(document, start=1):
        if not isinstance(item, YamlMapping):
            problems.add(f"criterion {number} is no mapping; write '- id: ...' and its other keys")
            continue
        threshold = _threshold(Entry(item, problems), item)
        found.append((item, threshold))
        line = first.setdefault(threshold.id, item.line)
        if threshold.id and line != item.line:
            problems.add(
                f"{threshold.id} stands in line {line} already", line=item.line, column="id"
            )
    return found


def _threshold(entry: Entry, item: YamlMapping) -> Threshold:
    entry.only((*_THRESHOLD_KEYS, *_OPTIONAL_KEYS), required=_THRESHOLD_KEYS)
    kind, bound = _bound(entry, item)
    change = entry.number(_CHANGE, least=0.0) if _CHANGE in item else None
    return Threshold(
        id=entry.name("id", THRESHOLD_ID, "T-EVA-01"),
        risk=entry.name("risk", RISK_ID, "R-EVA-01"),
        subject=cast("SubjectKind", entry.choice("subject", SUBJECTS)),
        evaluation=entry.name("evaluation", SNAKE_CASE, "evasion_linf"),
        metric=entry.name("metric", SNAKE_CASE, "robust_accuracy"),
        parameters=_parameters(entry, item),
        kind=kind,
        bound=bound,
        judged=cast("End", entry.choice("judged", ENDS)),
        why=entry.text("why"),
        least_n=entry.whole("least_n", least=1) if "least_n" in item else 0,
        effort=_effort(entry),
        oldest_days=entry.whole("oldest_days", least=1) if "oldest_days" in item else None,
        worse_than_champion_by=change,
    )


def _bound(entry: Entry, item: YamlMapping) -> tuple[Kind | None, float | None]:
    given = [kind for kind in KINDS if kind in item]
    if not given and _CHANGE in item:
        return None, None
    if len(given) != 1:
        state = "both are" if given else "neither is"
        entry.wrong(given[-1] if given else "", f"one of {' and '.join(KINDS)}: {state} given")
    for kind in given:
        value = item[kind]
        if isinstance(value, bool) or not isinstance(value, int | float):
            entry.wrong(kind, f"{value!r} is not a number")
        elif not math.isfinite(value):
            entry.wrong(kind, f"{value!r} is no bound; a finite number is needed")
        else:
            return cast("Kind", kind), float(value)
    return "at_least", 0.0


def _effort(entry: Entry) -> dict[str, float]:
    given = entry.mapping("effort")
    found: dict[str, float] = {}
    for key, value in given.items():
        line = line_in(given, key)
        if not re.fullmatch(_EFFORT, key):
            entry.wrong("effort", f"{key!r} has not the form of steps or epsilons.count", line=line)
        elif not is_number(value) or value <= 0:
            entry.wrong("effort", f"{key} needs a number above 0, got {value!r}", line=line)
        else:
            found[key] = float(value)
    return found


def _parameters(entry: Entry, item: YamlMapping) -> Parameters:
    given = entry.mapping("parameters")
    found: dict[str, Scalar] = {}
    for key, value in given.items():
        if not is_scalar(value):
            problem = f"parameter {key} must be one text, number or truth value"
            entry.wrong("parameters", problem, line=line_in(item["parameters"], key))
        else:
            found[key] = value
    return found


def profiles(data: bytes | None, problems: Problems) -> dict[str, Profile]:
    """The profiles of a file by name; the mistakes are noted in ``problems``."""
    document = read_document(data, problems)
    if document is None:
        return {}
    if not isinstance(document, YamlMapping) or not document:
        problems.add("a mapping from profile to description and evaluations is needed")
        return {}
    found = {}
    for name, item in document.items():
        line = document.line_of(name)
        if not re.fullmatch(_PROFILE_NAME, name):
            problems.add("a profile has a name like quick", line=line, column=name)
        if isinstance(item, YamlMapping):
            found[name] = _profile(name, Entry(item, problems))
        else:
            problems.add("a description and evaluations are needed", line=line, column=name)
    return found


def _profile(name: str, entry: Entry) -> Profile:
    entry.only((*_PROFILE_KEYS, "suites"), required=_PROFILE_KEYS)
    given = entry.mapping("evaluations")
    if isinstance(given, YamlMapping) and not given:
        entry.wrong("evaluations", "no evaluation is named; a run would prove nothing")
    evaluations: dict[str, Mapping[str, Setting]] = {}
    for evaluation, settings in given.items():
        line = line_in(given, evaluation)
        if not re.fullmatch(SNAKE_CASE, evaluation):
            entry.wrong(evaluation, "an evaluation has a name like evasion_linf", line=line)
        if isinstance(settings, YamlMapping):
            evaluations[evaluation] = _settings(entry, settings)
        else:
            problem = "a mapping of parameters is needed; write {} for the defaults"
            entry.wrong(evaluation, problem, line=line)
    return Profile(
        name=name,
        description=entry.text("description"),
        evaluations=evaluations,
        suites=entry.words("suites"),
    )


def _settings(entry: Entry, given: YamlMapping) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for key, value in given.items():
        items = value if isinstance(value, list) else [value]
        if all(is_scalar(item) for item in items):
            found[key] = tuple(items) if isinstance(value, list) else value
        else:
            problem = "a text, number or truth value is needed, or a list of them"
            entry.wrong(key, problem, line=given.line_of(key))
    return found
