from dataclasses import replace
from datetime import timedelta

import pytest

from seclab import tracking
from seclab.errors import Misconfigured
from seclab.measurement import Subject
from seclab.shelf import evidence_by_risk
from tests.runs import MODEL, STARTED

AGENT = Subject("agent", "support-agent", "sha256:rfc8785:bb")


def test_an_empty_store_has_no_runs(store):
    assert tracking.runs(store) == []
    assert evidence_by_risk(tracking.runs(store), ["R-EVA-01"]) == {}
    with pytest.raises(Misconfigured, match="there are no runs yet"):
        tracking.find_run(store, "latest")


def test_runs_are_listed_newest_first_without_their_parts(store, record_run):
    ids = [record_run(minute=minute).run_id for minute in (1, 3, 2)]

    assert [run.run_id for run in tracking.runs(store)] == [ids[1], ids[2], ids[0]]
    assert [run.run_id for run in tracking.runs(store, limit=1)] == [ids[1]]


def test_a_run_is_summed_up(store, record_run, trained):
    model = trained("softmax-regression")
    run = record_run(model, batch="b-7", robust=0.3)

    assert run == tracking.runs(store)[0]
    assert run.name == "BLOCK softmax-regression v1 quick 2026-03-01 12:30"
    assert (run.status, run.verdict, run.kind) == ("FINISHED", "BLOCK", "model")
    assert (run.subject, run.version) == ("softmax-regression", "1")
    assert (run.profile, run.batch, run.started) == ("quick", "b-7", STARTED)
    assert run.bundle_digest.startswith("sha256:rfc8785:")


@pytest.fixture(scope="module")
def two_runs(shared):
    """A store with two runs, the older one first."""
    return shared.store, shared.run(minute=0), shared.run(minute=1)


def test_a_run_is_found_by_its_id_the_beginning_of_it_or_as_the_latest(two_runs):
    store, old, new = two_runs
    length = next(n for n in range(1, 33) if old.run_id[:n] != new.run_id[:n])

    assert tracking.find_run(store, old.run_id) == old
    assert tracking.find_run(store, old.run_id[:length]) == old
    assert tracking.find_run(store, "latest") == new


@pytest.mark.parametrize("reference", ["zzz", "0" * 32, "newest", "%", "x" * 40])
def test_an_unknown_run_is_told(two_runs, reference):
    with pytest.raises(
        Misconfigured, match=f"there is no run {reference}; `seclab runs` lists them"
    ):
        tracking.find_run(two_runs[0], reference)


def test_a_beginning_of_several_runs_is_told_with_all_of_them(two_runs):
    store, *both = two_runs

    with pytest.raises(Misconfigured, match="is the beginning of several runs") as caught:
        tracking.find_run(store, "")
    assert all(run.run_id[:12] in str(caught.value) for run in both)


def test_a_part_of_a_run_is_told_with_the_whole(two_runs):
    store, run, _ = two_runs
    (part, *_) = store.client.search_runs(
        [store.experiment_id], f"tags.`mlflow.parentRunId` = '{run.run_id}'"
    )

    with pytest.raises(Misconfigured, match=f"is a part of run {run.run_id}; name that"):
        tracking.find_run(store, part.info.run_id)


def test_a_run_of_something_else_is_not_taken_for_one_of_ours(store):
    foreign = store.client.create_run(store.experiment_id)

    with pytest.raises(Misconfigured, match="was not written by this tool"):
        tracking.find_run(store, foreign.info.run_id)
    assert tracking.runs(store) == []


def test_the_page_of_a_run_is_where_its_pages_are_served(two_runs):
    store, run_id = two_runs[0], two_runs[1].run_id
    where = f"/#/experiments/{store.experiment_id}/runs/{run_id}?workflowType=machine_learning"

    assert tracking.page(store, run_id) == f"http://127.0.0.1:5000{where}"
    elsewhere = replace(store, pages="https://mlflow.example")
    assert tracking.page(elsewhere, run_id) == f"https://mlflow.example{where}"


def test_the_pages_can_be_elsewhere_than_the_store(project):
    store = tracking.open_store(replace(project, pages="https://mlflow.example/"))

    assert store.pages == "https://mlflow.example"


def test_the_newest_evidence_for_a_risk_counts(store, record_run):
    record_run(minute=0, batch="old")
    newest = record_run(minute=1, batch="new", robust=0.3)

    evidence = evidence_by_risk(tracking.runs(store), ["R-EVA-01", "R-EVA-02", "R-XXX-01"])

    assert evidence.keys() == {"R-EVA-01", "R-EVA-02"}
    assert evidence["R-EVA-01"].run == newest
    assert evidence["R-EVA-01"].verdicts == {MODEL.name: "block"}
    assert evidence["R-EVA-02"].verdicts == {MODEL.name: "pass"}


def test_the_subjects_of_one_batch_stand_together(store, record_run):
    other = Subject("model", "mlp", "sha256:bytes:ff")
    record_run(minute=0, batch="old", subject=other)
    record_run(minute=1, batch="new")
    record_run(minute=1, batch="new", subject=other, robust=0.3)

    evidence = evidence_by_risk(tracking.runs(store), ["R-EVA-01"])

    assert evidence["R-EVA-01"].verdicts == {"softmax-regression": "pass", "mlp": "block"}


def test_a_risk_that_the_newest_run_says_nothing_about_keeps_its_older_evidence(store, record_run):
    old = record_run(minute=0, batch="old")
    record_run(minute=1, batch="new", outcomes=(), reports=(), subject=AGENT)

    assert evidence_by_risk(tracking.runs(store), ["R-POI-02"])["R-POI-02"].run == old


def test_a_run_that_never_ended_is_no_evidence(store, record_run, open_recording):
    old = record_run(minute=0)
    with open_recording(minute=5):
        assert evidence_by_risk(tracking.runs(store), ["R-EVA-01"])["R-EVA-01"].run == old
        assert tracking.runs(store)[0].started == STARTED + timedelta(minutes=5)
