import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from mlflow.entities import RunTag

from seclab import tracking
from seclab.datasets import Provenance
from seclab.gate import CriterionResult, Decision, Verdict
from seclab.outcome import Evaluated, Missing, Unevaluated
from seclab.shelf.records import PROCESS_TAG
from seclab.tracking.contents import metric_key, risk_tags
from tests.runs import MODEL, REGISTERS, ROWS, STARTED, finished, report
from tests.unit.test_settings import TABLE
from tests.unit.tracking.conftest import closing


def _children(store, run_id):
    found = store.client.search_runs(
        [store.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'"
    )
    return {run.data.tags["seclab.evaluation"]: run for run in found}


def _history(store, run, key):
    return [(m.step, m.value) for m in store.client.get_metric_history(run.info.run_id, key)]


@pytest.fixture(scope="module")
def recorded(shared):
    """A finished run as MLflow has it."""
    return shared.store.client.get_run(shared.run(pictures=True).run_id)


@pytest.fixture(scope="module")
def children(shared, recorded):
    """Its parts, by evaluation."""
    return _children(shared.store, recorded.info.run_id)


def test_a_run_is_open_while_it_is_worked_on(store, open_recording):
    with open_recording() as recording:
        run = store.client.get_run(recording.run_id)
        assert run.info.status == "RUNNING"
        assert run.info.run_name == "RUNNING softmax-regression 2026-03-01 12:30"
        assert run.info.start_time == STARTED.timestamp() * 1000
        assert run.data.params == {"profile": "quick", "seed": "7"}
        assert run.data.tags["subject.digest"] == MODEL.digest
        assert run.data.tags["seclab.profile"] == "quick"
        assert run.data.tags[PROCESS_TAG].endswith(f":{os.getpid()}")
        assert (recording.subject, recording.batch) == (MODEL, "batch")


def test_a_run_with_its_evidence_is_finished_and_named_by_its_verdict(recorded):
    assert recorded.info.status == "FINISHED"
    assert recorded.info.run_name == "PASS softmax-regression quick 2026-03-01 12:30"
    assert recorded.info.end_time - recorded.info.start_time == 30_000
    assert recorded.data.tags["seclab.verdict"] == "PASS"
    assert recorded.data.tags["mlflow.note.content"].startswith("**PASS**: model")


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("broke | here"), "FAILED", "ValueError: broke | here"),
        (KeyboardInterrupt(), "KILLED", "interrupted (KeyboardInterrupt)"),
        (SystemExit(3), "KILLED", "interrupted (SystemExit)"),
    ],
)
def test_a_run_that_ends_early_is_closed_and_says_why(store, open_recording, error, status, reason):
    with pytest.raises(type(error)), open_recording():
        raise error

    (run,) = tracking.runs(store)
    assert (run.status, run.verdict, run.bundle_digest) == (status, "", "")
    assert run.name == f"{status} softmax-regression 2026-03-01 12:30"
    note = store.client.get_run(run.run_id).data.tags["mlflow.note.content"]
    assert note == f"**{status}**: {reason}"


def test_a_run_that_is_left_without_evidence_has_failed(store, open_recording):
    with open_recording():
        pass

    (run,) = tracking.runs(store)
    assert run.status == "FAILED"
    note = store.client.get_run(run.run_id).data.tags["mlflow.note.content"]
    assert note == "**FAILED**: it was left without evidence"


def test_what_goes_wrong_after_the_evidence_was_written_does_not_undo_it(
    store, open_recording, tmp_path
):
    def work():
        with open_recording() as recording:
            tracking.finish(store, recording, closing(finished(tmp_path / "files")))
            raise ValueError("later")

    with pytest.raises(ValueError, match="later"):
        work()

    (run,) = tracking.runs(store)
    assert (run.status, run.verdict) == ("FINISHED", "PASS")


def test_digests_of_everything_are_tags(recorded):
    tags, rows = recorded.data.tags, ROWS.fingerprint()

    assert tags["bundle.digest"].startswith("sha256:rfc8785:")
    assert tags["subject.digest"] == MODEL.digest
    assert tags["dataset.bars/test.digest"] == str(rows.ordered)
    for name, digest in REGISTERS.digests.items():
        assert tags[f"register.{name}.digest"] == str(digest)


def test_the_files_of_a_run_are_kept_with_its_bundle(shared, recorded):
    run = tracking.find_run(shared.store, recorded.info.run_id)

    bundle, folder = tracking.load_bundle(shared.store, run)

    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert files == {
        "evidence/bundle.json",
        "report.html",
        "figures/evasion_linf.curve.svg",
        "figures/evasion_linf.failures.svg",
        "tables/evasion_linf.sweep.json",
    }
    assert str(bundle.digest) == run.bundle_digest


def test_tables_are_listed_for_the_pages(recorded):
    assert json.loads(recorded.data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "tables/evasion_linf.sweep.json", "type": "table"}
    ]


def test_every_evaluation_and_suite_has_a_run_of_its_own(children):
    assert children.keys() == {"evasion_linf", "random_noise", "data_checks.bars"}
    evasion = children["evasion_linf"]
    assert evasion.info.run_name == "R-EVA-01 evasion_linf"
    assert evasion.info.status == "FINISHED"
    assert evasion.data.tags["risk_ids"] == "R-EVA-01"
    assert evasion.data.tags["risk.R-EVA-01"] == "pass"
    assert evasion.data.tags["seclab.batch"] == "batch"
    assert evasion.data.tags["mlflow.note.content"] == "An upper bound."
    assert evasion.data.params == {"samples": "100", "epsilons": "0.1 0.2"}


def test_every_number_is_a_metric_and_a_sweep_its_steps(shared, children):
    evasion = children["evasion_linf"]

    assert _history(shared.store, evasion, "evasion_linf/clean_accuracy") == [(0, 0.95)]
    assert _history(shared.store, evasion, "evasion_linf/robust_accuracy.strongest") == [
        (0, pytest.approx(0.85)),
        (1, pytest.approx(0.8)),
        (2, pytest.approx(0.75)),
    ]


def test_the_outcome_of_the_checks_is_counted(children):
    assert children["data_checks.bars"].data.metrics == {
        "data_checks.bars/passed": 1.0,
        "data_checks.bars/failed": 1.0,
        "data_checks.bars/errored": 0.0,
    }


def test_what_was_judged_and_how_much_of_the_data_is_known_stands_on_the_run_itself(recorded):
    assert recorded.data.metrics == {
        "custody/coverage": 1.0,
        "gate/T-EVA-01.robust_accuracy": pytest.approx(0.75),
        "gate/T-EVA-02.clean_accuracy": pytest.approx(0.9),
        "gate/T-EVA-03.robust_accuracy": pytest.approx(0.85),
    }


def test_an_evaluation_that_broke_is_a_failed_run_with_its_reason(store, record_run):
    run = record_run(noise=None)

    assert run.verdict == "NOT_EVALUATED"
    noise = _children(store, run.run_id)["random_noise"]
    assert noise.info.status == "FAILED"
    assert noise.info.run_name == "NOT_EVALUATED R-EVA-02 random_noise"
    assert noise.data.tags["mlflow.note.content"] == "ValueError: broke"
    assert noise.data.tags["risk.R-EVA-02"] == "not-evaluated"
    assert noise.data.metrics == {}


def test_datasets_are_inputs_of_the_run(store, open_recording, tmp_path):
    quoted = replace(ROWS, provenance=Provenance('a "quoted"\nsource', "CC0-1.0", "made", "all"))
    run = finished(tmp_path / "files")

    with open_recording() as recording:
        tracking.finish(store, recording, closing(run, datasets=(quoted,)))

    (entry,) = store.client.get_run(recording.run_id).inputs.dataset_inputs
    assert entry.dataset.name == "bars/test"
    assert ROWS.fingerprint().ordered.value.startswith(entry.dataset.digest)
    assert json.loads(entry.dataset.source) == {"uri": 'a "quoted"\nsource'}
    assert json.loads(entry.dataset.profile) == {"num_rows": 3, "num_columns": 4}
    assert [(tag.key, tag.value) for tag in entry.tags] == [("mlflow.data.context", "test")]


def test_numbers_are_linked_to_the_model_and_the_data_they_were_measured_on(
    store, record_run, trained
):
    run = record_run(trained("softmax-regression"))

    (logged,) = store.client.search_logged_models([store.experiment_id])
    metrics = {(m.key, m.step): m for m in logged.metrics}
    clean = metrics["evasion_linf/clean_accuracy", 0]
    assert clean.value == 0.95
    assert clean.dataset_name == "bars/test"
    assert ROWS.fingerprint().ordered.value.startswith(clean.dataset_digest)
    assert clean.run_id == _children(store, run.run_id)["evasion_linf"].info.run_id
    assert metrics["gate/T-EVA-01.robust_accuracy", 0].run_id == run.run_id


def test_verdicts_per_risk_are_tags_of_the_run(record_run):
    assert record_run(robust=0.3).risks == {
        "R-EVA-01": "block",
        "R-EVA-02": "pass",
        "R-POI-02": "pass",
    }


def test_a_risk_that_no_criterion_judges_was_only_measured():
    outcome = Evaluated("extra", ("R-EXT-01",), 0, {}, 0, (), (), (), ())
    missing = Unevaluated("other", ("R-PRV-01",), 0, {}, Missing.ERRORED, "broke")
    blocked = CriterionResult("T-EVA-01", ("R-EVA-01",), Verdict.BLOCK, "", "")
    decision = Decision(MODEL, Verdict.BLOCK, (blocked,))

    tags = risk_tags(decision, (outcome, missing), (report(),))

    assert tags["risk.R-EXT-01"] == "measured"
    assert tags["risk.R-PRV-01"] == "not-evaluated"
    assert tags["risk.R-EVA-01"] == "block"


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({}, "evasion_linf/robust_accuracy"),
        ({"epsilon": 0.1}, "evasion_linf/robust_accuracy"),
        ({"epsilon": 0.1, "attack": "strongest"}, "evasion_linf/robust_accuracy.strongest"),
        ({"guard": "on", "noise": "sign"}, "evasion_linf/robust_accuracy.on.sign"),
        ({"flag": True, "nothing": None}, "evasion_linf/robust_accuracy"),
    ],
)
def test_a_metric_is_named_by_evaluation_metric_and_words(parameters, key, tmp_path):
    measured = finished(tmp_path).outcomes[0].measurements[1]

    assert metric_key(replace(measured, parameters=parameters)) == key


def test_the_metrics_of_a_run_have_names_of_their_own(tmp_path):
    outcome = finished(tmp_path).outcomes[0]
    seen = [(metric_key(m), m.parameters.get("epsilon")) for m in outcome.measurements]

    assert len(set(seen)) == len(seen)


DIE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from seclab import settings, tracking
from seclab.measurement import Subject
store = tracking.open_store(settings.find(Path(sys.argv[1]), {}))
subject = Subject("model", "mlp", "sha256:bytes:00")
with tracking.recording(
    store, subject, batch="b", started=datetime(2026, 3, 1, tzinfo=UTC), tags={}, parameters={}
) as recording:
    print(recording.run_id, flush=True)
    sys.stdin.read()
"""


def test_runs_of_a_process_that_was_killed_are_closed_by_the_next(project, store, open_recording):
    (project.root / "pyproject.toml").write_text(TABLE)
    with subprocess.Popen(
        [sys.executable, "-c", DIE, project.root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        run_id = process.stdout.readline().strip()
        with open_recording() as alive:
            assert tracking.recover(store, at=STARTED) == []
            process.send_signal(signal.SIGKILL)
            process.wait()

            assert tracking.recover(store, at=STARTED) == [run_id]
            assert store.client.get_run(alive.run_id).info.status == "RUNNING"

    dead = tracking.find_run(store, run_id)
    assert (dead.status, dead.name) == ("KILLED", "KILLED mlp 2026-03-01 00:00")
    note = store.client.get_run(run_id).data.tags["mlflow.note.content"]
    assert note == "**KILLED**: its process ended without closing it"
    assert tracking.recover(store, at=STARTED) == []


def test_runs_of_another_machine_are_left_alone(store, open_recording):
    with open_recording() as recording:
        elsewhere = RunTag(PROCESS_TAG, "0123456789ab:999999999")
        store.client.log_batch(recording.run_id, tags=[elsewhere])

        assert tracking.recover(store, at=STARTED) == []


def test_a_process_of_another_user_is_alive(store, open_recording):
    with open_recording() as recording:
        machine = store.client.get_run(recording.run_id).data.tags[PROCESS_TAG].partition(":")[0]
        store.client.log_batch(recording.run_id, tags=[RunTag(PROCESS_TAG, f"{machine}:1")])

        assert tracking.recover(store, at=STARTED) == []
