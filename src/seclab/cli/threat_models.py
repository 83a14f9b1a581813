"""``seclab threat-model``: its commands and their options."""

import typer

from seclab.cli import exchange

app = typer.Typer(
    help="Threat models of systems: pictures and pages of them, and files for other tools.",
    no_args_is_help=True,
)
app.add_typer(exchange.app)
