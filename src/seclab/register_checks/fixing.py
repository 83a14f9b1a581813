"""Making the edits that are safe."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from seclab.errors import Misconfigured
from seclab.findings import Finding
from seclab.fingerprint import Digest, of_bytes
from seclab.register_checks.csv_cells import replace_cells
from seclab.registers.loading import MATRIX, RISKS

_FILES = (RISKS, MATRIX)


def digests(folder: Path) -> Mapping[str, Digest]:
    """Digests of what :func:`apply_fixes` may change, by name; to be taken before a check."""
    paths = {name: folder / name for name in _FILES}
    return {name: of_bytes(path.read_bytes()) for name, path in paths.items() if path.is_file()}


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
        data = _read(folder / name)
        if of_bytes(data) != checked.get(name):
            raise Misconfigured(f"{name} has changed since it was checked; check it again")
        changed[name] = replace_cells(data, edits, file=name)
    write_whole({folder / name: data for name, data in changed.items()})
    return left


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Replace files, each in one step, once all of them are on the disk.

    Raises:
        Misconfigured: One cannot be written.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for path, data in contents.items():
            ready.append((_beside(path, data), path))
        while ready:
            temporary, path = ready[0]
            temporary.replace(path)
            ready.pop(0)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error
    finally:
        for temporary, _ in ready:
            temporary.unlink(missing_ok=True)


def _beside(path: Path, data: bytes) -> Path:
    """A new file with some content beside another, with its permissions."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
