"""``seclab coverage``: what it prints and writes, and how it ends."""

import pytest

from seclab.registers import load_registers


def test_a_store_without_evidence_covers_nothing_and_says_so(lab, seclab):
    register = load_registers(lab.root / "registers").risks

    answer = seclab(lab, "coverage", "--html", "page.html", "--markdown", "page.md")
    found = seclab(lab, "coverage", "--json").json

    assert answer.code == 0
    assert "\x1b" not in answer.text
    assert f"risks       0 of {len(register)} in scope passed (0%)" in answer.out
    assert "Gaps, the worst first:" in answer.out
    assert "was never tested" in answer.out
    assert set(found["risks"]) == set(register)
    assert {risk["state"] for risk in found["risks"].values()} <= {"never-tested", "out-of-scope"}
    for name, begin in (("page.html", "<!doctype html>"), ("page.md", "# Coverage")):
        assert (lab.root / name).read_text("utf-8").startswith(begin)


def test_an_unknown_system_is_told_with_those_that_are_known(lab, seclab):
    answer = seclab(lab, "coverage", "--system", "nonsense")

    assert answer.code == 2
    assert "there is no threat model 'nonsense'; known: " in answer.text


def test_mistakes_in_the_scoring_are_all_told(lab, seclab):
    lab.rewrite("scoring.yaml", lambda parts: parts | {"colour": "red", "bands": {}})

    answer = seclab(lab, "coverage")

    assert answer.code == 2
    assert "column colour: unknown key" in answer.text
    assert "column critical: this key is missing" in answer.text
    (lab.root / "registers" / "scoring.yaml").unlink()
    assert "scoring.yaml: the file cannot be read" in seclab(lab, "coverage").text


def test_a_page_that_cannot_be_written_leaves_nothing_behind(lab, seclab):
    (lab.root / "folder").mkdir()

    answer = seclab(lab, "coverage", "--html", "folder")

    assert answer.code == 2
    assert "folder cannot be written" in answer.text
    assert not [path for path in lab.root.iterdir() if path.name.startswith(".")]


def test_a_store_that_cannot_be_read_is_no_coverage(lab, seclab):
    (lab.root / "mlruns").mkdir(exist_ok=True)
    (lab.root / "mlruns" / "mlflow.db").write_bytes(b"no database" * 100)

    answer = seclab(lab, "coverage")

    assert answer.code == 3
    assert "mlflow.db" in answer.text


@pytest.mark.flow
def test_what_was_evaluated_stands_as_risks_has_it(reader, seclab):
    listed = seclab(reader.root, "risks", "--json").json
    found = seclab(reader.root, "coverage", "--json").json["risks"]

    states = {"pass": "passed", "block": "failed", "stale": "stale"}
    for id_, risk in listed.items():
        subjects = risk["evidence"]["verdicts"] if risk["evidence"] else {}
        assert {link["subject"]: link["verdict"] for link in found[id_]["evidence"]} == subjects
        if risk["verdict"] in states and risk["verdict"] != "pass":
            assert found[id_]["state"] == states[risk["verdict"]]
