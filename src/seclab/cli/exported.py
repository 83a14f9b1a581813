"""Files that commands write for people and other tools, never over what they are made of."""

from pathlib import Path

from seclab.errors import Misconfigured
from seclab.registers.loading import MATRIX, RISKS
from seclab.settings import Settings
from seclab.whole_files import write_whole


def write_export(project: Settings, path: Path, data: str | bytes) -> None:
    """Write a file, whole or not at all; one that is there is replaced.

    Args:
        project: Whose registers the file is made of.
        path: The file.
        data: What is to stand in it.

    Raises:
        Misconfigured: It cannot be written, or the registers are read from it, so that what was
            exported would be gone.
    """
    folder = project.registers
    sources = (folder / RISKS, folder / MATRIX, *folder.rglob("*.yaml"), *folder.glob("*/*.csv"))
    if path.resolve() in {source.resolve() for source in sources}:
        raise Misconfigured(
            f"{path} is a file of the registers and is not overwritten; choose another name"
        )
    write_whole({path: data.encode() if isinstance(data, str) else data})
