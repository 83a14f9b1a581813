"""Broken and poisoned data is stopped before training, and the refusal is evidence."""

import dataclasses
import json

import numpy as np
import pytest

from seclab import datasets, tracking
from seclab.errors import InvalidData, Misconfigured, NotEvaluated
from seclab.evidence import outcomes_of, reports_of, traced, verify
from seclab.measurement import CheckStatus
from seclab.shelf.verdicts import tag_differences

pytestmark = pytest.mark.flow


def _not_a_number(features, labels):
    features[5, 20] = np.nan
    return features, labels


def _infinite_pixel(features, labels):
    features[6, 20] = np.inf
    return features, labels


def _pixel_out_of_range(features, labels):
    features[7, 20] = 16.5
    return features, labels


def _unknown_label(features, labels):
    labels[8] = 10
    return features, labels


def _class_missing(features, labels):
    return features[labels != 4], labels[labels != 4]


def _conflicting_labels(features, labels):
    features[9] = features[10]
    labels[9] = (labels[10] + 1) % 10
    return features, labels


def _changed_pixel(features, labels):
    features[11, 20] = 15.0 if features[11, 20] != 15.0 else 14.0
    return features, labels


def _flipped_label(features, labels):
    labels[12] = (labels[12] + 1) % 10
    return features, labels


UNEXPLAINED = "expect_changes_to_be_explained"
# What that says of the rows, and the rows of it that are here.
TOLD = {
    _not_a_number: ("1 changed (rows 5)", (5,)),
    _infinite_pixel: ("1 changed (rows 6)", (6,)),
    _pixel_out_of_range: ("1 changed (rows 7)", (7,)),
    _unknown_label: ("1 relabelled (rows 8; 8 to undeclared label 10)", (8,)),
    _class_missing: ("181 removed (rows 4 14 24 ", ()),
    _conflicting_labels: ("1 changed (rows 9; 9 to 1)", (9,)),
    _changed_pixel: ("1 changed (rows 11)", (11,)),
    _flipped_label: ("1 relabelled (rows 12; 2 to 3)", (12,)),
}
FAULTS = {
    _not_a_number: {"expect_features_to_be_finite"},
    _infinite_pixel: {"expect_features_to_be_finite", "expect_features_to_be_in_range"},
    _pixel_out_of_range: {"expect_features_to_be_in_range"},
    _unknown_label: {"expect_labels_to_match_set"},
    _class_missing: {"expect_labels_to_match_set"},
    _conflicting_labels: {"expect_labels_to_be_consistent"},
    _changed_pixel: set(),
    _flipped_label: set(),
}


@pytest.fixture
def poisoned(monkeypatch):
    """Let the loader give other digits."""

    def poison(fault):
        genuine = datasets.digits()
        features, labels = fault(genuine.features.copy(), genuine.labels.copy())
        changed = genuine.with_rows(features, labels)
        monkeypatch.setitem(datasets.LOADERS, "digits", lambda: changed)

    return poison


@pytest.mark.parametrize(
    "fault",
    [
        _not_a_number,
        _conflicting_labels,
        _flipped_label,
        *(
            pytest.param(fault, marks=pytest.mark.exhaustive)
            for fault in (
                _infinite_pixel,
                _pixel_out_of_range,
                _unknown_label,
                _class_missing,
                _changed_pixel,
            )
        ),
    ],
    ids=lambda fault: fault.__name__.removeprefix("_").replace("_", "-"),
)
def test_broken_data_is_refused_before_training_and_the_refusal_is_sealed(lab, poisoned, fault):
    poisoned(fault)

    state = lab.evaluate()

    assert (state.type.value, state.name) == ("FAILED", "GateFailed")
    assert state.message == "BLOCK digits"
    [run] = lab.everything_without_children()
    summary = tracking.find_run(lab.store, run.info.run_id)
    assert (summary.verdict, summary.kind, summary.status) == ("BLOCK", "dataset", "FINISHED")
    assert run.info.run_name.startswith("BLOCK digits quick ")
    assert lab.store.client.search_registered_models() == []
    assert tracking.champion(lab.store, "digits") is None

    bundle, folder = tracking.load_bundle(lab.store, summary)
    assert verify(bundle, expected_digest=summary.bundle_digest, artifacts=folder) == []
    [report] = reports_of(bundle)
    failed = {
        result.expectation for result in report.results if result.status is CheckStatus.FAILED
    }
    assert failed >= FAULTS[fault] | {UNEXPLAINED}
    assert {result.expectation for result in report.stopping()} >= FAULTS[fault] | {UNEXPLAINED}
    told, rows = TOLD[fault]
    change = next(r for r in report.results if r.expectation == UNEXPLAINED)
    assert told in change.observed
    assert change.rows == rows
    [origin] = traced(bundle.predicate)
    assert (origin.dataset, origin.covered) == ("digits", 0)
    assert run.data.metrics["custody/coverage"] == 0.0
    blocked = {risk for result in report.stopping() for risk in result.risks}
    assert {risk for risk, word in summary.risks.items() if word == "block"} == blocked
    [child] = [each for each in lab.everything() if "mlflow.parentRunId" in each.data.tags]
    assert child.data.tags["seclab.evaluation"] == "data_checks.digits"
    assert child.data.metrics["data_checks.digits/failed"] == len(failed)
    changed = datasets.load("digits").fingerprint()
    assert bundle.predicate["subject"]["digest"] == str(changed.ordered)
    assert run.data.tags["dataset.digits.digest"] == str(changed.ordered)


def test_poison_put_in_on_purpose_is_found_and_ends_blocked_with_the_rows_in_the_evidence(lab):
    state = lab.evaluate(poison="patch", poison_rate=0.02)

    assert (state.name, state.message) == ("GateFailed", "BLOCK digits")
    run = lab.runs(state)["digits"]
    bundle = lab.bundle(run)
    poison = bundle.predicate["description"]["poison"]
    assert (poison["kind"], poison["rate"], len(poison["rows"])) == ("patch", 0.02, 29)
    [report] = reports_of(bundle)
    found = next(r for r in report.results if r.expectation == "expect_no_shared_patterns")
    assert found.status is CheckStatus.FAILED
    assert len(set(found.rows) & set(poison["rows"])) >= 23
    assert found.patterns[0].label == poison["target"]
    assert not list(lab.root.glob("mlruns/artifacts/*/artifacts/quarantine"))
    # It is no evidence about the digits as they are.
    assert run.risks == {}
    assert tracking.StoreShelf(lab.store).newest(risks=["R-POI-01"], subjects=["digits"]) == []
    assert tag_differences(run, bundle) == []
    assert lab.store.client.search_registered_models() == []
    _holds_what_came_of_repair(bundle, len(poison["rows"]))


def _holds_what_came_of_repair(bundle, rows):
    """Recall, false alarms, attack and accuracy before and after, of this very set."""
    [outcome] = outcomes_of(bundle)
    assert (outcome.parameters["kinds"], outcome.parameters["sets"]) == ("patch", 1)
    measured = {m.metric: m for m in outcome.measurements if m.parameters.get("kind") == "patch"}
    assert {m.parameters["poison_rate"] for m in measured.values()} == {0.02}
    assert measured["row_recall"].n == rows
    assert measured["row_recall"].value > 0.8
    assert measured["clean_row_false_alarm_rate"].value < 0.01
    assert (
        measured["attack_success_rate_before"].value > measured["attack_success_rate_after"].value
    )
    assert {"clean_accuracy_before", "clean_accuracy_after"} <= measured.keys()
    digest = bundle.predicate["subject"]["digest"]
    assert {m.subject_digest for m in measured.values()} == {digest}


def test_poison_that_the_checks_let_pass_is_measured_and_sealed_and_never_a_pass(lab):
    suite = lab.root / "expectations" / "digits.json"
    document = json.loads(suite.read_text(encoding="utf-8"))
    document["expectations"] = [
        each for each in document["expectations"] if each["type"] == "expect_features_to_be_finite"
    ]
    suite.write_text(json.dumps(document), encoding="utf-8")

    state = lab.evaluate(poison="patch", poison_rate=0.01)

    assert (state.type.value, state.name) == ("FAILED", "Failed")
    error = state.result(raise_on_failure=False)
    assert isinstance(error, NotEvaluated)
    assert "the checks let patch at rate 0.01 pass: see `seclab show " in str(error)
    run = lab.runs(state)["digits"]
    assert (run.verdict, run.status) == ("NOT_EVALUATED", "FINISHED")
    [outcome] = outcomes_of(lab.bundle(run))
    assert "patch at 0.01 (0 of 1 sets found, 0% of the rows named)" in outcome.notes[0]


def test_a_rate_that_poisons_no_row_is_a_clear_error_and_leaves_no_run(lab):
    state = lab.evaluate(poison="patch", poison_rate=0.0001)

    error = state.result(raise_on_failure=False)
    assert isinstance(error, Misconfigured)
    assert "rate 0.0001 poisons no row of 1437: give a higher one" in str(error)
    assert lab.everything() == []


def test_splits_that_share_an_image_are_refused_before_training(lab, monkeypatch):
    splits = datasets.split(datasets.load("digits"), seed=0)
    leaking = dataclasses.replace(
        splits,
        train=splits.train.with_rows(
            np.vstack([splits.train.features, splits.test.features[:1]]),
            np.append(splits.train.labels, splits.test.labels[0]),
        ),
    )
    monkeypatch.setattr(datasets, "split", lambda *_arguments, **_seed: leaking)

    state = lab.evaluate()

    assert (state.name, state.message) == ("GateFailed", "BLOCK digits")
    [run] = lab.runs(state).values()
    assert (run.kind, run.risks["R-POI-03"], run.risks["R-POI-04"]) == ("dataset", "block", "pass")
    digits, overlap = reports_of(lab.bundle(run))
    assert not digits.stopping()
    assert [r.expectation for r in overlap.stopping()] == ["expect_splits_to_be_disjoint"]
    assert lab.store.client.search_registered_models() == []


def test_data_of_the_wrong_shape_is_a_clear_error_and_leaves_no_run(lab, monkeypatch):
    def crooked():
        genuine = datasets.digits()
        return genuine.with_rows(genuine.features[:, :60], genuine.labels)

    monkeypatch.setitem(datasets.LOADERS, "digits", crooked)

    state = lab.evaluate()

    assert (state.type.value, state.name) == ("FAILED", "Failed")
    error = state.result(raise_on_failure=False)
    assert isinstance(error, InvalidData)
    assert any("60 columns need as many names, got 64" in problem for problem in error.problems)
    assert lab.everything() == []
