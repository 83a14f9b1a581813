"""What ``seclab custody`` does: recorded versions, what changed between two, recording one."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from seclab import custody, settings
from seclab.cli.differences import Side, document, say_changes
from seclab.cli.output import as_json, say, table
from seclab.custody import Acquisition, History, Manifest, Origin, Rows
from seclab.data_files import Limits, read_dataset
from seclab.datasets import LOADERS, Dataset, load
from seclab.errors import Misconfigured

_LEAST = 6  # digits of a digest that stand for it


def show(name: str | None, *, json: bool) -> None:
    """Print the recorded versions of a dataset, the oldest first.

    Raises:
        Misconfigured: Nothing is recorded of it, or the register does not agree with itself.
    """
    project = settings.find()
    history = _history(name or project.dataset, _histories())
    versions = [
        (manifest, custody.coverage_of(manifest, history.manifests))
        for manifest in history.manifests.values()
    ]
    if json:
        as_json(
            [
                {
                    "digest": str(manifest.digest),
                    "manifest": manifest.document(),
                    "coverage": {
                        "rows": found.rows,
                        "covered": found.covered,
                        "share": found.share,
                        "gaps": list(found.gaps),
                    },
                }
                for manifest, found in versions
            ]
        )
        return
    columns = ("version", "dataset", "rows", "known origin", "acquired", "licence", "made of", "by")
    table(columns, [_cells(manifest, found.share) for manifest, found in versions])
    gaps = dict.fromkeys(gap for _, found in versions for gap in found.gaps)
    for line in ["", *gaps] if gaps else []:
        say(line)


def diff(
    old: str,
    new: str,
    *,
    label: str | None,
    feature_range: tuple[float, float] | None,
    json: bool,
) -> None:
    """Print what changed between two versions, and exit with 1 where no step accounts for it.

    Raises:
        Misconfigured: One of them is neither a file nor a recorded version.
        InvalidData: A file is malformed, hostile or too large.
    """
    histories = _histories()
    before, after = (_side(each, histories, label, feature_range) for each in (old, new))
    if before.dataset and after.dataset:
        changes = custody.explain(before.dataset, after.dataset)
    else:
        changes = custody.explain_rows(before.rows, after.rows)
    steps = [
        step
        for manifest in after.manifests
        if [before.ordered] == [_ordered(parent, histories) for parent in manifest.parents]
        for step in manifest.transformations
    ]
    blocks = custody.unexplained(changes, before.rows, after.rows, steps)
    if json:
        as_json(document(before, after, changes, blocks))
    else:
        say_changes(before, after, changes, blocks)
    sys.exit(1 if blocks else 0)


def record(
    what: str,
    *,
    name: str | None,
    label: str | None,
    source: str | None,
    licence: str | None,
    how: str | None,
    when: str | None,
    parents: Sequence[str],
    transformations: Sequence[Path],
) -> None:
    """Write the manifest of a data file, or of a dataset that the project loads by name.

    Raises:
        Misconfigured: Something about it is not accounted for; all problems at once.
        InvalidData: The file is malformed, hostile or too large.
    """
    folder, histories = _folder(), _histories()
    dataset = _dataset(what, label, None)
    dataset = dataset.with_rows(dataset.features, dataset.labels, name=name or dataset.name)
    problems: list[str] = []

    def collected(function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Misconfigured as error:
            problems.extend(error.problems)
            return None

    acquired = collected(_acquired, how, when)
    known = [collected(_recorded, each, histories) for each in parents]
    declared = [collected(custody.load_declaration, path) for path in transformations]
    origin = Origin(source or None, licence or None, acquired)
    rows = {digest: found for each in histories.values() for digest, found in each.rows.items()}
    try:
        manifest = custody.record_version(
            dataset,
            origin=origin,
            parents=[each for each in known if each],
            declarations=[each for each in declared if each],
            history=histories.get(dataset.name),
            rows=rows,
        )
    except Misconfigured as error:
        problems += error.problems
    if problems:
        raise Misconfigured(list(dict.fromkeys(problems)))
    path = custody.save_version(manifest, custody.index_of(dataset), folder)
    say(f"recorded {manifest.digest}")
    say(f"         {path} and the list of its rows beside it: commit both after a review")


def _side(
    what: str,
    histories: Mapping[str, History],
    label: str | None,
    feature_range: tuple[float, float] | None,
) -> Side:
    everything = [each for history in histories.values() for each in history.manifests.values()]
    if Path(what).exists():
        dataset = _dataset(what, label, feature_range)
        ordered = str(dataset.fingerprint().ordered)
        same = tuple(each for each in everything if str(each.ordered) == ordered)
        return Side(what, Rows.of(dataset), ordered, dataset, same)
    manifest = _recorded(what, histories)
    rows = next(h.rows[manifest.digest] for h in histories.values() if manifest.digest in h.rows)
    return Side(manifest.title, rows, str(manifest.ordered), None, (manifest,))


def _ordered(digest: Any, histories: Mapping[str, History]) -> str:
    found = (h.manifests[digest] for h in histories.values() if digest in h.manifests)
    return next((str(manifest.ordered) for manifest in found), "")


def _dataset(what: str, label: str | None, feature_range: tuple[float, float] | None) -> Dataset:
    if not Path(what).exists():
        if what in LOADERS:
            return load(what)
        raise Misconfigured(
            f"{what}: there is no such file, and no dataset of that name; known: "
            f"{', '.join(LOADERS)}"
        )
    return read_dataset(Path(what), label=label, feature_range=feature_range, limits=Limits())


def _recorded(what: str, histories: Mapping[str, History]) -> Manifest:
    """A recorded version by the name of its dataset, the newest, or by its digest."""
    if what in histories:
        return histories[what].newest
    everything = {d: m for h in histories.values() for d, m in h.manifests.items()}
    begin = what.rpartition(":")[2]
    found = [m for d, m in everything.items() if d.value.startswith(begin)]
    if len(begin) < _LEAST or len(found) != 1:
        known = ", ".join(dict.fromkeys(each.title for each in everything.values())) or "none"
        raise Misconfigured(
            f"{what}: there is no such file, and it is not one recorded version; known: {known}"
        )
    return found[0]


def _acquired(how: str | None, when: str | None) -> Acquisition | None:
    if not how and not when:
        return None
    if not how or not when:
        raise Misconfigured("--how and --when go together: how the rows came here, and which day")
    try:
        day = date.fromisoformat(when)
    except ValueError as error:
        raise Misconfigured(f"--when {when!r} is no day; it reads 2026-01-31") from error
    if day > datetime.now(UTC).date():
        raise Misconfigured(f"--when {when} is in the future")
    return Acquisition(day, how)


def _folder() -> Path:
    return settings.find().registers / custody.FOLDER


def _histories() -> Mapping[str, History]:
    return custody.load_histories(_folder())


def _history(name: str, histories: Mapping[str, History]) -> History:
    if name not in histories:
        known = ", ".join(sorted(histories)) or "none"
        raise Misconfigured(f"no version of {name!r} is recorded; known: {known}")
    return histories[name]


def _cells(manifest: Manifest, share: float) -> tuple[str, ...]:
    acquired = manifest.acquired
    return (
        manifest.digest.value[:12],
        manifest.dataset,
        str(manifest.rows),
        f"{share:.1%}",
        acquired.when.isoformat() if acquired else "",
        manifest.licence or "",
        " ".join(parent.value[:12] for parent in manifest.parents),
        ", ".join(step.name for step in manifest.transformations),
    )
