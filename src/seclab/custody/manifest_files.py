"""Manifests as files that people review: one a version, named by its digest, read strictly."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
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
from seclab.custody.runs import Runs, parse_runs
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest

_LARGEST = 2**26
_DIGEST = re.compile(r"(?P<algorithm>sha256):(?P<recipe>[a-z0-9/-]+):(?P<value>[0-9a-f]{64})")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}$"


def manifest_path(folder: Path, manifest: Manifest) -> Path:
    """Where a manifest belongs: ``<folder>/<dataset>/<12 digits of its digest>.json``."""
    return folder / manifest.dataset / f"{manifest.digest.value[:12]}.json"


def index_path(path: Path) -> Path:
    """Where the list of the rows belongs: beside the manifest, with the ending ``.rows``."""
    return path.with_suffix(".rows")


def save_version(manifest: Manifest, index: bytes, folder: Path) -> Path:
    """Write a manifest, and the list of its rows beside it, where they belong.

    Args:
        manifest: What to write.
        index: The list of its rows, :func:`~seclab.custody.index_of`.
        folder: Folder of all manifests.

    Returns:
        The file of the manifest.

    Raises:
        Misconfigured: The manifest could not be read back, one of the files is there already, or
            cannot be written. Nothing is ever overwritten.
    """
    document = {"digest": str(manifest.digest), "manifest": manifest.document()}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path = manifest_path(folder, manifest)
    rows = index_path(path)
    _parsed(text.encode(), str(path))
    problems = [f"{each} is there already; look at it" for each in (path, rows) if each.exists()]
    if problems:
        raise Misconfigured(problems)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The list first: a manifest is never without it.
        for target, data in ((rows, index), (path, text.encode())):
            _write_new(target, data)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error
    return path


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, in one step."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".") as temporary:
        temporary.write(data)
        temporary.flush()
        Path(temporary.name).chmod(0o644)
        path.hardlink_to(temporary.name)


def load_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Args:
        path: JSON file of :func:`save_version`.

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
            [f"{file}: {problem}" for problem in _told(error, "the file")]
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


def read_manifest(document: Any) -> Manifest:
    """A manifest from its JSON value, :meth:`Manifest.document`.

    Raises:
        Misconfigured: A wrong, missing or unknown key, or a contradiction; all problems at once.
    """
    try:
        manifest = _Manifest.model_validate(document).build()
    except pydantic.ValidationError as error:
        raise Misconfigured(list(_told(error, "the manifest"))) from error
    problems = list(_contradictions(manifest))
    if problems:
        raise Misconfigured(problems)
    return manifest


def _told(error: pydantic.ValidationError, whole: str) -> Iterator[str]:
    for found in error.errors():
        yield f"{'.'.join(map(str, found['loc'])) or whole}: {found['msg']}"


def _contradictions(manifest: Manifest) -> Iterator[str]:
    counted = sum(content.rows for content in manifest.classes.values())
    if counted != manifest.rows:
        yield f"the classes have {counted} rows, the whole has {manifest.rows}"
    names = [content.name for content in manifest.classes.values()]
    if len(set(names)) < len(names):
        yield "two classes have the same name"
    if len(set(manifest.parents)) < len(manifest.parents):
        yield "a parent is named twice"
    if manifest.transformations and not manifest.parents:
        yield "transformations need a parent that they were applied to"
    for step in manifest.transformations:
        for entry in step.effects:
            last = entry.rows[-1][1]
            if entry.kind is not Kind.REMOVED and last >= manifest.rows:
                yield f"{step.name}: {entry.kind} row {last} of {manifest.rows} rows"


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


def _runs(text: object) -> Runs:
    try:
        return parse_runs(text if isinstance(text, str) else "")
    except Misconfigured as error:
        raise ValueError(str(error)) from error


def _day(text: object) -> date:
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"{text!r} is no day; it reads 2026-01-31")
    return date.fromisoformat(text)


_Digest = Annotated[Digest, pydantic.PlainValidator(_digest)]
_Text = Annotated[str, pydantic.Field(min_length=1, max_length=2000, pattern=r"\S")]
_Label = Annotated[str, pydantic.Field(pattern=r"^(0|[1-9][0-9]{0,8})$")]
_Count = Annotated[int, pydantic.Field(gt=0, lt=2**53)]
_Runs = Annotated[Runs, pydantic.PlainValidator(_runs)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _Acquired(_Part):
    when: Annotated[date, pydantic.PlainValidator(_day)]
    how: _Text


class _Effect(_Part):
    kind: Literal["added", "removed", "changed", "relabelled"]
    rows: _Runs
    content: _Digest

    def build(self) -> Effect:
        return Effect(Kind(self.kind), self.rows, self.content)


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
    index: _Digest
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
            index=self.index,
            classes={
                int(label): ClassContent(entry.name, entry.rows, entry.digest)
                for label, entry in self.classes.items()
            },
        )


class _File(_Part):
    digest: _Digest
    manifest: _Manifest
