"""Coverage of a store that MLflow wrote, against what MLflow itself answers about its tags."""

from datetime import timedelta

import pytest
from mlflow import MlflowClient

from seclab import tracking
from seclab.measurement import Subject
from seclab.shelf import EmbeddedShelf
from tests.covering import covered
from tests.runs import REGISTERS, STARTED
from tests.unit.tracking.conftest import Recorder

MLP = Subject("model", "mlp", "sha256:bytes:" + "1" * 64)
FOREST = Subject("model", "random-forest", "sha256:bytes:" + "2" * 64)
REGRESSION = Subject("model", "softmax-regression", "sha256:bytes:" + "3" * 64)
NOW = STARTED + timedelta(days=30)


@pytest.fixture(scope="module")
def recorded(new_project, tmp_path_factory):
    """Runs that passed, failed, broke and were made good again."""
    project = new_project(tmp_path_factory.mktemp("recorded"))
    recorder = Recorder(tracking.open_store(project), tmp_path_factory.mktemp)
    recorder.run(subject=MLP, robust=0.3)
    recorder.run(subject=MLP, minute=1)
    recorder.run(subject=FOREST, minute=2)
    recorder.run(subject=FOREST, minute=3, noise=0.2)
    recorder.run(subject=REGRESSION, minute=4, noise=None)
    return project


def _runs(project):
    """Every run with a verdict, newest first, from MLflow's own search."""
    client = MlflowClient(project.tracking_uri, project.tracking_uri)
    experiment = client.get_experiment_by_name("security-evaluations").experiment_id
    return client.search_runs(
        [experiment],
        filter_string="tags.`seclab.verdict` != ''",
        order_by=["attributes.start_time DESC"],
    )


def _said(project, limit):
    """The newest word by risk and subject, from tags and nothing of this project."""
    found = {}
    for run in _runs(project):
        old = run.info.start_time / 1000 < limit.timestamp()
        for tag, word in run.data.tags.items():
            if tag.startswith("risk."):
                key = tag.removeprefix("risk."), run.data.tags["seclab.subject"]
                found.setdefault(key, "old" if old and word != "block" else word)
    return found


@pytest.mark.parametrize("days", [30, 91])
def test_every_state_is_the_one_that_follows_from_mlflows_answer(recorded, days):
    now = STARTED + timedelta(days=days)
    said = _said(recorded, now - timedelta(days=90))

    found = covered(shelf=EmbeddedShelf(recorded), at=now).risks

    assert {risk for risk, _ in said} == set(REGISTERS.risks)
    for risk, coverage in found.items():
        words = {subject: word for (id_, subject), word in said.items() if id_ == risk}
        assert {link.subject for link in coverage.evidence} == set(words)
        fresh = set(words.values())
        if fresh == {"pass"}:
            assert coverage.state == "passed"
        elif "block" in fresh:
            assert coverage.state == "failed"
        elif "old" in fresh:
            assert coverage.state == "stale"
        else:
            assert coverage.state in {"errored", "skipped"}
    states = {risk: each.state for risk, each in found.items()}
    worst = {"R-EVA-01": "passed", "R-EVA-02": "failed", "R-POI-02": "passed"}
    assert states == (
        worst if days == 30 else {**dict.fromkeys(worst, "stale"), "R-EVA-02": "failed"}
    )


def test_the_pages_are_those_of_the_runs(recorded):
    known = {run.info.run_id for run in _runs(recorded)}
    found = covered(shelf=EmbeddedShelf(recorded), at=NOW).risks["R-EVA-01"]

    for link in found.evidence:
        assert link.run_id in known
        assert f"/runs/{link.run_id}?" in link.page
