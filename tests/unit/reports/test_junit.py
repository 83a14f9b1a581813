import xml.etree.ElementTree as ET  # the tests read what the project itself wrote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.gate import Verdict
from seclab.measurement import Subject
from seclab.reports import render_junit
from tests.unit.reports.gated import BUNDLE, HOSTILE, REGISTERS, WAIVER, Signature, hostile, judge


def parsed(*judged):
    text = render_junit(judged, registers=REGISTERS)
    return ET.fromstring(text.encode("utf-8"))  # noqa: S314


def suite_of(judged):
    (suite,) = parsed(judged)
    return suite


def case_of(suite, criterion):
    (case,) = suite.findall(f"testcase[@name='{criterion}']")
    return case


def test_every_criterion_is_a_test_case():
    judged = judge()
    suite = suite_of(judged)

    assert suite.get("name") == "model mlp-hardened"
    assert [case.get("name") for case in suite.findall("testcase")] == [
        result.criterion for result in judged.decision.criteria
    ]
    assert {case.get("classname") for case in suite.findall("testcase")} == {"model.mlp-hardened"}


def test_a_block_is_a_failure_and_what_was_not_evaluated_an_error():
    judged = judge(blocked=("T-EVA-01",), missing=("T-POI-01",))
    suite = suite_of(judged)
    reasons = {result.criterion: result.reason for result in judged.decision.criteria}

    failure = case_of(suite, "T-EVA-01").find("failure")
    assert (failure.get("type"), failure.get("message")) == ("BLOCK", reasons["T-EVA-01"])
    assert "R-EVA-01" in failure.text
    error = case_of(suite, "T-POI-01").find("error")
    assert (error.get("type"), error.get("message")) == ("NOT_EVALUATED", reasons["T-POI-01"])
    passed = case_of(suite, "T-EVA-02")
    assert [child.tag for child in passed] == ["system-out"]
    assert passed[0].text == reasons["T-EVA-02"]


def test_a_waived_criterion_is_skipped_and_names_its_waiver():
    suite = suite_of(judge(blocked=("T-EVA-01", "T-PRV-01"), waivers=(WAIVER,)))

    (skipped,) = case_of(suite, "T-EVA-01")
    assert skipped.tag == "skipped"
    assert "waived by W-001: Nobody outside the lab" in skipped.get("message")
    assert "until 2026-12-31" in skipped.get("message")
    assert case_of(suite, "T-PRV-01").find("failure") is not None
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")


def test_the_counts_are_those_of_the_cases():
    agent = Subject("agent", "support-agent", "sha256:rfc8785:cc")
    root = parsed(
        judge(blocked=("T-EVA-01", "T-EVA-02"), missing=("T-POI-01",), waivers=(WAIVER,)),
        judge(subject=agent, blocked=("T-RAG-01",)),
    )

    tags = {"failures": "failure", "errors": "error", "skipped": "skipped", "tests": "testcase"}
    for element in (root, *root):
        for count, tag in tags.items():
            assert element.get(count) == str(len(list(element.iter(tag))))
    assert root.get("failures") == "2"
    assert root.get("errors") == root.get("skipped") == "1"


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({}, "unsigned"),
        ({"signed": Signature("k1")}, "signed by k1 (pipeline, the lab)"),
        (
            {"signed": Signature("k1", problem="expired")},
            "signature of k1 (pipeline, the lab) does not count: expired",
        ),
    ],
)
def test_a_suite_names_its_evidence(evidence, words):
    suite = suite_of(judge(**evidence))

    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties["bundle"] == BUNDLE
    assert properties["verdict"] == "PASS"
    assert properties["signature"] == words


def test_names_are_the_same_whatever_was_measured():
    def names(judged):
        suite = suite_of(judged)
        return {(case.get("classname"), case.get("name")) for case in suite.iter("testcase")}

    assert names(judge()) == names(judge(blocked=("T-EVA-01",), missing=("T-POI-01",), run="x"))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_the_document(text):
    suite = suite_of(hostile(text))

    assert {element.tag for element in suite.iter()} == {
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "system-out",
    }
    assert "\0" not in "".join(suite.itertext())


def test_what_xml_has_no_place_for_is_shown_as_replaced():
    suite = suite_of(hostile("a\0b\x1bc\ud800d\ufffee\nf\U0001f600"))

    assert suite.get("name") == "model a�b�c�d�e f\U0001f600"


@given(st.text(st.characters(), max_size=30))
def test_any_text_gives_a_document_with_every_criterion(text):
    judged = hostile(text)
    suite = suite_of(judged)

    assert len(suite.findall("testcase")) == len(judged.decision.criteria)
    assert len(list(suite.iter("failure"))) == len(judged.decision.of(Verdict.BLOCK))
    assert len(list(suite.iter("error"))) == len(judged.decision.of(Verdict.NOT_EVALUATED))
