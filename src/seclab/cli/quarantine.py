"""``seclab quarantine``: its commands and their options."""

from typing import Annotated, Literal

import typer

from seclab.cli.options import Json

app = typer.Typer(
    help="Rows that checks stopped on: list them, confirm them, release them. All of it is "
    "evidence.",
    no_args_is_help=True,
)

Rows = Annotated[
    list[str] | None,
    typer.Argument(help="Rows by index, or by the beginning of a digest.", show_default=False),
]
Undecided = Annotated[
    bool, typer.Option("--all", help="Every row that is still suspected, instead.")
]
FoundBy = Annotated[
    str, typer.Option("--run", help="Only what this run found.", show_default=False)
]
Because = Annotated[str, typer.Option(help="Why, in one line.", show_default=False)]
By = Annotated[
    str, typer.Option(help="Who decides: a role or a team, or a name.", show_default=False)
]
SignedBy = Annotated[
    Literal["security", "ml-engineering", "legal"] | None,
    typer.Option(help="Sign with the key of this role.", show_default=False),
]
OfDataset = Annotated[str | None, typer.Option(help="Which dataset; the project's when left out.")]


@app.command(name="list")
def list_quarantine(
    dataset: Annotated[
        str | None, typer.Option(help="Which dataset; all of them when left out.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Show the rows themselves, small images as pictures.")
    ] = False,
    json: Json = False,
) -> None:
    """The rows in quarantine, who flagged them, and what was decided."""
    from seclab.cli import quarantined as command

    command.list_rows(dataset, pictures=rows, json=json)


@app.command()
def confirm(  # noqa: PLR0917 - Typer turns parameters into options by position
    reason: Because,
    by: By,
    rows: Rows = None,
    everything: Undecided = False,
    run: FoundBy = "",
    dataset: OfDataset = None,
    role: SignedBy = None,
) -> None:
    """Say that rows are bad indeed: they stay set aside."""
    from seclab.cli import quarantined as command
    from seclab.row_decisions import Meant

    meant = Meant(rows or (), everything, run)
    command.decide("confirm", meant, dataset=dataset, by=by, reason=reason, role=role)


@app.command()
def release(  # noqa: PLR0917 - Typer turns parameters into options by position
    reason: Because,
    by: By,
    rows: Rows = None,
    everything: Undecided = False,
    run: FoundBy = "",
    dataset: OfDataset = None,
    role: SignedBy = None,
) -> None:
    """Say that rows are a false alarm: they are used again, and a check on them stops nothing."""
    from seclab.cli import quarantined as command
    from seclab.row_decisions import Meant

    meant = Meant(rows or (), everything, run)
    command.decide("release", meant, dataset=dataset, by=by, reason=reason, role=role)
