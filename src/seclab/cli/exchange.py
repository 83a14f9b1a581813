"""``seclab threat-model render``, ``export`` and ``import``: threat models for people and tools."""

from pathlib import Path
from typing import Annotated

import typer

from seclab.cli.formats import EXPORTS, IMPORTS

app = typer.Typer()

Model = Annotated[str, typer.Argument(help="Id of the threat model.", show_default=False)]


@app.command()
def render(
    model: Model,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File to write: .svg for the diagram, .html or .md for the page. The diagram "
            "goes to ID.svg when left out.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw the data-flow diagram of a threat model, or write its page."""
    from seclab.cli import exchanging as command

    command.render(model, out=out)


@app.command(name="export")
def export_model(
    model: Model,
    format_: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(EXPORTS)}.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)],
) -> None:
    """Write a threat model in a format that another tool opens."""
    from seclab.cli import exchanging as command

    command.export_model(model, form=format_, out=out)


@app.command(name="import")
def import_model(
    file: Annotated[Path, typer.Argument(help="File to read.", show_default=False)],
    format_: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(IMPORTS)}.", show_default=False)
    ],
    id_: Annotated[
        str,
        typer.Option(
            "--id", help="Id of the threat model, the name of its file.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="File to write; ID.yaml among the project's threat models when left out.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Read a threat model from a file of another tool. Nothing is ever overwritten."""
    from seclab.cli import exchanging as command

    command.import_model(file, form=format_, model=id_, out=out)
