"""Exports are files of Threat Dragon by its own schema, which ajv reads: it is written for that."""

import json
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from seclab.exchange.native import TYPES
from seclab.exchange.threat_dragon import NEWEST, from_threat_dragon, to_threat_dragon
from seclab.registers import load_registers
from seclab.threat_models import FOLDER, load_threat_models
from tests.small_model import small_model

ROOT = Path(__file__).parents[3]
TOOL = ROOT / "tools" / "threat-dragon"
SCHEMA = ROOT / "tests" / "assets" / "threat-dragon-v2.schema.json"
MODELS = {"small": small_model(), **load_threat_models(ROOT / "registers" / FOLDER)}
FIELDS = {
    "id",
    "number",
    "title",
    "type",
    "modelType",
    "status",
    "severity",
    "description",
    "mitigation",
    "score",
}


def exported(model):
    risks = load_registers(ROOT / "registers").risks
    document = to_threat_dragon(model, version=NEWEST, risks=risks)
    return json.loads(json.dumps(document))


@pytest.fixture(scope="module")
def documents():
    return {name: exported(model) for name, model in MODELS.items()}


@pytest.fixture(scope="module")
def validate(tmp_path_factory):
    """The schema check of ``tools/threat-dragon``, its packages as the lock file pins them."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: the schema of Threat Dragon is read by ajv")
    folder = tmp_path_factory.mktemp("ajv")
    shutil.copytree(TOOL, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    installed = subprocess.run(
        [*command, "--fetch-retries=0", "--fetch-timeout=20000"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        pytest.skip(f"npm could not install ajv: {installed.stderr.strip()[-200:]}")

    def run(files):
        node = ["node", "validate.mjs", str(SCHEMA), *map(str, files)]
        ran = subprocess.run(node, cwd=folder, capture_output=True, text=True, check=False)
        assert ran.stdout, ran.stderr
        return {Path(name).stem: errors for name, errors in json.loads(ran.stdout).items()}

    return run


def test_exports_are_valid_and_a_broken_one_is_not(documents, validate, tmp_path):
    broken = json.loads(json.dumps(documents["small"]))
    del broken["detail"]["threatTop"]
    broken["detail"]["diagrams"][0]["cells"][0]["zIndex"] = "1"
    files = []
    for name, document in (documents | {"broken": broken}).items():
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(document))

    errors = validate(files)
    assert {name for name, found in errors.items() if found} == {"broken"}
    assert len(errors["broken"]) == 2


def test_the_lock_file_names_no_host():
    assert "resolved" not in (TOOL / "package-lock.json").read_text()


@pytest.mark.parametrize("name", MODELS)
def test_what_the_schema_does_not_look_at_is_right_too(documents, name):
    document, model = documents[name], MODELS[name]
    [diagram] = document["detail"]["diagrams"]
    ids = [cell["id"] for cell in diagram["cells"]]
    threats = [each for cell in diagram["cells"] for each in cell["data"].get("threats", [])]

    assert len(threats) == len(model.threats)
    for threat in threats:
        assert set(threat) == FIELDS
        assert threat["type"] in TYPES.values()
        assert threat["modelType"] == "STRIDE"
        assert all(isinstance(threat[key], str) for key in FIELDS - {"number"})
    numbers = sorted(threat["number"] for threat in threats)
    assert numbers == list(range(1, document["detail"]["threatTop"] + 1))
    everything = [*ids, *(threat["id"] for threat in threats)]
    assert len({UUID(each) for each in everything}) == len(everything)
    for cell in diagram["cells"]:
        if cell["shape"] == "flow":
            assert {cell["source"]["cell"], cell["target"]["cell"]} <= set(ids)
        else:
            assert min(cell["size"].values()) >= 10


@pytest.mark.parametrize("name", MODELS)
def test_each_model_comes_back_the_same(documents, name):
    assert from_threat_dragon(documents[name]) == MODELS[name]
