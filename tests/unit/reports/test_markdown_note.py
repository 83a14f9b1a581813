import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.evidence.signing import Signed
from seclab.gate import CriterionResult, Decision, Verdict
from seclab.reports import render_markdown
from tests.runs import MODEL, REGISTERS, finished, report, risk

PASSED = CriterionResult(
    "T-EVA-01", ("R-EVA-01",), Verdict.PASS, "0.8 of at least 0.6", "m", 0.8, 0.8, 0.6
)
BLOCKED = replace(PASSED, criterion="T-EVA-02", verdict=Verdict.BLOCK, reason="0.1 of at least 0.6")
OPEN = replace(PASSED, criterion="T-PRV-01", verdict=Verdict.NOT_EVALUATED, reason="it was not run")


def _note(*criteria, warnings=(), risks=REGISTERS.risks):
    verdict = criteria[0].verdict if criteria else Verdict.PASS
    return render_markdown(Decision(MODEL, verdict, criteria, warnings), risks)


def test_the_verdict_comes_first_and_counts_the_criteria():
    note = _note(BLOCKED, OPEN, PASSED, PASSED)

    assert note.startswith(
        "**BLOCK**: model `softmax-regression`, 2 criteria passed, 1 blocked, 1 not evaluated\n"
    )
    assert note.endswith(f"Digest of the subject: `{MODEL.digest}`")


def test_failures_are_listed_with_their_reason_before_what_passed():
    lines = _note(BLOCKED, OPEN, PASSED).splitlines()

    assert lines[4:6] == [
        "- **BLOCK** T-EVA-02 R-EVA-01 Evasion by small perturbations: 0.1 of at least 0.6",
        "- **NOT_EVALUATED** T-PRV-01 R-EVA-01 Evasion by small perturbations: it was not run",
    ]
    assert lines.index("| passed | risk | why |") > 3


def test_what_passed_is_a_table():
    lines = _note(PASSED).splitlines()

    start = lines.index("| passed | risk | why |")
    assert lines[start + 1 : start + 3] == [
        "| --- | --- | --- |",
        "| T-EVA-01 | R-EVA-01 Evasion by small perturbations | 0.8 of at least 0.6 |",
    ]
    assert not lines[start - 1]


def test_without_a_pass_there_is_no_table():
    assert "|" not in _note(BLOCKED)


def test_warnings_are_listed():
    assert "- warning: digits/balanced: class 3 is rare" in _note(
        PASSED, warnings=("warning: digits/balanced: class 3 is rare",)
    )


def test_a_risk_that_is_not_in_the_register_keeps_its_id():
    note = _note(replace(PASSED, risks=("R-XXX-99", "R-EVA-01")))

    assert "| R-XXX-99, R-EVA-01 Evasion by small perturbations |" in note


def test_every_criterion_of_a_run_is_in_its_note(tmp_path):
    run = finished(tmp_path, noise=None, robust=0.3, reports=(report(),))

    for result in run.assessment.decision.criteria:
        assert result.criterion in run.assessment.note
    for warning in run.assessment.decision.warnings:
        assert warning in run.assessment.note


@pytest.mark.parametrize(
    ("hostile", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("a\nb\r\nc\rd", "a b c d"),
        ("a\n\n# heading", "a  # heading"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("`code`", "'code'"),
        ("![x](http://evil.example)", r"!\[x](http://evil.example)"),
        ("**PASS**", r"\*\*PASS\*\*"),
    ],
)
def test_text_cannot_start_markup(hostile, escaped):
    note = _note(
        replace(BLOCKED, reason=hostile),
        replace(PASSED, reason=hostile),
        warnings=(hostile,),
        risks={"R-EVA-01": risk("R-EVA-01", title=hostile)},
    )

    assert f"R-EVA-01 {escaped}: {escaped}" in note
    assert f"| T-EVA-01 | R-EVA-01 {escaped} | {escaped} |" in note
    assert f"- {escaped}\n" in note


@given(reason=st.text(), title=st.text())
def test_whatever_stands_in_a_cell_the_table_keeps_its_columns(reason, title):
    note = _note(replace(PASSED, reason=reason), risks={"R-EVA-01": risk("R-EVA-01", title=title)})

    (row,) = (line for line in note.splitlines() if line.startswith("| T-EVA-01"))
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 4
    assert "<" not in row


def test_a_waiver_is_counted_in_the_verdict_and_named_where_it_counts():
    waived = replace(BLOCKED, waiver="W-001")
    note = render_markdown(Decision(MODEL, Verdict.PASS, (waived, PASSED)), REGISTERS.risks)

    assert note.startswith(
        "**PASS with 1 waiver**: model `softmax-regression`, 1 criteria passed, 0 blocked, "
        "0 not evaluated, 1 waived\n"
    )
    assert "- **BLOCK, waived by W-001** T-EVA-02 R-EVA-01" in note


def test_the_note_says_first_that_nobody_signed():
    assert _note(BLOCKED).splitlines()[2].startswith("**UNSIGNED**: whoever can write to this")


def test_the_note_names_who_signed():
    signed = Signed("ab12cd34ef56" + "0" * 52, "pipeline", "a|b <i>", "")
    note = render_markdown(Decision(MODEL, Verdict.PASS, (PASSED,)), REGISTERS.risks, signer=signed)

    assert note.splitlines()[2] == (
        r"Signed with the key `ab12cd34ef56` of a\|b &lt;i> (pipeline)."
    )
    assert "UNSIGNED" not in note
