import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.shelf import EmbeddedShelf, RiskEvidence, RunSummary, evidence_by_risk, standings
from tests.runs import LOW, MODELS, REGISTERS, ROBUST
from tests.unit.shelf.conftest import tags_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RUN = RunSummary(
    run_id="0" * 32,
    name="PASS mlp",
    status="FINISHED",
    verdict="PASS",
    kind="model",
    subject="mlp",
    version="1",
    profile="quick",
    batch="new",
    started=NOW - DAY,
    bundle_digest="sha256:rfc8785:aa",
    signed_by="",
    risks={"R-EVA-01": "pass"},
)
FOREST = replace(RUN, subject="random-forest", risks={"R-EVA-01": "block"})
OLD = replace(
    RUN, batch="old", started=NOW - 40 * DAY, risks={"R-EVA-01": "block", "R-POI-02": "pass"}
)
REFUSED = replace(RUN, kind="dataset", subject="bars", risks={"R-EVA-01": "block"})


def _aged(days, word="pass", **changes):
    return replace(RUN, started=NOW - days * DAY, risks={"R-EVA-01": word}, **changes)


def _standings(*runs, registers=REGISTERS, at=NOW):
    return standings(evidence_by_risk(runs, ["R-EVA-01"])["R-EVA-01"], registers, at=at)


def _limited(days, **changes):
    return replace(REGISTERS, thresholds=(replace(ROBUST, oldest_days=days, **changes),))


def test_the_newest_run_that_says_anything_about_a_risk_counts():
    found = evidence_by_risk([RUN, OLD], ["R-EVA-01", "R-POI-02", "R-XXX-01"])

    assert found == {
        "R-EVA-01": RiskEvidence("R-EVA-01", {"mlp": RUN}),
        "R-POI-02": RiskEvidence("R-POI-02", {"mlp": OLD}),
    }
    assert found["R-EVA-01"].run == RUN
    assert found["R-EVA-01"].verdicts == {"mlp": "pass"}


def test_a_run_of_one_subject_hides_no_older_evidence_about_another():
    found = evidence_by_risk([RUN, replace(FOREST, batch="old"), OLD], ["R-EVA-01"])

    assert found["R-EVA-01"].verdicts == {"mlp": "pass", "random-forest": "block"}


def test_a_run_without_a_verdict_is_no_evidence():
    found = evidence_by_risk([replace(RUN, verdict=""), OLD], ["R-EVA-01"])

    assert found["R-EVA-01"].run == OLD


def test_a_refused_dataset_counts_until_it_has_passed_itself():
    mended = replace(REFUSED, verdict="PASS", risks={"R-EVA-01": "pass"})

    def verdicts(*runs):
        return evidence_by_risk(runs, ["R-EVA-01"])["R-EVA-01"].verdicts

    assert verdicts(RUN, REFUSED) == {"bars": "block", "mlp": "pass"}
    assert verdicts(mended, RUN, REFUSED) == {"bars": "pass", "mlp": "pass"}


@pytest.mark.parametrize(("days", "verdict"), [(89.9, "pass"), (90, "pass"), (90.1, "stale")])
def test_evidence_older_than_its_tier_allows_is_stale(days, verdict):
    (found,) = _standings(_aged(days))

    assert (found.verdict, found.limit_days, found.limit_of) == (verdict, 90, "tier low")
    assert found.age_days == pytest.approx(days)
    stale = "90.1 days old, at most 90 are allowed by tier low"
    assert found.stale == (stale if verdict == "stale" else "")


def test_the_strictest_limit_counts_and_is_named():
    (strict,) = _standings(_aged(31), registers=_limited(30))
    (lax,) = _standings(_aged(31), registers=_limited(300))

    assert (strict.verdict, strict.limit_days, strict.limit_of) == ("stale", 30, "T-EVA-01")
    assert (lax.verdict, lax.limit_days) == ("pass", 90)


@pytest.mark.parametrize("change", [{"risk": "R-EVA-02"}, {"subject": "agent"}])
def test_a_threshold_about_something_else_sets_no_limit(change):
    (found,) = _standings(_aged(31), registers=_limited(30, **change))

    assert (found.verdict, found.limit_days) == ("pass", 90)


@pytest.mark.parametrize(
    ("word", "becomes"),
    [
        ("pass", "stale"),
        ("measured", "stale"),
        ("not-evaluated", "stale"),
        ("block", "block"),
        ("splendid", "splendid"),
    ],
)
def test_what_blocked_blocks_at_any_age_and_the_rest_turns_stale(word, becomes):
    (found,) = _standings(_aged(91, word))

    assert found.verdict == becomes
    assert found.stale


def test_the_worst_subject_stands_first():
    found = _standings(
        _aged(1, subject="mlp"),
        _aged(1, "measured", subject="support-agent"),
        _aged(91, subject="softmax-regression"),
        _aged(2, "block", subject="random-forest"),
        _aged(1, "made up", subject="agent"),
    )

    words = [standing.verdict for standing in found]
    assert words == ["made up", "block", "stale", "measured", "pass"]


def test_of_equally_bad_evidence_the_oldest_stands_first():
    found = _standings(_aged(1), _aged(5, subject="random-forest"), _aged(3, subject="agent"))

    assert [standing.age_days for standing in found] == [5, 3, 1]


def test_a_result_that_was_used_again_is_as_old_as_it_is():
    reused = replace(_aged(1), measured={"R-EVA-01": NOW - 91 * DAY, "R-EVA-02": NOW})
    other = replace(_aged(1), measured={"R-EVA-02": NOW - 91 * DAY})

    assert _standings(reused)[0].verdict == "stale"
    assert _standings(other)[0].verdict == "pass"


def test_a_time_of_measuring_after_the_run_makes_nothing_younger():
    forged = replace(_aged(91), measured={"R-EVA-01": NOW})

    assert _standings(forged)[0].verdict == "stale"


def test_evidence_from_the_future_is_not_fresh():
    (skewed,) = _standings(_aged(-4 / 1440))
    (future,) = _standings(_aged(-6 / 1440))

    assert skewed.verdict == "pass"
    assert future.verdict == "stale"
    assert "a clock was set back" in future.stale


def test_a_subject_without_a_tier_is_an_error_and_not_fresh():
    with pytest.raises(Misconfigured, match="no entry for 'stranger'"):
        _standings(replace(RUN, subject="stranger"))


@given(days=st.floats(0, 400), later=st.floats(0, 400), limit=st.integers(1, 200))
def test_evidence_never_gets_fresh_again_by_waiting(days, later, limit):
    models = replace(MODELS, tiers={"low": replace(LOW, oldest_days=limit)})
    registers = replace(REGISTERS, models=models)
    (before,) = _standings(_aged(days), registers=registers)
    (after,) = _standings(_aged(days), registers=registers, at=NOW + later * DAY)

    assert (before.verdict, after.verdict) != ("stale", "pass")


RISKS = ("R-EVA-01", "R-PRV-01", "R-RAG-01")
SUBJECTS = ("mlp", "random-forest", "support-agent")


@pytest.fixture(scope="module")
def busy(written, tmp_path_factory):
    """A store with many runs of which few say anything about a risk, and copies of its traps."""
    from mlflow import MlflowClient  # noqa: PLC0415 - most tests do without MLflow

    settings = written.copy(tmp_path_factory.mktemp("busy") / "copy")
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    experiment = client.get_experiment_by_name("security-evaluations").experiment_id
    draw = random.Random(7)
    start = int(NOW.timestamp() * 1000)
    for number in range(40):
        said = {f"risk.{risk}": "pass" for risk in RISKS if draw.random() < 0.2}
        subject = draw.choice([*SUBJECTS, "one-that-left"])
        ended = {"seclab.verdict": "PASS"} if draw.random() < 0.8 else {}
        tags = tags_of(subject) | said | ended
        run = client.create_run(experiment, start_time=start + number // 2, tags=tags).info.run_id
        client.set_terminated(run, draw.choice(["FINISHED", "FINISHED", "FINISHED", "KILLED"]))
        # A part of it says the same, and is no run of its own.
        part = {"mlflow.parentRunId": run, "seclab.subject": subject} | said
        client.create_run(experiment, start_time=start + 1000, tags=part)
    reused = tags_of(
        "mlp",
        **{
            "seclab.verdict": "PASS",
            "risk.R-OLD-01": "pass",
            "measured.R-OLD-01": "2026-03-04T05:06:07+00:00",
            "measured.R-OLD-02": "no time",
            "measured.R-OLD-03": "2026-03-04T05:06:07",
        },
    )
    oldest = client.create_run(experiment, start_time=1, tags=reused).info.run_id
    client.set_terminated(oldest)
    return EmbeddedShelf(settings)


def test_asking_for_the_newest_finds_what_reading_everything_finds(busy):
    listed = [
        run for run in busy.runs(limit=1000) if run.subject in SUBJECTS and run.status == "FINISHED"
    ]
    asked = busy.newest(risks=RISKS, subjects=SUBJECTS)

    assert evidence_by_risk(asked, RISKS) == evidence_by_risk(listed, RISKS)
    assert 0 < len(asked) <= len(RISKS) * len(SUBJECTS)
    assert asked == [run for run in listed if run in asked]


def test_the_newest_is_found_however_many_runs_came_after_it(busy):
    (found,) = busy.newest(risks=["R-OLD-01"], subjects=SUBJECTS)

    assert found == busy.runs(limit=1000)[-1]


def test_subjects_and_risks_that_are_not_asked_for_are_not_answered(busy):
    assert busy.newest(risks=RISKS, subjects=()) == []
    assert busy.newest(risks=(), subjects=SUBJECTS) == []
    assert {run.subject for run in busy.newest(risks=RISKS, subjects=["mlp"])} == {"mlp"}


def test_deleted_runs_parts_and_other_experiments_are_no_evidence(written):
    found = written.shelf.newest(risks=["R-EVA-01"], subjects=["mlp-hardened"])

    assert [run.run_id for run in found] in (
        [written.runs["signed"]],
        [written.runs["twin"]],
    )


def test_when_a_result_was_measured_is_read_and_what_is_no_time_is_as_old_as_can_be(busy):
    (found,) = busy.newest(risks=["R-OLD-01"], subjects=["mlp"])

    assert found.measured == {
        "R-OLD-01": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        "R-OLD-02": datetime.min.replace(tzinfo=UTC),
        "R-OLD-03": datetime.min.replace(tzinfo=UTC),
    }
