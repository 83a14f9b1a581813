"""``seclab register``: findings for people, programs and pull requests, and mending."""

import csv
import io
import json
import re
import shutil

import jsonschema
import pytest

from tests.conftest import ROOT
from tests.register_mistakes import MATRIX, MISTAKES, RISKS, spoil

SCHEMA = json.loads((ROOT / "tests/assets/sarif-schema-2.1.0.json").read_text("utf-8"))
DAY = ("--at", "2026-11-28")


@pytest.fixture
def project(tmp_path):
    """A folder with the shipped registers and frameworks, without the threat models."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "expectations", tmp_path / "expectations")
    left_out = shutil.ignore_patterns("threat_models")
    shutil.copytree(ROOT / "registers", tmp_path / "registers", ignore=left_out)
    return tmp_path


@pytest.fixture
def systems(project):
    """The same folder with the threat models."""
    models = "registers/threat_models"
    shutil.copytree(ROOT / models, project / models)
    return project


def rows_of(folder, file=RISKS):
    return list(csv.reader((folder / file).read_text("utf-8").splitlines()))


def spoilt(project, *names):
    return spoil(project / "registers", [each for each in MISTAKES if each.name in names])


def test_registers_without_mistakes_end_with_0(seclab, systems):
    answer = seclab(systems, "register", "check", *DAY)
    assert (answer.code, answer.out) == (0, "0 errors, 0 warnings\n")


def test_a_later_day_makes_reviews_overdue_which_are_warnings(seclab, project):
    answer = seclab(project, "register", "check", "--at", "2029-01-01", "--json")
    rules = {each["rule"] for each in answer.json["findings"]}
    assert answer.code == 0
    assert rules >= {"review-past"}
    assert all(each["level"] == "warning" for each in answer.json["findings"])


def test_findings_are_grouped_by_file_with_what_to_write_and_end_with_1(seclab, project):
    spoilt(project, "T1595", "no such metric")

    answer = seclab(project, "register", "check", *DAY)

    assert answer.code == 1
    assert [line for line in answer.out.splitlines() if line.endswith(".csv")] == [MATRIX, RISKS]
    assert "write AML.T0020 (Training Data Poisoning)" in answer.out
    assert answer.out.endswith("2 errors, 0 warnings; 1 can be mended by --fix\n")


def test_fix_mends_what_is_safe_and_shows_the_rest(seclab, project):
    spoilt(project, "T1595", "no such metric")

    answer = seclab(project, "register", "check", "--fix", "--json", *DAY)

    assert (answer.code, answer.json["fixed"]) == (1, 1)
    assert [each["rule"] for each in answer.json["findings"]] == ["unknown-metric"]
    assert rows_of(project / "registers") == rows_of(ROOT / "registers")


def test_sarif_fits_its_schema_and_its_fixes_give_the_right_file(seclab, project):
    spoilt(project, *(each.name for each in MISTAKES))
    file = project / "findings.sarif"

    seclab(project, "register", "check", "--sarif", str(file), *DAY)

    log = json.loads(file.read_text("utf-8"))
    jsonschema.Draft7Validator(SCHEMA).validate(log)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    prints = [each["partialFingerprints"]["ruleAndRow/v1"] for each in run["results"]]
    assert len(set(prints)) == len(prints) >= len(MISTAKES)
    (poisoning,) = (
        each for each in run["results"] if "T1595" in each["message"]["text"] and fixed(each)
        and each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith(RISKS)
        and "AML.T0020" in fixed(each)
    )  # fmt: skip
    place = poisoning["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"registers/{RISKS}"
    region = place["region"]
    line = (project / "registers" / RISKS).read_text("utf-8").split("\n")[region["startLine"] - 1]
    cell = line[region["startColumn"] - 1 : region["endColumn"] - 1]
    assert cell == "T1595;AML.T0018.000;AML.T0043.004"
    assert fixed(poisoning) == "AML.T0020;AML.T0018.000;AML.T0043.004"


def fixed(result):
    change = result.get("fixes", [{}])[0].get("artifactChanges", [{}])[0]
    return change.get("replacements", [{}])[0].get("insertedContent", {}).get("text", "")


def test_fingerprints_stay_when_rows_are_added_above(seclab, project):
    spoilt(project, "no owner")
    first, second = (project / name for name in ("a.sarif", "b.sarif"))
    seclab(project, "register", "check", "--sarif", str(first), *DAY)
    path = project / "registers" / RISKS
    header, rest = path.read_text("utf-8").split("\n", 1)
    path.write_text(f"{header}\n\n\n{rest}", "utf-8")
    seclab(project, "register", "check", "--sarif", str(second), *DAY)

    one, other = (
        json.loads(file.read_text("utf-8"))["runs"][0]["results"] for file in (first, second)
    )
    lines = [r[0]["locations"][0]["physicalLocation"]["region"]["startLine"] for r in (one, other)]
    assert lines[1] == lines[0] + 2
    assert one[0]["partialFingerprints"] == other[0]["partialFingerprints"]


def test_a_missing_folder_is_2_and_a_missing_table_a_finding(seclab, project):
    (project / "registers" / MATRIX).unlink()
    answer = seclab(project, "register", "check", *DAY)
    assert answer.code == 1
    assert "the file is missing" in answer.out

    shutil.rmtree(project / "registers")
    answer = seclab(project, "register", "check", *DAY)
    assert answer.code == 2
    assert "there is no such folder of registers" in answer.text


NEW = {
    "id": "R-PRV",
    "title": "Property inference",
    "asset": "What all training images have in common",
    "asset-class": "training-data",
    "actor": "Client",
    "attacker-goal": "Learn the share of one writer",
    "attack-pattern": "Compare the answers, with those of shadow models",
    "trust-boundary": "Prediction interface to client",
    "nist-id": "NISTAML.034",
    "atlas-ids": "AML.T0024",
    "owasp-ids": "none",
    "stride": "I",
    "likelihood": "2",
    "impact": "2",
    "control": "None measured.",
    "evidence": "none: never tested",
    "residual-risk": "Unknown",
    "owner": "security",
    "status": "open",
    "review-date": "2099-03-31",
}


def options(**changes):
    cells = NEW | {key.replace("_", "-"): value for key, value in changes.items()}
    return [text for key, value in cells.items() if value for text in (f"--{key}", value)]


def test_a_new_risk_gets_the_next_number_and_a_row_of_the_matrix_and_passes(seclab, project):
    kept = {name: (project / "registers" / name).read_bytes() for name in (RISKS, MATRIX)}

    answer = seclab(project, "register", "new", *options())

    assert answer.code == 0
    assert answer.out.startswith("R-PRV-03 added to the register and to the matrix\n")
    for name, data in kept.items():
        assert (project / "registers" / name).read_bytes().startswith(data)
    (row,) = (row for row in rows_of(project / "registers") if row[0] == "R-PRV-03")
    assert row[1:] == list(NEW.values())[1:]
    assert rows_of(project / "registers", MATRIX)[-1] == [
        "training-data", "Property inference", "AML.T0024", "", "", "None measured.", "R-PRV-03",
    ]  # fmt: skip
    assert seclab(project, "register", "check", *DAY).code == 0


def test_what_is_wrong_with_threat_models_is_among_the_findings(seclab, systems):
    seclab(systems, "register", "new", *options())
    (systems / "registers/threat_models/broken.yaml").write_text("id: [", "utf-8")
    torn = seclab(systems, "register", "check", "--json", *DAY).json["findings"]
    (systems / "registers/threat_models/broken.yaml").unlink()
    left = seclab(systems, "register", "check", "--json", *DAY).json["findings"]

    assert [each["file"] for each in torn] == ["threat_models/broken.yaml"]
    assert torn[0]["rule"] == "malformed"
    assert [(each["rule"], each["file"]) for each in left] == [("risk-without-system", RISKS)]
    assert left[0]["line"] == len(rows_of(systems / "registers"))


def test_beside_a_broken_threat_model_the_others_are_checked(seclab, systems):
    folder = systems / "registers/threat_models"
    (folder / "rag-bot.yaml").write_text("id: [", "utf-8")
    path = folder / "digits-service.yaml"
    text = path.read_text("utf-8")
    day = re.search("review_date: .*", text).group(0)
    path.write_text(text.replace(day, "review_date: 2020-01-01", 1), "utf-8")

    found = seclab(systems, "register", "check", "--json", *DAY).json["findings"]

    # Which risks only the broken one has, nobody knows: none is said to be without a system.
    assert [(each["rule"], each["file"]) for each in found] == [
        ("review-past", "threat_models/digits-service.yaml"),
        ("malformed", "threat_models/rag-bot.yaml"),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"atlas_ids": "T1595", "owner": "bob"}, ["T1595 is ATT&CK", "'bob' is not one of"]),
        ({"id": "R-PRV-01"}, ["R-PRV-01 stands in line"]),
        ({"evidence": "evasion_linf"}, ["evasion_linf is no evidence for R-PRV-03"]),
        ({"owasp_ids": "LLM06", "stride": "D"}, ["LLM06 names no edition"]),
        ({"review_date": "2020-01-01"}, ["overdue"]),
        ({"title": None, "asset": None}, ["--title is missing", "--asset is missing"]),
    ],
)
def test_a_new_risk_that_would_not_pass_is_refused_and_nothing_written(
    seclab, project, changes, said
):
    kept = {name: (project / "registers" / name).read_bytes() for name in (RISKS, MATRIX)}

    answer = seclab(project, "register", "new", *options(**changes))

    assert (answer.code, answer.out) == (2, "")
    assert all(each in answer.text for each in said)
    assert {name: (project / "registers" / name).read_bytes() for name in kept} == kept


def test_on_a_terminal_what_is_not_given_is_asked_with_its_choices(seclab, project, monkeypatch):
    answers = io.StringIO("NISTAML.034\nsecurity\n")
    answers.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", answers)

    answer = seclab(project, "register", "new", *options(nist_id=None, owner=None))

    assert answer.code == 0
    assert "NISTAML.034  Property Inference" in answer.out
    assert "ml-engineering, security, data-engineering, platform" in answer.out
    assert "actor:" not in answer.out


@pytest.mark.parametrize("name", ["scoring.yaml", "evidence_checklist.yaml"])
@pytest.mark.parametrize("data", [b"x: 1\n", b"\xff", None])
def test_what_other_commands_would_refuse_is_found_too(seclab, project, name, data):
    path = project / "registers" / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)

    answer = seclab(project, "register", "check", "--json", *DAY)

    assert answer.code == 1
    assert {each["file"] for each in answer.json["findings"]} == {name}


@pytest.mark.parametrize(("file", "data"), [(RISKS, b"\xff"), ("models.yaml", b"a: [")])
def test_what_cannot_be_read_is_not_said_to_be_missing_in_systems(seclab, systems, file, data):
    (systems / "registers" / file).write_bytes(data)

    findings = seclab(systems, "register", "check", "--json", *DAY).json["findings"]

    assert {each["file"] for each in findings} == {file}
    assert len(findings) < 30


def test_findings_are_in_the_order_of_files_also_where_a_model_is_broken(seclab, systems):
    (systems / "registers/threat_models/a model, broken.yaml").write_text("id: [", "utf-8")
    (systems / "registers/waivers.yaml").write_text("- 1", "utf-8")

    findings = seclab(systems, "register", "check", "--json", *DAY).json["findings"]

    files = [each["file"] for each in findings]
    assert files == ["threat_models/a model, broken.yaml", "waivers.yaml"]


def test_a_word_that_there_is_not_in_the_register_of_models_is_a_finding(seclab, systems):
    path = systems / "registers/models.yaml"
    path.write_text(
        path.read_text("utf-8").replace("criticality: low", "criticality: lwo"), "utf-8"
    )

    findings = seclab(systems, "register", "check", "--json", *DAY).json["findings"]

    assert {(each["file"], each["column"]) for each in findings} == {("models.yaml", "criticality")}
    assert all("perhaps low was meant" in each["suggestion"] for each in findings)


@pytest.mark.parametrize("id_", ["", "R-EVA-2", "r-eva-02", "noise"])
def test_a_wrong_id_is_one_finding_beside_all_that_name_the_risk(seclab, systems, id_):
    path = systems / "registers" / RISKS
    path.write_text(path.read_text("utf-8").replace("\nR-EVA-02,", f"\n{id_},"), "utf-8")

    (finding,) = seclab(systems, "register", "check", "--json", *DAY).json["findings"]

    assert (finding["rule"], finding["file"], finding["column"]) == ("malformed", RISKS, "id")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe"])
def test_no_risk_is_added_to_a_table_that_is_none(seclab, project, data):
    (project / "registers" / RISKS).write_bytes(data)

    answer = seclab(project, "register", "new", *options(id="R-PRV-09"))

    assert answer.code == 2
    assert RISKS in answer.err
    assert (project / "registers" / RISKS).read_bytes() == data


def test_half_a_character_in_an_option_is_refused(seclab, project):
    answer = seclab(project, "register", "new", *options(title="\udcff"))

    assert answer.code == 2
    assert "half a character" in answer.err


def test_a_new_risk_says_what_to_write_where_until_it_passes(seclab, systems):
    answer = seclab(systems, "register", "new", *options())

    assert str(systems / "registers" / "threat_models") in answer.out
    assert "digits-service.yaml" in answer.out
    path = systems / "registers/threat_models/digits-service.yaml"
    text = path.read_text("utf-8").replace("\nrisks: [", "\nrisks: [R-PRV-03, ")
    threat = text[text.index("  - id: T1\n") : text.index("  - id: T2\n")]
    added = threat.replace("id: T1", "id: T99").replace("risk: R-EVA-01", "risk: R-PRV-03")
    added = added.replace("status: mitigated", "status: open")
    path.write_text(text.replace(threat, threat + added), "utf-8")

    assert "R-PRV-03" in added
    assert seclab(systems, "register", "check", *DAY).code == 0


def test_rules_of_threat_models_explain_themselves(seclab, systems):
    seclab(systems, "register", "new", *options())
    file = systems / "findings.sarif"

    seclab(systems, "register", "check", "--sarif", str(file), *DAY)

    (run,) = json.loads(file.read_text("utf-8"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == "risk-without-system"
    assert all(rule["help"]["text"] and rule["fullDescription"]["text"] for rule in rules)
