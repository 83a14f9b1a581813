"""Making the edits that are safe."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from seclab.errors import Misconfigured
from seclab.findings import Finding
from seclab.fingerprint import Digest, of_bytes
from seclab.register_checks.csv_cells import replace_cells
from seclab.registers.loading import MATRIX, RISKS
from seclab.whole_files import read_file, write_whole

_FILES = (RISKS, MATRIX)


def digests(folder: Path) -> Mapping[str, Digest]:
    """Digests of what :func:`apply_fixes` may change, by name; to be taken before a check.

    Raises:
        Misconfigured: One cannot be read.
    """
    there = (name for name in _FILES if (folder / name).is_file())
    return {name: of_bytes(read_file(folder / name)) for name in there}


def apply_fixes(
    folder: Path, findings: Iterable[Finding], *, checked: Mapping[str, Digest]
) -> list[Finding]:
    """Make the safe edits. Every other byte of the files stays, and a file is written whole.

    Args:
        folder: Where the registers stand.
        findings: What the check found.
        checked: Digests of what was checked, of :func:`digests`.

    Returns:
        The findings that are left.

    Raises:
        Misconfigured: A file is no longer what was checked, or cannot be written; then none is
            changed, unless writing the second fails after the first was written.
    """
    cells: dict[str, dict[tuple[int, str], str]] = defaultdict(dict)
    left = []
    for each in findings:
        if each.edit and each.edit.safe and each.file in _FILES:
            cells[each.file][each.line, each.column] = each.edit.value
        else:
            left.append(each)
    changed = {}
    for name, edits in cells.items():
        data = read_file(folder / name)
        if of_bytes(data) != checked.get(name):
            raise Misconfigured(f"{name} has changed since it was checked; check it again")
        changed[name] = replace_cells(data, edits, file=name)
    write_whole({folder / name: data for name, data in changed.items()})
    return left
