"""What people and machines read: figures, tables, Markdown, HTML, SARIF and JUnit.

Drawing needs matplotlib and the HTML report jinja2, which the base installation has not: every
name is imported from its module when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seclab.reports.figures import draw
    from seclab.reports.files import write_files
    from seclab.reports.html import render_html
    from seclab.reports.judged import Judged
    from seclab.reports.junit import render_junit
    from seclab.reports.markdown import render_markdown
    from seclab.reports.pull_request import render_pull_request
    from seclab.reports.sarif import criterion_lines, render_sarif

__all__ = [
    "Judged",
    "criterion_lines",
    "draw",
    "render_html",
    "render_junit",
    "render_markdown",
    "render_pull_request",
    "render_sarif",
    "write_files",
]

_MODULES = {
    "Judged": "judged",
    "criterion_lines": "sarif",
    "draw": "figures",
    "render_html": "html",
    "render_junit": "junit",
    "render_markdown": "markdown",
    "render_pull_request": "pull_request",
    "render_sarif": "sarif",
    "write_files": "files",
}


def __getattr__(name: str) -> Any:
    """A function of this package, its module imported."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
