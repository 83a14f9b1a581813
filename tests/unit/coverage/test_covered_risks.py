"""The state of a risk: what its newest evidence says, and what is missing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from seclab.coverage import WORST_FIRST
from seclab.registers import NEVER_TESTED
from tests.covering import NOW, bundle_of, covered, run, shelf_of, system, with_risk
from tests.runs import REGISTERS, ROBUST, finished

PASSED = run("mlp", R_EVA_01="pass")
FAILED = run("random-forest", R_EVA_01="block")


def _state(*runs, **how):
    return covered(*runs, **how).risks["R-EVA-01"].state


@pytest.mark.parametrize(
    ("runs", "state"),
    [
        ([PASSED], "passed"),
        ([PASSED, FAILED], "failed"),
        ([run("mlp", days=91, R_EVA_01="pass")], "stale"),
        ([run("mlp", days=91, R_EVA_01="block")], "failed"),
        ([PASSED, run("softmax-regression", days=91, R_EVA_01="pass")], "stale"),
        ([run("mlp", R_EVA_01="measured")], "skipped"),
        ([PASSED, run("softmax-regression", R_EVA_01="measured")], "skipped"),
        ([run("mlp", R_EVA_01="splendid")], "errored"),
        ([run("mlp", R_EVA_01="not-evaluated")], "errored"),  # a check broke
        ([run("mlp", R_EVA_02="pass")], "never-tested"),
        ([run("somebody", R_EVA_01="pass")], "never-tested"),
        ([run("mlp", days=2, R_EVA_01="block"), PASSED], "passed"),
        ([], "never-tested"),
    ],
)
def test_the_worst_of_the_newest_evidence_of_each_subject_counts(runs, state):
    assert _state(*runs) == state


def test_the_evidence_behind_a_state_is_named_the_worst_first():
    found = covered(PASSED, FAILED).risks["R-EVA-01"]

    assert [(link.subject, link.state, link.verdict) for link in found.evidence] == [
        ("random-forest", "failed", "block"),
        ("mlp", "passed", "pass"),
    ]
    link = found.evidence[1]
    assert (link.run_id, link.age_days, link.limit_days) == (PASSED.run_id, 1.0, 90)
    assert link.page == f"http://127.0.0.1/#/runs/{PASSED.run_id}"
    assert found.reason == "failed on random-forest"


def test_every_subject_of_the_system_that_an_evaluation_measures_needs_evidence():
    both = [system("lab", subjects=["mlp", "softmax-regression"])]
    missing = covered(PASSED, models=both).risks["R-EVA-01"]

    assert (missing.state, missing.missing) == ("never-tested", ("softmax-regression",))
    assert missing.reason == "no evidence about softmax-regression"
    also = run("softmax-regression", R_EVA_01="pass")
    assert _state(PASSED, also, models=both) == "passed"


def test_a_subject_of_a_kind_that_nothing_measures_for_the_risk_is_not_asked():
    bars = run("bars", kind="dataset", R_POI_02="pass")
    lab = [system("lab", subjects=["mlp", "bars"])]

    assert _state(PASSED, bars, models=lab) == "passed"
    assert _state(PASSED, models=lab) == "never-tested"  # of what kind bars are nobody knows


def test_evidence_about_one_system_is_none_about_another():
    lab, mail = system("lab", subjects=["mlp"]), system("mail", subjects=["agent"])
    found = covered(PASSED, models=[lab, mail])

    assert (found.risks["R-EVA-01"].state, found.risks["R-EVA-01"].missing) == (
        "never-tested",
        ("system mail",),
    )
    assert found.systems["lab"].state == "passed"
    assert found.systems["mail"].state == "never-tested"
    assert found.risks["R-EVA-01"].systems == ("lab", "mail")


def test_a_system_without_a_subject_is_a_gap_whatever_else_passes():
    found = covered(PASSED, models=[system("lab", subjects=["mlp"]), system("spam")])

    assert found.systems["spam"].state == "never-tested"
    assert found.systems["spam"].reason.startswith("it has no subject that is evaluated")
    said = [gap.sentence for gap in found.gaps if gap.kind == "system"]
    assert said == ["System spam has no subject that is evaluated."]


def test_a_risk_is_out_of_scope_where_every_system_leaves_it_out_with_a_reason():
    out = system("lab", risks=[], leaves_out=["R-EVA-01"])
    found = covered(models=[out]).risks["R-EVA-01"]

    assert (found.state, found.reason) == ("out-of-scope", "lab: it has none")
    assert _state(models=[out, system("mail", risks=[])]) == "never-tested"


def test_nothing_is_hidden_by_leaving_it_out():
    out = system("lab", risks=[], leaves_out=["R-EVA-01"])

    assert _state(FAILED, models=[out]) == "failed"
    assert _state(models=[out, system("mail", risks=["R-EVA-01"])]) == "never-tested"


def test_a_system_hides_nothing_of_its_own_subjects_by_leaving_it_out():
    lab = system("lab", risks=[], subjects=["mlp"], leaves_out=["R-EVA-01", "R-EVA-02"])
    mail = system("mail", subjects=["random-forest"])
    found = covered(run("mlp", R_EVA_01="block"), FAILED, models=[lab, mail]).systems

    assert found["lab"].members == {"R-EVA-01": "failed", "R-EVA-02": "out-of-scope"}
    assert found["lab"].state == "failed"
    assert [link.subject for link in found["lab"].evidence] == ["mlp"]


@pytest.fixture
def broken(tmp_path):
    """A store with a run in which one evaluation broke and the other was measured."""
    made = finished(tmp_path, noise=None)
    summary = replace(
        run("softmax-regression", R_EVA_01="pass", R_EVA_02="not-evaluated"),
        bundle_digest=str(made.bundle.digest),
    )
    return summary, shelf_of(summary, bundles={summary.run_id: made.bundle})


def test_what_broke_is_told_from_what_was_left_out_by_the_bundle(broken):
    found = covered(shelf=broken[1]).risks

    assert found["R-EVA-02"].state == "errored"
    assert "random_noise was errored: ValueError: broke" in found["R-EVA-02"].reason
    assert found["R-EVA-01"].state == "passed"


def test_a_bundle_that_is_not_the_recorded_one_says_nothing(broken):
    summary, shelf = broken
    other = replace(summary, bundle_digest="sha256:rfc8785:bb")
    found = covered(shelf=shelf_of(other, bundles=shelf.bundles)).risks["R-EVA-02"]

    assert (found.state, "is not the recorded one" in found.reason) == ("errored", True)


def test_a_tag_alone_proves_nothing():
    gone = shelf_of(PASSED, bundles={PASSED.run_id: None})
    found = covered(shelf=gone).risks["R-EVA-01"]
    assert (found.state, found.score.residual) == ("errored", 12)
    assert "holds no evidence" in found.reason

    other = bundle_of(replace(PASSED, risks={"R-EVA-01": "measured"}))
    found = covered(shelf=shelf_of(PASSED, bundles={PASSED.run_id: other})).risks["R-EVA-01"]
    assert (found.state, found.score.residual) == ("errored", 12)
    assert "the tag of the run says 'pass', and its bundle measured" in found.reason


@pytest.mark.parametrize("days", [1, 91])
def test_what_failed_by_its_bundle_has_failed_whatever_the_tag_says(days):
    said = run("mlp", days=days, R_EVA_01="pass")
    held = bundle_of(replace(said, risks={"R-EVA-01": "block"}))

    assert _state(shelf=shelf_of(said, bundles={said.run_id: held})) == "failed"


def test_a_run_that_was_killed_is_no_evidence():
    killed = replace(run("mlp", days=1, R_EVA_01="pass"), status="KILLED")
    found = covered(killed, run("mlp", days=2, R_EVA_01="block")).risks["R-EVA-01"]

    assert (found.state, [point.verdict for point in found.trend]) == ("failed", ["block"])


def test_only_fresh_passing_evidence_lowers_a_score():
    assert covered(PASSED).risks["R-EVA-01"].score.residual == 4  # 3 - 2 steps, times 4
    for runs in ([], [FAILED], [run("mlp", days=91, R_EVA_01="pass")]):
        assert covered(*runs).risks["R-EVA-01"].score.residual == 12


def test_checks_alone_count_less_than_criteria():
    found = covered(run("mlp", R_POI_02="pass")).risks["R-POI-02"].score
    assert (found.strength, found.residual) == ("checks", 8)  # no threshold is about it
    by_checks = shelf_of(PASSED, bundles={PASSED.run_id: bundle_of(PASSED, checks=["R-EVA-01"])})
    found = covered(shelf=by_checks).risks["R-EVA-01"].score
    assert (found.strength, found.residual) == ("checks", 8)  # a threshold came after the run
    on_data = covered(PASSED, run("bars", kind="dataset", R_EVA_01="pass")).risks["R-EVA-01"].score
    assert on_data.strength == "checks"


def test_the_target_is_that_of_the_systems_and_the_strictest_where_there_is_none():
    assert covered().risks["R-EVA-01"].score.target == 4
    assert covered(models=[system("lab")]).risks["R-EVA-01"].score.target == 12


def test_the_trend_has_a_point_for_each_command_with_the_score_it_left():
    runs = (
        run("mlp", days=9, batch="a", R_EVA_01="pass"),
        run("random-forest", days=8, batch="a", R_EVA_01="block"),
        run("random-forest", days=7, batch="b", R_EVA_01="pass"),
        run("mlp", days=6, R_EVA_02="block"),
    )
    found = covered(*runs).risks["R-EVA-01"].trend

    assert [(point.verdict, point.residual) for point in found] == [("block", 12), ("pass", 4)]
    assert [point.run_id for point in found] == [runs[1].run_id, runs[2].run_id]
    assert found[0].at == NOW - timedelta(days=8)


def test_the_trend_lowers_no_score_while_a_system_has_no_evidence():
    first, second = run("mlp", days=9, R_EVA_01="pass"), run("agent", days=2, R_EVA_01="pass")
    both = [system("lab", subjects=["mlp"]), system("mail", subjects=["agent"])]
    found = covered(first, second, models=both).risks["R-EVA-01"]

    assert [point.residual for point in found.trend] == [12, 4]
    assert (found.state, found.score.residual) == ("passed", 4)


def test_the_trend_forgets_no_subject_however_often_another_one_ran():
    often = [replace(PASSED, run_id=f"{n}", started=NOW - timedelta(hours=n)) for n in range(200)]
    found = covered(*often, run("random-forest", days=60, R_EVA_01="block")).risks["R-EVA-01"]

    assert {(point.verdict, point.residual) for point in found.trend} == {("block", 12)}


def test_the_trend_keeps_the_last_points():
    runs = [run("mlp", days=days, R_EVA_01="pass") for days in range(1, 30)]
    found = covered(*runs).risks["R-EVA-01"].trend

    assert len(found) == 12
    assert found[-1].at == NOW - timedelta(days=1)


def test_a_stricter_threshold_makes_evidence_stale_for_its_own_risk_alone():
    strict = replace(REGISTERS, thresholds=(replace(ROBUST, oldest_days=3),))
    found = covered(run("mlp", days=4, R_EVA_01="pass", R_EVA_02="pass"), registers=strict)

    assert (found.risks["R-EVA-01"].state, found.risks["R-EVA-02"].state) == ("stale", "passed")


def test_asset_classes_count_what_is_in_them_and_none_is_left_out():
    found = covered(PASSED).asset_classes

    assert list(found) == [
        *("training-data", "model-artifact", "prediction-interface"),
        *("context-system", "feedback-loop"),
    ]
    assert found["prediction-interface"].tally.in_scope == 3
    assert found["prediction-interface"].tally.share == pytest.approx(1 / 3)
    assert found["prediction-interface"].state == "never-tested"
    assert found["feedback-loop"].tally.share is None
    assert found["feedback-loop"].state == "never-tested"


def test_gaps_are_sentences_the_worst_first():
    untested = with_risk("R-PRV-02", evidence=NEVER_TESTED, title="Reconstruction", likelihood=5)
    found = covered(FAILED, run("mlp", R_POI_02="measured"), registers=untested).gaps
    risks = [gap for gap in found if gap.kind == "risk"]

    assert [gap.subject for gap in risks] == ["R-EVA-01", "R-POI-02", "R-PRV-02", "R-EVA-02"]
    assert risks[2].sentence == "R-PRV-02 Reconstruction was never tested: nothing measures it."
    ranks = [WORST_FIRST.index(gap.state) for gap in found]
    assert ranks == sorted(ranks)
