"""The recorded versions of every dataset, read strictly and held against one another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from seclab.custody.accounting import unexplained
from seclab.custody.changes import explain_rows
from seclab.custody.manifest import Manifest
from seclab.custody.manifest_files import index_path, load_manifests, manifest_path
from seclab.custody.rows import Rows, read_index
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest

FOLDER = "custody"
"""Folder of the manifests, among the registers."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What is recorded of one dataset.

    Attributes:
        newest: The version that follows all others.
        manifests: It and all it was made of, by digest, older ones first.
        rows: Their rows.
    """

    newest: Manifest
    manifests: Mapping[Digest, Manifest]
    rows: Mapping[Digest, Rows]

    def followed_by(self, manifest: Manifest, rows: Rows) -> "History":
        """The history with one more version, made of the newest.

        Raises:
            Misconfigured: It is no version of the same dataset that was made of the newest, or
                its steps do not account for what changed.
        """
        digest = manifest.digest
        if self.newest.digest not in manifest.parents or manifest.dataset != self.newest.dataset:
            raise Misconfigured(f"{manifest.title} was not made of {self.newest.title}")
        manifests, known = {**self.manifests, digest: manifest}, {**self.rows, digest: rows}
        problems = list(link_problems(manifest, known))
        if problems:
            raise Misconfigured(problems)
        return History(manifest, manifests, known)


def load_histories(folder: Path) -> Mapping[str, History]:
    """Read everything that is recorded.

    Args:
        folder: Where the manifests are, each with the list of its rows; it need not be there.

    Returns:
        The history of each dataset by its name.

    Raises:
        Misconfigured: A file is malformed, missing, in another place or was changed, a parent is
            missing, a change is not accounted for, or a dataset has no one newest version; all
            problems at once.
    """
    manifests = load_manifests(folder)
    problems: list[str] = []
    rows: dict[Digest, Rows] = {}
    for digest, manifest in manifests.items():
        try:
            rows[digest] = _load_rows(manifest, folder)
        except Misconfigured as error:
            problems += error.problems
    for manifest in manifests.values():
        file = manifest_path(folder, manifest)
        problems += [f"{file}: {problem}" for problem in link_problems(manifest, rows, manifests)]
    names = dict.fromkeys(manifest.dataset for manifest in manifests.values())
    newest = {name: _newest(name, manifests) for name in names}
    for name, found in newest.items():
        if len(found) > 1:
            versions = ", ".join(each.digest.value[:12] for each in found)
            problems.append(
                f"{folder / name}: {versions} are all the newest version of {name}: a later "
                "version names the one before it as its parent"
            )
    if problems:
        raise Misconfigured(problems)
    histories = {}
    for name, (last,) in newest.items():
        known = chain([last], manifests)
        histories[name] = History(last, known, {digest: rows[digest] for digest in known})
    return histories


def chain(
    ends: Sequence[Manifest], manifests: Mapping[Digest, Manifest]
) -> Mapping[Digest, Manifest]:
    """Some versions and all that they were made of, as far as it is known, older ones first."""
    levels = [{manifest.digest: manifest for manifest in ends}]
    while levels[-1]:
        parents = [parent for each in levels[-1].values() for parent in each.parents]
        levels.append({p: manifests[p] for p in parents if p in manifests})
    found: dict[Digest, Manifest] = {}
    for level in reversed(levels):
        found = {**found, **{d: m for d, m in level.items() if d not in found}}
    return found


def link_problems(
    manifest: Manifest,
    rows: Mapping[Digest, Rows],
    manifests: Mapping[Digest, Manifest] | None = None,
) -> Iterator[str]:
    """What is wrong between a version and those it was made of.

    Args:
        manifest: The version.
        rows: The rows of versions, its own and those of its parents among them.
        manifests: All there are, where a parent may be missing.
    """
    missing = [p for p in manifest.parents if manifests is not None and p not in manifests]
    for parent in missing:
        yield f"the manifest of its parent {parent} is missing"
    parts = [rows.get(parent) for parent in manifest.parents]
    own, known = rows.get(manifest.digest), [part for part in parts if part is not None]
    if not manifest.parents or own is None or len(known) < len(parts):
        return
    before = Rows.joined(known)
    changes = explain_rows(before, own)
    for block in unexplained(changes, before, own, manifest.transformations):
        yield str(block)


def _load_rows(manifest: Manifest, folder: Path) -> Rows:
    path = manifest_path(folder, manifest)
    if not path.exists():
        raise Misconfigured(f"{path}: the manifest of {manifest.title} belongs here")
    file = index_path(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from error
    names = {label: content.name for label, content in manifest.classes.items()}
    return read_index(data, digest=manifest.index, names=names, file=str(file))


def _newest(name: str, manifests: Mapping[Digest, Manifest]) -> list[Manifest]:
    """The versions of a dataset that no other of its versions was made of."""
    versions = [manifest for manifest in manifests.values() if manifest.dataset == name]
    older: set[Digest] = reduce(
        set.union, ({*chain([each], manifests)} - {each.digest} for each in versions), set()
    )
    return [each for each in versions if each.digest not in older]
