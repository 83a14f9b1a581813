"""Coverage as one HTML file: readable without a network, on a phone, on paper, in grey."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from seclab.coverage.records import STATES, Coverage
from seclab.coverage.words import LETTERS, MEANINGS, VERDICT_LETTERS, against_target, share
from seclab.reports.style import style
from seclab.scoring import Scoring


def render_page(coverage: Coverage, *, name: str, scoring: Scoring) -> str:
    """The page.

    Args:
        coverage: What was measured, and what came of it.
        name: Title of the page.
        scoring: The scale and the rule behind the scores, which the page states.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["share"] = share
    environment.filters["against_target"] = against_target
    text = files("seclab.coverage").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        name=name,
        style=style(),
        coverage=coverage,
        scoring=scoring,
        states=STATES,
        letters=LETTERS,
        meanings=MEANINGS,
        verdict_letters=VERDICT_LETTERS,
        measured=[each for each in coverage.techniques.values() if each.risks],
    )
