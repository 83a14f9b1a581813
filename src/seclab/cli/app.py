"""The commands and their options. Whatever is slow to import is imported by the command itself."""

import errno
import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from seclab.cli import (
    custody,
    frameworks,
    key_commands,
    lab_commands,
    quarantine,
    register,
    threat_models,
)
from seclab.cli.options import FeatureRange, Json, Label, Seed
from seclab.errors import Misconfigured, SeclabError

app = typer.Typer(
    name="seclab",
    help="Security evaluations of machine-learning models, with evidence and a gate. "
    "Exit codes: 0 passed, 1 blocked by the gate, 2 wrong use or configuration, "
    "3 could not be evaluated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(lab_commands.app, name="lab")
app.add_typer(key_commands.app, name="keys")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(custody.app, name="custody")
app.add_typer(frameworks.app, name="frameworks")
app.add_typer(register.app, name="register")
app.add_typer(threat_models.app, name="threat-model")

Run = Annotated[
    str, typer.Argument(help="Run ID, the beginning of one, or 'latest'.", show_default=False)
]

_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main() -> None:
    """Run the command line; every error a user can make ends in a sentence and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What its encoding has not is written as an escape, as standard error does.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except SeclabError as error:
        from seclab.cli.output import complain

        for problem in error.problems:
            complain(f"seclab: {problem}")
        sys.exit(error.exit_code)
    except OSError as error:
        # What was to be printed has not been, and 1 would be a verdict.
        if error.errno not in _FULL:
            raise
        where = error.filename or "standard output"
        sys.stderr.write(f"seclab: {where} cannot be written: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(2)  # an ordinary exit would try again to write what is left
    except (KeyboardInterrupt, SystemExit) as ending:
        # Typer makes an exit of an interruption.
        if isinstance(ending, SystemExit) and ending.code != _INTERRUPTED:
            raise
        sys.stderr.write("seclab: interrupted\n")
        sys.stderr.flush()
        # An attack may still run in a thread, which an ordinary exit would wait for.
        os._exit(_INTERRUPTED)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that open runs are closed."""
    raise KeyboardInterrupt


@app.command()
def evaluate(  # noqa: PLR0917 - Typer turns parameters into options by position
    profile: Annotated[
        str, typer.Option(help="How much effort the attacks make: quick, standard or deep.")
    ] = "standard",
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Model to evaluate; may be repeated. All, the agent and the data, when left out."
        ),
    ] = None,
    evaluation: Annotated[
        list[str] | None,
        typer.Option(help="Evaluation to run; may be repeated. All of them when left out."),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            help="Control on the answers, such as labels or confidences_1_decimals, that every "
            "model is measured behind as well; may be repeated."
        ),
    ] = None,
    poison: Annotated[
        str | None,
        typer.Option(
            help="Poison the data on purpose, with random_flips, patch, blended or another kind, "
            "and see what the checks find and repair saves: no model is evaluated, and the run "
            "ends blocked.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="With --poison: poisoned rows as a fraction of all.",
            show_default="0.02",
        ),
    ] = None,
    seed: Seed = 0,
    promote: Annotated[
        bool,
        typer.Option(
            " /--no-promote",
            help="Do not make the most accurate passing model the champion.",
            show_default=False,
        ),
    ] = True,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh", help="Measure everything anew, also what an earlier run has measured."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Train, check, attack, decide, seal, store, and promote what passed."""
    from seclab.cli import evaluation as command

    command.evaluate(
        profile=profile,
        models=model,
        evaluations=evaluation,
        controls=control,
        poison=poison,
        rate=rate,
        seed=seed,
        promote=promote,
        refresh=refresh,
        json=json,
    )


@app.command()
def check(  # noqa: PLR0917 - Typer turns parameters into options by position
    data: Annotated[Path, typer.Argument(help="A CSV, Parquet or NPZ file of labelled rows.")],
    suite: Annotated[
        str, typer.Option(help="Which suite of expectations/ to hold it to, without .json.")
    ] = "any",
    label: Label = None,
    image_shape: Annotated[
        tuple[int, int] | None,
        typer.Option(help="Height and width, where rows are images.", show_default=False),
    ] = None,
    feature_range: FeatureRange = None,
    rest: Annotated[
        Path | None,
        typer.Option(
            help="Write the rows that are left to this CSV or NPZ file.", show_default=False
        ),
    ] = None,
    aside: Annotated[
        Path | None,
        typer.Option(help="Write the suspected rows to this CSV or NPZ file.", show_default=False),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(help="Name of the column that says when a row arrived.", show_default=False),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="A file with an earlier version that is trusted.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Check a dataset file for damage and poison, and show what was found."""
    from seclab.cli import checking as command

    command.check(
        data,
        suite=suite,
        label=label,
        image_shape=image_shape,
        feature_range=feature_range,
        rest=rest,
        aside=aside,
        batch=batch,
        against=against,
        json=json,
    )


@app.command()
def gate(
    run: Run,
    json: Json = False,
    sarif: Annotated[
        Path | None, typer.Option(help="Write SARIF 2.1.0 to this file.", show_default=False)
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write JUnit XML to this file.", show_default=False)
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write Markdown for a pull request to this file.", show_default=False),
    ] = None,
) -> None:
    """Verify the evidence of a run and judge it by the registers as they are now."""
    from seclab.cli import gate as command

    command.gate(run, json=json, sarif=sarif, junit=junit, markdown=markdown)


@app.command()
def promote(
    run: Run,
    force: Annotated[
        str,
        typer.Option(
            help="Promote in spite of the gate, for this reason. Needs a key of the pipeline and "
            "a tier that allows it.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Make the model version of a run the champion, if its evidence allows it."""
    from seclab.cli import evaluation as command

    command.promote(run, force=force)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why, in one line.", show_default=False)],
) -> None:
    """Make the previous champion the champion again."""
    from seclab.cli import champion as command

    command.rollback(reason=reason)


@app.command(name="serve-check")
def serve_check(json: Json = False) -> None:
    """Check every link from the champion's alias to its bytes, as a serving process does."""
    from seclab.cli import champion as command

    command.serve_check(json=json)


@app.command()
def approve(
    run: Run,
    role: Annotated[
        Literal["security", "ml-engineering", "legal"],
        typer.Option(help="In whose name.", show_default=False),
    ],
) -> None:
    """Sign, with the key of a role, that it agrees with the evidence of a run."""
    from seclab.cli import champion as command

    command.approve(run, role=role)


@app.command()
def verify(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A run; or an exported file, the folder of a run, or a bundle.json, which need "
            "no project.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every run of the store, the ledger and the champion.")
    ] = False,
    keys: Annotated[
        Path | None,
        typer.Option(help="Folder of the public keys to trust, for a file.", show_default=False),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(help="An earlier export of the ledger, to go on from.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Compute again everything that can be, and name every difference."""
    if (what is None) != everything:
        raise Misconfigured("name a run or a file to verify, or give --all; not both, not neither")
    if what is not None and Path(what).exists():
        from seclab.cli import verification

        verification.verify_file(Path(what), keys=keys, ledger=ledger, json=json)
        return
    if what is not None and ("/" in what or Path(what).suffix):
        raise Misconfigured(f"{what}: there is no such file or folder")
    if keys is not None:
        raise Misconfigured("--keys is for files; a store is checked with the project's own keys")
    if what is not None and ledger is not None:
        raise Misconfigured("--ledger is for files and for --all; a run alone has no earlier end")
    from seclab.cli import evidence as command

    if what is None:
        command.verify_all(ledger=ledger, json=json)
    else:
        command.verify_run(what, json=json)


@app.command()
def export(
    run: Run,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Zip file to write.", show_default=False)
    ],
) -> None:
    """Write everything that proves the verdict of a run into one file."""
    from seclab.cli import evidence as command

    command.export(run, out=out)


@app.command()
def bom(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="JSON file to write; printed when left out."),
    ] = None,
) -> None:
    """The model of a run as a CycloneDX 1.6 bill of materials: model card, metrics, data, risks.

    ``latest`` is the newest run of a model.
    """
    from seclab.cli import bom as command

    command.bom(run, out=out)


@app.command(name="export-ledger")
def export_ledger(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="New JSON Lines file to write.", show_default=False)
    ],
) -> None:
    """Write the ledger to a file, to be kept out of reach of whoever writes to the store."""
    from seclab.cli import evidence as command

    command.export_ledger(out=out)


@app.command()
def risks(json: Json = False) -> None:
    """The risk register with the newest evidence for every risk."""
    from seclab.cli import runs as command

    command.risks(json=json)


@app.command()
def coverage(
    html: Annotated[
        Path | None, typer.Option(help="Write the page to this file.", show_default=False)
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write Markdown to this file.", show_default=False)
    ] = None,
    navigator: Annotated[
        Path | None,
        typer.Option(
            help="Write a layer for the ATLAS Navigator to this file.", show_default=False
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            help="Id of a threat model: its risks and the evidence about it alone.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """What was measured of risks, ATLAS and systems, what came of it, and what is missing."""
    from seclab.cli import coverage as command

    command.coverage(json=json, html=html, markdown=markdown, navigator=navigator, system=system)


@app.command()
def programme(json: Json = False) -> None:
    """How the programme stands: threat models, fresh evidence, time to find and mend, waivers."""
    from seclab.cli import programme as command

    command.figures(json=json)


@app.command()
def checklist(
    subject: Annotated[
        str | None,
        typer.Argument(help="A name of models.yaml; all of them, counted, when left out."),
    ] = None,
    json: Json = False,
) -> None:
    """The evidence that has to be held about a model, agent or dataset, and what of it is there."""
    from seclab.cli import checklist as command

    command.checklist(subject, json=json)


@app.command()
def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """The evaluation runs, newest first."""
    from seclab.cli import runs as command

    command.runs(limit=limit, json=json)


@app.command()
def show(run: Run, json: Json = False) -> None:
    """The verdict of a run, why, and every number behind it."""
    from seclab.cli import runs as command

    command.show(run, json=json)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 5000,
) -> None:
    """Open the MLflow pages on this project's evidence store."""
    from seclab.cli import ui as command

    command.ui(port=port)
