"""``runs``, ``show``, ``gate`` and ``risks``: what the store holds, said to people and programs."""

import contextlib
import json
import re
import shutil
import sqlite3

import pytest

from seclab.fingerprint import of_json
from seclab.registers import load_registers
from tests.cli.projects import copy_database
from tests.conftest import ROOT

pytestmark = pytest.mark.flow


def _model(evaluated):
    return evaluated.runs["softmax-regression"]


def test_runs_lists_what_was_evaluated_in_plain_text(evaluated, seclab):
    answer = seclab(evaluated.lab.root, "runs")

    assert answer.code == 0
    assert "\x1b" not in answer.text
    head, *rows = [line.split() for line in answer.out.splitlines()]
    assert head == ["run", "verdict", "subject", "version", "profile", "age"]
    for run in evaluated.runs.values():
        version = [f"v{run['version']}"] if run["version"] else []
        expected = [run["run_id"][:12], run["verdict"], run["subject"], *version, "quick"]
        assert expected in [row[: len(expected)] for row in rows]


def test_runs_as_json_are_the_runs_that_evaluate_reported(evaluated, seclab):
    listed = seclab(evaluated.lab.root, "runs", "--json").json

    assert {run["run_id"]: run for run in listed} == {
        run["run_id"]: run for run in evaluated.runs.values()
    }
    assert len(seclab(evaluated.lab.root, "runs", "--json", "--limit", "2").json) == 2


def test_show_gives_the_verdict_and_every_number(evaluated, seclab):
    run = _model(evaluated)

    document = seclab(evaluated.lab.root, "show", run["run_id"], "--json").json
    answer = seclab(evaluated.lab.root, "show", run["run_id"][:8])

    assert answer.code == 0
    assert "\x1b" not in answer.text
    assert str(of_json(document)) == run["bundle_digest"]
    assert "PASS  model softmax-regression" in answer.out
    for outcome in document["predicate"]["evaluations"]:
        assert f"\n{outcome['evaluation']}  (" in answer.out
        for measurement in outcome["measurements"]:
            line = rf" +{measurement['metric']}( \(.*\))? +{measurement['value']:.3f} .*"
            assert re.search(line, answer.out)
    assert run["bundle_digest"] in answer.out
    for dataset in document["predicate"]["datasets"]:
        known = f"{dataset['rows']} of {dataset['rows']} rows (100.0%) of known origin"
        assert f"\ncustody   {dataset['name']}: {known}\n" in answer.out


def test_show_and_gate_say_that_evidence_is_unsigned(evaluated, seclab):
    run = _model(evaluated)["run_id"]

    assert seclab(evaluated.lab.root, "gate", run, "--json").json["signature"] is None
    for command in ("show", "gate"):
        assert "UNSIGNED: nothing shows who made" in seclab(evaluated.lab.root, command, run).out


def test_latest_is_one_of_the_newest_runs(evaluated, seclab):
    latest = seclab(evaluated.lab.root, "show", "latest", "--json").json

    digests = [run["bundle_digest"] for run in evaluated.runs.values()]
    assert str(of_json(latest)) in digests


@pytest.mark.parametrize("reference", ["ffffffff", "f" * 32, "no-such-run"])
def test_a_run_that_does_not_exist_is_2(evaluated, seclab, reference):
    for command in ("show", "gate"):
        answer = seclab(evaluated.lab.root, command, reference)

        assert (answer.code, answer.out) == (2, "")
        assert f"there is no run {reference}; `seclab runs` lists them" in answer.text


def test_a_reference_that_fits_several_runs_is_2(evaluated, seclab):
    answer = seclab(evaluated.lab.root, "show", "")

    assert answer.code == 2
    assert "is the beginning of several runs" in answer.text


def test_a_part_of_a_run_is_2_and_names_the_whole(evaluated, seclab):
    from seclab import settings, tracking  # noqa: PLC0415 - MLflow only where it is used

    store = tracking.open_store(settings.find(evaluated.lab.root, {}))
    children = store.client.search_runs(
        [store.experiment_id], f"tags.mlflow.parentRunId = '{_model(evaluated)['run_id']}'"
    )
    answer = seclab(evaluated.lab.root, "show", children[0].info.run_id)

    assert answer.code == 2
    assert f"is a part of run {_model(evaluated)['run_id']}" in answer.text


def test_gate_gives_the_verdict_again_while_nothing_changed(reader, evaluated, seclab):
    for run in evaluated.runs.values():
        answer = seclab(reader.root, "gate", run["run_id"], "--json")

        assert answer.code == {"PASS": 0, "BLOCK": 1}[run["verdict"]]
        assert answer.json["bundle"] == run["bundle_digest"]
        assert answer.json["decision"]["verdict"] == run["verdict"]


def test_gate_judges_old_evidence_by_the_thresholds_of_today(reader, evaluated, seclab):
    run = _model(evaluated)["run_id"]

    def tightened(criterion):
        return criterion | ({"at_least": 0.99} if criterion["id"] == "T-EVA-01" else {})

    reader.rewrite("thresholds.yaml", lambda criteria: [tightened(each) for each in criteria])
    answer = seclab(reader.root, "gate", run)

    assert answer.code == 1
    assert answer.out.startswith("BLOCK  model softmax-regression\nBlocked by:\n  T-EVA-01 ")
    assert "at least 0.99 is required" in answer.text
    assert seclab(evaluated.lab.root, "gate", run).code == 0


def test_gate_is_3_when_a_threshold_of_today_was_not_measured(reader, evaluated, seclab):
    def elsewhere(criterion):
        return criterion | (
            {"parameters": {"epsilon": 0.25}} if criterion["id"] == "T-EVA-03" else {}
        )

    reader.rewrite("thresholds.yaml", lambda criteria: [elsewhere(each) for each in criteria])
    answer = seclab(reader.root, "gate", _model(evaluated)["run_id"])

    assert answer.code == 3
    assert answer.out.startswith("NOT_EVALUATED  model softmax-regression")
    assert "did not measure noisy_accuracy (epsilon=0.25)" in answer.out


@contextlib.contextmanager
def _changed(path, change):
    before = path.read_bytes()
    path.write_bytes(change(before))
    try:
        yield
    finally:
        path.write_bytes(before)


def _artifacts(evaluated):
    store = evaluated.lab.root / "mlruns" / "artifacts"
    return store / _model(evaluated)["run_id"] / "artifacts"


def test_gate_refuses_a_bundle_that_was_tampered_with(evaluated, seclab):
    def flattered(text):
        document = json.loads(text)
        for outcome in document["predicate"]["evaluations"]:
            for measurement in outcome["measurements"]:
                if measurement["metric"] == "robust_accuracy":
                    measurement["value"] = measurement["interval"]["high"] = 1.0
                    measurement["interval"]["low"] = 1.0
        return json.dumps(document).encode()

    run = _model(evaluated)
    with _changed(_artifacts(evaluated) / "evidence" / "bundle.json", flattered):
        answer = seclab(evaluated.lab.root, "gate", run["run_id"])

    assert (answer.code, answer.out) == (1, "")
    assert f"bundle: expected digest {run['bundle_digest']}, found " in answer.text
    assert "decision: criterion T-EVA-01: expected judged 1.0, found " in answer.text
    assert seclab(evaluated.lab.root, "gate", run["run_id"]).code == 0


def test_gate_refuses_a_file_beside_the_bundle_that_was_tampered_with(evaluated, seclab):
    tables = sorted((_artifacts(evaluated) / "tables").glob("*.json"))

    with _changed(tables[0], lambda text: text.replace(b"0", b"1", 1)):
        answer = seclab(evaluated.lab.root, "gate", _model(evaluated)["run_id"])

    assert (answer.code, answer.out) == (1, "")
    assert f"tables/{tables[0].name}: expected sha256:" in answer.text


def test_gate_refuses_a_bundle_that_is_no_json(evaluated, seclab):
    with _changed(_artifacts(evaluated) / "evidence" / "bundle.json", lambda text: text[:-20]):
        answer = seclab(evaluated.lab.root, "gate", _model(evaluated)["run_id"])

    assert (answer.code, answer.out) == (1, "")
    assert "the bundle is not JSON" in answer.text


def test_risks_show_the_newest_evidence_and_what_was_never_tested(reader, evaluated, seclab):
    register = load_registers(reader.root / "registers").risks

    listed = seclab(reader.root, "risks", "--json").json
    answer = seclab(reader.root, "risks")

    assert answer.code == 0
    assert "\x1b" not in answer.text
    assert set(listed) == set(register)
    for risk, found in listed.items():
        line = next(line for line in answer.out.splitlines() if line.startswith(f"{risk} "))
        tagged = {
            name: run["risks"][risk] for name, run in evaluated.runs.items() if risk in run["risks"]
        }
        assert bool(tagged) == bool(register[risk].sources)
        assert found["verdict"] in line
        if tagged:
            assert found["evidence"]["verdicts"] == tagged
            assert found["evidence"]["subjects"].keys() == tagged.keys()
            runs = {each["run"][:12] for each in found["evidence"]["subjects"].values()}
            assert any(run in line for run in runs)
            assert "90 d" in line
        else:
            assert (found["verdict"], found["evidence"]) == ("never tested", None)
        assert not found["stale"]
    assert listed["R-PRV-01"]["verdict"] == "block"
    assert listed["R-EVA-01"]["verdict"] == "pass"
    untested = sum(not risk.sources for risk in register.values())
    assert f"{len(register)} risks, {untested} never tested" in answer.out
    assert "tale" not in answer.out


@pytest.fixture
def aged(lab, evaluated):
    """A project whose evidence about everything but the forest is 100 days old."""
    database = lab.root / "mlruns" / "mlflow.db"
    copy_database(evaluated.lab.root / "mlruns" / "mlflow.db", database)
    with contextlib.closing(sqlite3.connect(database)) as store:
        forest = evaluated.runs["random-forest"]["run_id"]
        store.execute(
            "UPDATE runs SET start_time = start_time - ? WHERE run_uuid != ?",
            [100 * 86_400_000, forest],
        )
        store.commit()
    return lab


def test_stale_evidence_is_shown_with_its_age_its_limit_and_the_schedule(aged, evaluated, seclab):
    shutil.copy(ROOT / "prefect.yaml", aged.root)
    old = evaluated.runs["softmax-regression"]["run_id"][:12]

    answer = seclab(aged.root, "risks")
    listed = seclab(aged.root, "risks", "--json").json

    assert answer.code == 0
    (line,) = (line for line in answer.out.splitlines() if line.startswith("R-EVA-01 "))
    # The newer run of the forest does not hide what nobody has looked at for 100 days.
    assert re.search(rf" stale +1 stale, 1 pass +100 d +90 d +{old}$", line)
    assert re.search(
        rf"Stale, which blocks:\n(  .*\n)*  softmax-regression \(run {old}\), "
        r"100\.0 days old, at most 90 are allowed by tier low: .*R-EVA-01",
        answer.out,
    )
    assert (
        "It should have been refreshed by nightly (cron 0 2 * * * UTC); weekly (cron 0 4 * * 0 UTC)"
    ) in answer.out
    found = listed["R-EVA-01"]
    assert (found["verdict"], found["stale"]) == ("stale", True)
    assert found["refreshed_by"][0] == {"deployment": "nightly", "when": "cron 0 2 * * * UTC"}
    subjects = found["evidence"]["subjects"]
    assert subjects["softmax-regression"]["age_days"] == pytest.approx(100, abs=0.1)
    assert subjects["softmax-regression"]["limit_days"] == 90
    assert subjects["random-forest"]["stale"] == ""
    # What blocked, and is fresh, is no better for the stale evidence beside it.
    assert (listed["R-PRV-01"]["verdict"], listed["R-PRV-01"]["stale"]) == ("block", True)
    assert listed["R-API-01"]["verdict"] == "never tested"


def test_a_stricter_threshold_makes_evidence_stale_earlier(aged, seclab):
    aged.rewrite("models.yaml", _all_tiers_allow(300))

    def strict(criterion):
        return criterion | ({"oldest_days": 60} if criterion["id"] == "T-EVA-01" else {})

    aged.rewrite("thresholds.yaml", lambda criteria: [strict(each) for each in criteria])
    listed = seclab(aged.root, "risks", "--json").json

    standing = listed["R-EVA-01"]["evidence"]["subjects"]["softmax-regression"]
    assert (standing["verdict"], standing["limit_days"]) == ("stale", 60)
    assert standing["limit_of"] == "T-EVA-01"
    assert not listed["R-EVA-02"]["stale"]


def _all_tiers_allow(days):
    def change(document):
        tiers = {name: tier | {"oldest_days": days} for name, tier in document["tiers"].items()}
        return document | {"tiers": tiers}

    return change


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "No schedule refreshes it: there is no /"),
        ("deployments: []", "No schedule refreshes it: no deployment of flows."),
    ],
)
def test_stale_evidence_that_no_schedule_refreshes_says_so(aged, seclab, file, said):
    if file:
        (aged.root / "prefect.yaml").write_text(file)

    assert said in seclab(aged.root, "risks").out


def test_a_subject_that_is_gone_from_the_models_needs_no_evidence(aged, seclab):
    def without(document):
        kept = {k: v for k, v in document["models"].items() if k != "softmax-regression"}
        return document | {"models": kept}

    aged.rewrite("models.yaml", without)
    found = seclab(aged.root, "risks", "--json").json["R-EVA-01"]

    assert (found["verdict"], found["evidence"]["verdicts"]) == ("pass", {"random-forest": "pass"})


def test_a_project_without_runs_says_so(lab, seclab):
    risks = seclab(lab.root, "risks")
    assert risks.code == 0
    found = re.search(r"^(\d+) risks, (\d+) never tested", risks.out, re.MULTILINE)
    assert found
    register = load_registers(lab.root / "registers").risks
    assert found.groups() == (str(len(register)), str(len(register)))

    runs = seclab(lab.root, "runs")
    assert (runs.code, runs.out) == (0, "no runs yet: `seclab evaluate` makes the first\n")
    assert seclab(lab.root, "runs", "--json").json == []
    # Asking makes no store.
    assert not (lab.root / "mlruns").exists()

    assert {entry["verdict"] for entry in seclab(lab.root, "risks", "--json").json.values()} == {
        "never tested"
    }
    latest = seclab(lab.root, "show", "latest")
    assert latest.code == 2
    assert "there are no runs yet: `seclab evaluate` makes the first" in latest.text
