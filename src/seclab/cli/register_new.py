"""``seclab register new``: a risk from options, and from questions on a terminal."""

import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry, settings
from seclab.cli.output import say
from seclab.cli.register_check import findings_in
from seclab.errors import Misconfigured
from seclab.frameworks import FOLDER as FRAMEWORKS
from seclab.frameworks import Frameworks, load_frameworks
from seclab.register_checks import add_risk, matrix_rows, next_id
from seclab.registers import ASSET_CLASSES, OWNERS, STATUSES, read_registers
from seclab.registers.risks import RISK_COLUMNS
from seclab.threat_models import FOLDER as THREAT_MODELS

_CHOICES: Mapping[str, str] = {
    "id": "a full id, or R-EVA for the next free number",
    "asset_class": ", ".join(ASSET_CLASSES),
    "nist_id": "one id, or none",
    "atlas_ids": "ids with ; between them, or none",
    "owasp_ids": "ids with their edition, ; between them, or none",
    "stride": "letters with ; between them",
    "likelihood": "1 to 5",
    "impact": "1 to 5",
    "evidence": "evaluations, data_checks:<suite>, or none: never tested",
    "owner": ", ".join(OWNERS),
    "status": ", ".join(STATUSES),
    "review_date": "like 2027-03-31",
}
_SUGGESTED = {"nist_id": "NIST AI 100-2", "atlas_ids": "MITRE ATLAS", "owasp_ids": "OWASP"}
_PREFIX = "R-[A-Z]{3}"
_MOST = 6
_SHORTEST = 5


def new(given: Mapping[str, str | None]) -> None:
    """Add a risk. What was not given is asked for on a terminal, and missing elsewhere.

    Raises:
        Misconfigured: Something is missing, or the registers would not pass the check.
    """
    project = settings.find()
    folder = project.registers
    frameworks = load_frameworks(folder / FRAMEWORKS)
    missing = [column for column in RISK_COLUMNS if given.get(column) is None]
    if missing and not sys.stdin.isatty():
        raise Misconfigured([f"--{name.replace('_', '-')} is missing" for name in missing])
    cells = {column: given.get(column) or "" for column in RISK_COLUMNS}
    for column in missing:
        cells[column] = _ask(column, cells, frameworks)
    taken = [row.cells.get("id", "") for row in read_registers(folder).risks.rows]
    if re.fullmatch(_PREFIX, cells["id"]):
        cells["id"] = next_id(cells["id"], taken)
    today = datetime.now(UTC).date()
    add_risk(
        folder,
        cells,
        list(matrix_rows(cells, registry.registered())),
        check=lambda tried: findings_in(tried, project, frameworks=frameworks, at=today),
    )
    say(f"{cells['id']} added to the register and to the matrix")
    for line in _what_is_left(folder, cells):
        say(line)


def _what_is_left(folder: Path, risk: Mapping[str, str]) -> Iterator[str]:
    """What to write where, so that a system has the risk."""
    models = sorted(path.name for path in (folder / THREAT_MODELS).glob("*.yaml"))
    if not models:
        yield "There is no threat model that could have it: `seclab threat-model new` begins one."
        return
    letters = risk["stride"].replace(";", " or ")
    yield "`seclab register check` reports it until a system has it. Write into the system's file,"
    yield f"in {folder / THREAT_MODELS}, one of {', '.join(models)}:"
    yield f"  risks:    {risk['id']} as one more"
    yield f"  threats:  one more with risk: {risk['id']}, stride: {letters}, and as its target the"
    yield "            element or flow that it is done to"
    yield "then `seclab threat-model check` says what is left."


def _ask(column: str, cells: Mapping[str, str], frameworks: Frameworks) -> str:
    if column in _CHOICES:
        say(f"{column}: {_CHOICES[column]}")
    if column in _SUGGESTED:
        for line in dict.fromkeys(_suggestions(_SUGGESTED[column], cells, frameworks)):
            say(f"  {line}")
    answer: str = typer.prompt(column)
    return answer.strip()


def _suggestions(framework: str, cells: Mapping[str, str], frameworks: Frameworks) -> Iterator[str]:
    """Entries that have a word of the title or the pattern in their name."""
    words = re.findall(r"\w+", f"{cells['title']} {cells['attack_pattern']}")
    shown = 0
    for word in dict.fromkeys(each.casefold() for each in words if len(each) >= _SHORTEST):
        for entry in frameworks.search(word)[:2]:
            right = entry.framework.startswith(framework) and entry.kind not in (
                "tactic",
                "mitigation",
            )
            if right and shown < _MOST and entry.status == "current":
                shown += 1
                yield f"{entry.id}  {entry.full_name}"
