"""``seclab register export`` and ``import``: the register in files of other tools."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="The risk register: taken out and read in.", no_args_is_help=True)


@app.command(name="export")
def export_register(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)],
    format_: Annotated[
        Literal["csv", "markdown"],
        typer.Option(
            "--format",
            help="csv: a table of everything for spreadsheets. markdown: the risks with their "
            "newest evidence, to be read.",
        ),
    ] = "csv",
) -> None:
    """Write the risk register into one file."""
    from seclab.cli import registered as command

    command.export(out, form=format_)


@app.command(name="import")
def import_register(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV file as export writes it, or with some of its columns: asset, attacker goal, "
            "attack pattern, control, evidence and residual risk are enough.",
            show_default=False,
        ),
    ],
) -> None:
    """Read a table into the register. Risks are changed or added, never removed."""
    from seclab.cli import registered as command

    command.import_(file)
