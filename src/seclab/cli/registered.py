"""What ``seclab register export`` and ``import`` do."""

from pathlib import Path

from seclab import settings
from seclab.cli.files import write_whole
from seclab.cli.output import say
from seclab.errors import Misconfigured
from seclab.exchange.register_csv import from_register_csv, to_register_csv
from seclab.exchange.register_merge import merge, register_rows
from seclab.registers.loading import MATRIX, RISKS


def export(out: Path) -> None:
    """Write the register and the matrix into one table."""
    folder = settings.find().registers
    rows = register_rows(_bytes(folder / RISKS), _bytes(folder / MATRIX))
    write_whole({out: to_register_csv(rows)})
    say(f"{out}  {len(rows.risks)} risks, {len(rows.attacks)} attacks")
    say(f"read it back: seclab register import {out}")


def import_(file: Path) -> None:
    """Read a table into the register."""
    folder = settings.find().registers
    rows = from_register_csv(_bytes(file), file=file.name)
    risks, matrix = folder / RISKS, folder / MATRIX
    merged = merge(_there(risks), _there(matrix), rows)
    contents = {risks: merged.risks}
    if merged.attacks is not None:
        contents[matrix] = merged.attacks
    write_whole(contents)
    changed = f": {', '.join(merged.changed)}" if merged.changed else ""
    say(f"{RISKS}  {len(merged.changed)} changed{changed}; {merged.added} added")
    say(f"{MATRIX}  {merged.attacks_added} rows added, {merged.attacks_removed} removed")
    say("what has to be filled in: seclab register check")


def _there(path: Path) -> bytes | None:
    return _bytes(path) if path.exists() else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
