"""``seclab register``: its commands and their options."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from seclab.cli import register_files
from seclab.cli.options import Json

app = typer.Typer(
    help="The risk register and its companions: checking them, adding a risk, exchanging them.",
    no_args_is_help=True,
)
app.add_typer(register_files.app)


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


def _column(help_: str) -> Any:
    return typer.Option(help=help_, show_default=False)


@app.command()
def new(
    *,
    id_: Annotated[
        str | None,
        typer.Option(
            "--id", help="R-EVA-05, or R-EVA for the next free number.", show_default=False
        ),
    ] = None,
    title: Annotated[str | None, _column("The risk in a few words.")] = None,
    asset: Annotated[str | None, _column("What is worth protecting.")] = None,
    asset_class: Annotated[str | None, _column("Which of the five classes it is of.")] = None,
    actor: Annotated[str | None, _column("Who may attack.")] = None,
    attacker_goal: Annotated[str | None, _column("What they want.")] = None,
    attack_pattern: Annotated[str | None, _column("How they do it.")] = None,
    trust_boundary: Annotated[str | None, _column("Which line the attack crosses.")] = None,
    nist_id: Annotated[str | None, _column("The id of NIST AI 100-2, or none.")] = None,
    atlas_ids: Annotated[
        str | None, _column("Techniques of ATLAS, ; between them, or none.")
    ] = None,
    owasp_ids: Annotated[str | None, _column("With edition, ; between them, or none.")] = None,
    stride: Annotated[str | None, _column("STRIDE letters with ; between them.")] = None,
    likelihood: Annotated[str | None, _column("1 to 5, before controls.")] = None,
    impact: Annotated[str | None, _column("1 to 5, before controls.")] = None,
    control: Annotated[str | None, _column("What is done about it.")] = None,
    evidence: Annotated[
        str | None,
        _column("What measures it, or none: never tested."),
    ] = None,
    residual_risk: Annotated[str | None, _column("What is left when the control works.")] = None,
    owner: Annotated[str | None, _column("The role that answers for it.")] = None,
    status: Annotated[str | None, _column("open, mitigated or accepted.")] = None,
    review_date: Annotated[str | None, _column("The day of the next look, 2027-03-31.")] = None,
) -> None:
    """Add a risk and its row of the matrix; refused while the registers would not pass the check.

    That no threat model has it yet is left for its system's file. On a terminal, what no option
    gives is asked for.
    """
    from seclab.cli import register_new as command

    command.new(
        {
            "id": id_,
            "title": title,
            "asset": asset,
            "asset_class": asset_class,
            "actor": actor,
            "attacker_goal": attacker_goal,
            "attack_pattern": attack_pattern,
            "trust_boundary": trust_boundary,
            "nist_id": nist_id,
            "atlas_ids": atlas_ids,
            "owasp_ids": owasp_ids,
            "stride": stride,
            "likelihood": likelihood,
            "impact": impact,
            "control": control,
            "evidence": evidence,
            "residual_risk": residual_risk,
            "owner": owner,
            "status": status,
            "review_date": review_date,
        }
    )
