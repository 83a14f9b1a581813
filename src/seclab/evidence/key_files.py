"""Key files on disk: never half a file, never one overwritten, no private half open to others."""

import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from seclab.errors import Misconfigured
from seclab.evidence.json_text import parse

_PRIVATE = ".pem"
_PUBLIC = ".json"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_public(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The content of every public key file.

    A symbolic link is refused, for what it leads to was not reviewed with it.

    Returns:
        The JSON value of each file by the file's stem, and what is wrong with the others. Both
        empty for a folder that is missing.
    """
    documents: dict[str, Any] = {}
    problems: list[str] = []
    try:
        if folder.is_symlink():
            return {}, [f"{folder} is a symbolic link; the public keys must be in the project"]
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"{folder} cannot be read: {error.strerror}"]
    for path in paths:
        if path.suffix == _PRIVATE:
            problems.append(
                f"{path} looks like a private key among the public ones: revoke that key, for "
                "others may have seen it, and delete the file"
            )
        elif path.suffix == _PUBLIC:
            try:
                documents[path.stem] = parse(_reviewed(path).decode())
            except OSError as error:
                problems.append(f"{path} cannot be read: {error.strerror}")
            except (ValueError, RecursionError) as error:
                problems.append(f"{path} is not JSON: {error}")
    return documents, problems


def write_public(folder: Path, keyid: str, document: Mapping[str, Any], *, undo: ExitStack) -> None:
    """Write the file of a new public key; the folder is made when missing.

    Args:
        folder: Where to.
        keyid: Becomes the file's name.
        document: Becomes its content.
        undo: Gets what takes the file away again.

    Raises:
        Misconfigured: There is one already, or it cannot be written.
    """
    path = folder / f"{keyid}{_PUBLIC}"
    with _writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(path, _text(document), mode=0o644, undo=undo)


def replace_public(folder: Path, keyid: str, document: Mapping[str, Any]) -> None:
    """Put another content into the file of a public key, in one step.

    Raises:
        Misconfigured: It cannot be written; the old content is still there.
    """
    path = folder / f"{keyid}{_PUBLIC}"
    with _writing(path), _temporary(path, _text(document), mode=0o644) as temporary:
        temporary.replace(path)
        _sync(folder)


def private_ids(folder: Path) -> frozenset[str]:
    """Ids of the keys whose private half is in a folder, by the names of the files alone.

    Raises:
        Misconfigured: The folder is there and cannot be read.
    """
    try:
        return frozenset(path.stem for path in folder.iterdir() if path.suffix == _PRIVATE)
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise Misconfigured(f"{folder} cannot be read: {error.strerror}") from error


def read_private(folder: Path, keyid: str) -> bytes | None:
    """The private half of a key as its file has it, ``None`` where there is no such file.

    A symbolic link is followed, as secrets are often mounted as links; what it leads to has to be
    closed to others all the same.

    Raises:
        Misconfigured: It cannot be read, is no regular file, or others may use it.
    """
    path = folder / f"{keyid}{_PRIVATE}"
    try:
        with _opened(path) as (stream, mode):
            if not stat.S_ISREG(mode):
                raise Misconfigured(f"{path} is no regular file")
            if mode & _OTHERS:
                raise Misconfigured(
                    f"{path} has the mode {stat.S_IMODE(mode):04o}: others can use this private "
                    f"key. If they may have, revoke it; otherwise run `chmod 600 {path}`"
                )
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error


def write_private(folder: Path, keyid: str, pem: bytes, *, undo: ExitStack) -> None:
    """Write the private half of a new key, mode 0600; the folder is made with 0700 when missing.

    Args:
        folder: Where to.
        keyid: Becomes the file's name.
        pem: Becomes its content.
        undo: Gets what takes the file away again.

    Raises:
        Misconfigured: There is one already, it cannot be written, or others may use the folder.
    """
    path = folder / f"{keyid}{_PRIVATE}"
    with _writing(path):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        mode = folder.stat().st_mode
        if mode & _OTHERS:
            raise Misconfigured(
                f"{folder} has the mode {stat.S_IMODE(mode):04o}: private keys need a folder that "
                f"only their owner can use; run `chmod 700 {folder}`"
            )
        _write_new(path, pem, mode=0o600, undo=undo)


def _reviewed(path: Path) -> bytes:
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link, put the file itself there")
    with _opened(path) as (stream, mode):
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return stream.read()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file and the mode of that very file, without waiting for the writer of a pipe."""
    with open(path, "rb", opener=_without_waiting) as stream:
        yield stream, os.fstat(stream.fileno()).st_mode


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)


def _text(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _write_new(path: Path, data: bytes, *, mode: int, undo: ExitStack) -> None:
    with _temporary(path, data, mode=mode) as temporary:
        try:
            # A link fails where there is a file already; a rename would replace it.
            path.hardlink_to(temporary)
        except FileExistsError as error:
            raise Misconfigured(f"{path} exists already; it is not overwritten") from error
        undo.callback(path.unlink, missing_ok=True)
        _sync(path.parent)


@contextmanager
def _temporary(path: Path, data: bytes, *, mode: int) -> Iterator[Path]:
    """A complete file beside ``path``, on the disk and not only on its way there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be written: {error.strerror} ({error.filename or path})"
        ) from error
