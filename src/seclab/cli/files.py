"""Files that a command writes: whole, or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from seclab.errors import Misconfigured


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files, replacing what is there, once all of them are on the disk.

    Args:
        contents: The bytes by path.

    Raises:
        Misconfigured: One of them cannot be written.
    """
    at = None
    try:
        with ExitStack() as stack:
            ready = []
            for at, data in contents.items():
                handle, name = tempfile.mkstemp(dir=at.parent, prefix=f".{at.name[:100]}.")
                stack.callback(Path(name).unlink, missing_ok=True)
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                Path(name).chmod(at.stat().st_mode & 0o777 if at.exists() else 0o644)
                ready.append((Path(name), at))
            for temporary, at in ready:
                temporary.replace(at)
    except OSError as error:
        raise Misconfigured(f"{at} cannot be written: {error.strerror}") from error
