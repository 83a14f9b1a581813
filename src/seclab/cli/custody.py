"""``seclab custody``: its commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from seclab.cli.options import FeatureRange, Json, Label

app = typer.Typer(
    help="Versions of data: recorded ones, what changed between two, and recording one.",
    no_args_is_help=True,
)

Version = Annotated[
    str,
    typer.Argument(
        help="A data file; or a recorded version: its digest, the beginning of one, or the name of "
        "a dataset for its newest.",
        show_default=False,
    ),
]


@app.command(name="show")
def show_versions(
    dataset: Annotated[
        str | None, typer.Argument(help="Name of a dataset; the project's when left out.")
    ] = None,
    json: Json = False,
) -> None:
    """The recorded versions of a dataset, and how many of its rows have a known origin."""
    from seclab.cli import versions as command

    command.show(dataset, json=json)


@app.command()
def diff(
    old: Version,
    new: Version,
    label: Label = None,
    feature_range: FeatureRange = None,
    json: Json = False,
) -> None:
    """What changed between two versions, row by row; 1 where no declared step accounts for it."""
    from seclab.cli import versions as command

    command.diff(old, new, label=label, feature_range=feature_range, json=json)


@app.command(name="record")
def record_version(  # noqa: PLR0917 - Typer turns parameters into options by position
    what: Annotated[
        str,
        typer.Argument(
            help="A CSV, Parquet or NPZ file, or the name of a dataset that the project loads."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the dataset; that of the file when left out."),
    ] = None,
    label: Label = None,
    source: Annotated[
        str | None, typer.Option(help="Citation or address of the original.", show_default=False)
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="SPDX identifier of its licence.", show_default=False)
    ] = None,
    how: Annotated[
        str | None, typer.Option(help="How the rows came here.", show_default=False)
    ] = None,
    when: Annotated[
        str | None, typer.Option(help="The day they came, 2026-01-31.", show_default=False)
    ] = None,
    parent: Annotated[
        list[str] | None,
        typer.Option(
            help="Version it was made of: its digest, the beginning of one, or the name of a "
            "dataset for its newest; may be repeated.",
            show_default=False,
        ),
    ] = None,
    transformation: Annotated[
        list[Path] | None,
        typer.Option(
            help="YAML file that declares a step: name, how, and rows by kind; may be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Record a version of a dataset. Refused while anything about it is not accounted for."""
    from seclab.cli import versions as command

    command.record(
        what,
        name=name,
        label=label,
        source=source,
        licence=licence,
        how=how,
        when=when,
        parents=parent or (),
        transformations=transformation or (),
    )
