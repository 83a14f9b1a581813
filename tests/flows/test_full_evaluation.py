"""What one evaluation of everything leaves behind: in MLflow, in the registry and in Prefect."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlparse

import pytest

from seclab import custody, datasets, registry, tracking
from seclab.evidence import outcomes_of, traced
from seclab.fingerprint import of_bytes, of_file
from seclab.gate import clean_accuracy
from seclab.models.persistence import loads
from seclab.shelf import Champion

pytestmark = pytest.mark.flow

VERDICTS = {
    "softmax-regression": "BLOCK",
    "mlp": "BLOCK",
    "random-forest": "BLOCK",
    "mlp-hardened": "PASS",
    "support-agent": "PASS",
    "digits": "PASS",
}
MODELS = [name for name in VERDICTS if name not in ("support-agent", "digits")]


def _blocked(run):
    return {risk for risk, word in run.risks.items() if word == "block"}


def test_only_the_hardened_model_the_agent_and_the_data_pass(shared):
    runs = shared.lab.runs(shared.full)

    assert {name: run.verdict for name, run in runs.items()} == VERDICTS
    assert _blocked(runs["softmax-regression"]) == {"R-EVA-01", "R-EXT-01"}
    assert _blocked(runs["mlp"]) == {"R-EVA-01", "R-EXT-01"}
    assert _blocked(runs["random-forest"]) == {"R-EVA-01", "R-EXT-01", "R-PRV-01"}
    for name in ("mlp-hardened", "support-agent", "digits"):
        assert not _blocked(runs[name])


def test_one_passing_model_completes_the_flow_and_none_fails_the_gate(shared, ask):
    assert (shared.full.type.value, shared.full.name) == ("COMPLETED", "Completed")
    assert "PASS mlp-hardened" in shared.full.message
    assert (shared.again.type.value, shared.again.name) == ("FAILED", "GateFailed")
    assert "BLOCK softmax-regression" in shared.again.message
    for state in (shared.full, shared.again):
        stored = ask(f"flow_runs/{state.state_details.flow_run_id}")
        assert stored["state"]["name"] == state.name


def test_flow_and_task_runs_are_named_by_what_they_do(shared, ask):
    flow_run = str(shared.full.state_details.flow_run_id)
    expected = Counter(
        [
            "set aside digits",
            "check digits",
            "check splits",
            "rag_false_answers on the agent",
            "rag_prompt_injection on the agent",
            "record support-agent",
            "poisoning_detection on digits",
            "record digits",
            "promote mlp-hardened v4",
        ]
        + [f"{verb} {model}" for verb in ("train", "record") for model in MODELS]
        + [f"{name} on {model}" for name in registry.registered("model") for model in MODELS]
    )

    def named():
        found = ask("task_runs/filter", task_runs={"flow_run_id": {"any_": [flow_run]}})
        return Counter(task["name"] for task in found)

    assert ask(f"flow_runs/{flow_run}")["name"] == "quick evaluation, seed 0"
    assert _until(named, expected) == expected


def test_runs_are_named_by_verdict_subject_and_version(shared):
    for name, run in shared.lab.runs(shared.full).items():
        version = rf" v{run.version}" if name in MODELS else ""
        date = r"\d{4}-\d\d-\d\d \d\d:\d\d"
        assert re.fullmatch(rf"{VERDICTS[name]} {name}{version} quick {date}", run.name)
        assert run.status == "FINISHED"
    versions = [run.version for run in shared.lab.runs(shared.full).values() if run.version]
    assert len(set(versions)) == len(MODELS)


def test_every_run_has_one_tag_per_risk_with_the_verdict_of_its_evidence(shared):
    words = {"PASS": "pass", "BLOCK": "block", "NOT_EVALUATED": "not-evaluated"}
    for run in shared.lab.runs(shared.full).values():
        predicate = shared.lab.bundle(run).predicate
        worst = {}
        for criterion in predicate["decision"]["criteria"]:
            for risk in criterion["risks"]:
                worst.setdefault(risk, set()).add(criterion["verdict"])
        expected = {
            risk: words[next(v for v in ("BLOCK", "NOT_EVALUATED", "PASS") if v in verdicts)]
            for risk, verdicts in worst.items()
        }
        touched = {risk for outcome in predicate["evaluations"] for risk in outcome["risks"]}
        assert run.risks == dict.fromkeys(touched, "measured") | expected


def test_tags_carry_whole_digests_that_can_be_computed_again(shared):
    lab = shared.lab
    splits = datasets.split(datasets.load("digits"), seed=0).parts()
    registers = {path.name: str(of_file(path)) for path in lab.root.glob("registers/*.csv")}
    registers |= {path.name: str(of_file(path)) for path in lab.root.glob("registers/*.yaml")}
    for report_only in ("scoring.yaml", "evidence_checklist.yaml"):  # no verdict rests on them
        del registers[report_only]
    [manifest] = custody.load_manifests(lab.root / "registers" / "custody")
    registers["custody/digits"] = str(manifest)
    for name, run in lab.runs(shared.full).items():
        tags = lab.store.client.get_run(run.run_id).data.tags
        assert tags["bundle.digest"] == str(lab.bundle(run).digest)
        recorded = {key: value for key, value in tags.items() if key.startswith("register.")}
        assert recorded == {f"register.{file}.digest": registers[file] for file in registers}
        digests = {key: value for key, value in tags.items() if key.startswith("dataset.")}
        if name in MODELS:
            assert digests == {
                f"dataset.digits/{part}.digest": str(data.fingerprint().ordered)
                for part, data in splits.items()
            }
        elif run.kind == "dataset":
            whole = datasets.load("digits").fingerprint().ordered
            assert digests == {"dataset.digits.digest": str(whole)}
        else:
            assert digests == {}


def test_all_data_is_traced_back_to_what_was_recorded(shared):
    newest = custody.load_histories(shared.lab.root / "registers" / "custody")["digits"].newest
    for name, run in shared.lab.runs(shared.full).items():
        found = traced(shared.lab.bundle(run).predicate)
        parts = ("train", "validation", "test", "population") if name in MODELS else ()
        whole = ["digits"] if run.kind == "dataset" else []
        assert [each.dataset for each in found] == [*whole, *(f"digits/{part}" for part in parts)]
        for each in found:
            assert (each.share, each.gaps) == (1.0, ())
            assert each.steps[0].startswith(f"{newest.title}, 1797 rows: acquired ")
            part = each.dataset.partition("/")[2]
            assert [step.endswith(f": split: {part}") for step in each.steps[1:]] == [True] * bool(
                part
            )
        metrics = shared.lab.store.client.get_run(run.run_id).data.metrics
        assert metrics.get("custody/coverage") == (1.0 if found else None)


def test_the_registered_file_is_the_model_that_was_measured(shared):
    store = shared.lab.store
    test = datasets.split(datasets.load("digits"), seed=0).test
    for name, run in shared.lab.runs(shared.full).items():
        if name not in MODELS:
            continue
        version = store.client.get_model_version("digits", run.version)
        logged = store.client.get_logged_model(version.source.removeprefix("models:/"))
        data = (Path(urlparse(logged.artifact_location).path) / "model.skops").read_bytes()
        predicted = loads(data, expected=of_bytes(data)).predict(test.features)
        outcomes = outcomes_of(shared.lab.bundle(run))

        digest = store.client.get_run(run.run_id).data.tags["subject.digest"]
        assert digest == str(of_bytes(data)) == version.tags["model.digest"]
        assert version.tags["model.spec"] == name
        assert clean_accuracy(outcomes) == pytest.approx((predicted == test.labels).mean())


def test_every_version_says_what_the_gate_said_of_it_last(shared):
    lab = shared.lab
    client = lab.store.client
    newest = lab.runs(shared.full) | {
        "softmax-regression": lab.runs(shared.again)["softmax-regression"]
    }
    for name in MODELS:
        run = newest[name]
        version = client.get_model_version("digits", run.version)
        assert version.tags["gate.verdict"] == run.verdict
        assert version.tags["gate.run"] == run.run_id
        assert version.tags["gate.bundle"] == run.bundle_digest
        assert run.verdict in version.description


def test_datasets_are_logged_with_their_role_and_digest(shared):
    client = shared.lab.store.client
    for name, run in shared.lab.runs(shared.full).items():
        stored = client.get_run(run.run_id)
        found = {
            item.dataset.name: (item.dataset.digest, [tag.value for tag in item.tags])
            for item in stored.inputs.dataset_inputs
        }
        parts = ("train", "validation", "test", "population") if name in MODELS else ()
        whole = ["digits"] if run.kind == "dataset" else []
        assert set(found) == {*whole, *(f"digits/{part}" for part in parts)}
        for part in parts:
            digest, roles = found[f"digits/{part}"]
            assert roles == [part]
            whole = stored.data.tags[f"dataset.digits/{part}.digest"]
            assert len(digest) == 36
            assert whole.rpartition(":")[2].startswith(digest)


def test_every_evaluation_and_check_suite_has_a_child_run(shared):
    checks = ["data_checks.digits", "data_checks.splits"]
    everything = shared.lab.everything()
    for run in shared.lab.runs(shared.full).values():
        children = [r for r in everything if r.data.tags.get("mlflow.parentRunId") == run.run_id]
        expected = [*registry.registered(run.kind), *(checks if run.kind != "agent" else [])]
        assert sorted(c.data.tags["seclab.evaluation"] for c in children) == sorted(expected)
        for child in children:
            tags = child.data.tags
            assert child.info.status == "FINISHED"
            assert child.info.run_name == f"{tags['risk_ids']} {tags['seclab.evaluation']}"
            assert child.data.metrics
            assert {f"risk.{risk}": run.risks[risk] for risk in tags["risk_ids"].split()} == {
                key: value for key, value in tags.items() if key.startswith("risk.")
            }


def test_the_champion_is_the_one_model_that_passed(shared):
    lab = shared.lab
    run = lab.runs(shared.full)["mlp-hardened"]

    champion = tracking.champion(lab.store, "digits")

    digest = lab.bundle(run).predicate["subject"]["digest"]
    assert champion == Champion("digits", run.version, run.run_id, digest)
    aliases = lab.store.client.get_registered_model("digits").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": run.version}


def test_prefect_shows_the_verdicts_and_links_to_the_evidence(shared, ask):
    flow_run = str(shared.full.state_details.flow_run_id)
    runs = shared.lab.runs(shared.full)

    found = ask("artifacts/filter", artifacts={"flow_run_id": {"any_": [flow_run]}})
    shown = {artifact["key"]: artifact for artifact in found}

    assert {key: shown[key]["type"] for key in shown} == {
        "verdicts": "table",
        "evidence": "markdown",
    }
    rows = {row["subject"]: row for row in json.loads(shown["verdicts"]["data"])}
    assert {name: row["verdict"] for name, row in rows.items()} == VERDICTS
    for name, run in runs.items():
        assert (rows[name]["version"], rows[name]["run"]) == (run.version, run.run_id)
        assert (
            f"[{run.name}]({tracking.page(shared.lab.store, run.run_id)})"
            in (shown["evidence"]["data"])
        )
    assert "R-PRV-01 block" in rows["random-forest"]["risks"]


def test_every_verdict_is_an_event_that_automations_can_match(shared, ask):
    flow_run = shared.full.state_details.flow_run_id
    runs = shared.lab.runs(shared.full)
    expected = {
        run.run_id: (
            "model.gate.passed" if run.verdict == "PASS" else "model.gate.failed",
            f"mlflow.model-version.{run.version}" if run.version else f"seclab.{run.kind}.{name}",
            name,
            run.verdict,
            dict(run.risks),
        )
        for name, run in runs.items()
    }

    def emitted():
        found = ask(
            "events/filter",
            filter={
                "event": {"prefix": ["model.gate."]},
                "related": {"id": [f"prefect.flow-run.{flow_run}"]},
            },
        )
        return {
            event["payload"]["run"]: (
                event["event"],
                event["resource"]["prefect.resource.id"],
                event["resource"]["prefect.resource.name"],
                event["payload"]["verdict"],
                event["payload"]["risks"],
            )
            for event in found["events"]
        }

    assert _until(emitted, expected) == expected


def _until(read, expected):
    """What is read, as soon as it is what is expected: Prefect stores it in the background."""
    deadline = time.monotonic() + 20
    while (found := read()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
