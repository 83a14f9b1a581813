"""``seclab threat-model``: its commands and their options."""

from typing import Annotated

import typer

from seclab.cli import exchange
from seclab.cli.options import Json

app = typer.Typer(
    help="Threat models of systems: list, read, check and draw them, begin a new one, and files "
    "for other tools.",
    no_args_is_help=True,
)
app.add_typer(exchange.app)

System = Annotated[str, typer.Argument(help="Id of the system.", show_default=False)]


@app.command(name="list")
def list_models(json: Json = False) -> None:
    """Every system with its tier, risks, threats and review date."""
    from seclab.cli import systems as command

    command.list_models(json=json)


@app.command()
def show(system: System, json: Json = False) -> None:
    """What a system has to lose, to whom, what stands against it, and what its tier asks for."""
    from seclab.cli import systems as command

    command.show(system, json=json)


@app.command()
def check(
    system: Annotated[
        str | None, typer.Argument(help="Id of one system; all when left out.", show_default=False)
    ] = None,
) -> None:
    """Hold the threat models against registers, frameworks and evaluations; 1 on errors."""
    from seclab.cli import systems as command

    command.check(system)


@app.command()
def new(
    system: System,
    name: Annotated[
        str | None,
        typer.Option(help="Name for people; made of the id when left out.", show_default=False),
    ] = None,
) -> None:
    """Begin a threat model: a file with every part, to be filled in."""
    from seclab.cli import systems as command

    command.new(system, name=name)
