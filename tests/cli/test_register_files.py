"""``seclab register export`` and ``import``: to a spreadsheet and back."""

import csv
import io

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
