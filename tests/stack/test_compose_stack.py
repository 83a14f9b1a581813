"""One evaluation and one promotion through the services of the compose file."""

import json
import time

import httpx
import pytest
import yaml

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry
from seclab.evidence import decide_again, read
from seclab.gate import Verdict
from tests.composed import ROOT
from tests.stack.conftest import psql

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(280)]

MODEL = "softmax-regression"
POWERS = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
FROM pg_roles WHERE rolname = CURRENT_USER
"""


@pytest.fixture(scope="module")
def evaluated(stack):
    """One evaluation of one model by the on-demand deployment."""
    return stack.run_deployment(
        "security-evaluation/on-demand",
        {
            "profile": "quick",
            "models": [MODEL],
            "evaluations": list(registry.registered("model")),
            "promote": False,
        },
    )


@pytest.fixture(scope="module")
def mlflow(stack):
    """MLflow's API, asked over HTTP as any client would."""
    with httpx.Client(base_url=stack.mlflow, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def run(evaluated, mlflow):
    """The run that the evaluation left, as MLflow's API gives it."""
    experiment = mlflow.get(
        "/api/2.0/mlflow/experiments/get-by-name",
        params={"experiment_name": "security-evaluations"},
    ).raise_for_status()
    found = mlflow.post(
        "/api/2.0/mlflow/runs/search",
        json={
            "experiment_ids": [experiment.json()["experiment"]["experiment_id"]],
            "filter": f"tags.`seclab.batch` = '{evaluated['id']}' AND tags.`seclab.kind` = 'model'",
        },
    ).raise_for_status()
    (only,) = found.json()["runs"]
    return only


def tags_of(run):
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def test_prefect_answers_nobody_without_the_password(stack):
    page = f"http://127.0.0.1:{stack.ports['prefect']}/api"
    assert httpx.get(f"{page}/health").status_code == 200
    pool = f"{page}/work_pools/security-lab"
    assert httpx.get(pool).status_code == 401
    assert httpx.get(pool, auth=("lab", "guess")).status_code == 401
    assert httpx.get(pool, auth=("lab", stack.password)).status_code == 200


def test_prefect_takes_no_change_from_a_foreign_page(stack):
    refused = httpx.post(
        f"http://127.0.0.1:{stack.ports['prefect']}/api/work_pools/",
        json={"name": "intruder", "type": "process"},
        auth=("lab", stack.password),
    )
    assert refused.status_code == 403
    assert "CSRF" in refused.text


def test_mlflow_answers_to_its_own_names_only(mlflow, stack):
    own = f"127.0.0.1:{stack.ports['mlflow']}"
    answers = {
        host: mlflow.get("/api/2.0/mlflow/experiments/get-by-name", headers={"Host": host})
        for host in (own, "localhost:5000", "rebound.example")
    }
    assert answers[own].status_code != 403
    assert answers["localhost:5000"].status_code != 403
    assert answers["rebound.example"].status_code == 403
    foreign = mlflow.post(
        "/api/2.0/mlflow/runs/search", json={}, headers={"Origin": "https://rebound.example"}
    )
    assert foreign.status_code == 403


def test_each_database_is_closed_to_the_other_owner(databases):
    prefect, mlflow = databases["PREFECT_DATABASE"], databases["MLFLOW_DATABASE"]
    for owner, other in ((prefect, mlflow), (mlflow, prefect)):
        assert psql(POWERS, database=owner, user=owner).stdout.strip() == "f"
        refused = psql("SELECT 1", database=other, user=owner)
        assert "permission denied for database" in refused.stderr


def test_the_deployments_are_those_of_prefect_yaml(stack):
    document = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    registered = sorted(
        (
            deployment["entrypoint"],
            deployment["name"],
            deployment["work_pool_name"],
            deployment["parameters"],
            [s["schedule"]["cron"] for s in deployment["schedules"] if s["active"]],
            deployment["global_concurrency_limit"]["limit"],
            deployment["concurrency_options"]["collision_strategy"],
            [next(iter(step.values()))["directory"] for step in deployment["pull_steps"]],
        )
        for deployment in stack.prefect("POST", "/deployments/filter", json={})
    )
    assert registered == sorted(
        (
            entry["entrypoint"],
            entry["name"],
            entry["work_pool"]["name"],
            entry.get("parameters", {}),
            [schedule["cron"] for schedule in entry["schedules"]],
            entry["concurrency_limit"]["limit"],
            entry["concurrency_limit"]["collision_strategy"],
            [str(stack.folder)],
        )
        for entry in document["deployments"]
    )


def test_the_scheduler_plans_the_runs_of_every_schedule(stack):
    deployments = stack.prefect("POST", "/deployments/filter", json={})
    scheduled = {deployment["id"] for deployment in deployments if deployment["schedules"]}
    asked = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    deadline = time.monotonic() + 60
    planned = set()
    while planned != scheduled and time.monotonic() < deadline:
        time.sleep(0.5)
        runs = stack.prefect("POST", "/flow_runs/filter", json=asked)
        planned = {run["deployment_id"] for run in runs if run["auto_scheduled"]}
    assert planned == scheduled, stack.processes["prefect"].said()


def test_the_worker_runs_the_evaluation_to_its_verdict(evaluated):
    assert (evaluated["state"]["type"], evaluated["state"]["name"]) == ("COMPLETED", "Completed")
    assert evaluated["state"]["message"] == f"PASS {MODEL}"
    assert evaluated["work_pool_name"] == "security-lab"


def test_the_progress_is_kept_with_the_flow_run(evaluated, stack):
    wanted = {"flow_run_id": {"any_": [evaluated["id"]]}}
    last = f"PASS     {MODEL}"
    # A flow run hands over its last lines as its process ends.
    deadline = time.monotonic() + 30
    progress = []
    while last not in progress and time.monotonic() < deadline:
        lines = stack.prefect("POST", "/logs/filter", json={"logs": wanted})
        progress = [line["message"] for line in lines if line["name"] == "seclab.progress"]
    assert last in progress
    assert last in stack.processes["worker"].log.read_text()


def test_the_run_carries_verdict_risks_and_bundle_digest(run):
    assert run["info"]["status"] == "FINISHED"
    tags = tags_of(run)
    assert tags["seclab.verdict"] == "PASS"
    assert tags["seclab.subject"] == MODEL
    risks = {key: value for key, value in tags.items() if key.startswith("risk.")}
    assert risks
    assert {*risks.values()} <= {"pass", "measured"}
    assert "pass" in risks.values()
    assert tags["bundle.digest"].startswith("sha256:")


def test_the_bundle_comes_back_through_the_server_as_it_was_sealed(run, mlflow):
    root = run["info"]["artifact_uri"]
    assert root.startswith("mlflow-artifacts:/")
    path = root.removeprefix("mlflow-artifacts:/")
    answer = mlflow.get(f"/api/2.0/mlflow-artifacts/artifacts/{path}/evidence/bundle.json")
    bundle = read(answer.raise_for_status().content)
    assert str(bundle.digest) == tags_of(run)["bundle.digest"]
    assert decide_again(bundle).verdict is Verdict.PASS


def test_every_artifact_that_the_server_lists_can_be_fetched(run, mlflow):
    def files(folder):
        listed = mlflow.get(
            "/api/2.0/mlflow/artifacts/list",
            params={"run_id": run["info"]["run_id"], "path": folder},
        ).raise_for_status()
        for entry in listed.json().get("files", []):
            yield from files(entry["path"]) if entry.get("is_dir") else [entry]

    found = list(files(""))
    assert "evidence/bundle.json" in {entry["path"] for entry in found}
    for entry in found:
        answer = mlflow.get(
            "/get-artifact", params={"run_id": run["info"]["run_id"], "path": entry["path"]}
        )
        assert len(answer.raise_for_status().content) == int(entry["file_size"])


def test_the_model_version_is_registered_with_the_digest_of_its_file(run, mlflow):
    found = mlflow.get(
        "/api/2.0/mlflow/model-versions/search", params={"filter": "name = 'digits'"}
    ).raise_for_status()
    (version,) = found.json()["model_versions"]
    assert version["version"] == tags_of(run)["model.version"]
    assert version["run_id"] == run["info"]["run_id"]
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags["model.digest"] == tags_of(run)["subject.digest"]
    assert tags["gate.verdict"] == "PASS"
    assert tags["gate.bundle"] == tags_of(run)["bundle.digest"]


def test_the_report_links_to_where_people_open_the_pages(evaluated, run, stack):
    wanted = {"flow_run_id": {"any_": [evaluated["id"]]}, "key": {"any_": ["evidence"]}}
    (artifact,) = stack.prefect("POST", "/artifacts/filter", json={"artifacts": wanted})
    pages = stack.services["worker"]["environment"]["SECLAB_PAGES"]
    assert f"({pages}/#/experiments/" in artifact["data"]
    assert run["info"]["run_id"] in artifact["data"]


def test_the_promotion_deployment_makes_the_version_champion(run, stack, mlflow):
    promoted = stack.run_deployment("promotion/on-demand", {"run": run["info"]["run_id"]})
    assert promoted["state"]["type"] == "COMPLETED", promoted["state"]
    champion = mlflow.get(
        "/api/2.0/mlflow/registered-models/alias", params={"name": "digits", "alias": "champion"}
    ).raise_for_status()
    assert champion.json()["model_version"]["version"] == tags_of(run)["model.version"]


def test_the_command_line_reads_the_evidence_from_the_server(run, stack):
    run_id = run["info"]["run_id"]
    listed = stack.run("worker", ["seclab", "runs", "--json"])
    assert [entry["run_id"] for entry in json.loads(listed.stdout)] == [run_id]
    shown = stack.run("worker", ["seclab", "show", run_id[:12]])
    assert shown.returncode == 0, shown.stderr
    assert "model_extraction" in shown.stdout
    gated = stack.run("worker", ["seclab", "gate", run_id, "--json"])
    assert gated.returncode == 0, gated.stderr
    assert json.loads(gated.stdout)["bundle"] == tags_of(run)["bundle.digest"]
    risks = stack.run("worker", ["seclab", "risks", "--json"])
    evidence = json.loads(risks.stdout)
    assert any(risk["verdict"] == "pass" for risk in evidence.values())
