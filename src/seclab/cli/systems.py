"""``seclab threat-model``: reading, checking and beginning threat models."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from seclab import frameworks, registers, settings
from seclab.cli.known import find_model, pick
from seclab.cli.output import as_json, say, table
from seclab.errors import Misconfigured
from seclab.findings import Finding
from seclab.register_checks import as_findings
from seclab.registers import Models, Tier
from seclab.registers.loading import RISKS
from seclab.settings import Settings
from seclab.threat_models import (
    FOLDER,
    MODEL_ID,
    STRIDE_OF,
    ThreatModel,
    check_threat_models,
    load_lines,
    load_threat_models,
    read_threat_models,
    risk_lines,
    template,
    write_threat_model,
)
from seclab.whole_files import make_folder, write_new

_FIRST_REVIEW = timedelta(days=90)


def list_models(*, json: bool) -> None:
    """Print every system.

    Args:
        json: Print JSON.

    Raises:
        Misconfigured: A threat model or register cannot be read.
    """
    project = settings.find()
    models = load_threat_models(project.registers / FOLDER)
    tiers = registers.load_registers(project.registers).models
    if json:
        as_json([_summary(model, tiers) for model in models.values()])
        return
    if not models:
        say("no threat models yet: `seclab threat-model new NAME` begins one")
        return
    rows = [
        (
            model.id,
            model.name,
            model.owner,
            _tier(model, tiers).name,
            str(len(model.risks)),
            _statuses(model),
            model.review_date.isoformat(),
        )
        for model in models.values()
    ]
    table(("system", "name", "owner", "tier", "risks", "threats", "review"), rows)


def show(system: str, *, json: bool) -> None:
    """Print one system.

    Args:
        system: Its id.
        json: Print JSON.

    Raises:
        Misconfigured: There is no such system, or a file cannot be read.
    """
    project = settings.find()
    model = find_model(project, system)
    tiers = registers.load_registers(project.registers).models
    if json:
        from seclab.evidence import plain

        as_json({"tier": _tier(model, tiers).name, "model": plain(model)})
        return
    for line in _heading(model, _tier(model, tiers)):
        say(line)
    _show_parts(model)
    _show_threats(model)
    unanswered = [f"{target} {letter}" for target, letter in model.unanswered()]
    say(f"unanswered STRIDE questions: {', '.join(unanswered) or 'none'}")


def check(system: str | None) -> None:
    """Print the findings, and exit with 1 when one is an error.

    Args:
        system: Id of the only system to be looked at; all, and the register, when ``None``.

    Raises:
        Misconfigured: There is no such system, or a register cannot be read.
    """
    project = settings.find()
    folder = project.registers / FOLDER
    models, torn = read_threat_models(folder)
    files = {path.stem for path in folder.glob("*.yaml")}
    if system is not None and system not in files:
        pick(models, system, "threat model")
    findings = [
        finding
        for finding in (*as_findings(torn), *_findings(models, project, whole=not torn))
        if system is None or finding.file == f"{FOLDER}/{system}.yaml"
    ]
    rows = [(each.level, each.place, each.rule, each.message) for each in findings]
    if rows:
        table(("level", "place", "rule", "what is wrong"), rows)
        say()
    for rule, advice in dict.fromkeys((each.rule, each.suggestion) for each in findings):
        say(f"{rule}: {advice}")
    counts = Counter(each.level for each in findings)
    what = system or f"{len(files)} threat models"
    say(f"{what}: errors {counts['error']}, warnings {counts['warning']}")
    sys.exit(1 if counts["error"] else 0)


def new(system: str, *, name: str | None) -> None:
    """Write a threat model that is to be filled in.

    Args:
        system: Its id.
        name: Its name for people; made of the id when ``None``.

    Raises:
        Misconfigured: The id has another form, or there is such a file already.
    """
    if not re.fullmatch(MODEL_ID, system):
        raise Misconfigured(
            f"{system!r} cannot be an id; write lower-case words joined by '-', as digits-service"
        )
    if name is not None and not (name.isprintable() and name == name.strip() and name):
        raise Misconfigured("the name must be one line of text, without blanks around it")
    path = settings.find().registers / FOLDER / f"{system}.yaml"
    title = name or system.replace("-", " ").capitalize()
    review = (datetime.now(UTC) + _FIRST_REVIEW).date()
    text = write_threat_model(template(system, title=title, review_date=review))
    make_folder(path.parent)
    write_new(path, text.encode())
    say(f"written  {path}")
    say(f"Fill it in, then `seclab threat-model check {system}` says what is left.")


def _findings(
    models: Mapping[str, ThreatModel], project: Settings, *, whole: bool
) -> list[Finding]:
    from seclab.project import evidence_sources

    folder = project.registers
    return check_threat_models(
        models,
        registers.load_registers(folder),
        frameworks.load_frameworks(folder / frameworks.FOLDER),
        sources=evidence_sources(project),
        lines={**load_lines(folder / FOLDER), RISKS: risk_lines((folder / RISKS).read_bytes())},
        at=datetime.now(UTC).date(),
        whole=whole,
    )


def _tier(model: ThreatModel, models: Models) -> Tier:
    return models.tier_for(model.sensitivity, model.criticality)


def _statuses(model: ThreatModel) -> str:
    counts = Counter(threat.status for threat in model.threats)
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"


def _summary(model: ThreatModel, tiers: Models) -> dict[str, object]:
    return {
        "id": model.id,
        "name": model.name,
        "owner": model.owner,
        "tier": _tier(model, tiers).name,
        "risks": list(model.risks),
        "threats": dict(Counter(threat.status for threat in model.threats)),
        "review_date": model.review_date.isoformat(),
    }


def _heading(model: ThreatModel, tier: Tier) -> Iterator[str]:
    yield f"{model.name} ({model.id})"
    yield model.description
    yield ""
    yield f"owner {model.owner}, review {model.review_date}, risks {', '.join(model.risks)}"
    yield f"tier {tier.name}: {model.sensitivity} data, {model.criticality} criticality"
    required = ", ".join(tier.evaluations) or "none"
    yield f"  evaluations that must have run, each for the subjects it fits: {required}"
    yield f"  approvals: {', '.join(tier.approvals) or 'none'}"
    yield f"  evaluated here as: {', '.join(model.subjects) or 'nothing'}"
    yield ""


def _show_parts(model: ThreatModel) -> None:
    _part(
        ("asset", "class", "what", "protects"),
        [(a.id, a.asset_class, a.name, ", ".join(a.protects)) for a in model.assets],
    )
    _part(("actor", "knows", "who"), [(a.id, a.knowledge, a.name) for a in model.actors])
    _part(
        ("boundary", "what", "elements"),
        [(b.id, b.name, ", ".join(b.elements)) for b in model.boundaries],
    )
    _part(
        ("control", "kind", "what", "against", "measured by"),
        [
            (c.id, c.kind, c.name, ", ".join(c.threats), ", ".join(c.evaluations) or "nothing")
            for c in model.controls
        ],
    )


def _show_threats(model: ThreatModel) -> None:
    """One row for each element and flow, one column for each letter."""
    names = {each.id: each.name for each in model.elements}
    names |= {each.id: each.name for each in model.flows}
    cells: dict[tuple[str, str], list[str]] = {}
    for threat in model.threats:
        cells.setdefault((threat.target, threat.stride), []).append(threat.id)
    dismissed = {(each.target, letter) for each in model.dismissed for letter in each.stride}
    rows = [
        (
            f"{target} {names[target]}",
            *(
                " ".join(cells.get((target, letter), ()))
                or ("-" if (target, letter) in dismissed else "?")
                if letter in STRIDE_OF[kind]
                else ""
                for letter in STRIDE_OF["process"]
            ),
        )
        for target, kind in model.kinds().items()
    ]
    _part(("element or flow", *STRIDE_OF["process"]), rows)
    say("- dismissed with a reason, ? without an answer")
    say()
    _part(
        ("threat", "status", "severity", "risk", "what"),
        [(t.id, t.status, t.severity, t.risk, t.title) for t in model.threats],
    )


def _part(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        table(columns, rows)
        say()
