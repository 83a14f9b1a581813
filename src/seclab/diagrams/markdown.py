"""The page of a threat model as Markdown."""

from seclab.diagrams.context import Context
from seclab.diagrams.sections import Section, sections, summary
from seclab.threat_models.records import ThreatModel

_SIGNS = ("|", "[", "]", "*", "_", "#", "~")


def render_markdown(model: ThreatModel, context: Context, *, picture: str) -> str:
    """The page of a threat model.

    Args:
        model: The threat model.
        context: Registers, for the names of risks and framework ids.
        picture: Address of the diagram, relative to the page.
    """
    lines = [
        f"# {_cell(model.name)}",
        "",
        f"Threat model `{model.id}`. {_cell(model.description)}",
        "",
        *(f"- **{name}**: {_cell(value)}" for name, value in summary(model)),
        "",
        "## Data-flow diagram",
        "",
        f"![Data-flow diagram](<{picture}>)",
    ]
    for section in sections(model, context):
        lines += ["", f"## {section.title}", ""]
        lines += _table(section) if section.rows else ["None."]
    return "\n".join(lines) + "\n"


def _table(section: Section) -> list[str]:
    note = [section.note, ""] if section.note else []
    rule = ["---"] * len(section.columns)
    rows = [[_cell(cell) for cell in row] for row in section.rows]
    return [*note, *(f"| {' | '.join(row)} |" for row in (section.columns, rule, *rows))]


def _cell(text: str) -> str:
    """Text that cannot break out of a table cell or start markup."""
    escaped = text.replace("\\", "\\\\")
    for sign in _SIGNS:
        escaped = escaped.replace(sign, f"\\{sign}")
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace("`", "'")
    return "<br>".join(escaped.splitlines())
