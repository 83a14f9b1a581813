"""The data has a verdict of its own, from what its checks find of known poison."""

import json
import logging

import pytest

from seclab import tracking
from seclab.evidence import outcomes_of

pytestmark = pytest.mark.flow

DATA = {"evaluations": ["poisoning_detection"]}
BOTH = {"models": ["softmax-regression"], "evaluations": ["random_noise", "poisoning_detection"]}
KEPT = ("T-EVA-03", "T-POI-02", "T-POI-06")


@pytest.fixture
def told():
    """What people who watch are told, by its first word."""
    logger, lines = logging.getLogger("seclab.progress"), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    yield lambda word: [line for line in lines if line.startswith(word)]
    logger.removeHandler(handler)


@pytest.fixture
def gated(lab):
    """A project that asks little: noise of models, and that the data's poison is found."""
    lab.loosen()
    lab.rewrite("thresholds.yaml", lambda criteria: [c for c in criteria if c["id"] in KEPT])
    return lab


def _origins(lab, state):
    run = lab.runs(state)["digits"]
    return run, [outcome.reused_from for outcome in outcomes_of(lab.bundle(run))]


def test_a_result_about_the_data_is_reused_until_its_checks_change(lab):
    first, none = _origins(lab, lab.evaluate(**DATA))
    _, reused = _origins(lab, lab.evaluate(**DATA))
    suite = lab.root / "expectations" / "digits.json"
    document = json.loads(suite.read_text(encoding="utf-8"))
    document["expectations"][0]["notes"] = "A note is a change too."
    suite.write_text(json.dumps(document), encoding="utf-8")
    _, anew = _origins(lab, lab.evaluate(**DATA))

    assert (none, anew) == ([None], [None])
    assert [origin.run for origin in reused] == [first.run_id]


def test_a_model_is_promoted_when_its_data_passed_and_otherwise_not(gated, told):
    def strict(criteria):
        return [c | ({"least_n": 2} if c["id"] == "T-POI-02" else {}) for c in criteria]

    gated.rewrite("thresholds.yaml", strict)
    refused = gated.evaluate(**BOTH)

    runs = gated.runs(refused)
    assert (runs["softmax-regression"].verdict, runs["digits"].verdict) == ("PASS", "NOT_EVALUATED")
    assert (refused.type.value, refused.name) == ("FAILED", "NotEvaluated")
    assert tracking.champion(gated.store, "digits") is None
    assert told("refused ") == [
        "refused  no model is promoted: their data, digits, is NOT_EVALUATED"
    ]

    gated.loosen()
    passed = gated.evaluate(**BOTH)

    assert {run.verdict for run in gated.runs(passed).values()} == {"PASS"}
    assert passed.type.value == "COMPLETED"
    assert tracking.champion(gated.store, "digits") is not None
