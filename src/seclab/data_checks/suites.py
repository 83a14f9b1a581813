"""Suites: which expectations a dataset is held to, as JSON. Reading one fails closed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pydantic
import rfc8785

from seclab.data_checks.catalogue import problems_of, types
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_json
from seclab.measurement import Severity


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation of a suite.

    Attributes:
        type: Name of its kind.
        kwargs: Its parameters, all of them.
        severity: How much a failure weighs.
        risks: Register IDs it is evidence for, at least one.
    """

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """Expectations under a name.

    Attributes:
        name: Name of the suite.
        digest: Digest of its JSON, blind to layout and order of keys.
        expectations: At least one.
    """

    name: str
    digest: Digest
    expectations: tuple[Expectation, ...]


def load_suite(path: Path) -> Suite:
    """Read a suite.

    Every expectation gives ``type``, ``kwargs`` with all parameters, ``severity`` and
    ``meta.risk_ids``; it may give ``notes``. This is the form Great Expectations reads, without
    what it would fill in or leave out by itself.

    Args:
        path: JSON file.

    Raises:
        Misconfigured: The file is missing or not JSON, a key is repeated, missing or unknown, a
            type is unknown, a parameter is wrong, nothing is expected, or the same thing twice;
            all problems at once, each with its place.
    """
    document = _read(path)
    try:
        suite = _Suite.model_validate(document)
    except pydantic.ValidationError as error:
        problems = problems_of(error)
    else:
        problems = []
    problems += _kind_problems(document)
    if problems:
        raise Misconfigured([f"{path}: {problem}" for problem in problems])
    try:
        digest = of_json(document)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Misconfigured(f"{path} holds what JSON cannot carry safely: {error}") from error
    entries = tuple(
        Expectation(item.type, item.kwargs, item.severity, tuple(item.meta.risk_ids))
        for item in suite.expectations
    )
    return Suite(suite.name, digest, entries)


_Text = Annotated[str, pydantic.Field(min_length=1)]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _Meta(_Strict):
    risk_ids: Annotated[list[_Text], pydantic.Field(min_length=1)]


class _Expectation(_Strict):
    type: str
    kwargs: dict[str, Any]
    severity: Annotated[Severity, pydantic.Field(strict=False)]
    meta: _Meta
    notes: str | None = None


class _Suite(_Strict):
    name: _Text
    expectations: Annotated[list[_Expectation], pydantic.Field(min_length=1)]


def _read(path: Path) -> Any:
    try:
        return json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse,
        )
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path} is not valid JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ValueError(f"the key {', '.join(map(repr, repeated))} is given twice in one object")
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _kind_problems(document: Any) -> list[str]:
    """Unknown types, wrong parameters and repetitions, in whatever of the suite is readable."""
    entries = document.get("expectations") if isinstance(document, dict) else None
    known = types()
    problems: list[str] = []
    seen: dict[str, int] = {}
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("type") if isinstance(entry, dict) else None
        kwargs = entry.get("kwargs") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(kwargs, dict):
            continue
        where = f"expectations[{place}]"
        if name not in known:
            problems.append(f"{where}: unknown type {name!r}; known: {', '.join(known)}")
            continue
        problems += [f"{where}.kwargs.{problem}" for problem in known[name].problems(kwargs)]
        same = seen.setdefault(json.dumps([name, kwargs], sort_keys=True), place)
        if same != place:
            problems.append(f"{where} repeats expectations[{same}]; remove one")
    return problems
