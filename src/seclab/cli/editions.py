"""What ``seclab frameworks changes`` prints: what changed between two editions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from seclab.cli.entries import load
from seclab.cli.framework_words import change_in_words, find
from seclab.cli.output import as_json, say, table
from seclab.errors import Misconfigured
from seclab.frameworks import ATLAS, Change, Frameworks


def changes(
    id_: str | None, *, framework: str | None, old: str | None, new: str | None, json: bool
) -> None:
    """Print what changed between two editions of a framework, or what became of one entry.

    Raises:
        Misconfigured: There is no such entry, or there are no two such editions to compare.
    """
    frameworks = load()
    if id_ and not framework and not old and not new and (known := frameworks.change_of(id_)):
        _print(frameworks, [known], json=json)
        return
    entry = find(frameworks, id_) if id_ else None
    name = framework or (entry.framework if entry else ATLAS)
    if entry and name != entry.framework:
        raise Misconfigured(f"{entry.id} is an entry of {entry.framework}, not of {name}")
    old = old or (entry.edition if entry and entry.framework != ATLAS else None)
    old, new = _pair(frameworks, name, old, new)
    found = [
        each
        for each in frameworks.changes(name, old, new)
        if (entry.id in (each.id, each.replacement) if entry else each.kind != "same")
    ]
    if not found and not json:
        say(f"{id_ or name}: the same in {old} and {new}")
    else:
        _print(frameworks, found, json=json)


def _pair(
    frameworks: Frameworks, framework: str, old: str | None, new: str | None
) -> tuple[str, str]:
    """The two editions to compare, the older first."""
    known = [each.edition for each in frameworks.editions if each.framework == framework]
    counts = Counter(each.framework for each in frameworks.editions)
    several = [name for name, count in counts.items() if count > 1]
    if framework not in several:
        raise Misconfigured(
            f"--framework {framework!r}: two editions to compare are there of {', '.join(several)}"
        )
    problems = [
        f"{option} {edition!r} is no edition of {framework} in the tables: {', '.join(known)}"
        for option, edition in (("--from", old), ("--to", new))
        if edition and edition not in known
    ]
    if problems:
        raise Misconfigured(problems)
    newer = new or known[-1]
    before = known[: known.index(newer)]
    if not before:
        raise Misconfigured(f"there is no edition of {framework} before {newer} in the tables")
    older = old or before[-1]
    if older not in before:
        raise Misconfigured(f"{older} is not older than {newer}; editions: {', '.join(known)}")
    return older, newer


def _name(change: Change) -> str:
    """The newest name of the id itself, not of what takes its place."""
    return change.old_name if change.replacement else change.new_name or change.old_name


def _print(frameworks: Frameworks, found: Sequence[Change], *, json: bool) -> None:
    if json:
        as_json([asdict(each) for each in found])
        return
    rows = [(each.id, each.kind, _name(each), change_in_words(frameworks, each)) for each in found]
    table(("id", "change", "name", "what"), rows)
