"""``seclab custody``: what is recorded, what changed, and what is refused to be recorded."""

import json

import numpy as np
import pytest

from seclab import datasets

KNOWN = ("--source", "a shelf", "--licence", "CC0-1.0", "--how", "copied", "--when", "2026-02-01")


def write(path, rows):
    lines = [",".join([*map(str, row), label]) for row, label in rows]
    path.write_text("\n".join(["a,b,c,d,label", *lines]) + "\n")


@pytest.fixture
def files(lab):
    """Two versions of a file: one row taken out, one relabelled, one changed, one put in."""
    rng = np.random.default_rng(0)
    rows = [(rng.integers(0, 100, 4) / 100, "ab"[i % 2]) for i in range(12)]
    write(lab.root / "things.csv", rows)
    later = [*rows[:3], *rows[4:], (np.array([0.01, 0.99, 0.02, 0.98]), "a")]
    later[5] = (later[5][0], "b" if later[5][1] == "a" else "a")
    later[7] = (later[7][0] + np.array([0.001, 0, 0, 0]), later[7][1])
    write(lab.root / "later.csv", later)
    (lab.root / "step.yaml").write_text(
        "name: cleaned\nhow: by hand, ticket 5\nadded: 11\nremoved: 3\nchanged: 7\nrelabelled: 5\n"
    )
    return lab


def test_the_recorded_versions_are_shown_with_what_they_cover(seclab, lab):
    answer = seclab(lab, "custody", "show")
    [version] = seclab(lab, "custody", "show", "digits", "--json").json

    assert answer.code == 0
    heading, line = answer.out.splitlines()
    assert heading.split()[:3] == ["version", "dataset", "rows"]
    assert line.split()[1:4] == ["digits", "1797", "100.0%"]
    assert version["coverage"] == {"rows": 1797, "covered": 1797, "share": 1.0, "gaps": []}
    assert version["digest"].rpartition(":")[2].startswith(line.split()[0])


def test_a_dataset_of_which_nothing_is_recorded_is_2(seclab, lab):
    answer = seclab(lab, "custody", "show", "letters")

    assert (answer.code, answer.out) == (2, "")
    assert answer.text == "seclab: no version of 'letters' is recorded; known: digits\n"


def test_two_files_are_compared_row_by_row_and_undeclared_changes_are_1(seclab, files):
    answer = seclab(files, "custody", "diff", "things.csv", "later.csv")
    document = seclab(files, "custody", "diff", "things.csv", "later.csv", "--json").json

    assert answer.code == 1
    assert "9 unchanged, 1 added, 1 removed, 1 changed, 1 relabelled" in answer.out
    assert "  row 5 relabelled: no step declares it" in answer.out
    assert document["counts"]["unchanged"] == 9
    assert (document["added"], document["removed"]) == ([11], [3])
    assert document["changed"] == [{"before": 8, "after": 7, "classes": ["a", "a"]}]
    assert document["relabelled"] == [{"before": 6, "after": 5, "classes": ["a", "b"]}]
    assert sum(sum(each.values()) for each in document["by_class"].values()) == 4
    assert len(document["unexplained"]) == 4


def test_the_same_file_is_0(seclab, files):
    answer = seclab(files, "custody", "diff", "later.csv", "later.csv")

    assert answer.code == 0
    assert answer.out.endswith("\nthe same\n")


def test_a_chain_is_recorded_and_then_accounts_for_the_change(seclab, files):
    first = seclab(files, "custody", "record", "things.csv", *KNOWN)
    assert (first.code, first.err) == (0, "")
    undeclared = seclab(files, "custody", "diff", "things", "later.csv")
    assert (undeclared.code, "4 rows unexplained" in undeclared.out) == (1, True)
    step = ("--name", "things", "--parent", "things", "--transformation", "step.yaml")

    answer = seclab(files, "custody", "record", "later.csv", *step, *KNOWN)

    assert (answer.code, answer.err) == (0, "")
    old, new = seclab(files, "custody", "show", "things", "--json").json
    assert new["manifest"]["parents"] == [old["digest"]]
    assert new["coverage"]["share"] == 1.0
    for before in ("things.csv", old["digest"], old["digest"].rpartition(":")[2][:8]):
        for after in ("later.csv", "things"):
            declared = seclab(files, "custody", "diff", before, after)
            assert (declared.code, "every change is declared" in declared.out) == (0, True)
    back = seclab(files, "custody", "diff", "things", "things.csv")
    assert (back.code, "4 rows unexplained" in back.out) == (1, True)


def test_what_is_not_accounted_for_is_not_recorded_and_all_of_it_is_told(seclab, files):
    assert seclab(files, "custody", "record", "things.csv", *KNOWN).code == 0
    before = sorted((files.root / "registers" / "custody").rglob("*"))

    answer = seclab(
        files,
        *("custody", "record", "later.csv", "--name", "things", "--parent", "things"),
        *("--parent", "0000", "--transformation", "none.yaml", "--when", "yesterday"),
    )

    assert (answer.code, answer.out) == (2, "")
    for words in (
        "--how and --when go together",
        "0000: there is no such file, and it is not one recorded version; known: digits ",
        "none.yaml cannot be read",
        "row 3 removed: no step declares it",
        "row 5 relabelled: no step declares it",
        "row 7 changed: no step declares it",
        "row 11 added: no step declares it",
    ):
        assert words in answer.text
    assert sorted((files.root / "registers" / "custody").rglob("*")) == before


def test_a_first_version_without_origin_is_not_recorded(seclab, files):
    answer = seclab(files, "custody", "record", "things.csv", "--source", "a shelf")

    assert answer.code == 2
    assert "12 rows come from no parent, and nothing says their --licence, --how and --when" in (
        answer.text
    )


def test_a_name_that_is_neither_file_nor_dataset_is_2_and_says_which_there_are(seclab, files):
    answer = seclab(files, "custody", "record", "digts", *KNOWN)

    assert answer.code == 2
    assert "digts: there is no such file, and no dataset of that name; known: digits" in answer.text


@pytest.mark.parametrize(
    ("when", "problem"), [("2999-01-01", "is in the future"), ("soon", "'soon' is no day")]
)
def test_a_day_that_cannot_be_is_told(seclab, files, when, problem):
    answer = seclab(files, "custody", "record", "things.csv", *KNOWN[:-1], when)

    assert (answer.code, problem in answer.text) == (2, True)


def test_a_loaded_dataset_is_recorded_by_its_name_and_never_twice(seclab, lab):
    answer = seclab(lab, "custody", "record", "digits", *KNOWN)

    assert answer.code == 2
    assert "these rows are recorded already, as digits " in answer.text
    assert "is the newest version of digits: name it as --parent" in answer.text


def test_a_tampered_register_is_2_and_the_place_is_named(seclab, lab):
    [path] = (lab.root / "registers" / "custody" / "digits").glob("*.json")
    document = json.loads(path.read_text())
    document["manifest"]["rows"] = 1796
    path.write_text(json.dumps(document))

    answer = seclab(lab, "custody", "show")

    assert (answer.code, answer.out) == (2, "")
    assert f"{path}: the classes have 1797 rows, the whole has 1796" in answer.text
    assert f"{path}: it has digest sha256:rfc8785:" in answer.text


def test_a_file_of_recorded_data_is_held_against_its_version(seclab, lab):
    digits = datasets.load("digits")
    names = ",".join(digits.feature_names)
    rows = np.column_stack([digits.features, digits.labels]).astype(int)
    rows[12, -1] = 3
    path = lab.root / "digits.csv"
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=f"{names},label", comments="")
    suite = {
        "name": "versions",
        "expectations": [
            {
                "type": "expect_changes_to_be_explained",
                "kwargs": {},
                "severity": "critical",
                "meta": {"risk_ids": ["R-POI-04"]},
            }
        ],
    }
    (lab.root / "expectations" / "versions.json").write_text(json.dumps(suite))

    answer = seclab(lab, "check", "digits.csv", "--suite", "versions")

    assert answer.code == 1
    assert "; 1 relabelled (rows 12; 2 to 3)" in answer.out
