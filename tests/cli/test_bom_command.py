"""``seclab bom``: what the store holds of a model, for tools that read CycloneDX."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

pytestmark = [pytest.mark.flow, pytest.mark.slow]


def test_the_bill_of_materials_of_a_run_is_printed_and_written(evaluated, seclab, tmp_path):
    run = evaluated.runs["random-forest"]
    path = tmp_path / "forest.cdx.json"

    printed = seclab(evaluated.lab, "bom", run["run_id"])
    written = seclab(evaluated.lab, "bom", run["run_id"], "-o", str(path))

    assert (printed.code, printed.err, written.code, written.err) == (0, "", 0, "")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert printed.json == document
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(printed.out) is None
    assert document["metadata"]["component"]["name"] == "random-forest"
    states = {each["id"]: each["analysis"]["state"] for each in document["vulnerabilities"]}
    assert states["R-PRV-01"] == "exploitable"  # the forest gives its training rows away
    assert f"{path}  CycloneDX 1.6, " in written.out
    assert f"{len(states)} risks: 1 exploitable, " in written.out


def test_an_agent_has_no_model_card(evaluated, seclab):
    (run,) = (run["run_id"] for run in evaluated.runs.values() if run["kind"] == "agent")

    answer = seclab(evaluated.lab, "bom", run)

    assert (answer.code, answer.out) == (2, "")
    assert "is an agent: a bill of materials with a model card is of a model" in answer.text


def test_changed_evidence_is_not_passed_on(promoted, spoilt, seclab, tmp_path):
    path = spoilt.evidence(promoted.softmax) / "evidence" / "bundle.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'))

    answer = seclab(spoilt, "bom", promoted.softmax, "-o", str(tmp_path / "bom.json"))

    assert (answer.code, answer.out) == (1, "")
    assert "bundle: expected digest sha256:rfc8785:" in answer.text
    assert not list(tmp_path.glob("bom*"))
