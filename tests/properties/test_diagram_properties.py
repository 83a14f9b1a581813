"""Any threat model can be drawn so that nothing covers anything else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.diagrams.layout import lay_out
from seclab.diagrams.svg import render_svg
from seclab.threat_models import ELEMENT_KINDS, Boundary, Element, Flow
from tests.diagram_faults import faults, parsed
from tests.drawn_models import lines, threat_models
from tests.small_model import small_model


@st.composite
def drawings(draw, *, most=12):
    """Elements, boundaries and flows at random: a crowd that nobody would model."""
    count = draw(st.integers(1, most))
    zones = draw(st.integers(0, 4))
    ids = [f"E{number}" for number in range(1, count + 1)]
    where = draw(st.lists(st.integers(0, zones), min_size=count, max_size=count))
    ends = st.tuples(st.sampled_from(ids), st.sampled_from(ids))
    wanted = draw(st.integers(0, count + count // 2))
    pairs = draw(st.lists(ends, min_size=wanted, max_size=wanted))
    flags = st.booleans()
    return small_model(
        elements=tuple(
            Element(i, draw(lines), draw(st.sampled_from(ELEMENT_KINDS)), "x", ()) for i in ids
        ),
        boundaries=tuple(
            Boundary(
                f"B{zone}",
                draw(lines),
                "x",
                tuple(i for i, w in zip(ids, where, strict=True) if w == zone),
            )
            for zone in range(1, zones + 1)
        ),
        flows=tuple(
            Flow(f"F{number}", draw(lines), source, target, "x", "HTTPS", draw(flags), draw(flags))
            for number, (source, target) in enumerate(pairs, start=1)
        ),
    )


@settings(max_examples=30)
@given(drawings())
def test_nothing_covers_anything_else(model):
    assert faults(model, lay_out(model)) == []


@settings(max_examples=12)
@given(threat_models())
def test_every_drawing_is_whole_xml_with_every_text_in_it(model):
    svg = render_svg(model)

    root = parsed(svg)
    assert root.attrib["role"] == "img"
    said = " ".join(root.itertext())
    assert all(element.name in said for element in model.elements)
    assert render_svg(model) == svg
