"""Reading ``scoring.yaml``: every mistake at once."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from seclab.errors import Misconfigured
from seclab.registers import TIERS, TierName
from seclab.registers.entries import Entry, read_document
from seclab.registers.tables import Problems
from seclab.scoring.records import BANDS, SCALE, STRENGTHS, Band, Effect, Scoring, Strength
from seclab.yaml_files import YamlMapping

SCORING = "scoring.yaml"
_Name = TypeVar("_Name", bound=str)
_PARTS = ("likelihood", "impact", "bands", "strength", "targets")
_EFFECT_KEYS = ("steps", "means")
_LEAST, _MOST = 1, SCALE[-1] ** 2
_MOST_STEPS = SCALE[-1] - 1


def read_scoring(folder: Path) -> Scoring:
    """Read how the risks of a folder of registers are scored.

    Raises:
        Misconfigured: The file is missing, or something in it is wrong; all mistakes at once.
    """
    try:
        data = (folder / SCORING).read_bytes()
    except OSError as error:
        raise Misconfigured(
            f"{SCORING}: the file cannot be read: {error.strerror}; it belongs into {folder}"
        ) from error
    return load_scoring(data)


def load_scoring(data: bytes, *, file: str = SCORING) -> Scoring:
    """Read how risks are scored.

    Args:
        data: The bytes of the file.
        file: Its name, for messages.

    Raises:
        Misconfigured: All its mistakes, each with line and key.
    """
    problems = Problems(file)
    found = _read(data, problems)
    if problems.found or found is None:
        raise Misconfigured(problems.found)
    return found


def _read(data: bytes, problems: Problems) -> Scoring | None:
    document = read_document(data, problems)
    if not isinstance(document, YamlMapping):
        if not problems.found:
            problems.add(f"a mapping with {', '.join(_PARTS)} is needed")
        return None
    parts = Entry(document, problems)
    parts.only(_PARTS, required=_PARTS)
    likelihood, impact = (_scale(parts, key, problems) for key in ("likelihood", "impact"))
    return Scoring(
        likelihood=likelihood,
        impact=impact,
        bands=_bands(parts, problems),
        strength=_strength(parts, problems),
        targets=_targets(parts, problems),
    )


def _bands(parts: Entry, problems: Problems) -> dict[Band, int]:
    found = _scores(parts, "bands", BANDS, problems=problems)
    if found.get(BANDS[0], _LEAST) != _LEAST:
        parts.wrong("bands", f"{BANDS[0]} has to begin at {_LEAST}, or a score is in no band")
    for lower, higher in itertools.pairwise(found):
        if found[higher] <= found[lower]:
            parts.wrong("bands", f"{higher} has to begin above {lower}")
    return found


def _targets(parts: Entry, problems: Problems) -> dict[TierName, int]:
    found = _scores(parts, "targets", TIERS, problems=problems)
    for lower, higher in itertools.pairwise(found):
        if found[higher] > found[lower]:
            parts.wrong("targets", f"{higher} bears more than {lower}; a higher tier never may")
    return found


def _part(parts: Entry, key: str, names: Sequence[str], *, problems: Problems) -> Entry | None:
    given = parts.mapping(key)
    if not isinstance(given, YamlMapping):
        return None
    entry = Entry(given, problems)
    entry.only(names, required=names)
    return entry


def _scale(parts: Entry, key: str, problems: Problems) -> dict[int, str]:
    entry = _part(parts, key, [str(number) for number in SCALE], problems=problems)
    return {number: entry.text(str(number)) for number in SCALE} if entry else {}


def _scores(
    parts: Entry, key: str, names: Sequence[_Name], *, problems: Problems
) -> dict[_Name, int]:
    """The scores that can be compared: those that are there, and by themselves not wrong."""
    entry = _part(parts, key, names, problems=problems)
    if entry is None:
        return {}
    given = parts.mapping(key)
    found: dict[_Name, int] = {}
    for name in names:
        before = len(problems.found)
        score = entry.whole(name, least=_LEAST)
        if score > _MOST:
            entry.wrong(name, f"{score} is more than a score can be, {_MOST}")
        if name in given and len(problems.found) == before:
            found[name] = score
    return found


def _strength(parts: Entry, problems: Problems) -> dict[Strength, Effect]:
    given = parts.mapping("strength")
    if not isinstance(given, YamlMapping):
        return {}
    kinds = Entry(given, problems)
    kinds.only(STRENGTHS, required=STRENGTHS)
    found: dict[Strength, Effect] = {}
    for name in STRENGTHS:
        entry = _part(kinds, name, _EFFECT_KEYS, problems=problems)
        if entry is None:
            continue
        before = len(problems.found)
        effect = Effect(entry.whole("steps", least=0), entry.text("means"))
        if effect.steps > _MOST_STEPS:
            entry.wrong("steps", f"no likelihood can fall by more than {_MOST_STEPS}")
        if len(problems.found) == before:
            found[name] = effect
    if "none" in found and found["none"].steps:
        kinds.wrong("none", "evidence that does not pass lowers nothing: steps has to be 0")
    if {"thresholds", "checks"} <= found.keys() and found["thresholds"].steps < found[
        "checks"
    ].steps:
        kinds.wrong("checks", f"what counts more stands first: {', '.join(STRENGTHS)}")
    return found
