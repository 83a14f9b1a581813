import json

import pytest

from seclab.evidence import artifact_digests, decision_of, verify
from seclab.gate import Verdict, decide
from seclab.measurement import CheckStatus
from tests.runs import MODEL, REGISTERS, ROBUST, finished, report


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"robust": 0.3}, Verdict.BLOCK),
        ({"noise": None}, Verdict.NOT_EVALUATED),
        ({"reports": ()}, Verdict.NOT_EVALUATED),
        ({"reports": (report(CheckStatus.FAILED),)}, Verdict.BLOCK),
    ],
)
def test_the_decision_is_that_of_the_gate_by_the_registers(changes, verdict, tmp_path):
    run = finished(tmp_path, **changes)

    expected = decide(MODEL, run.outcomes, run.reports, REGISTERS.thresholds)
    assert run.assessment.decision == expected == decision_of(run.bundle)
    assert expected.verdict is verdict


def test_every_file_is_pinned_but_the_report_that_shows_the_digest_of_the_bundle(tmp_path):
    run = finished(tmp_path, pictures=True)

    pinned = run.bundle.predicate["artifacts"]
    there = {name: str(digest) for name, digest in artifact_digests(tmp_path).items()}
    assert there.keys() - pinned.keys() == {"report.html"}
    assert all(there[name] == digest for name, digest in pinned.items())
    assert str(run.bundle.digest) in (tmp_path / "report.html").read_text("utf-8")
    assert verify(run.bundle, expected_digest=str(run.bundle.digest), artifacts=tmp_path) == []


def test_the_criteria_are_sealed_with_the_numbers(tmp_path):
    sealed = finished(tmp_path).bundle.predicate["thresholds"]

    assert [entry["id"] for entry in sealed] == [t.id for t in REGISTERS.thresholds]
    assert sealed[0]["bound"] == ROBUST.bound
    assert sealed[0]["why"] == ROBUST.why


def test_equal_runs_leave_equal_files(tmp_path):
    here, there = (finished(tmp_path / place, pictures=True) for place in ("here", "there"))

    assert artifact_digests(here.folder) == artifact_digests(there.folder)
    assert here.assessment.note == there.assessment.note


def test_the_note_and_the_report_give_the_same_verdict(tmp_path):
    run = finished(tmp_path, robust=0.3)

    assert run.assessment.note.startswith("**BLOCK**")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<title>BLOCK softmax-regression 2026-03-01 12:30</title>" in page


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    (tmp_path / "tables").write_text("a file where a folder is needed")

    with pytest.raises(OSError, match="tables"):
        finished(tmp_path)


def test_the_bundle_is_json_that_others_can_read(tmp_path):
    run = finished(tmp_path)

    assert json.loads(run.bundle.text()) == run.bundle.document
