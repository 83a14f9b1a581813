"""What cannot be measured blocks, and leaves no run open."""

import dataclasses
import os
import signal

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from seclab import evidence, models, registry, tracking
from seclab.errors import Misconfigured

pytestmark = pytest.mark.flow


@pytest.fixture
def broken(monkeypatch):
    """Let an evaluation raise."""

    def break_it(name, error):
        def raising(*_arguments, **_parameters):
            raise error

        entry = registry.get(name)
        monkeypatch.setitem(
            registry._REGISTERED, name, dataclasses.replace(entry, function=raising)
        )

    return break_it


def test_an_evaluation_that_raises_is_not_evaluated_and_never_a_pass(lab, broken):
    lab.loosen()
    broken("membership_inference", ZeroDivisionError("no members"))

    state = lab.evaluate(models=["softmax-regression"])

    assert (state.type.value, state.name) == ("FAILED", "NotEvaluated")
    assert state.message == "NOT_EVALUATED softmax-regression; PASS digits; PASS support-agent"
    run = lab.runs(state)["softmax-regression"]
    assert (run.verdict, run.status) == ("NOT_EVALUATED", "FINISHED")
    assert run.risks["R-PRV-01"] == "not-evaluated"
    assert run.risks["R-EVA-01"] == "pass"
    bundle, folder = tracking.load_bundle(lab.store, run)
    assert evidence.verify(bundle, expected_digest=run.bundle_digest, artifacts=folder) == []
    [outcome] = [
        o for o in bundle.predicate["evaluations"] if o["evaluation"] == "membership_inference"
    ]
    assert (outcome["status"], outcome["reason"]) == (
        "errored",
        "ZeroDivisionError: no members",
    )
    [child] = [
        r
        for r in lab.everything()
        if r.data.tags.get("seclab.evaluation") == "membership_inference"
    ]
    assert child.info.run_name == "NOT_EVALUATED R-PRV-01 membership_inference"
    assert child.info.status == "FAILED"
    assert child.data.metrics == {}
    assert tracking.champion(lab.store, "digits") is None


def test_an_evaluation_whose_process_is_killed_takes_no_other_with_it(lab, monkeypatch):
    def killed(*_arguments, **_parameters):
        os.kill(os.getpid(), signal.SIGKILL)

    lab.loosen()
    entry = dataclasses.replace(registry.get("random_noise"), function=killed)
    monkeypatch.setitem(registry._REGISTERED, entry.name, entry)

    state = lab.evaluate(models=["softmax-regression"])

    assert state.name == "NotEvaluated"
    run = lab.runs(state)["softmax-regression"]
    assert (run.risks["R-EVA-02"], run.risks["R-EVA-01"]) == ("not-evaluated", "pass")
    [outcome] = [
        each
        for each in lab.bundle(run).predicate["evaluations"]
        if each["evaluation"] == "random_noise"
    ]
    assert outcome["status"] == "errored"
    assert "SIGKILL" in outcome["reason"]


@pytest.mark.exhaustive
def test_an_evaluation_left_out_blocks_like_one_that_failed(lab):
    lab.loosen()
    chosen = [name for name in registry.registered("model") if name != "random_noise"]

    state = lab.evaluate(models=["softmax-regression"], evaluations=chosen)

    assert state.name == "NotEvaluated"
    [run] = lab.runs(state).values()
    assert (run.subject, run.risks["R-EVA-02"]) == ("softmax-regression", "not-evaluated")
    assert tracking.champion(lab.store, "digits") is None


def test_a_training_that_fails_leaves_every_open_run_closed_as_failed(lab, monkeypatch):
    def raising(*_arguments, **_keywords):
        raise MemoryError("no room to train in")

    monkeypatch.setattr(models, "train", raising)

    state = lab.evaluate(models=["softmax-regression"])

    assert (state.type.value, state.name) == ("FAILED", "Failed")
    runs = {run.data.tags["seclab.subject"]: run for run in lab.everything()}
    assert runs.keys() == {"support-agent", "digits"}
    for subject, run in runs.items():
        assert run.info.status == "FAILED"
        assert run.info.run_name.startswith(f"FAILED {subject} ")
        assert "MemoryError: no room to train in" in run.data.tags["mlflow.note.content"]
        assert "seclab.verdict" not in run.data.tags


@pytest.mark.exhaustive
def test_a_recording_that_fails_half_way_is_repeated_without_doubling_anything(lab, monkeypatch):
    once = iter([MlflowException("the disk is full")])
    log_artifacts = MlflowClient.log_artifacts

    def failing_once(*arguments, **keywords):
        for error in once:
            raise error
        return log_artifacts(*arguments, **keywords)

    monkeypatch.setattr(MlflowClient, "log_artifacts", failing_once)

    state = lab.evaluate(evaluations=["rag_prompt_injection"])

    [run] = lab.runs(state).values()
    assert (run.status, bool(run.bundle_digest)) == ("FINISHED", True)
    assert len(lab.everything()) == 2


def test_an_interruption_while_recording_leaves_neither_run_nor_part_open(lab, monkeypatch):
    set_terminated = MlflowClient.set_terminated

    def interrupted(*_arguments, **_keywords):
        monkeypatch.setattr(MlflowClient, "set_terminated", set_terminated)
        raise KeyboardInterrupt

    monkeypatch.setattr(MlflowClient, "set_terminated", interrupted)

    with pytest.raises(KeyboardInterrupt):
        lab.evaluate(evaluations=["rag_prompt_injection"])

    assert [run.info.status for run in lab.everything()] == ["KILLED", "KILLED"]


def test_all_wrong_names_are_refused_at_once_before_any_work(lab):
    state = lab.evaluate(models=["perceptron", "mlp"], evaluations=["evasion_l7"])

    error = state.result(raise_on_failure=False)
    assert isinstance(error, Misconfigured)
    assert [problem.partition(";")[0] for problem in error.problems] == [
        "unknown model 'perceptron'",
        "unknown evaluation 'evasion_l7'",
    ]
    assert lab.everything() == []


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"profile": "lazy"}, {"promotion": True}, {"seed": "many"}]
)
def test_parameters_that_cannot_be_right_are_refused_before_the_flow_begins(lab, wrong):
    state = lab.evaluate(**wrong)

    assert state.type.value == "FAILED"
    assert next(iter(wrong)) in state.message + str(state.result(raise_on_failure=False))
    assert lab.everything() == []
