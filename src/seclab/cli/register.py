"""``seclab register``: its commands and their options."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from seclab.cli.options import Json

app = typer.Typer(
    help="The risk register and its companions: checking them, and adding a risk.",
    no_args_is_help=True,
)


@app.command()
def check(
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Make the edits that are safe, and show what is left.")
    ] = False,
    sarif: Annotated[
        Path | None,
        typer.Option(help="Also write the findings here as SARIF.", show_default=False),
    ] = None,
    json: Json = False,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The day that review dates are held against; today when left out.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Every mistake in the registers, with its place and what to write; 1 where one is an error."""
    from seclab.cli import register_check as command

    command.check(fix=fix, sarif=sarif, json=json, at=at.date() if at else None)
