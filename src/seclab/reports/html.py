"""The report: one HTML file with everything inside, readable without a network and on paper."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from seclab.evidence import Bundle, decision_of, outcomes_of, reports_of, traced
from seclab.gate import Verdict
from seclab.outcome import Evaluated
from seclab.registers import Risk
from seclab.reports.covered import RunCoverage
from seclab.reports.signer import UNSIGNED, Signer, short
from seclab.reports.style import style


def render_html(
    bundle: Bundle,
    *,
    folder: Path,
    risks: Mapping[str, Risk],
    name: str,
    signer: Signer | None = None,
    coverage: RunCoverage | None = None,
) -> str:
    """The report of one run.

    Args:
        bundle: The sealed evidence.
        folder: Where the figures are that it pins.
        risks: The register, for titles and controls.
        name: Title of the report.
        signer: Whose key signs the bundle; ``None`` when nobody does, which the page says first.
        coverage: What of the registers the run has evidence about; without it the page says
            nothing of that.

    Raises:
        OSError: A figure cannot be read.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = lambda value: f"{value:.3f}"
    environment.filters["minute"] = _minute
    environment.filters["breakable"] = lambda name: escape(name).replace("_", Markup("_<wbr>"))
    evaluated = [o for o in outcomes_of(bundle) if isinstance(o, Evaluated)]
    text = files("seclab.reports").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        style=style(),
        name=name,
        signer=signer,
        key=short(signer) if signer else "",
        unsigned=UNSIGNED,
        bundle=bundle,
        predicate=bundle.predicate,
        decision=decision_of(bundle),
        verdicts=Verdict,
        evaluated=evaluated,
        reused=len([outcome for outcome in evaluated if outcome.reused_from]),
        unevaluated=[o for o in outcomes_of(bundle) if not isinstance(o, Evaluated)],
        reports=reports_of(bundle),
        traced=traced(bundle.predicate),
        risks=risks,
        coverage=coverage,
        figures=_figures(folder),
    )


def _minute(moment: datetime | str) -> str:
    """A moment in the one time that readers everywhere share."""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _figures(folder: Path) -> dict[str, list[Markup]]:
    """The SVG figures by evaluation, without the XML prologue that HTML does not take.

    They were drawn by this package from numbers; nothing in them came from outside.
    """
    figures: dict[str, list[Markup]] = {}
    for path in sorted(folder.glob("figures/*.svg")):
        svg = path.read_text(encoding="utf-8")
        evaluation = path.name.split(".")[0]
        figures.setdefault(evaluation, []).append(Markup(svg[svg.index("<svg") :]))  # noqa: S704
    return figures
