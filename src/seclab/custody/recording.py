"""Recording a version by hand: refused unless all that changed is accounted for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pydantic

from seclab.custody.accounting import effect, unexplained
from seclab.custody.changes import explain_rows
from seclab.custody.manifest import Acquisition, Kind, Manifest, Transformation, record_manifest
from seclab.custody.register import History
from seclab.custody.rows import Rows
from seclab.custody.runs import Runs, parse_runs, positions, runs_text
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_bytes
from seclab.yaml_files import YamlMapping, parse


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody says that a step did.

    Attributes:
        name: Short name of the step.
        digest: Digest of the file that says so.
        rows: Runs of rows by kind; removed ones counted in the parents, all others in the result.
    """

    name: str
    digest: Digest
    rows: Mapping[Kind, Runs]


@dataclass(frozen=True, slots=True)
class Origin:
    """What somebody says of the rows that no parent has; ``None`` is not said.

    Attributes:
        source: Where they come from.
        licence: Under which licence.
        acquired: When and how they came.
    """

    source: str | None = None
    licence: str | None = None
    acquired: Acquisition | None = None


def load_declaration(path: Path) -> Declaration:
    """Read the declaration of a step.

    Args:
        path: YAML file: ``name``, ``how``, and the rows by kind, such as ``removed: 0-3 7``.

    Raises:
        Misconfigured: The file is missing, malformed, or declares nothing; all problems at once.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    document = parse(data, file=str(path))
    try:
        entry = _Declaration.model_validate(document)
    except pydantic.ValidationError as error:
        raise Misconfigured(list(_told(path, document, error))) from error
    rows = {kind: runs for kind in Kind if (runs := getattr(entry, kind))}
    return Declaration(entry.name, of_bytes(data), rows)


def record_version(
    dataset: Dataset,
    *,
    origin: Origin,
    parents: Sequence[Manifest],
    declarations: Sequence[Declaration],
    history: History | None,
    rows: Mapping[Digest, Rows],
) -> Manifest:
    """A manifest for a version, if everything about it is accounted for.

    Args:
        dataset: The version.
        origin: Where the rows come from that no parent has.
        parents: What it was made of.
        declarations: How it was made of them.
        history: What is recorded of this dataset already.
        rows: The rows of the parents.

    Raises:
        Misconfigured: Rows without origin, changes that nobody declared, declared ones that did
            not happen, a version beside the newest one; all problems at once.
    """
    before, after = Rows.joined([rows[parent.digest] for parent in parents]), Rows.of(dataset)
    problems = list(_place_problems(dataset, parents, history))
    steps = []
    for each in declarations:
        try:
            steps.append(_step(each, before, after))
        except Misconfigured as error:
            problems += error.problems
    own = len(after)
    if parents:
        changes = explain_rows(before, after)
        problems += map(str, unexplained(changes, before, after, steps))
        own = sum(len(e) for step in steps for e in step.effects if e.kind is Kind.ADDED)
    elif declarations:
        problems.append("a transformation needs a --parent that it was applied to")
    problems += _origin_problems(origin, own)
    try:
        dataset.require_usable()
    except Misconfigured as error:
        problems += error.problems
    if problems:
        raise Misconfigured(problems)
    return record_manifest(
        dataset,
        source=origin.source,
        licence=origin.licence,
        acquired=origin.acquired,
        parents=parents,
        transformations=steps,
    )


def _place_problems(
    dataset: Dataset, parents: Sequence[Manifest], history: History | None
) -> Iterator[str]:
    """Whether it would be the one newest version."""
    if history is None:
        return
    newest = history.newest
    if newest.unordered == dataset.fingerprint().unordered:
        yield f"these rows are recorded already, as {newest.title}"
    if newest.digest not in {parent.digest for parent in parents}:
        yield (
            f"{newest.title} is the newest version of {dataset.name}: name it as --parent, "
            f"--parent {newest.digest.value[:12]}"
        )


def _origin_problems(origin: Origin, own: int) -> Iterator[str]:
    said = {
        "--source": origin.source,
        "--licence": origin.licence,
        "--how and --when": origin.acquired,
    }
    missing = [option for option, value in said.items() if not value]
    if own and missing:
        yield f"{own} rows come from no parent, and nothing says their {', '.join(missing)}"


def _step(declaration: Declaration, before: Rows, after: Rows) -> Transformation:
    effects, problems = [], []
    for kind, runs in declaration.rows.items():
        holder = before if kind is Kind.REMOVED else after
        if runs[-1][1] >= len(holder):
            problems.append(
                f"{declaration.name}: {kind} rows {runs_text(runs[-1:])} of {len(holder)} rows"
            )
        else:
            effects.append(effect(kind, positions(runs, len(holder)), holder))
    if problems:
        raise Misconfigured(problems)
    return Transformation(declaration.name, declaration.digest, tuple(effects))


def _runs(text: object) -> Runs:
    try:
        # One row alone is a number to YAML.
        return parse_runs(str(text) if isinstance(text, str | int) else "")
    except Misconfigured as error:
        raise ValueError(str(error)) from error


_Text = Annotated[str, pydantic.Field(min_length=1, max_length=2000, pattern=r"\S")]
_Rows = Annotated[Runs, pydantic.PlainValidator(_runs)]


class _Declaration(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    name: _Text
    how: _Text
    added: _Rows = ()
    removed: _Rows = ()
    changed: _Rows = ()
    relabelled: _Rows = ()


def _told(path: Path, document: Any, error: pydantic.ValidationError) -> Iterator[str]:
    for found in error.errors():
        line = 1
        if isinstance(document, YamlMapping) and found["loc"]:
            line = document.line_of(str(found["loc"][0]))
        place = ".".join(map(str, found["loc"])) or "the file"
        yield f"{path} line {line}: {place}: {found['msg']}"
