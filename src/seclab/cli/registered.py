"""What ``seclab register export`` and ``import`` do."""

from pathlib import Path

from seclab import settings
from seclab.cli.coverage import covered
from seclab.cli.exported import write_export
from seclab.cli.output import say
from seclab.exchange.register_csv import from_register_csv, to_register_csv
from seclab.exchange.register_markdown import to_register_markdown
from seclab.exchange.register_merge import merge, register_rows
from seclab.registers import load_registers
from seclab.registers.loading import MATRIX, RISKS
from seclab.scoring import read_scoring
from seclab.whole_files import read_file, write_whole


def export(out: Path, *, form: str) -> None:
    """Write the register and the matrix into one file."""
    project = settings.find()
    if form == "markdown":
        found = covered(project, read_scoring(project.registers))
        write_export(project, out, to_register_markdown(load_registers(project.registers), found))
        say(f"{out}  {len(found.risks)} risks with their evidence")
        return
    rows = register_rows(
        read_file(project.registers / RISKS), read_file(project.registers / MATRIX)
    )
    write_export(project, out, to_register_csv(rows))
    say(f"{out}  {len(rows.risks)} risks, {len(rows.attacks)} attacks")
    say(f"read it back: seclab register import {out}")


def import_(file: Path) -> None:
    """Read a table into the register."""
    folder = settings.find().registers
    rows = from_register_csv(read_file(file), file=file.name)
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
    return read_file(path) if path.exists() else None
