"""What a bundle says, compared with what follows from it."""

import copy
import json
from dataclasses import replace

import pytest

from seclab.evidence import (
    Bundle,
    decide_again,
    decision_of,
    outcomes_of,
    plain,
    reports_of,
    verify,
)
from seclab.fingerprint import of_json
from seclab.gate import Verdict
from tests.runs import REGISTERS, finished, report
from tests.sealed import sealed


def _resealed(document):
    """What a forger can do who may also write the recorded digest."""
    bundle = Bundle(document, of_json(document))
    return verify(bundle, expected_digest=str(bundle.digest))


def test_what_was_sealed_can_be_read_out_again(run):
    pictures = {"tables": (), "figures": ()}

    assert decision_of(run.bundle) == run.assessment.decision
    assert reports_of(run.bundle) == run.reports
    assert outcomes_of(run.bundle) == tuple(replace(o, **pictures) for o in run.outcomes)


def test_what_did_not_run_can_be_read_out_again(tmp_path):
    run = finished(tmp_path, noise=None)

    assert outcomes_of(run.bundle)[1] == run.outcomes[1]


def test_deciding_again_gives_the_same_decision(run):
    assert decide_again(run.bundle) == run.assessment.decision


def test_sealed_numbers_can_be_judged_by_other_criteria(run):
    stricter = tuple(replace(t, bound=0.76) for t in REGISTERS.thresholds)

    decision = decide_again(run.bundle, stricter)

    assert decision.verdict is Verdict.BLOCK
    assert [result.criterion for result in decision.of(Verdict.BLOCK)] == ["T-EVA-01"]


def test_another_digest_is_a_difference_with_both_in_it(run):
    expected = "sha256:rfc8785:" + "0" * 64

    assert verify(run.bundle, expected_digest=expected) == [
        f"bundle: expected digest {expected}, found {run.bundle.digest}"
    ]


def test_a_change_that_touches_no_decision_is_still_seen_by_the_digest(run, document):
    document["predicate"]["profile"] = "deep"

    differences = verify(
        Bundle(document, of_json(document)), expected_digest=str(run.bundle.digest)
    )

    assert len(differences) == 1
    assert differences[0].startswith("bundle: expected digest")


def test_true_is_not_one(run, document):
    """Python calls them equal; a digest must not."""
    assert document["predicate"]["environment"]["git_clean"] is True
    document["predicate"]["environment"]["git_clean"] = 1

    assert document == run.bundle.document
    assert verify(Bundle(document, of_json(document)), expected_digest=str(run.bundle.digest))


def test_a_verdict_that_does_not_follow_is_seen_even_under_a_forged_digest(tmp_path):
    document = copy.deepcopy(finished(tmp_path, robust=0.3).bundle.document)
    document["predicate"]["decision"]["verdict"] = "PASS"

    assert _resealed(document) == ["decision: expected verdict BLOCK, found PASS"]


def test_a_better_number_does_not_give_the_recorded_decision(document):
    evasion = document["predicate"]["evaluations"][0]
    evasion["measurements"][2]["interval"]["low"] = 0.1

    differences = _resealed(document)

    assert "decision: expected verdict BLOCK, found PASS" in differences
    assert "decision: criterion T-EVA-01: expected judged 0.1, found 0.75" in differences


def test_a_loosened_threshold_does_not_give_the_recorded_decision(tmp_path):
    document = copy.deepcopy(finished(tmp_path, robust=0.3).bundle.document)
    document["predicate"]["thresholds"][0]["bound"] = 0.01

    assert "decision: expected verdict PASS, found BLOCK" in _resealed(document)


@pytest.mark.parametrize(
    ("key", "value"), [("risks", ["R-EVA-02"]), ("value", 0.9), ("judged", 0.9), ("bound", 0.1)]
)
def test_a_criterion_that_says_something_else_is_seen(document, key, value):
    document["predicate"]["decision"]["criteria"][0][key] = value

    (difference,) = _resealed(document)

    assert difference.startswith(f"decision: criterion T-EVA-01: expected {key} ")
    assert difference.endswith(f"found {value}")


def test_a_criterion_that_was_left_out_is_seen(document):
    del document["predicate"]["decision"]["criteria"][1]

    assert _resealed(document) == ["decision: criterion T-EVA-02 is missing"]


def test_a_criterion_that_was_made_up_is_seen(document):
    criteria = document["predicate"]["decision"]["criteria"]
    criteria.append(criteria[0] | {"criterion": "T-EVA-99"})

    assert _resealed(document) == [
        "decision: criterion T-EVA-99 follows from nothing in the bundle"
    ]


def test_a_decision_about_another_subject_is_seen(document):
    document["predicate"]["decision"]["subject"]["digest"] = "sha256:bytes:other"

    assert any(d.startswith("decision: expected subject") for d in _resealed(document))


def test_measurements_of_another_model_prove_nothing_about_this_one(document):
    other = "sha256:bytes:other"
    document["predicate"]["subject"]["digest"] = other
    document["predicate"]["decision"]["subject"]["digest"] = other

    assert "decision: expected verdict NOT_EVALUATED, found PASS" in _resealed(document)


def test_a_statement_about_something_else_is_seen(document):
    document["subject"][0]["name"] = "another-model"

    digest = document["predicate"]["subject"]["digest"].rpartition(":")[2]
    assert _resealed(document) == [
        f"statement: expected subject softmax-regression sha256:{digest}, found none",
        f"statement: expected no subject another-model sha256:{digest}, found one",
    ]


def test_a_statement_in_another_order_is_seen(document):
    document["subject"].reverse()

    (difference,) = _resealed(document)

    assert difference.startswith("statement: expected subjects in the order ['softmax-regression")


def test_an_end_before_the_start_is_seen(document):
    document["predicate"]["finished"] = "2026-03-01T12:29:59+00:00"

    assert _resealed(document) == [
        "finished: expected not before 2026-03-01T12:30:00+00:00, found 2026-03-01T12:29:59+00:00"
    ]


def test_a_result_measured_after_the_end_of_its_run_is_seen(document):
    document["predicate"]["evaluations"][0]["measured_at"] = "2031-01-01T00:00:00+00:00"

    finished_at = document["predicate"]["finished"]
    assert (
        f"evasion_linf: expected it measured not after {finished_at}, found "
        "2031-01-01T00:00:00+00:00"
    ) in _resealed(document)


def test_a_rate_that_its_own_samples_do_not_give_is_seen(document):
    (noise,) = document["predicate"]["evaluations"][1]["measurements"]
    noise["per_sample"] = {"samples": f"sha256:rows-ordered/1:{'ab' * 32}", "hits": "1" * 90}
    assert (
        "random_noise: robust_accuracy (attack=strongest, epsilon=0.1): expected 90 of 90 by its "
        "samples, found 0.9 of n=100"
    ) in _resealed(document)

    noise["per_sample"]["hits"] += "0" * 10
    assert _resealed(document) == []


def test_a_rate_of_the_champion_that_its_own_samples_do_not_give_is_seen(tmp_path):
    theirs = {"samples": f"sha256:rows-ordered/1:{'ab' * 32}", "hits": "10"}
    document = copy.deepcopy(sealed(tmp_path).document)
    document["predicate"]["champion"]["measurements"][0]["per_sample"] = theirs

    assert any("expected 1 of 2 by its samples" in found for found in _resealed(document))


def test_two_results_under_one_name_are_both_compared(tmp_path):
    """Two suites may make the same check."""
    document = finished(tmp_path, reports=(report(), report())).bundle.document
    document = copy.deepcopy(document)
    criteria = document["predicate"]["decision"]["criteria"]
    twice = [c for c in criteria if c["criterion"] == "check:rows_are_unique"]
    assert len(twice) == 2
    criteria.remove(twice[0])

    assert _resealed(document) == [
        "decision: criterion check:rows_are_unique: expected 2 results, found 1"
    ]


def test_a_shape_that_is_not_the_schema_s_is_told_with_its_place(document):
    document["predicate"]["seed"] = "seven"

    assert _resealed(document) == ["schema: $.predicate.seed: 'seven' is not of type 'integer'"]


def test_waivers_champion_and_required_evaluations_decide_again(tmp_path):
    bundle = sealed(tmp_path, noise=0.9)

    again = decide_again(bundle)

    assert plain(again) == bundle.predicate["decision"]
    assert again.verdict is Verdict.PASS
    assert [result.criterion for result in again.waived] == ["T-EVA-04"]
    assert {"required:evasion_linf", "T-EVA-05"} <= {result.criterion for result in again.criteria}


def test_without_its_waiver_a_decision_does_not_follow(tmp_path):
    document = copy.deepcopy(sealed(tmp_path, noise=0.9).document)
    document["predicate"]["waivers"] = []

    assert "decision: expected verdict BLOCK, found PASS" in _resealed(document)
    assert "decision: criterion T-EVA-04: expected waiver , found W-001" in _resealed(document)


def test_a_waiver_counts_as_of_the_day_of_sealing(tmp_path):
    document = copy.deepcopy(sealed(tmp_path, noise=0.9).document)
    document["predicate"]["waivers"][0]["until"] = "2026-02-28"

    assert "decision: expected verdict BLOCK, found PASS" in _resealed(document)


@pytest.mark.parametrize(
    "path",
    [
        ["predicate"],
        ["predicate", "decision"],
        ["predicate", "decision", "criteria"],
        ["predicate", "decision", "verdict"],
        ["predicate", "evaluations"],
        ["predicate", "evaluations", 0],
        ["predicate", "evaluations", 0, "measurements"],
        ["predicate", "evaluations", 0, "measurements", 0],
        ["predicate", "evaluations", 0, "status"],
        ["predicate", "checks"],
        ["predicate", "checks", 0, "results"],
        ["predicate", "checks", 0, "results", 0, "status"],
        ["predicate", "thresholds"],
        ["predicate", "thresholds", 0, "bound"],
        ["predicate", "subject"],
        ["predicate", "artifacts"],
    ],
    ids=lambda path: ".".join(map(str, path)),
)
@pytest.mark.parametrize("value", ["missing", None, [], {}, "text", -1, [[]], {"a": "b"}])
def test_a_malformed_part_is_a_difference_and_never_an_exception(
    run, document, folder, path, value
):
    container = document
    for key in path[:-1]:
        container = container[key]
    if value == "missing":
        del container[path[-1]]
    else:
        container[path[-1]] = value
    bundle = Bundle(document, of_json(document))

    assert verify(bundle, expected_digest=str(run.bundle.digest), artifacts=folder)
    assert json.dumps(verify(bundle, expected_digest=str(bundle.digest), artifacts=folder)) != "[]"
