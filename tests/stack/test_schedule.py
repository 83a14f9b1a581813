"""``make schedule``: server, deployments and runs on one machine, started and ended as users do."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time

import httpx
import pytest
import yaml

from tests.composed import ROOT
from tests.stack.processes import Process, free_ports

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(240)]

FOREIGN = ("MLFLOW_", "PREFECT_", "SECLAB_")
SERVE = [sys.executable, "-m", "flows.serve"]


@pytest.fixture
def environment(tmp_path):
    """A home, a store and a port of its own."""
    own = {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_API_PORT": str(*free_ports(1)),
        "SECLAB_STORE": str(tmp_path / "store"),
    }
    # Other tests in this process leave addresses of their own behind.
    rest = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return rest | own


def wait_for(condition, process, seconds):
    """What a condition gives once it gives something, while a process runs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.code is None, process.said()
        if found := condition():
            return found
        time.sleep(0.25)
    return pytest.fail(process.said())


def test_the_schedules_run_until_stopped(environment, tmp_path):
    port = int(environment["PREFECT_SERVER_API_PORT"])
    process = Process(SERVE, cwd=ROOT, environment=environment, log=tmp_path / "serve.log")
    server = httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30)
    try:
        wait_for(lambda: "stop with Ctrl-C" in process.said(), process, 120)
        printed = process.said()
        assert f"http://127.0.0.1:{port}" in printed
        document = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
        count = len(document["deployments"])
        deployments = wait_for(lambda: registered(server, count), process, 30)
        assert {(d["entrypoint"], d["name"]): crons(d) for d in deployments} == {
            (entry["entrypoint"], entry["name"]): [s["cron"] for s in entry["schedules"]]
            for entry in document["deployments"]
        }
        for entry in document["deployments"]:
            for schedule in entry["schedules"]:
                assert f"{schedule['cron']} {schedule['timezone']}" in printed
        planned = wait_for(lambda: planned_runs(server), process, 30)
        assert planned == {d["id"] for d in deployments if d["schedules"]}
        state = run_on_demand(server, process)
        assert state["name"] == "NotEvaluated", state
    finally:
        process.interrupt()
        try:
            code = process.wait(60)
        finally:
            process.end()
    assert code == 0, process.said()
    with pytest.raises(httpx.ConnectError):
        server.get("/health")
    with sqlite3.connect(tmp_path / "prefect" / "prefect.db") as database:
        assert {paused for (paused,) in database.execute("SELECT paused FROM deployment")} == {1}
    listed = seclab(environment, "runs", "--json")
    (run,) = json.loads(listed)
    assert (run["subject"], run["status"]) == ("softmax-regression", "FINISHED")
    assert run["bundle_digest"].startswith("sha256:")


def registered(server, count):
    """All deployments once the last is there, empty before."""
    found = server.post("/deployments/filter", json={}).raise_for_status().json()
    return found if len(found) == count else []


def planned_runs(server):
    """The deployments that Prefect's scheduler has planned runs of."""
    asked = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    found = server.post("/flow_runs/filter", json=asked).raise_for_status().json()
    return {run["deployment_id"] for run in found if run["auto_scheduled"]}


def crons(deployment):
    assert deployment["paused"] is False
    return [s["schedule"]["cron"] for s in deployment["schedules"] if s["active"]]


def run_on_demand(server, process):
    """The state that the cheapest evaluation ends in."""
    found = server.get("/deployments/name/security-evaluation/on-demand").raise_for_status().json()
    parameters = {
        "profile": "quick",
        "models": ["softmax-regression"],
        "evaluations": ["random_noise"],
        "promote": False,
    }
    asked = {"parameters": {"parameters": parameters}, "state": {"type": "SCHEDULED"}}
    made = server.post(f"/deployments/{found['id']}/create_flow_run", json=asked)
    run = f"/flow_runs/{made.raise_for_status().json()['id']}"

    def ended():
        state = server.get(run).raise_for_status().json()["state"]
        return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return wait_for(ended, process, 120)


def seclab(environment, *arguments):
    """What the command line prints about the store that the schedule wrote."""
    command = [sys.executable, "-c", "from seclab.cli import main; main()", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_a_taken_port_is_named_before_anything_starts(environment, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        environment["PREFECT_SERVER_API_PORT"] = str(port)
        done = subprocess.run(
            SERVE,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr
    assert not (tmp_path / "prefect" / "prefect.db").exists()


def test_a_server_of_the_users_that_does_not_answer_is_named(environment):
    (port,) = free_ports(1)
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    done = subprocess.run(
        SERVE, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 3
    assert f"http://127.0.0.1:{port}/api" in done.stderr
    assert "PREFECT_API_URL" in done.stderr
