from hypothesis import given, settings

from seclab.threat_models import ThreatModel, lines_of, read_threat_model, write_threat_model
from seclab.yaml_files import parse, text_of
from tests.drawn_models import threat_models
from tests.strategies import json_values


@settings(max_examples=50)
@given(model=threat_models())
def test_a_written_model_is_read_as_the_same_model_and_every_entry_found_in_its_line(
    model: ThreatModel,
):
    data = write_threat_model(model).encode()

    assert read_threat_model(data, file="x.yaml") == model
    written, lines = data.decode().split("\n"), lines_of(data, file="x.yaml")
    for threat in model.threats:
        assert f"id: {threat.id}" in written[lines.of(threat.id) - 1]
    for index, each in enumerate(model.dismissed):
        assert f"target: {each.target}" in written[lines.of(f"dismissed[{index}]") - 1]


@settings(max_examples=50)
@given(value=json_values.filter(lambda value: value is not None))
def test_what_is_written_as_yaml_is_read_as_the_same_value(value):
    assert parse(text_of(value).encode(), file="x.yaml") == value
