"""The entries of a threat model's lists, one by one."""

from typing import cast

from seclab.registers.entries import Entry
from seclab.registers.records import ASSET_CLASSES, AssetClass
from seclab.threat_models.form import IDS
from seclab.threat_models.records import (
    CONTROL_KINDS,
    ELEMENT_KINDS,
    KNOWLEDGE,
    PASTA_STAGES,
    PROPERTIES,
    SEVERITIES,
    THREAT_STATUSES,
    AbuseCase,
    Actor,
    Asset,
    Assumption,
    Boundary,
    Control,
    ControlKind,
    Dismissal,
    Element,
    ElementKind,
    EntryPoint,
    Exclusion,
    Flow,
    Knowledge,
    Property,
    Severity,
    Stage,
    Threat,
    ThreatStatus,
)

_LETTERS = ("S", "T", "R", "I", "D", "E")


def line(entry: Entry, key: str) -> str:
    """A text of one line, without invisible characters."""
    value = prose(entry, key)
    if "\n" in value:
        entry.wrong(key, "one line is needed here")
    return value


def prose(entry: Entry, key: str) -> str:
    """A text of one or more lines, without invisible characters or blanks around it."""
    value = entry.text(key)
    if value.strip() and value != value.strip():
        entry.wrong(key, "blanks or line breaks stand around the text; write >- before a block")
    elif not value.replace("\n", "").isprintable():
        entry.wrong(key, "the text holds an invisible character")
    return value


def words(entry: Entry, key: str, *, least: int = 0) -> tuple[str, ...]:
    """A list of texts, each of one line, none of them twice."""
    found = entry.words(key)
    for word in found:
        if not word.isprintable() or word != word.strip() or not word:
            entry.wrong(key, f"{word!r} is empty, or blanks or invisible characters are in it")
    if len(found) < least:
        entry.wrong(key, "at least one is needed")
    return found


def _choices(entry: Entry, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    """One or more words of a closed vocabulary."""
    found = words(entry, key, least=1)
    for word in found:
        if word not in allowed:
            entry.wrong(key, f"{word!r} is not one of {', '.join(allowed)}")
    return found


def _id(entry: Entry, record: type) -> str:
    return entry.name("id", f"{IDS[record]}[1-9][0-9]*", f"{IDS[record]}1")


def asset(entry: Entry) -> Asset:
    """One of ``assets``."""
    return Asset(
        id=_id(entry, Asset),
        name=line(entry, "name"),
        asset_class=cast("AssetClass", entry.choice("class", ASSET_CLASSES)),
        description=prose(entry, "description"),
        protects=cast("tuple[Property, ...]", _choices(entry, "protects", PROPERTIES)),
    )


def actor(entry: Entry) -> Actor:
    """One of ``actors``."""
    return Actor(
        id=_id(entry, Actor),
        name=line(entry, "name"),
        description=prose(entry, "description"),
        capability=prose(entry, "capability"),
        knowledge=cast("Knowledge", entry.choice("knowledge", KNOWLEDGE)),
    )


def boundary(entry: Entry) -> Boundary:
    """One of ``boundaries``."""
    return Boundary(
        id=_id(entry, Boundary),
        name=line(entry, "name"),
        description=prose(entry, "description"),
        elements=words(entry, "elements"),
    )


def element(entry: Entry) -> Element:
    """One of ``elements``."""
    return Element(
        id=_id(entry, Element),
        name=line(entry, "name"),
        kind=cast("ElementKind", entry.choice("kind", ELEMENT_KINDS)),
        description=prose(entry, "description"),
        assets=words(entry, "assets"),
    )


def flow(entry: Entry) -> Flow:
    """One of ``flows``."""
    return Flow(
        id=_id(entry, Flow),
        name=line(entry, "name"),
        source=line(entry, "from"),
        target=line(entry, "to"),
        description=prose(entry, "description"),
        protocol=line(entry, "protocol"),
        encrypted=entry.flag("encrypted"),
        authenticated=entry.flag("authenticated"),
    )


def entry_point(entry: Entry) -> EntryPoint:
    """One of ``entry_points``."""
    return EntryPoint(
        id=_id(entry, EntryPoint),
        name=line(entry, "name"),
        description=prose(entry, "description"),
        flow=line(entry, "flow"),
        actors=words(entry, "actors"),
    )


def assumption(entry: Entry) -> Assumption:
    """One of ``assumptions``."""
    return Assumption(
        id=_id(entry, Assumption), text=prose(entry, "text"), if_wrong=prose(entry, "if_wrong")
    )


def threat(entry: Entry) -> Threat:
    """One of ``threats``."""
    return Threat(
        id=_id(entry, Threat),
        title=line(entry, "title"),
        description=prose(entry, "description"),
        target=line(entry, "target"),
        stride=entry.choice("stride", _LETTERS),
        actors=words(entry, "actors"),
        risk=line(entry, "risk"),
        severity=cast("Severity", entry.choice("severity", SEVERITIES)),
        status=cast("ThreatStatus", entry.choice("status", THREAT_STATUSES)),
        mitigation=prose(entry, "mitigation"),
    )


def dismissal(entry: Entry) -> Dismissal:
    """One of ``dismissed``."""
    return Dismissal(
        target=line(entry, "target"),
        stride=_choices(entry, "stride", _LETTERS),
        reason=prose(entry, "reason"),
    )


def abuse_case(entry: Entry) -> AbuseCase:
    """One of ``abuse_cases``."""
    return AbuseCase(
        id=_id(entry, AbuseCase),
        title=line(entry, "title"),
        actor=line(entry, "actor"),
        steps=words(entry, "steps", least=1),
        threats=words(entry, "threats"),
    )


def control(entry: Entry) -> Control:
    """One of ``controls``."""
    return Control(
        id=_id(entry, Control),
        name=line(entry, "name"),
        description=prose(entry, "description"),
        kind=cast("ControlKind", entry.choice("kind", CONTROL_KINDS)),
        threats=words(entry, "threats"),
        mitigations=words(entry, "mitigations"),
        evaluations=words(entry, "evaluations"),
    )


def stage(entry: Entry) -> Stage:
    """One of ``pasta``."""
    number = entry.whole("stage", least=1)
    if number > PASTA_STAGES:
        entry.wrong("stage", f"PASTA has the stages 1 to {PASTA_STAGES}")
    return Stage(number=number, result=prose(entry, "result"))


def exclusion(entry: Entry) -> Exclusion:
    """One of ``out_of_scope``."""
    return Exclusion(subject=line(entry, "subject"), reason=prose(entry, "reason"))
