"""``seclab coverage``: what was measured, what came of it, and what is missing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from json import dumps
from pathlib import Path

from seclab import frameworks, registers, settings, threat_models
from seclab.cli.exported import write_export
from seclab.cli.known import pick
from seclab.cli.output import as_json, say, table
from seclab.cli.shelves import open_shelf
from seclab.coverage import STATES, Coverage, Gap, GroupCoverage, cover
from seclab.coverage.narrowing import of_system
from seclab.coverage.words import VERDICT_LETTERS, against_target, share
from seclab.evidence import plain
from seclab.exchange.navigator import to_navigator
from seclab.scoring import Scoring, read_scoring
from seclab.settings import Settings


def coverage(
    *,
    json: bool,
    html: Path | None,
    markdown: Path | None,
    navigator: Path | None,
    system: str | None,
) -> None:
    """Print coverage, and write the files that were asked for."""
    project = settings.find()
    scoring = read_scoring(project.registers)
    found = covered(project, scoring, system)
    name = f"Coverage of {system}" if system else "Coverage"
    if html:
        from seclab.coverage.page import render_page

        write_export(project, html, render_page(found, name=name, scoring=scoring))
    if markdown:
        from seclab.coverage.markdown import render_markdown

        write_export(project, markdown, render_markdown(found, name=name))
    if navigator:
        layer = to_navigator(found, library_of(project), name=name)
        write_export(project, navigator, dumps(layer, indent=2) + "\n")
    if json:
        as_json(plain(found))
    else:
        _say(found)
        for path in (html, markdown, navigator):
            if path:
                say(f"written   {path}")


def covered(project: Settings, scoring: Scoring, system: str | None = None) -> Coverage:
    """What was measured of a project, or of one of its systems, as of now."""
    register = registers.load_registers(project.registers)
    models = threat_models.load_threat_models(project.registers / threat_models.FOLDER)
    if system is not None:
        model = pick(models, system, "threat model")
        register, models = of_system(register, model), {system: model}
    shelf, at = open_shelf(project), datetime.now(UTC)
    return cover(register, library_of(project), models, shelf, scoring=scoring, at=at)


def library_of(project: Settings) -> frameworks.Frameworks:
    """The frameworks that a project's registers refer to."""
    return frameworks.load_frameworks(project.registers / frameworks.FOLDER)


def _say(found: Coverage) -> None:
    risks, techniques = found.risk_tally, found.technique_tally
    rows = [(each, str(risks.counts[each]), str(techniques.counts[each])) for each in STATES]
    table(("state", "risks", "techniques"), rows)
    say()
    say(f"risks       {share(risks)}")
    say(f"techniques  {share(techniques)}")
    for title, groups in (
        ("system", found.systems),
        ("asset class", found.asset_classes),
        ("tactic", found.tactics),
    ):
        if groups:
            say()
            _say_groups(title, groups)
    say()
    _say_scores(found)
    _say_gaps(found)


def _say_groups(title: str, groups: Mapping[str, GroupCoverage]) -> None:
    rows = [(each.name, each.state, share(each.tally), each.reason) for each in groups.values()]
    table((title, "state", "passed", "all in it"), rows)


def _say_scores(found: Coverage) -> None:
    rows = [
        (
            risk.id,
            risk.state,
            f"{risk.score.inherent} -> {risk.score.residual}",
            f"{risk.score.target} {against_target(risk)}",
            risk.score.band,
            "".join(VERDICT_LETTERS.get(point.verdict, "?") for point in risk.trend),
        )
        for risk in found.risks.values()
    ]
    table(("risk", "state", "score", "target", "band", "trend"), rows)


def _say_gaps(found: Coverage) -> None:
    """The gaps, the worst first; techniques that nobody thought of as a number."""
    say()
    named = [gap for gap in found.gaps if not _untold(gap, found)]
    say("Gaps, the worst first:" if named else "No gap in risks and systems.")
    if named:
        say("\n".join(f"  {gap.sentence}" for gap in named))
    if rest := len(found.gaps) - len(named):
        say(f"  {rest} more techniques of ATLAS are in scope, and no evaluation exercises them.")


def _untold(gap: Gap, found: Coverage) -> bool:
    return gap.kind == "technique" and not found.techniques[gap.subject].risks
