"""The tags that `seclab risks` is read from, held against the bundle."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from seclab.evidence import decision_of, outcomes_of, read, reports_of
from seclab.shelf.contents import summary
from seclab.shelf.verdicts import measured_tags, risk_tags, tag_differences
from tests.conftest import ROOT

GOLDEN = ROOT / "tests/golden/2026-11-22/mlp-hardened/evidence/bundle.json"


@pytest.fixture(scope="module")
def bundle():
    """A bundle in which one evaluation was taken over from an earlier run."""
    document = json.loads(GOLDEN.read_bytes())
    (reused,) = [
        outcome
        for outcome in document["predicate"]["evaluations"]
        if outcome["evaluation"] == "random_noise"
    ]
    reused["reused_from"] = {"run": "ab" * 16, "bundle": "sha256:rfc8785:" + "0" * 64}
    measured = datetime.fromisoformat(reused["measured_at"]) - timedelta(days=30)
    reused["measured_at"] = measured.isoformat()
    return read(json.dumps(document))


@pytest.fixture(scope="module")
def run(bundle):
    """The run of that bundle, with the tags that belong to it."""
    predicate, decision = bundle.predicate, decision_of(bundle)
    outcomes = outcomes_of(bundle)
    tags = {
        "seclab.verdict": str(decision.verdict),
        "seclab.kind": "model",
        "seclab.subject": "mlp-hardened",
        "seclab.profile": predicate["profile"],
        "bundle.digest": str(bundle.digest),
        **risk_tags(decision, outcomes, reports_of(bundle)),
        **measured_tags(outcomes),
    }
    started = datetime.fromisoformat(predicate["started"]).timestamp() * 1000
    name = f"{decision.verdict} mlp-hardened v1"
    return summary("cd" * 16, name=name, status="FINISHED", started=int(started), tags=tags)


def test_tags_that_say_what_the_bundle_says_are_no_difference(run, bundle):
    assert set(run.measured) == {"R-EVA-02"}
    assert tag_differences(run, bundle) == []


def test_a_reused_result_that_is_made_to_look_newer_is_named(run, bundle):
    (difference,) = tag_differences(replace(run, measured={}), bundle)

    assert difference.startswith("tag measured.R-EVA-02: expected 20")

    now = datetime.fromisoformat(bundle.predicate["finished"])
    (difference,) = tag_differences(replace(run, measured={"R-EVA-02": now}), bundle)

    assert difference.endswith(f"found {now.isoformat()}")


def test_a_risk_that_is_made_to_pass_is_named(run, bundle):
    (difference,) = tag_differences(replace(run, risks=run.risks | {"R-EVA-02": "block"}), bundle)

    assert difference == "tag risk.R-EVA-02: expected pass by the bundle, found block"
