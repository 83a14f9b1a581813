"""``seclab bom``: what the store holds of a model, for tools that read CycloneDX."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from seclab import settings
from seclab.measurement import Subject
from seclab.shelf import EmbeddedShelf
from tests.cli.projects import Lab, make_lab
from tests.runs import MODEL
from tests.unit.tracking.conftest import Recorder

AGENT = Subject("agent", "support-agent", MODEL.digest)


@dataclass(frozen=True)
class Stored:
    """A project with a run of a model and one of an agent."""

    lab: Lab
    model: str
    agent: str

    @property
    def bundle(self):
        """The file with the evidence about the model."""
        shelf = EmbeddedShelf(settings.find(self.lab.root, {}))
        return Path(shelf.evidence(shelf.find(self.model)).folder) / "evidence" / "bundle.json"


@pytest.fixture(scope="module")
def stored(empty_database, tmp_path_factory):
    from seclab import tracking  # noqa: PLC0415 - seconds of imports

    lab = make_lab(tmp_path_factory.mktemp("project"))
    project = settings.find(lab.root, {})
    project.store.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_database, project.store / "mlflow.db")
    record = Recorder(tracking.open_store(project), tmp_path_factory.mktemp)
    agent = record.run(subject=AGENT, minute=2)
    return Stored(lab, record.run(noise=None, minute=1).run_id, agent.run_id)


def test_the_bill_of_materials_of_the_newest_model_is_printed_and_written(stored, seclab, tmp_path):
    path = tmp_path / "model.cdx.json"

    printed = seclab(stored.lab, "bom", "latest")
    written = seclab(stored.lab, "bom", stored.model[:12], "-o", str(path))

    assert (printed.code, printed.err, written.code, written.err) == (0, "", 0, "")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert printed.json == document
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(printed.out) is None
    assert document["metadata"]["component"]["name"] == MODEL.name
    assert {"name": "seclab:run", "value": stored.model} in document["metadata"]["properties"]
    states = {each["id"]: each["analysis"]["state"] for each in document["vulnerabilities"]}
    assert states["R-EVA-02"] == "in_triage"  # its evaluation broke
    assert f"{path}  CycloneDX 1.6, " in written.out
    assert f"{len(states)} risks: " in written.out


def test_an_agent_has_no_model_card(stored, seclab):
    answer = seclab(stored.lab, "bom", stored.agent)

    assert (answer.code, answer.out) == (2, "")
    assert "is an agent: a bill of materials with a model card is of a model" in answer.text


def test_changed_evidence_is_not_passed_on(stored, seclab, tmp_path):
    whole = stored.bundle.read_text(encoding="utf-8")
    stored.bundle.write_text(whole.replace('"seed": 7', '"seed": 1'), encoding="utf-8")

    answer = seclab(stored.lab, "bom", stored.model, "-o", str(tmp_path / "bom.json"))
    stored.bundle.write_text(whole, encoding="utf-8")

    assert (answer.code, answer.out) == (1, "")
    assert "bundle: expected digest sha256:rfc8785:" in answer.text
    assert not list(tmp_path.glob("bom*"))
