"""The data-flow diagram of a threat model as SVG text, with a key and a list of its flows."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from seclab.diagrams.geometry import Box, Point
from seclab.diagrams.labels import NAME_SIZE, NUMBER_SIZE, Label
from seclab.diagrams.layout import Layout, lay_out
from seclab.diagrams.legend import Legend, legend
from seclab.diagrams.marks import HEADS, INK, RED, Look, look_of
from seclab.diagrams.placing import TITLE_SIZE
from seclab.diagrams.text import cut, wrap
from seclab.threat_models.records import Boundary, Element, Flow, ThreatModel

_NAME_SIZE = 12
_LINE = 14
_LEAST_WIDTH = 720
_FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def render_svg(model: ThreatModel) -> str:
    """The data-flow diagram of a threat model.

    Actors are rectangles, processes rounded, stores open at the sides, trust boundaries dashed.
    How a flow is drawn tells whether it crosses a boundary, is encrypted and is authenticated; no
    colour is needed for that. The same model gives the same text.

    Args:
        model: The threat model.

    Returns:
        A whole SVG document without scripts, styles or anything outside of it.

    Raises:
        Misconfigured: A flow ends at an element that the model has not.
    """
    layout = lay_out(model)
    across = max(layout.width, _LEAST_WIDTH)
    below = legend(model, room=across - 40)
    down = layout.height + below.height
    shift = (across - layout.width) // 2
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" '
            f'width="{across}" height="{down}" role="img" '
            f'aria-labelledby="dfd-title dfd-desc" font-family="{_FONT}" fill="{INK}">'
        ),
        f'<title id="dfd-title">{_text(f"Data-flow diagram of {model.name}")}</title>',
        f'<desc id="dfd-desc">{_text(_described(model))}</desc>',
        HEADS,
        f'<rect width="{across}" height="{down}" fill="#fff"/>',
        f'<g transform="translate({shift} 0)">',
        *_drawing(model, layout),
        "</g>",
        *_legend(below, top=layout.height),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawing(model: ThreatModel, layout: Layout) -> Iterator[str]:
    for boundary in model.boundaries:
        yield from _boundary(boundary, layout)
    arrows = [(flow, layout.arrows[flow.id]) for flow in model.flows]
    for flow, arrow in arrows:
        yield _line(arrow.points, look_of(model, flow), title=_sentence(model, flow))
    for element in model.elements:
        yield from _node(element, layout.nodes[element.id])
    for flow, arrow in arrows:
        yield from _number(flow.id, arrow.number, look_of(model, flow))
        if arrow.name is not None:
            yield from _name(arrow.name, look_of(model, flow))


def _boundary(boundary: Boundary, layout: Layout) -> Iterator[str]:
    box, title = layout.boundaries[boundary.id], layout.titles[boundary.id]
    yield f"<g><title>{_text(f'{boundary.id} {boundary.name}')}</title>"
    yield (
        f'<rect {_place(box)} rx="6" fill="#fff7f6" stroke="{RED}" stroke-width="1.6" '
        'stroke-dasharray="9 5"/>'
    )
    name = cut(boundary.name, TITLE_SIZE * 1.08, room=title.width - 4)
    yield (
        f'<text x="{title.x + 4}" y="{title.y + 13}" font-size="{TITLE_SIZE}" '
        f'font-weight="bold" fill="{RED}">{_text(name)}</text></g>'
    )


def _node(element: Element, box: Box) -> Iterator[str]:
    yield f"<g><title>{_text(f'{element.id} {element.kind}: {element.name}')}</title>"
    yield _shape(element.kind, box)
    x, _ = box.centre
    lines = wrap(element.name, _NAME_SIZE, room=box.width - 16, lines=3)
    top = box.y + (box.height - _LINE * (len(lines) + 1)) // 2 + 11
    yield (
        f'<text x="{x}" y="{top}" font-size="{NUMBER_SIZE}" text-anchor="middle" '
        f'fill="#555">{_text(element.id)} {element.kind}</text>'
    )
    for index, line in enumerate(lines, start=1):
        yield (
            f'<text x="{x}" y="{top + _LINE * index + 1}" font-size="{_NAME_SIZE}" '
            f'font-weight="bold" text-anchor="middle">{_text(line)}</text>'
        )
    yield "</g>"


def _shape(kind: str, box: Box) -> str:
    outline = f'stroke="{INK}" stroke-width="1.6"'
    if kind == "store":
        return (
            f'<rect {_place(box)} fill="#f1f3f6"/><path d="M{box.x} {box.y}H{box.right}'
            f'M{box.x} {box.bottom}H{box.right}" {outline}/>'
        )
    rounding = 20 if kind == "process" else 0
    fill = "#fff" if kind == "process" else "#e4e8ee"
    return f'<rect {_place(box)} rx="{rounding}" fill="{fill}" {outline}/>'


def _line(points: Sequence[Point], look: Look, *, title: str = "") -> str:
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    named = f"<title>{_text(title)}</title>" if title else ""
    return (
        f'<path d="{path}" fill="none" stroke="{look.colour}" stroke-width="{look.width}" '
        f'stroke-linejoin="round"{look.dashes} marker-end="url(#{look.head})">{named}</path>'
    )


def _number(name: str, box: Box, look: Look) -> Iterator[str]:
    """The id of a flow in its box: round, or square where a boundary is crossed."""
    x, _ = box.centre
    yield (
        f'<rect {_place(box)} rx="{look.rounding}" fill="{look.fill}" stroke="{look.colour}" '
        'stroke-width="1.3"/>'
    )
    yield (
        f'<text x="{x}" y="{box.y + 11.5}" font-size="{NUMBER_SIZE}" font-weight="bold" '
        f'text-anchor="middle" fill="{look.ink}">{_text(name)}</text>'
    )


def _name(label: Label, look: Look) -> Iterator[str]:
    x, _ = label.box.centre
    for index, line in enumerate(label.lines):
        y = label.box.y + 10 + index * 12
        yield (
            f'<text x="{x}" y="{y}" font-size="{NAME_SIZE}" text-anchor="middle" '
            f'fill="{look.colour}">{_text(line)}</text>'
        )


def _legend(below: Legend, *, top: int) -> Iterator[str]:
    yield f'<g transform="translate(20 {top})">'
    for sample in below.samples:
        yield _line(((sample.x, sample.y), (sample.x + 38, sample.y)), sample.look)
        yield _words(sample.x + 46, sample.y + 4, sample.text, size=11)
    for entry in below.entries:
        yield from _number(entry.flow, entry.box, entry.look)
        for index, line in enumerate(entry.lines):
            yield _words(entry.text_x, entry.box.y + 12 + index * _LINE, line, size=11)
    yield "</g>"


def _words(x: int, y: int, text: str, *, size: int) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}">{_text(text)}</text>'


def _described(model: ThreatModel) -> str:
    """What the picture shows, for those who do not see it."""
    parts = [f"{element.id} is the {element.kind} {element.name}." for element in model.elements]
    names = {element.id: element.name for element in model.elements}
    for boundary in model.boundaries:
        inside = ", ".join(names[id_] for id_ in boundary.elements if id_ in names) or "nothing"
        parts.append(f"Inside the trust boundary {boundary.name}: {inside}.")
    return " ".join([*parts, *(_sentence(model, flow) for flow in model.flows)])


def _sentence(model: ThreatModel, flow: Flow) -> str:
    names = {element.id: element.name for element in model.elements}
    return (
        f"{flow.id}, {flow.name}: from {names[flow.source]} to {names[flow.target]}, "
        f"{look_of(model, flow).words}."
    )


def _place(box: Box) -> str:
    return f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'


def _text(text: str) -> str:
    """Text that XML may hold."""
    allowed = "".join(c if c.isprintable() or c in "\t\n" else " " for c in text)
    return escape(allowed, {'"': "&quot;"})
