"""``seclab gate`` for machines: SARIF, JUnit, Markdown and JSON, whatever the verdict is."""

import json
import shutil
import xml.etree.ElementTree as ET
from collections import Counter

import jsonschema
import pytest
import yaml

from tests.conftest import ROOT

pytestmark = pytest.mark.flow

OPTIONS = {"--sarif": "gate.sarif", "--junit": "gate.xml", "--markdown": "gate.md"}
SCHEMA = json.loads((ROOT / "tests/assets/sarif-schema-2.1.0.json").read_text("utf-8"))
SARIF = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
WAIVER = {
    "id": "W-001",
    "risk": "R-PRV-01",
    "criterion": "T-PRV-01",
    "model": "random-forest",
    "reason": "Everybody may know the training images.",
    "owner": "Head of the digits service",
    "approver": "Security review board",
    "until": "2999-12-31",
}


@pytest.fixture
def files(tmp_path):
    """Where the files go."""
    folder = tmp_path / "out"
    folder.mkdir()
    return {option: folder / name for option, name in OPTIONS.items()}


@pytest.fixture
def gate(reader, evaluated, seclab):
    """The command on the run of a subject."""
    return lambda subject, *words: seclab(
        reader.root, "gate", evaluated.runs[subject]["run_id"], *words
    )


def _words(files):
    return [word for option, path in files.items() for word in (option, str(path))]


def _passes(_lab):
    return "softmax-regression"


def _blocks(_lab):
    return "random-forest"


def _is_waived(lab):
    register = lab.root / "registers" / "waivers.yaml"
    register.write_text(yaml.safe_dump([WAIVER], sort_keys=False), encoding="utf-8")
    return "random-forest"


def _was_not_measured(lab):
    elsewhere = {"parameters": {"epsilon": 0.25}}
    lab.rewrite(
        "thresholds.yaml",
        lambda all_: [each | (elsewhere if each["id"] == "T-EVA-03" else {}) for each in all_],
    )
    return "softmax-regression"


@pytest.mark.parametrize(
    ("case", "code", "headline"),
    [
        (_passes, 0, "PASS"),
        (_blocks, 1, "BLOCK"),
        (_is_waived, 0, "PASS with 1 waiver"),
        (_was_not_measured, 3, "NOT_EVALUATED"),
    ],
    ids=["pass", "block", "waived", "not-evaluated"],
)
def test_every_file_says_what_the_exit_code_says(gate, reader, files, *, case, code, headline):
    subject = case(reader)

    answer = gate(subject, *_words(files), "--json")

    assert (answer.code, answer.err) == (code, "")
    criteria = answer.json["decision"]["criteria"]
    verdicts = Counter("WAIVED" if each["waiver"] else each["verdict"] for each in criteria)
    assert answer.json["decision"]["verdict"] == headline.split()[0]
    assert (answer.json["tier"], answer.json["signature"]) == ("low", None)
    _check_sarif(files["--sarif"], criteria, code=code, verdicts=verdicts)
    _check_junit(files["--junit"], criteria, verdicts=verdicts)
    head, *rest = files["--markdown"].read_text(encoding="utf-8").splitlines()
    assert head == f"## {headline}: model <code>{subject}</code>"
    cells = [line.split("|")[1] for line in rest if line.startswith("|")][2:]
    assert len(cells) == len(criteria)
    for cell, each in zip(cells, criteria, strict=True):
        assert (each["waiver"] or each["verdict"]) in cell


def _check_sarif(path, criteria, *, code, verdicts):
    document = json.loads(path.read_text(encoding="utf-8"))
    SARIF.validate(document)
    [run] = document["runs"]
    assert [invocation["exitCode"] for invocation in run["invocations"]] == [code]
    assert sorted(result["ruleId"] for result in run["results"]) == sorted(
        each["criterion"] for each in criteria
    )
    kinds = Counter(result["kind"] for result in run["results"])
    waived = [result for result in run["results"] if result.get("suppressions")]
    assert kinds == Counter(
        {
            "pass": verdicts["PASS"],
            "fail": verdicts["BLOCK"] + verdicts["WAIVED"],
            "open": verdicts["NOT_EVALUATED"],
        }
    )
    assert len(waived) == verdicts["WAIVED"]
    places = {
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
        for place in result["locations"]
    }
    assert places == {"registers/thresholds.yaml"}


def _check_junit(path, criteria, *, verdicts):
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    [suite] = root.iter("testsuite")
    counted = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {
        "tests": len(criteria),
        "failures": verdicts["BLOCK"],
        "errors": verdicts["NOT_EVALUATED"],
        "skipped": verdicts["WAIVED"],
    }
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert len(list(suite.iter(tag))) == counted[name]


def test_without_json_people_read_the_verdict_beside_the_files(gate, files):
    answer = gate("random-forest", *_words(files))

    assert answer.code == 1
    assert answer.out.startswith("BLOCK  model random-forest\n")
    assert all(path.stat().st_size for path in files.values())


def test_registers_shared_by_several_projects_are_pointed_at_where_they_are(gate, reader, files):
    shared = reader.root.with_name(f"{reader.root.name}-shared")
    shutil.move(reader.root / "registers", shared / "registers")
    reader.configure(registers=f"../{shared.name}/registers")

    answer = gate("softmax-regression", "--sarif", str(files["--sarif"]))

    assert (answer.code, answer.err) == (0, "")
    document = json.loads(files["--sarif"].read_text(encoding="utf-8"))
    SARIF.validate(document)
    assert f'"../{shared.name}/registers/thresholds.yaml"' in json.dumps(document)


def test_evidence_that_does_not_verify_is_not_judged_and_leaves_no_file(
    evaluated, seclab, files, tmp_path
):
    spoilt = evaluated.lab.copy(tmp_path / "project")
    run = evaluated.runs["random-forest"]["run_id"]
    table = min(spoilt.evidence(run).glob("tables/*.json"))
    table.write_text(table.read_text().replace("0", "1", 1))

    answer = seclab(spoilt.root, "gate", run, *_words(files), "--json")

    assert (answer.code, answer.out) == (1, "")
    assert f"seclab: run {run}: tables/{table.name}: expected sha256:" in answer.text
    assert not [path for path in files.values() if path.exists()]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("place", ["missing/gate.txt", "."])
def test_a_file_that_cannot_be_written_is_2_and_named(gate, files, *, option, place):
    path = files[option].parent / place

    answer = gate("softmax-regression", option, str(path), "--json")

    assert (answer.code, answer.out) == (2, "")
    assert answer.text.startswith(f"seclab: {path} cannot be written: ")
