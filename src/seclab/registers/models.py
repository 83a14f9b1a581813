"""Tiers and models, entry by entry."""

import itertools
import re
from collections.abc import Mapping
from typing import Any, cast

from seclab.registers.entries import Entry, line_in, read_document
from seclab.registers.tables import Problems
from seclab.registers.tiers import (
    APPROVERS,
    CRITICALITIES,
    SENSITIVITIES,
    TIERS,
    Approver,
    Criticality,
    ModelEntry,
    Models,
    Sensitivity,
    Tier,
    TierName,
)
from seclab.yaml_files import YamlMapping

_PARTS = ("tiers", "matrix", "models")
_TIER_KEYS = ("signature", "clean_tree", "approvals", "oldest_days", "evaluations", "force")
_MODEL_KEYS = ("sensitivity", "criticality", "owner", "why")
_NAME = "[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"


def models(data: bytes | None, problems: Problems) -> Models:
    """The tiers and models of a file; the mistakes are noted in ``problems``."""
    document = read_document(data, problems)
    if document is None:
        return Models()
    if not isinstance(document, YamlMapping):
        problems.add(f"a mapping with {', '.join(_PARTS)} is needed")
        return Models()
    parts = Entry(document, problems)
    parts.only(_PARTS, required=_PARTS)
    found_tiers = _tiers(parts.mapping("tiers"), problems)
    found_matrix = _matrix(parts.mapping("matrix"), problems)
    return Models(found_tiers, found_matrix, _models(parts.mapping("models"), problems))


def _tiers(given: Mapping[str, Any], problems: Problems) -> dict[TierName, Tier]:
    before = len(problems.found)
    found: dict[TierName, Tier] = {}
    for name, entry in _each(given, TIERS, problems).items():
        found[cast("TierName", name)] = _tier(cast("TierName", name), entry)
    if found and len(problems.found) == before:
        _check_stricter(given, found, problems)
    return {name: found[name] for name in TIERS if name in found}


def _check_stricter(
    given: Mapping[str, Any], found: Mapping[TierName, Tier], problems: Problems
) -> None:
    """Whether a higher tier never asks less."""
    for lower, higher in itertools.pairwise(TIERS):
        for key in found[higher].milder_than(found[lower]):
            problem = f"{higher} asks less than {lower}; a higher tier never may"
            problems.add(problem, line=line_in(given[higher], key), column=key)


def _tier(name: TierName, entry: Entry) -> Tier:
    entry.only(_TIER_KEYS, required=_TIER_KEYS)
    approvals = entry.words("approvals")
    for role in approvals:
        if role not in APPROVERS:
            entry.wrong("approvals", f"{role!r} is not one of {', '.join(APPROVERS)}")
    return Tier(
        name=name,
        signature=entry.flag("signature"),
        clean_tree=entry.flag("clean_tree"),
        approvals=cast("tuple[Approver, ...]", approvals),
        oldest_days=entry.whole("oldest_days", least=1),
        evaluations=entry.words("evaluations"),
        force=entry.flag("force"),
    )


def _matrix(
    given: Mapping[str, Any], problems: Problems
) -> dict[Sensitivity, dict[Criticality, TierName]]:
    before = len(problems.found)
    found: dict[Sensitivity, dict[Criticality, TierName]] = {}
    for sensitivity, entry in _each(given, SENSITIVITIES, problems).items():
        entry.only(CRITICALITIES, required=CRITICALITIES)
        found[cast("Sensitivity", sensitivity)] = {
            criticality: cast("TierName", entry.choice(criticality, TIERS))
            for criticality in CRITICALITIES
        }
    if found and len(problems.found) == before:
        _check_rising(given, found, problems)
    return found


def _check_rising(
    given: Mapping[str, Any],
    matrix: Mapping[Sensitivity, Mapping[Criticality, TierName]],
    problems: Problems,
) -> None:
    """Whether more sensitive data or more at stake never gives a lower tier."""
    for row, sensitivity in enumerate(SENSITIVITIES):
        for column, criticality in enumerate(CRITICALITIES):
            here = TIERS.index(matrix[sensitivity][criticality])
            below = [matrix[s][criticality] for s in SENSITIVITIES[:row]]
            below += [matrix[sensitivity][c] for c in CRITICALITIES[:column]]
            if any(TIERS.index(tier) > here for tier in below):
                problems.add(
                    f"{sensitivity} data gets a lower tier here than with less at stake",
                    line=line_in(given[sensitivity], criticality),
                    column=criticality,
                )


def _models(given: Mapping[str, Any], problems: Problems) -> dict[str, ModelEntry]:
    found = {}
    for name, entry in _each(given, None, problems).items():
        if not re.fullmatch(_NAME, name):
            problem = "a model has a name like mlp-hardened"
            problems.add(problem, line=line_in(given, name), column=name)
        entry.only(_MODEL_KEYS, required=_MODEL_KEYS)
        found[name] = ModelEntry(
            name=name,
            sensitivity=cast("Sensitivity", entry.choice("sensitivity", SENSITIVITIES)),
            criticality=cast("Criticality", entry.choice("criticality", CRITICALITIES)),
            owner=entry.text("owner"),
            why=entry.text("why"),
        )
    return found


def _each(
    given: Mapping[str, Any], names: tuple[str, ...] | None, problems: Problems
) -> dict[str, Entry]:
    """The entries of a mapping; ``names`` are all that must be there, and none beside them."""
    found = {}
    if names and isinstance(given, YamlMapping):
        Entry(given, problems).only(names, required=names)
    for name, item in given.items():
        if names and name not in names:
            continue
        if isinstance(item, YamlMapping):
            found[name] = Entry(item, problems)
        else:
            problems.add("a mapping is needed", line=line_in(given, name), column=name)
    return found
