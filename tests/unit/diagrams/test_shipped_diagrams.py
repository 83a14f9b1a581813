"""The systems of this repository, drawn: nothing covers anything, and all has its number."""

from pathlib import Path

import pytest

from seclab.diagrams.layout import lay_out
from seclab.threat_models import FOLDER, load_threat_models
from tests.diagram_faults import faults

MODELS = load_threat_models(Path(__file__).parents[3] / "registers" / FOLDER)


@pytest.mark.parametrize("name", MODELS)
def test_a_shipped_system_is_drawn_so_that_it_can_be_read(name):
    model = MODELS[name]
    layout = lay_out(model)

    assert faults(model, layout) == []
    assert layout.width <= 1300  # a page, or a sheet of paper held across
    assert set(layout.arrows) == {flow.id for flow in model.flows}
