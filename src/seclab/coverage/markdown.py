"""Coverage as Markdown, for a pull request or a wiki."""

from collections.abc import Iterator, Mapping, Sequence

from seclab.coverage.records import Coverage, GroupCoverage, RiskCoverage
from seclab.coverage.words import share
from seclab.reports.markdown import cell


def render_markdown(coverage: Coverage, *, name: str) -> str:
    """The gaps first, then risks, systems, asset classes and tactics.

    Args:
        coverage: What was measured, and what came of it.
        name: Title of the document.
    """
    return "\n".join(_lines(coverage, name)) + "\n"


def _lines(coverage: Coverage, name: str) -> Iterator[str]:
    yield f"# {cell(name)}"
    yield ""
    yield f"As of {coverage.at:%Y-%m-%d %H:%M} UTC. What was not measured counts as not passed."
    yield ""
    yield f"- Risks: {share(coverage.risk_tally)}"
    yield f"- ATLAS techniques: {share(coverage.technique_tally)}"
    yield ""
    yield "## Gaps, the worst first"
    yield ""
    yield from (f"- **{gap.state}** {cell(gap.sentence)}" for gap in coverage.gaps)
    yield from _table(
        "Risks",
        ("risk", "state", "inherent", "residual", "target", "evidence"),
        [_risk(risk) for risk in coverage.risks.values()],
    )
    yield from _table(
        "Techniques out of scope",
        ("technique", "reason"),
        [
            (f"{each.id} {cell(each.name)}", cell(each.reason))
            for each in coverage.techniques.values()
            if each.state == "out-of-scope"
        ],
    )
    yield from _groups("Systems", coverage.systems)
    yield from _groups("Asset classes", coverage.asset_classes)
    yield from _groups("Tactics", coverage.tactics)


def _risk(risk: RiskCoverage) -> tuple[str, ...]:
    links = [
        f"[{cell(link.subject)}]({link.page}) {link.state}, {link.age_days:.1f} d"
        for link in risk.evidence
    ]
    scores = (risk.score.inherent, risk.score.residual, risk.score.target)
    return (
        f"{risk.id} {cell(risk.title)}",
        risk.state,
        *map(str, scores),
        "<br>".join(links) or cell(risk.reason),
    )


def _groups(title: str, groups: Mapping[str, GroupCoverage]) -> Iterator[str]:
    rows = [
        (cell(each.name), each.state, share(each.tally), cell(each.reason))
        for each in groups.values()
    ]
    yield from _table(title, ("name", "state", "passed", "all in it"), rows)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"## {title}", "")
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
