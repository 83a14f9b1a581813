"""Options that many commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
Label = Annotated[
    str | None,
    typer.Option(
        help="Name of the label column or array; label, class, target or the last column when "
        "left out."
    ),
]
FeatureRange = Annotated[
    tuple[float, float] | None,
    typer.Option(help="Smallest and largest value of a feature.", show_default=False),
]
Seed = Annotated[int, typer.Option(min=0, help="Decides everything random.")]
