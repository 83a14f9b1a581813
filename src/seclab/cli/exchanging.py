"""What ``seclab threat-model render``, ``export`` and ``import`` do."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seclab import settings
from seclab.cli.exported import write_export
from seclab.cli.formats import EXPORTS, IMPORTS
from seclab.cli.known import find_model, pick
from seclab.cli.output import say
from seclab.errors import Misconfigured
from seclab.frameworks import FOLDER as FRAMEWORKS
from seclab.frameworks import load_frameworks
from seclab.registers import load_registers
from seclab.settings import Settings
from seclab.threat_models import FOLDER, write_threat_model
from seclab.threat_models.records import ThreatModel
from seclab.whole_files import make_folder, read_file, write_new, write_whole

if TYPE_CHECKING:
    from seclab.diagrams.context import Context


def render(model: str, *, out: Path | None) -> None:
    """Write the diagram of a threat model, or its page, by the ending of the file."""
    project = settings.find()
    target = out or Path(f"{model}.svg")
    pages = pick(_PAGES, target.suffix, "page with the ending")
    texts = pages(project, find_model(project, model), target)
    write_whole({target.with_name(name): text.encode() for name, text in texts.items()})
    for name in texts:
        say(str(target.with_name(name)))


def _svg(_project: Settings, model: ThreatModel, target: Path) -> Mapping[str, str]:
    from seclab.diagrams.svg import render_svg

    return {target.name: render_svg(model)}


def _html(project: Settings, model: ThreatModel, target: Path) -> Mapping[str, str]:
    try:
        from seclab.diagrams.page import render_page
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "the page needs jinja2: pip install '.[pipeline]' in a checkout, or write .md"
        ) from error
    return {target.name: render_page(model, _context(project))}


def _markdown(project: Settings, model: ThreatModel, target: Path) -> Mapping[str, str]:
    """The page and, since Markdown holds no pictures, the diagram beside it."""
    from seclab.diagrams.markdown import render_markdown
    from seclab.diagrams.svg import render_svg

    picture = target.with_suffix(".svg").name
    page = render_markdown(model, _context(project), picture=picture)
    return {target.name: page, picture: render_svg(model)}


_PAGES: Mapping[str, Callable[[Settings, ThreatModel, Path], Mapping[str, str]]] = {
    ".svg": _svg,
    ".html": _html,
    ".md": _markdown,
}


def _context(project: Settings) -> "Context":
    """What the registers know of the ids in a model."""
    from seclab.diagrams.context import Context

    registers = load_registers(project.registers)
    return Context(registers.risks, load_frameworks(project.registers / FRAMEWORKS))


def export_model(model: str, *, form: str, out: Path) -> None:
    """Write a threat model in another format."""
    chosen = pick(EXPORTS, form, "format to export")
    project = settings.find()
    write_export(project, out, chosen.write(project, model))
    say(f"{out}  {chosen.about}")


def import_model(file: Path, *, form: str, model: str, out: Path | None) -> None:
    """Read a threat model of another format, and write it as one of the project's."""
    from seclab.exchange.placeholders import in_form

    chosen = pick(IMPORTS, form, "format to import")
    read = chosen.read(read_file(file), file.name)
    found = in_form(replace(read, id=model), file=f"--id {model}")
    target = out or settings.find().registers / FOLDER / f"{model}.yaml"
    if out is None:
        make_folder(target.parent)
    write_new(target, write_threat_model(found).encode())
    say(f"{target}  {len(found.threats)} threats to {len(found.kinds())} elements and flows")
    say("what has to be filled in: seclab threat-model check")
