"""How all pages look: one style sheet, written into each, for a page is one file."""

from importlib.resources import files

from markupsafe import Markup


def style() -> Markup:
    """The style sheet, to stand between ``<style>`` and ``</style>``."""
    text = files("seclab.reports").joinpath("style.css").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - a file of this package
