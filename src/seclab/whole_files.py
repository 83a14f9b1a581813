"""Files of a user: read with a sentence on what went wrong, written whole or not at all."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from seclab.errors import Misconfigured


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        Misconfigured: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files, each replaced in one step, once all of them are on the disk.

    A link is followed. What is no file, as a pipe or ``/dev/stdout``, cannot be replaced and is
    written to.

    Args:
        contents: The bytes by path.

    Raises:
        Misconfigured: One of them cannot be written; then none is changed, unless replacing one
            fails after another was replaced.
    """
    at = Path()
    try:
        with ExitStack() as stack:
            ready = []
            for at, data in contents.items():
                if _is_stream(at):
                    at.write_bytes(data)
                else:
                    ready.append((stack.enter_context(_beside(at.resolve(), data)), at.resolve()))
            for temporary, at in ready:
                temporary.replace(at)
    except OSError as error:
        raise Misconfigured(f"{at} cannot be written: {error.strerror}") from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        Misconfigured: It is there already, or cannot be written.
    """
    try:
        there = path.exists()
    except OSError as error:  # the name is too long
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error
    if there:
        raise Misconfigured(f"{path} is there already and is not overwritten; choose another name")
    write_whole({path: data})


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there stays.

    Raises:
        Misconfigured: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be made: {error.strerror}") from error


def _is_stream(path: Path) -> bool:
    # Behind /dev/stdout may be a file that the caller's shell has open: it must not be replaced.
    devices = path.parts[:2] == (os.sep, "dev")
    return devices or (path.exists() and not (path.is_file() or path.is_dir()))


@contextmanager
def _beside(path: Path, data: bytes) -> Iterator[Path]:
    """A new file with some content beside another, with its permissions; gone afterwards."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
