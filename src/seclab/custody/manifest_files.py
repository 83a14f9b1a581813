"""Manifests as files that people review: one a version, named by its digest, read strictly."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from seclab.custody.manifest import (
    SCHEMA,
    Acquisition,
    ClassContent,
    Effect,
    Kind,
    Manifest,
    Transformation,
)
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest

_LARGEST = 2**26
_DIGEST = re.compile(r"(?P<algorithm>sha256):(?P<recipe>[a-z0-9/-]+):(?P<value>[0-9a-f]{64})")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}$"


def manifest_path(folder: Path, manifest: Manifest) -> Path:
    """Where a manifest belongs: ``<folder>/<dataset>/<12 digits of its digest>.json``."""
    return folder / manifest.dataset / f"{manifest.digest.value[:12]}.json"


def save_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write a manifest where it belongs.

    Args:
        manifest: What to write.
        folder: Folder of all manifests.

    Returns:
        The file. One that is there already holds the same, or is refused.

    Raises:
        Misconfigured: The manifest could not be read back, another one stands there, or the file
            cannot be written.
    """
    document = {"digest": str(manifest.digest), "manifest": manifest.document()}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path = manifest_path(folder, manifest)
    _parsed(text.encode(), str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        if not there:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error
    if there and load_manifest(path) != manifest:
        raise Misconfigured(f"{path} holds another manifest; look at both")
    return path


def load_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Args:
        path: JSON file of :func:`save_manifest`.

    Raises:
        Misconfigured: The file is missing, malformed, holds a wrong, unknown or repeated key,
            contradicts itself, or was changed since it was written; all problems at once.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise Misconfigured(f"{path} has more than {_LARGEST} bytes; that is no manifest")
        data = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    manifest = _parsed(data, str(path))
    if path.stem != manifest.digest.value[:12]:
        raise Misconfigured(
            f"{path}: the file of this manifest is named {manifest.digest.value[:12]}.json"
        )
    return manifest


def load_manifests(folder: Path) -> Mapping[Digest, Manifest]:
    """Read all manifests below a folder, by their digest; none where there is no folder.

    Raises:
        Misconfigured: As for one; the problems of all files at once.
    """
    found: dict[Digest, Manifest] = {}
    problems: list[str] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            manifest = load_manifest(path)
        except Misconfigured as error:
            problems += error.problems
        else:
            found[manifest.digest] = manifest
    if problems:
        raise Misconfigured(problems)
    return found


def _parsed(data: bytes, file: str) -> Manifest:
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=_each_key_once, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        raise Misconfigured(f"{file} line {error.lineno}: malformed JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file}: not UTF-8; save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{file}: malformed JSON: {error}") from error
    try:
        entry = _File.model_validate(document)
    except pydantic.ValidationError as error:
        raise Misconfigured(
            [
                f"{file}: {'.'.join(map(str, found['loc'])) or 'the file'}: {found['msg']}"
                for found in error.errors()
            ]
        ) from error
    manifest = entry.manifest.build()
    problems = [f"{file}: {problem}" for problem in _contradictions(manifest)]
    if manifest.digest != entry.digest:
        problems.append(
            f"{file}: it has digest {manifest.digest} and says {entry.digest}: "
            "it was changed; restore it, or record the version anew"
        )
    if problems:
        raise Misconfigured(problems)
    return manifest


def _contradictions(manifest: Manifest) -> Iterator[str]:
    counted = sum(content.rows for content in manifest.classes.values())
    if counted != manifest.rows:
        yield f"the classes have {counted} rows, the whole has {manifest.rows}"
    names = [content.name for content in manifest.classes.values()]
    if len(set(names)) < len(names):
        yield "two classes have the same name"
    if manifest.transformations and not manifest.parents:
        yield "transformations need a parent that they were applied to"
    for step in manifest.transformations:
        for entry in step.effects:
            ends = [end for run in entry.rows for end in run]
            ordered = all(first <= last for first, last in entry.rows)
            apart = all(a[1] < b[0] for a, b in pairwise(entry.rows))
            if not (ordered and apart):
                yield f"{step.name}: the runs of {entry.kind} rows must be ascending and apart"
            if entry.kind is not Kind.REMOVED and ends and max(ends) >= manifest.rows:
                yield f"{step.name}: {entry.kind} row {max(ends)} of {manifest.rows} rows"


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key of {sorted(found)} stands twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _digest(text: object) -> Digest:
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{text!r} is no digest; it reads sha256:<recipe>:<64 hex digits>")
    return Digest(**match.groupdict())


def _day(text: object) -> date:
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"{text!r} is no day; it reads 2026-01-31")
    return date.fromisoformat(text)


_Digest = Annotated[Digest, pydantic.PlainValidator(_digest)]
_Text = Annotated[str, pydantic.Field(min_length=1, max_length=2000, pattern=r"\S")]
_Label = Annotated[str, pydantic.Field(pattern=r"^(0|[1-9][0-9]{0,8})$")]
_Count = Annotated[int, pydantic.Field(gt=0, lt=2**53)]
_Position = Annotated[int, pydantic.Field(ge=0, lt=2**53)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _Acquired(_Part):
    when: Annotated[date, pydantic.PlainValidator(_day)]
    how: _Text


class _Effect(_Part):
    kind: Literal["added", "removed", "changed", "relabelled"]
    rows: Annotated[
        list[Annotated[list[_Position], pydantic.Field(min_length=2, max_length=2)]],
        pydantic.Field(min_length=1),
    ]
    content: _Digest

    def build(self) -> Effect:
        return Effect(Kind(self.kind), tuple((a, b) for a, b in self.rows), self.content)


class _Transformation(_Part):
    name: _Text
    digest: _Digest
    effects: list[_Effect]

    def build(self) -> Transformation:
        return Transformation(self.name, self.digest, tuple(e.build() for e in self.effects))


class _Class(_Part):
    name: _Text
    rows: _Count
    digest: _Digest


class _Manifest(_Part):
    schema_: Annotated[Literal[SCHEMA], pydantic.Field(alias="schema")]  # type: ignore[valid-type]
    dataset: Annotated[str, pydantic.Field(pattern=_NAME)]
    source: _Text | None
    licence: _Text | None
    acquired: _Acquired | None
    parents: list[_Digest]
    transformations: list[_Transformation]
    rows: _Count
    ordered: _Digest
    unordered: _Digest
    classes: Annotated[dict[_Label, _Class], pydantic.Field(min_length=1)]

    def build(self) -> Manifest:
        acquired = self.acquired
        return Manifest(
            dataset=self.dataset,
            source=self.source,
            licence=self.licence,
            acquired=Acquisition(acquired.when, acquired.how) if acquired else None,
            parents=tuple(self.parents),
            transformations=tuple(step.build() for step in self.transformations),
            rows=self.rows,
            ordered=self.ordered,
            unordered=self.unordered,
            classes={
                int(label): ClassContent(entry.name, entry.rows, entry.digest)
                for label, entry in self.classes.items()
            },
        )


class _File(_Part):
    digest: _Digest
    manifest: _Manifest
