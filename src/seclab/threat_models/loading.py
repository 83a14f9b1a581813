"""Reading threat models: every mistake of form at once, with its file, line and key."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, cast

from seclab.errors import Misconfigured
from seclab.registers.entries import Entry, read_document
from seclab.registers.records import OWNERS, Owner
from seclab.registers.tables import Problems
from seclab.registers.tiers import CRITICALITIES, SENSITIVITIES, Criticality, Sensitivity
from seclab.threat_models import entries
from seclab.threat_models.form import SECTIONS, keys
from seclab.threat_models.records import ThreatModel
from seclab.yaml_files import YamlMapping, parse

FOLDER = "threat_models"
MODEL_ID = "[a-z][a-z0-9]*(-[a-z0-9]+)*"
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the entries of a threat model stand in its file.

    Attributes:
        file: The file, relative to the folder of the registers.
        starts: Line by key of the document, ``risks``; by id of an entry, ``T3``; and by place of
            an entry without one, ``dismissed[0]``.
    """

    file: str
    starts: Mapping[str, int]

    def of(self, what: str) -> int:
        """Line of an entry or key; 1 where it is not known."""
        return self.starts.get(what, 1)


def load_threat_models(folder: Path) -> Mapping[str, ThreatModel]:
    """Read every threat model of a folder.

    Args:
        folder: ``threat_models`` in the folder of the registers.

    Returns:
        The models by id, in the order of their files; none where there is no such folder.

    Raises:
        Misconfigured: All mistakes of form of all files, each with file, line and key.
    """
    found, problems = read_threat_models(folder)
    if problems:
        raise Misconfigured(problems)
    return found


def read_threat_models(folder: Path) -> tuple[Mapping[str, ThreatModel], list[str]]:
    """Read what can be read of the threat models of a folder.

    Args:
        folder: ``threat_models`` in the folder of the registers.

    Returns:
        The models by the name of their file, without those that cannot be read; and all mistakes
        of form of all files, each with file, line and key.
    """
    found: dict[str, ThreatModel] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            model = read_threat_model(_bytes(path), file=_file(path))
        except Misconfigured as error:
            problems += error.problems
            continue
        if model.id != path.stem:
            problems.append(
                f"{_file(path)}, column id: {model.id!r} is not the name of the file; "
                f"write {path.stem} or rename the file to {model.id}.yaml"
            )
        found[path.stem] = model
    return MappingProxyType(found), problems


def load_lines(folder: Path) -> Mapping[str, Lines]:
    """Where the entries of every threat model of a folder stand, by the name of its file.

    What is no YAML at all has no entries and is left out.
    """
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        with suppress(Misconfigured):
            found[path.stem] = lines_of(_bytes(path), file=_file(path))
    return found


def lines_of(data: bytes, *, file: str) -> Lines:
    """Where the entries of one file stand.

    Raises:
        Misconfigured: It is no YAML at all.
    """
    document = parse(data, file=file)
    return Lines(file, dict(_starts(document)) if isinstance(document, YamlMapping) else {})


def _starts(document: YamlMapping) -> Iterator[tuple[str, int]]:
    yield from document.lines.items()
    for section in SECTIONS:
        items = document.get(section)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, YamlMapping):
                yield str(item.get("id", f"{section}[{index}]")), item.line


def read_threat_model(data: bytes, *, file: str) -> ThreatModel:
    """Read one threat model.

    Args:
        data: The bytes of a YAML file.
        file: Its name, for messages.

    Returns:
        The model. Its form is right; whether its ids refer to anything is for
        :func:`check_threat_models` to say.

    Raises:
        Misconfigured: All mistakes of form, each with line and key.
    """
    problems = Problems(file)
    document = read_document(data, problems)
    if not problems.found and not isinstance(document, YamlMapping):
        problems.add(f"a mapping with {', '.join(keys(ThreatModel).values())} is needed")
    if problems.found:
        raise Misconfigured(problems.found)
    model = _model(Entry(document, problems))
    if problems.found:
        raise Misconfigured(problems.found)
    return model


def _model(entry: Entry) -> ThreatModel:
    allowed = tuple(keys(ThreatModel).values())
    entry.only(allowed, required=allowed)
    return ThreatModel(
        id=entry.name("id", MODEL_ID, "digits-service"),
        name=entries.line(entry, "name"),
        description=entries.prose(entry, "description"),
        owner=cast("Owner", entry.choice("owner", OWNERS)),
        review_date=entry.day("review_date"),
        sensitivity=cast("Sensitivity", entry.choice("sensitivity", SENSITIVITIES)),
        criticality=cast("Criticality", entry.choice("criticality", CRITICALITIES)),
        subjects=entries.words(entry, "subjects"),
        assets=_many(entry, "assets", entries.asset),
        actors=_many(entry, "actors", entries.actor),
        boundaries=_many(entry, "boundaries", entries.boundary),
        elements=_many(entry, "elements", entries.element),
        flows=_many(entry, "flows", entries.flow),
        entry_points=_many(entry, "entry_points", entries.entry_point),
        assumptions=_many(entry, "assumptions", entries.assumption),
        threats=_many(entry, "threats", entries.threat),
        dismissed=_many(entry, "dismissed", entries.dismissal),
        abuse_cases=_many(entry, "abuse_cases", entries.abuse_case),
        controls=_many(entry, "controls", entries.control),
        pasta=_many(entry, "pasta", entries.stage),
        risks=entries.words(entry, "risks"),
        out_of_scope=_many(entry, "out_of_scope", entries.exclusion),
    )


def _many(document: Entry, key: str, build: Callable[[Entry], _Record]) -> tuple[_Record, ...]:
    """The entries of one list, their keys and ids checked."""
    allowed = tuple(keys(SECTIONS[key]).values())
    found: list[_Record] = []
    first: dict[str, int] = {}
    for entry in document.entries(key):
        entry.only(allowed, required=allowed)
        found.append(build(entry))
        name = getattr(found[-1], "id", "")
        line = first.setdefault(name, entry.line)
        if name and line != entry.line:
            entry.wrong("id", f"{name} stands in line {line} already")
    return tuple(found)


def _file(path: Path) -> str:
    return f"{FOLDER}/{path.name}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{_file(path)}: the file cannot be read: {error.strerror}") from error
