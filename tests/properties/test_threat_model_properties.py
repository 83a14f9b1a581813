from dataclasses import replace

from hypothesis import given, settings

from seclab.threat_models import (
    Dismissal,
    ThreatModel,
    lines_of,
    read_threat_model,
    write_threat_model,
)
from seclab.threat_models.answers import answer_findings
from seclab.threat_models.drawing import drawing_findings
from seclab.yaml_files import parse, text_of
from tests.drawn_models import threat_models
from tests.strategies import json_values


@settings(max_examples=30)
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


@settings(max_examples=25)
@given(model=threat_models())
def test_what_is_drawn_from_valid_parts_refers_to_something_and_can_be_answered(model):
    noted = [*drawing_findings(model), *answer_findings(model)]

    assert not {each.rule for each in noted} & {
        "unknown-reference",
        "two-boundaries",
        "wrong-stride",
        "contradictory-dismissal",
        "pasta-stages",
    }
    answers = tuple(Dismissal(target, (letter,), "No.") for target, letter in model.unanswered())
    answered = replace(model, dismissed=(*model.dismissed, *answers))
    assert list(answer_findings(answered)) == []
    for index in range(len(answered.dismissed)):
        left = answered.dismissed[:index] + answered.dismissed[index + 1 :]
        found = list(answer_findings(replace(answered, dismissed=left)))
        assert [each.rule for each in found] == ["unanswered-stride"]
        assert found[0].where == answered.dismissed[index].target
