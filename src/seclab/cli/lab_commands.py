"""``seclab lab``: its commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from seclab.cli.options import Seed

app = typer.Typer(
    help="One experiment at a time, to a CSV file: no store, no flow, no gate.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option(help="CSV file to write.", show_default=False)]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer points, for a first look.")]


@app.command()
def fgsm(out: Out, quick: Quick = False, seed: Seed = 0) -> None:
    """Accuracy of the softmax regression under one gradient step, by epsilon."""
    from seclab.cli import lab as command

    command.fgsm(out, quick=quick, seed=seed)


@app.command()
def poisoning(out: Out, quick: Quick = False, seed: Seed = 0) -> None:
    """Success of a trigger planted in the training data, by poison rate."""
    from seclab.cli import lab as command

    command.poisoning(out, quick=quick, seed=seed)


@app.command()
def privacy(out: Out, quick: Quick = False, seed: Seed = 0) -> None:
    """What the forest gives away: membership and, to a surrogate, itself."""
    from seclab.cli import lab as command

    command.privacy(out, quick=quick, seed=seed)


@app.command(name="rag-guard")
def rag_guard(out: Out, quick: Quick = False) -> None:  # noqa: ARG001 - one episode is quick
    """One poisoned episode of the agent, without its guard and with it."""
    from seclab.cli import lab as command

    command.rag_guard(out)
