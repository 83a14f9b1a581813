"""The page of a threat model: one HTML file with its diagram and everything else inside."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from seclab.diagrams.context import Context
from seclab.diagrams.sections import sections, summary
from seclab.diagrams.svg import render_svg
from seclab.reports.style import style
from seclab.threat_models.records import ThreatModel


def render_page(model: ThreatModel, context: Context) -> str:
    """The page of a threat model.

    Args:
        model: The threat model.
        context: Registers, for the names of risks and framework ids.

    Returns:
        HTML that loads nothing from anywhere.

    Raises:
        Misconfigured: The model cannot be drawn.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["lines"] = _lines
    environment.filters["headed"] = _headed
    environment.filters["graded"] = _graded
    text = files("seclab.diagrams").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        model=model,
        style=style(),
        # Drawn by this package, every text in it escaped.
        diagram=Markup(render_svg(model)),  # noqa: S704
        summary=summary(model),
        sections=sections(model, context),
    )


def _headed(cell: str) -> Markup:
    title, _, rest = cell.partition("\n")
    return Markup("<b>{}</b><br>{}").format(title, _lines(rest))


def _graded(cell: str) -> Markup:
    """What nobody has dealt with stands out, and what is beside it in the cell does not."""
    shown = [
        Markup('<span class="open">{}</span>').format(line)
        if line == "UNANSWERED" or line.endswith(" open")
        else escape(line)
        for line in cell.split("\n")
    ]
    return Markup("<br>").join(shown)


def _lines(cell: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in cell.split("\n"))
