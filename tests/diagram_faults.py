"""What may be wrong with a layout: things that cover one another, arrows that mislead."""

from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

from seclab.diagrams.geometry import Box, straights


def parsed(svg):
    """The root of a drawing."""
    return ET.fromstring(svg)  # noqa: S314 - it was drawn here


def faults(model, layout):
    """Everything in a layout that a reader would stumble over, in words."""
    return [*_covered(layout), *_arrows(model, layout), *_boundaries(model, layout)]


def _covered(layout):
    """Texts and nodes that share more than a line, and arrows through texts that are not theirs."""
    numbers = {f"number {id_}": arrow.number for id_, arrow in layout.arrows.items()}
    names = {f"name {id_}": a.name.box for id_, a in layout.arrows.items() if a.name}
    titles = {f"title {id_}": box for id_, box in layout.titles.items()}
    solid = layout.nodes | titles | numbers | names
    whole = Box(0, 0, layout.width, layout.height)
    for (one, box), (other, there) in combinations(solid.items(), 2):
        if box.overlaps(there):
            yield f"{one} covers {other}"
    for name, box in solid.items():
        if not whole.holds(box):
            yield f"{name} is outside of the picture"
    for id_, arrow in layout.arrows.items():
        for piece in straights(arrow.points):
            for name, box in solid.items():
                if name != f"number {id_}" and _inner(box).overlaps(piece):
                    yield f"the arrow {id_} runs through {name}"


def _inner(box):
    """A box without its edge, which arrows touch."""
    return Box(box.x + 1, box.y + 1, box.width - 2, box.height - 2)


def _arrows(model, layout):
    """Arrows that do not go from edge to edge, or that run on top of one another."""
    for flow in model.flows:
        points = layout.arrows[flow.id].points
        for end, node in ((points[0], flow.source), (points[-1], flow.target)):
            if not _on_edge(end, layout.nodes[node]):
                yield f"the arrow {flow.id} does not touch {node}"
    runs = {}
    for id_, arrow in layout.arrows.items():
        for (x0, y0), (x1, y1) in pairwise(arrow.points):
            if x0 != x1 and y0 != y1:
                yield f"the arrow {id_} runs aslant"
                continue
            for step in range(0, max(abs(x1 - x0), abs(y1 - y0)), 20):
                x = x0 + step * (x1 > x0) - step * (x1 < x0)
                y = y0 + step * (y1 > y0) - step * (y1 < y0)
                key = (x + (x1 > x0) * 10 - (x1 < x0) * 10, y + (y1 > y0) * 10 - (y1 < y0) * 10)
                if runs.setdefault(key, id_) != id_:
                    yield f"the arrows {runs[key]} and {id_} run on top of one another"


def _on_edge(point, box):
    x, y = point
    across, down = box.x < x < box.right, box.y < y < box.bottom
    return (across and y in (box.y, box.bottom)) or (down and x in (box.x, box.right))


def _boundaries(model, layout):
    """Boundaries that meet one another, or that hold what they do not."""
    for (one, box), (other, there) in combinations(layout.boundaries.items(), 2):
        if box.overlaps(there):
            yield f"the boundaries {one} and {other} overlap"
    for boundary in model.boundaries:
        box = layout.boundaries[boundary.id]
        if not box.holds(layout.titles[boundary.id]):
            yield f"the title of {boundary.id} is outside of it"
        for id_, node in layout.nodes.items():
            inside = model.boundary_of(id_)
            if box.holds(node) != (inside is not None and inside.id == boundary.id):
                yield f"{id_} is on the wrong side of {boundary.id}"
