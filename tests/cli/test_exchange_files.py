"""The register and its coverage in files for other tools: written by commands, and read back."""

import csv
import io
import json

import pytest

FILES = ("risks.csv", "attack_defense_matrix.csv")


def contents(lab):
    return [(lab.root / "registers" / name).read_bytes() for name in FILES]


@pytest.fixture
def exported(lab, seclab, tmp_path):
    path = tmp_path / "register.csv"
    assert seclab(lab, "register", "export", "--out", str(path)).code == 0
    return path


def test_what_was_exported_changes_nothing_when_it_is_read_back(lab, seclab, exported):
    before = contents(lab)

    answer = seclab(lab, "register", "import", str(exported))

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "risks.csv  0 changed; 0 added",
        "attack_defense_matrix.csv  0 rows added, 0 removed",
        "what has to be filled in: seclab register check",
    ]
    assert contents(lab) == before


def test_a_changed_cell_and_a_new_line_reach_the_register(lab, seclab, exported):
    before = contents(lab)
    lines = list(csv.reader(io.StringIO(exported.read_text("utf-8-sig"), newline="")))
    at = lines[0].index("residual risk")
    lines[1][at] = "Less than before."
    new = ["" for _ in lines[0]]
    new[0], new[lines[0].index("record")] = "Chat history", "risk"
    with exported.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows([*lines, new])

    answer = seclab(lab, "register", "import", str(exported))

    risks, matrix = contents(lab)
    assert (answer.code, answer.err) == (0, "")
    assert "risks.csv  1 changed: R-EVA-01; 1 added" in answer.out
    assert b"Less than before." in risks.splitlines()[1]
    assert risks.splitlines()[-1] == b",,Chat history,,,,,,,,,,,,,,,,,"
    assert matrix == before[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"asset,colour\na,b\n", "column colour: no such column is known"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_read_leaves_the_register_alone(content, said, lab, seclab, tmp_path):
    before = contents(lab)
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_bytes(content)

    answer = seclab(lab, "register", "import", str(path))

    assert (answer.code, answer.out) == (2, "")
    assert said in answer.text
    assert contents(lab) == before


def test_a_file_that_cannot_be_written_is_no_traceback(lab, seclab, tmp_path):
    answer = seclab(lab, "register", "export", "--out", str(tmp_path / "none" / "r.csv"))

    assert (answer.code, answer.out) == (2, "")
    assert "r.csv cannot be written: No such file or directory" in answer.text


@pytest.mark.parametrize(
    "command",
    [
        ("register", "export", "--out"),
        ("register", "export", "--format", "markdown", "--out"),
        ("coverage", "--navigator"),
        ("register", "check", "--sarif"),
    ],
)
def test_no_export_takes_the_place_of_what_it_is_made_of(command, lab, seclab):
    before = contents(lab)

    answer = seclab(lab, *command, "registers/risks.csv")

    assert answer.code == 2
    assert "risks.csv is a file of the registers and is not overwritten" in answer.text
    assert contents(lab) == before


def test_markdown_says_of_every_risk_that_nobody_tested_it(lab, seclab, tmp_path):
    path = tmp_path / "register.md"

    answer = seclab(lab, "register", "export", "-o", str(path), "--format", "markdown")

    assert (answer.code, answer.err) == (0, "")
    text = path.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| R-")]
    assert len(rows) == len(contents(lab)[0].splitlines()) - 1
    assert not any("**passed**" in row for row in rows)


def test_the_layer_of_a_project_without_evidence_shows_nothing_as_passed(lab, seclab, tmp_path):
    path = tmp_path / "layer.json"

    answer = seclab(lab, "coverage", "--navigator", str(path))

    assert (answer.code, answer.err) == (0, "")
    assert f"written   {path}" in answer.out
    layer = json.loads(path.read_text(encoding="utf-8"))
    assert (layer["name"], layer["domain"]) == ("Coverage", "atlas-atlas")
    scores = {each.get("score") for each in layer["techniques"]}
    assert 5 not in scores
    assert scores
