"""What a dataset held when somebody looked at it and wrote that down."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pydantic
import yaml

from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest
from seclab.yaml_files import YamlMapping, parse

_DIGEST = re.compile(r"(?P<algorithm>sha256):(?P<recipe>[a-z0-9/-]+):(?P<value>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The recorded content of a dataset, blind to the order of its rows.

    Attributes:
        dataset: Name of the dataset.
        recorded: The day it was recorded.
        rows: Number of rows.
        unordered: Digest of all rows.
        classes: Digest of the rows of each label.
    """

    dataset: str
    recorded: date
    rows: int
    unordered: Digest
    classes: Mapping[int, Digest]


def record_baseline(dataset: Dataset, *, recorded: date) -> Baseline:
    """The content of a dataset, to be held against it later.

    Args:
        dataset: Rows that somebody has reviewed: whatever is in them becomes the reference.
        recorded: The day of the review.

    Raises:
        InvalidData: The content is unusable; a broken dataset must not become the reference.
    """
    dataset.require_usable()
    content = dataset.fingerprint()
    return Baseline(dataset.name, recorded, content.rows, content.unordered, dict(content.classes))


def dump_baselines(baselines: Iterable[Baseline]) -> str:
    """The text of a baselines file; :func:`load_baselines` reads it back."""
    entries = {
        baseline.dataset: {
            "recorded": baseline.recorded,
            "rows": baseline.rows,
            "unordered": str(baseline.unordered),
            "classes": {str(label): str(digest) for label, digest in baseline.classes.items()},
        }
        for baseline in baselines
    }
    return yaml.safe_dump(entries, sort_keys=False, width=120)


def load_baselines(path: Path) -> Mapping[str, Baseline]:
    """Read recorded baselines.

    Args:
        path: YAML file: name of the dataset -> ``recorded``, ``rows``, ``unordered``, ``classes``.

    Returns:
        The baselines by name of the dataset.

    Raises:
        Misconfigured: The file is missing, not YAML, or holds a wrong, unknown or repeated key;
            all problems at once, each with its line.
    """
    try:
        document = parse(path.read_bytes(), file=str(path))
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    try:
        entries = _FILE.validate_python(document)
    except pydantic.ValidationError as error:
        raise Misconfigured(
            [
                f"{path} line {_line(document, found['loc'])}: "
                f"{'.'.join(map(str, found['loc'])) or 'the file'}: {found['msg']}"
                for found in error.errors()
            ]
        ) from error
    return {name: entry.baseline(name) for name, entry in entries.items()}


def _digest(text: object) -> Digest:
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{text!r} is no digest; it reads sha256:<recipe>:<64 hex digits>")
    return Digest(**match.groupdict())


def _day(text: object) -> date:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no day; it reads 2026-01-31")  # noqa: TRY004 - pydantic asks for ValueError
    return date.fromisoformat(text)


_Digest = Annotated[Digest, pydantic.PlainValidator(_digest)]
_Label = Annotated[str, pydantic.Field(pattern=r"^(0|[1-9][0-9]*)$")]


class _Entry(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    recorded: Annotated[date, pydantic.PlainValidator(_day)]
    rows: pydantic.PositiveInt
    unordered: _Digest
    classes: Annotated[dict[_Label, _Digest], pydantic.Field(min_length=1)]

    def baseline(self, name: str) -> Baseline:
        classes = {int(label): digest for label, digest in self.classes.items()}
        return Baseline(name, self.recorded, self.rows, self.unordered, classes)


_FILE = pydantic.TypeAdapter(
    Annotated[dict[str, _Entry], pydantic.Field(min_length=1)],
    config=pydantic.ConfigDict(strict=True),
)


def _line(document: Any, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of a location that the file has."""
    line = 1
    for step in location:
        if not isinstance(document, YamlMapping):
            break
        line, document = document.line_of(str(step)), document.get(str(step))
    return line
