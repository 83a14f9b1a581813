import json
import subprocess
import sys
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.gate import Verdict
from seclab.measurement import Subject
from seclab.reports import criterion_lines, render_sarif
from tests.conftest import ROOT
from tests.unit.reports.gated import (
    BUNDLE,
    HOSTILE,
    MODEL,
    REGISTERS,
    SHIPPED,
    THRESHOLDS_FILE,
    WAIVER,
    Signature,
    hostile,
    judge,
    measured,
    threshold,
)

SCHEMA = json.loads((ROOT / "tests/assets/sarif-schema-2.1.0.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
LINES = criterion_lines(THRESHOLDS_FILE.read_bytes())


def log(*judged, registers=REGISTERS, **options):
    options = {"lines": LINES, "version": "0.1.0"} | options
    return render_sarif(judged, registers=registers, **options)


def only(judged, **options):
    (run,) = log(judged, **options)["runs"]
    return run


def result_of(run, criterion):
    (result,) = (each for each in run["results"] if each["ruleId"] == criterion)
    return result


def rule_of(run, criterion):
    return run["tool"]["driver"]["rules"][result_of(run, criterion)["ruleIndex"]]


MIXED = {"blocked": ("T-EVA-01", "T-PRV-01"), "missing": ("T-POI-01",)}


@pytest.mark.parametrize(
    "judged",
    [judge(), judge(**MIXED), judge(blocked=("T-EVA-01",), waivers=(WAIVER,))],
    ids=["pass", "mixed", "waived"],
)
def test_it_is_valid_by_the_official_schema(judged):
    assert [error.message for error in VALIDATOR.iter_errors(log(judged))] == []


def test_the_schema_would_object():
    document = log(judge())
    document["runs"][0]["results"][0]["verdict"] = "PASS"

    assert not VALIDATOR.is_valid(document)


def test_each_verdict_has_its_kind_and_only_failures_a_level():
    run = only(judge(**MIXED))

    found = {each["ruleId"]: (each["kind"], each["level"]) for each in run["results"]}
    assert found["T-EVA-01"] == found["T-PRV-01"] == ("fail", "error")
    assert found["T-POI-01"] == ("open", "none")
    assert {found[name] for name in found.keys() - {"T-EVA-01", "T-PRV-01", "T-POI-01"}} == {
        ("pass", "none")
    }
    assert len(found) == 1 + sum(each.subject == "model" for each in SHIPPED.thresholds)


@pytest.mark.parametrize(
    ("judged", "code", "words"),
    [
        (judge(), 0, "PASS"),
        (judge(blocked=("T-EVA-01",)), 1, "BLOCK"),
        (judge(missing=("T-EVA-01",)), 3, "NOT_EVALUATED"),
        (judge(blocked=("T-EVA-01",), waivers=(WAIVER,)), 0, "PASS with 1 waiver"),
    ],
    ids=["pass", "block", "not evaluated", "waived"],
)
def test_the_invocation_ends_as_the_gate_does(judged, code, words):
    run = only(judged)

    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["exitCodeDescription"]) == (code, words)
    assert invocation["executionSuccessful"] is True
    assert run["properties"]["verdict"] == words


def test_what_was_not_evaluated_is_notified_as_well():
    run = only(judge(missing=("T-POI-01",)))

    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["associatedRule"]["id"] == "T-POI-01"
    assert "not evaluated" in notification["message"]["text"]


def test_a_result_says_what_was_measured():
    run = only(judge(blocked=("T-EVA-01",)))
    expected = measured(threshold("T-EVA-01"), good=False)

    properties = result_of(run, "T-EVA-01")["properties"]
    assert properties["value"] == expected.value
    assert properties["judged"] == expected.interval.low
    assert properties["bound"] == threshold("T-EVA-01").bound
    assert properties["n"] == expected.n
    assert properties["interval"] == {
        "low": expected.interval.low,
        "high": expected.interval.high,
        "level": 0.95,
        "method": "wilson",
    }
    assert properties["measured"] == expected.label()


def test_without_the_outcomes_there_is_no_interval_and_nothing_made_up():
    properties = result_of(only(judge(outcomes=())), "T-EVA-01")["properties"]

    assert "value" in properties
    assert not properties.keys() & {"interval", "n"}


def test_a_value_that_is_no_number_stays_out_of_the_json():
    judged = judge()
    criteria = tuple(
        replace(each, value=float("nan"), judged=float("inf")) for each in judged.decision.criteria
    )
    document = log(replace(judged, decision=replace(judged.decision, criteria=criteria)))

    json.dumps(document, allow_nan=False)
    assert VALIDATOR.is_valid(document)


def test_a_rule_says_why_what_bound_and_how_measured():
    rule = rule_of(only(judge()), "T-EVA-01")
    expected = threshold("T-EVA-01")

    assert rule["shortDescription"]["text"] == expected.label
    assert rule["fullDescription"]["text"] == expected.why
    for part in (expected.why, expected.label, expected.evaluation, "R-EVA-01"):
        assert part in rule["help"]["text"]


def test_the_further_demands_of_a_criterion_stand_in_its_rule():
    stricter = replace(threshold("T-EVA-01"), least_n=500, effort={"samples": 200.0}, oldest_days=9)
    registers = replace(REGISTERS, thresholds=(stricter,))

    text = rule_of(only(judge(), registers=registers), "T-EVA-01")["help"]["text"]
    assert "n of at least 500; samples of at least 200; measured not more than 9 days ago" in text


def test_the_severity_of_a_rule_is_that_of_its_worst_risk():
    rule = rule_of(only(judge()), "T-EVA-01")
    risk = SHIPPED.risks["R-EVA-01"]

    severity = rule["properties"]["security-severity"]
    assert severity == f"{risk.likelihood * risk.impact / 2.5:.1f}"
    assert 0 < float(severity) <= 10


def test_a_rule_is_related_to_every_framework_id_of_its_risk():
    run = only(judge())
    risk = SHIPPED.risks["R-EVA-01"]

    found = set()
    for relationship in rule_of(run, "T-EVA-01")["relationships"]:
        target = relationship["target"]
        taxonomy = run["taxonomies"][target["toolComponent"]["index"]]
        assert taxonomy["name"] == target["toolComponent"]["name"]
        assert taxonomy["taxa"][target["index"]]["id"] == target["id"]
        found.add(target["id"])
    assert found == {risk.nist_id, *risk.atlas_ids, *risk.owasp_ids}
    assert found <= set(rule_of(run, "T-EVA-01")["properties"]["tags"])


def test_taxonomies_carry_their_edition():
    agent = Subject("agent", "support-agent", "sha256:rfc8785:cc")
    run = only(judge(subject=agent))

    assert [(each["name"], each.get("version")) for each in run["taxonomies"]] == [
        ("MITRE ATLAS", None),
        ("NIST AI 100-2", "E2025"),
        ("OWASP Machine Learning Security Top 10", "2023"),
        ("OWASP Top 10 for Agentic Applications", "2026"),
        ("OWASP Top 10 for Large Language Model Applications", "2025"),
    ]
    assert run["tool"]["driver"]["supportedTaxonomies"] == [
        {"name": each["name"], "index": index} for index, each in enumerate(run["taxonomies"])
    ]


def test_every_framework_id_of_the_register_has_a_taxonomy():
    every = tuple(
        replace(threshold("T-EVA-01"), id=f"T-ALL-{index:02}", risk=risk)
        for index, risk in enumerate(SHIPPED.risks)
    )
    judged = judge()
    criteria = tuple(
        replace(judged.decision.criteria[0], criterion=each.id, risks=(each.risk,))
        for each in every
    )
    judged = replace(judged, decision=replace(judged.decision, criteria=criteria))
    run = only(judged, registers=replace(REGISTERS, thresholds=every))

    found = [taxon["id"] for taxonomy in run["taxonomies"] for taxon in taxonomy["taxa"]]
    expected = {
        entry
        for risk in SHIPPED.risks.values()
        for entry in (risk.nist_id, *risk.atlas_ids, *risk.owasp_ids)
    }
    assert sorted(found) == sorted(expected - {None})


def test_a_waived_failure_is_suppressed_with_its_reason_and_its_end():
    run = only(judge(blocked=("T-EVA-01", "T-PRV-01"), waivers=(WAIVER,)))

    waived, other = result_of(run, "T-EVA-01"), result_of(run, "T-PRV-01")
    assert waived["kind"] == "fail"
    assert waived["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "W-001: Nobody outside the lab can reach it (owner ml-engineering, "
            "approved by security, until 2026-12-31)",
        }
    ]
    assert "suppressions" not in other


def test_a_result_points_at_the_line_of_its_criterion():
    run = only(judge())
    text = THRESHOLDS_FILE.read_text(encoding="utf-8").splitlines()

    for each in run["results"]:
        (place,) = each["locations"]
        physical = place["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == "registers/thresholds.yaml"
        if each["ruleId"].startswith("T-"):
            assert text[physical["region"]["startLine"] - 1] == f"- id: {each['ruleId']}"
        else:
            assert "region" not in physical
        (logical,) = place["logicalLocations"]
        assert logical["fullyQualifiedName"] == f"model/mlp-hardened@{MODEL.digest}"


def test_lines_are_refused_of_what_is_no_yaml():
    assert criterion_lines(b"- id: T-EVA-01\n  why: x\n- id: T-EVA-02\n") == {
        "T-EVA-01": 1,
        "T-EVA-02": 3,
    }
    with pytest.raises(Misconfigured):
        criterion_lines(b"- {")


def test_fingerprints_do_not_depend_on_the_run():
    def fingerprints(judged):
        return {
            each["ruleId"]: each["partialFingerprints"]["subjectAndCriterion/v1"]
            for each in only(judged)["results"]
        }

    first = fingerprints(judge())
    again = fingerprints(
        judge(**MIXED, run="another", bundle="other", subject=replace(MODEL, digest="sha256:x"))
    )
    assert first == again
    assert len(set(first.values())) == len(first)
    other = fingerprints(judge(subject=replace(MODEL, name="mlp")))
    assert not set(first.values()) & set(other.values())


def test_subjects_are_runs_of_their_own_in_categories_of_their_own():
    agent = Subject("agent", "support/agent", "sha256:rfc8785:cc")
    document = log(judge(), judge(subject=agent))

    assert VALIDATOR.is_valid(document)
    assert [run["automationDetails"]["id"] for run in document["runs"]] == [
        "seclab-gate/model/mlp-hardened/0123abcd",
        "seclab-gate/agent/support%2Fagent/0123abcd",
    ]


def test_the_run_names_its_evidence_and_whether_it_is_signed():
    properties = only(judge())["properties"]
    assert (properties["bundle"], properties["run"]) == (BUNDLE, "0123abcd")
    assert properties["signature"] == "unsigned"

    signed = only(judge(signed=Signature("k1")))["properties"]
    assert signed["signature"] == "signed by k1 (pipeline, the lab)"

    revoked = only(judge(signed=Signature("k1", problem="revoked")))["properties"]
    assert revoked["signature"] == "signature of k1 (pipeline, the lab) does not count: revoked"


def test_the_same_decision_gives_the_same_bytes():
    assert json.dumps(log(judge(**MIXED))) == json.dumps(log(judge(**MIXED)))


def messages(document):
    for run in document["runs"]:
        yield from (each["message"]["text"] for each in run["results"])
        for rule in run["tool"]["driver"]["rules"]:
            yield from (rule[key]["text"] for key in ("shortDescription", "fullDescription"))
            yield rule["help"]["text"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_makes_it_invalid_or_becomes_a_link_or_a_placeholder(text):
    document = log(hostile(text))

    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    for message in messages(document):
        assert "](" not in message
        assert "{" not in message.replace("{{", "")
        assert "\0" not in message
        assert "\u202e" not in message


@settings(max_examples=20)  # the schema takes a tenth of a second
@given(st.text(st.characters(), max_size=30))
def test_any_text_gives_a_valid_document(text):
    document = json.loads(json.dumps(log(hostile(text)), allow_nan=False))

    assert VALIDATOR.is_valid(document)
    assert document["runs"][0]["results"][0]["kind"] != "pass"
    verdicts = {each["properties"]["verdict"] for each in document["runs"][0]["results"]}
    assert verdicts == set(Verdict)


@pytest.mark.parametrize("module", ["sarif", "junit", "pull_request"])
def test_nothing_but_the_base_installation_is_needed(module):
    code = f"import sys; from seclab.reports import render_{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "seclab" in loaded
    assert not loaded & {"jinja2", "matplotlib", "mlflow", "prefect", "great_expectations"}
