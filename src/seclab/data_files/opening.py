"""Opening a file that somebody else made: a regular file of bearable size, and the same one."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from seclab.data_files.limits import Limits
from seclab.errors import InvalidData, Misconfigured
from seclab.fingerprint import Digest

_KINDS = {
    stat.S_IFLNK: "a symbolic link; give the file that it leads to",
    stat.S_IFDIR: "a folder; give one file",
    stat.S_IFIFO: "a pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[BufferedReader]:
    """A stream of the file.

    Args:
        path: Where it is. Links are not followed, and nothing but a regular file is opened.
        limits: Only ``disk_bytes`` counts here.

    Raises:
        Misconfigured: There is no such file, it is not permitted, or it is no regular file.
        InvalidData: It is empty, too large, or was changed while it was read.
    """
    file = os.fspath(path)
    try:
        _require_regular(file, os.lstat(file))
        # Between the two looks it can have become something else: a pipe must not make us wait.
        number = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the name holds a NUL character"
        raise Misconfigured(f"{file!r} cannot be read: {reason}") from error
    with os.fdopen(number, "rb") as stream:
        before = os.fstat(number)
        _require_regular(file, before)
        if before.st_size == 0:
            raise InvalidData(f"{file}: the file is empty")
        if before.st_size > limits.disk_bytes:
            raise InvalidData(
                f"{file}: the file has {before.st_size} bytes, the limit is {limits.disk_bytes}"
            )
        yield stream
        if _state(before) != _state(os.fstat(number)):
            raise InvalidData(f"{file}: the file was changed while it was read; read it again")


def digest_of(stream: BufferedReader) -> Digest:
    """Digest of the bytes of an open file, as :func:`seclab.fingerprint.of_file` gives it."""
    stream.seek(0)
    return Digest("sha256", "bytes", hashlib.file_digest(stream, "sha256").hexdigest())


def _require_regular(file: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise Misconfigured(f"{file!r} is {kind}")


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
