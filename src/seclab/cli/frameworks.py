"""``seclab frameworks``: its commands and their options."""

from typing import Annotated

import typer

from seclab.cli.options import Json

app = typer.Typer(
    help="Ids and names of ATLAS, NIST AI 100-2, OWASP, STRIDE and PASTA, edition by edition.",
    no_args_is_help=True,
)


@app.command(name="list")
def list_entries(
    framework: Annotated[
        str | None,
        typer.Option(help="Only this one: 'MITRE ATLAS', 'OWASP LLM'.", show_default=False),
    ] = None,
    edition: Annotated[
        str | None,
        typer.Option(help="Only this edition; the newest when left out.", show_default=False),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Only tactics, techniques, mitigations ...: 'tactic'."),
    ] = None,
    json: Json = False,
) -> None:
    """The editions there are; with an option, the entries of one."""
    from seclab.cli import entries as command

    command.list_entries(framework=framework, edition=edition, kind=kind, json=json)


@app.command()
def show(
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="AML.T0020, NISTAML.022, LLM06:2025, S, PASTA-1.")
    ],
    json: Json = False,
) -> None:
    """One entry: its editions, what belongs to it, what changed, and the risks that carry it."""
    from seclab.cli import entries as command

    command.show(id_, json=json)


@app.command()
def search(
    words: Annotated[
        list[str], typer.Argument(help="Parts of an id, words of a name, also of a former one.")
    ],
    json: Json = False,
) -> None:
    """The entries that have every word in their id or in a name they have or had, best first."""
    from seclab.cli import entries as command

    command.search(" ".join(words), json=json)


@app.command()
def changes(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only this entry.", show_default=False)
    ] = None,
    framework: Annotated[
        str | None,
        typer.Option(
            help="'MITRE ATLAS' or 'OWASP LLM'; that of the entry, or ATLAS, when left out.",
            show_default=False,
        ),
    ] = None,
    old: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The older edition; that of the entry, or the one before the newer, when left "
            "out.",
            show_default=False,
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option("--to", help="The newer one; the newest when left out.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """What changed between two editions of ATLAS or of the OWASP list for LLM applications."""
    from seclab.cli import editions as command

    command.changes(id_, framework=framework, old=old, new=new, json=json)
