"""``seclab keys``: its commands and their options."""

from typing import Annotated, Literal

import typer

from seclab.cli.options import Json

app = typer.Typer(
    help="The keys that sign evidence: public halves in registers/keys, private ones outside.",
    no_args_is_help=True,
)

KeyId = Annotated[str, typer.Argument(help="Key ID, or the beginning of one.", show_default=False)]
Days = Annotated[int, typer.Option(min=1, max=3650, help="For how many days it is valid.")]


@app.command()
def init(
    role: Annotated[
        Literal["pipeline", "security", "ml-engineering", "legal"],
        typer.Option(help="What its signatures stand for.", show_default=False),
    ],
    owner: Annotated[
        str,
        typer.Option(help="The role or team that holds it; not a person.", show_default=False),
    ],
    days: Days = 365,
) -> None:
    """Make a key: the private half outside the project, the public half to be committed."""
    from seclab.cli import keys as command

    command.init_key(role, owner=owner, days=days)


@app.command()
def rotate(keyid: KeyId, days: Days = 365) -> None:
    """Replace a key by a new one of the same role and owner; what the old one signed stays good."""
    from seclab.cli import keys as command

    command.rotate_key(keyid, days=days)


@app.command()
def revoke(
    keyid: KeyId,
    reason: Annotated[str, typer.Option(help="Why, in one line.", show_default=False)],
) -> None:
    """Withdraw all trust in a key: nothing it ever signed counts any more."""
    from seclab.cli import keys as command

    command.revoke_key(keyid, reason=reason)


@app.command(name="show")
def show_keys(json: Json = False) -> None:
    """The public keys, what each is worth now, and whose private half is here."""
    from seclab.cli import keys as command

    command.show_keys(json=json)
