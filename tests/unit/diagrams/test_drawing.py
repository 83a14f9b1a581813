"""The data-flow diagram: what is drawn how, and that nothing in it can do harm."""

import pytest

from seclab.diagrams.layout import lay_out
from seclab.diagrams.svg import render_svg
from seclab.errors import Misconfigured
from seclab.threat_models import Boundary, Element, Flow
from tests.diagram_faults import faults, parsed
from tests.small_model import small_model

SVG = "{http://www.w3.org/2000/svg}"


def flow(number, *, source="E1", target="E2", encrypted=True, authenticated=True):
    return Flow(
        f"F{number}", f"flow {number}", source, target, "x", "HTTPS", encrypted, authenticated
    )


def lines_of(model):
    """The attributes of each flow's line, by the flow's id."""
    paths = parsed(render_svg(model)).iter(f"{SVG}path")
    titled = ((path, path.find(f"{SVG}title")) for path in paths)
    return {title.text.split(",")[0]: path.attrib for path, title in titled if title is not None}


def test_the_sample_is_drawn_without_anything_on_top_of_anything():
    model = small_model()
    assert faults(model, lay_out(model)) == []


def test_what_a_flow_is_like_shows_without_colour():
    lines = lines_of(small_model())

    within, crossing, exposed = lines["F3"], lines["F2"], lines["F4"]
    assert float(within["stroke-width"]) < float(crossing["stroke-width"])
    assert "stroke-dasharray" in exposed
    assert "stroke-dasharray" not in crossing
    assert lines["F1"]["marker-end"] != crossing["marker-end"]  # nobody knows who asks


def test_a_flow_that_stays_inside_a_boundary_is_not_drawn_across_it():
    elements = tuple(Element(f"E{n}", f"element {n}", "process", "x", ()) for n in range(1, 8))
    model = small_model(
        elements=elements,
        boundaries=(Boundary("B1", "all but one", "x", tuple(f"E{n}" for n in range(2, 8))),),
        flows=(
            flow(1, source="E1", target="E2"),
            *(flow(n, source="E2", target=f"E{n}") for n in range(3, 8)),
        ),
    )
    layout = lay_out(model)

    inside = [point for f in model.flows[1:] for point in layout.arrows[f.id].points]
    box = layout.boundaries["B1"]
    assert all(box.x < x < box.right and box.y < y < box.bottom for x, y in inside)
    assert faults(model, layout) == []


def test_everything_is_said_to_who_does_not_see_it():
    root = parsed(render_svg(small_model()))

    assert root.attrib["role"] == "img"
    named = root.attrib["aria-labelledby"].split()
    texts = {each.attrib["id"]: each.text for each in root if "id" in each.attrib}
    assert [bool(texts[name]) for name in named] == [True, True]
    told = texts[named[1]]
    assert "Inside the trust boundary Back end: Bot, Log." in told
    assert (
        "F4, passages: from Passages to Bot, crosses a trust boundary, not encrypted, authenticated"
    ) in told


def test_every_flow_is_listed_below_with_its_number():
    root = parsed(render_svg(small_model()))

    texts = [each.text for each in root.iter(f"{SVG}text")]
    for each in small_model().flows:
        assert texts.count(each.id) == 2  # on its arrow, and in the list
        assert any(str(text).startswith(f"{each.name}: ") for text in texts)


def test_names_cannot_become_markup():
    bad = '</text><script>alert("1")</script>&lt;\x07\ud800'
    elements = tuple(Element(each.id, bad, each.kind, "x", ()) for each in small_model().elements)
    svg = render_svg(small_model(elements=elements, name=bad))

    tags = {each.tag for each in parsed(svg.encode()).iter()}
    assert f"{SVG}script" not in tags
    assert "javascript" not in svg
    assert "href" not in svg


def test_a_flow_to_an_element_that_is_not_there_is_wrong_use():
    flows = (flow(1), flow(2, target="E9"), flow(3, source="E8"))
    with pytest.raises(Misconfigured) as caught:
        render_svg(small_model(flows=flows))

    first, second = caught.value.problems
    assert "F2 ends at E9" in first
    assert "F3 ends at E8" in second


def test_more_flows_than_a_node_has_room_for_are_drawn_all_the_same():
    layout = lay_out(small_model(flows=tuple(flow(n) for n in range(1, 41))))
    assert len(layout.arrows) == 40


@pytest.mark.parametrize("kind", ["actor", "process", "store"])
def test_a_model_of_one_element_is_drawn(kind):
    one = (Element("E1", "a very long name " * 12, kind, "x", ()),)
    model = small_model(elements=one, boundaries=(Boundary("B1", "empty", "x", ()),), flows=())
    assert faults(model, lay_out(model)) == []
    assert "…" in render_svg(model)


def test_a_model_of_nothing_is_drawn():
    assert "<svg" in render_svg(small_model(elements=(), boundaries=(), flows=()))
