"""Zip files that are always the same, and zip files of strangers."""

import os
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from seclab.errors import EvidenceMismatch, Misconfigured

MOST_FILES = 10_000
MOST_BYTES = 512 * 2**20
_MOST_NAME = 255  # characters of a path
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can say
_BLOCK = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# What zipfile raises about bytes that make no sense to it.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def pack(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write a zip file: sorted, without times and owners. Equal contents give equal bytes.

    Args:
        path: The file; one that is there is replaced, at once or not at all.
        contents: Bytes by relative path.

    Raises:
        Misconfigured: It cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
                for inside, data in sorted(contents.items()):
                    archive.writestr(_info(inside), data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix on every system
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def unpack(path: Path, folder: Path) -> None:
    """Unpack a zip file that may come from anybody.

    Args:
        path: The zip file.
        folder: An empty folder. Nothing is written outside of it.

    Raises:
        EvidenceMismatch: It is no zip file, is damaged, or is made to do harm: names that lead
            elsewhere or stand twice, links, more than :data:`MOST_FILES` files or
            :data:`MOST_BYTES` bytes.
        Misconfigured: There is no such file, or it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            problems = [f"{path.name}: {problem}" for problem in _problems(members)]
            if problems:
                raise EvidenceMismatch(problems)
            left = MOST_BYTES
            for member in members:
                left -= _write(archive, member, folder, most=left)
    except _DAMAGED as error:
        raise EvidenceMismatch(f"{path.name} is damaged, or no package: {error}") from error
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror or error}") from error


def _problems(members: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    if len(members) > MOST_FILES:
        yield f"{len(members)} files, at most {MOST_FILES} are read"
        return
    size = sum(member.file_size for member in members)
    if size > MOST_BYTES:
        yield f"{size} bytes unpacked, at most {MOST_BYTES} are read"
    seen: set[str] = set()
    for member in members:
        shown = f"{member.filename!r:.100}"
        if not _is_safe(member.filename):
            yield f"{shown}: the name leads out of the package, or is not one everywhere"
        if not _is_plain(member):
            yield f"{shown}: neither a plain file nor stored in a plain way"
        # Another file system may take names for the same that differ in case or composition.
        name = unicodedata.normalize("NFC", member.filename).casefold()
        if name in seen:
            yield f"{shown}: the name stands twice"
        seen.add(name)
    for name in sorted(seen):
        if any(str(parent) in seen for parent in PurePosixPath(name).parents):
            yield f"{name!r:.100}: it is below a file"


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    return (
        0 < len(name) <= _MOST_NAME
        and name.isprintable()
        and not any(part in {"", ".", ".."} for part in parts)
        and not any(character in name for character in '\\:*?"<>|')
    )


def _is_plain(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    return (
        kind in {0, stat.S_IFREG}
        and not member.flag_bits & _ENCRYPTED
        and member.compress_type in _METHODS
    )


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, *, most: int) -> int:
    """Write one file and give its size. What the archive says about the size is not believed."""
    path = folder / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as source, path.open("xb") as target:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > most:
                raise EvidenceMismatch(f"more than {MOST_BYTES} bytes unpacked")
            target.write(block)
    return written
