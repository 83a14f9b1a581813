"""The table of contents of a zip, and a reader that counts what is taken out of it."""

import re
import stat
import zipfile
from typing import BinaryIO

from seclab.data_files.problems import Problems, shown

_LARGEST_READ = 2**21
_MOST_MEMBERS = 1000
_NAME = re.compile(r"[^/\\:\x00-\x1f]{1,200}\.npy")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1


class Metered:
    """A file that counts the bytes taken from it and gives no more than 2 MiB at a time.

    A zip or array header that claims to be larger is refused before memory is taken for it.

    Attributes:
        taken: Bytes read so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            ValueError: More are asked for at once than is sensible.
        """
        # Without a size: to the end of the file, which must be near.
        most = _LARGEST_READ + 1
        block = self._stream.read(min(size, most) if size >= 0 else most)
        self.taken += len(block)
        if len(block) > _LARGEST_READ:
            raise ValueError(f"a table of contents of more than {_LARGEST_READ} bytes")
        return block

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """As of any file: a zip is read from its end."""
        return True

    def close(self) -> None:
        """Nothing: whoever opened the file closes it."""


def checked_members(archive: zipfile.ZipFile, problems: Problems) -> dict[str, zipfile.ZipInfo]:
    """The arrays of an NPZ by name, after a look at every entry.

    Names are compared without regard to case, as some file systems do. What an entry claims of its
    size is not believed here: it is counted while it is read.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    entries = archive.infolist()
    if len(entries) > _MOST_MEMBERS:
        problems.add(f"{len(entries)} entries, the limit is {_MOST_MEMBERS}")
        return members
    for entry in entries:
        name = entry.orig_filename
        if not _NAME.fullmatch(name) or name.startswith("."):
            problems.add(f"the entry {shown(name)} is no array: a plain name.npy is expected")
        elif name.lower() in seen:
            problems.add(f"the entry {shown(name)} stands twice")
        if entry.flag_bits & _ENCRYPTED:
            problems.add(f"the entry {shown(name)} is encrypted")
        elif entry.compress_type not in _METHODS:
            problems.add(f"the entry {shown(name)} is neither stored nor deflated")
        if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
            problems.add(f"the entry {shown(name)} is no regular file")
        seen.add(name.lower())
        members[name.removesuffix(".npy")] = entry
    if not members and not problems:
        problems.add("the archive is empty")
    return members
