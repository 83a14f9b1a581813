"""The services of docker-compose.yml as processes of this machine, on databases of their own."""

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cheap import CHEAP
from tests.composed import ROOT, VARIABLE, compose_file, copied, required_variables, rewritten
from tests.stack.processes import Process, free_ports

BIN = Path(sys.executable).parent
POSTGRES = "127.0.0.1"
PATIENCE = 90.0  # seconds for a service to become healthy
ONE_SHOT = 60.0  # seconds for a service that ends
FLOW = 120.0  # seconds for a flow run


def psql(statement, *, database="postgres", user="postgres", environment=None):
    """Run a statement, or a file, as a role of the local PostgreSQL."""
    what = ["--file", str(statement)] if isinstance(statement, Path) else ["--command", statement]
    return subprocess.run(
        [
            *("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
            *("--set", "ON_ERROR_STOP=1"),
            *("--host", POSTGRES, "--username", user, "--dbname", database, *what),
        ],
        env=os.environ | {"PGCONNECT_TIMEOUT": "5"} | (environment or {}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="session")
def postgres():
    """Skip without a PostgreSQL where roles can be made; fail where one is promised."""
    if shutil.which("psql") is None:
        problem = "psql is not installed"
    else:
        problem = psql("SELECT 1").stderr.strip()
    if problem:
        reason = f"no PostgreSQL for role postgres at {POSTGRES}:5432: {problem}"
        if os.environ.get("SECLAB_REQUIRE_STACK"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def databases(postgres):  # noqa: ARG001 - has to be there
    """The variables of deploy/databases.sql, run for names that nobody else has."""
    suffix = secrets.token_hex(4)
    names = {"PREFECT_DATABASE": f"prefect_{suffix}", "MLFLOW_DATABASE": f"mlflow_{suffix}"}
    passwords = {f"{name}_PASSWORD": secrets.token_hex(8) for name in names}
    try:
        made = psql(ROOT / "deploy" / "databases.sql", environment=names | passwords)
        assert made.returncode == 0, made.stderr
        yield names
    finally:
        for name in names.values():
            psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            psql(f'DROP ROLE IF EXISTS "{name}"')


@dataclass
class Stack:
    """The running services.

    Attributes:
        folder: What the image holds in /app.
        services: The services as the compose file has them, adapted to this machine.
        ports: Port of each service that has one.
        processes: What was started.
        password: Of the user of Prefect.
    """

    folder: Path
    services: dict
    ports: dict
    password: str
    processes: dict = field(default_factory=dict)

    @property
    def mlflow(self):
        """Address of the MLflow server."""
        return f"http://127.0.0.1:{self.ports['mlflow']}"

    def environment(self, name):
        """The variables of a service, and nothing of this process but where commands are."""
        return {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder.parent),
            "TMPDIR": str(self.folder.parent),
            **self.services[name]["environment"],
        }

    def run(self, name, command, *, seconds=60):
        """Run a command as in the container of a service."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, name):
        """Start a service once everything it depends on is as it asks."""
        for other, wish in self.services[name].get("depends_on", {}).items():
            if other in self.processes:
                self._await(other, wish["condition"])
        self.processes[name] = Process(
            self.services[name]["command"],
            cwd=self.folder,
            environment=self.environment(name),
            log=self.folder.parent / f"{name}.log",
        )

    def _await(self, name, condition):
        process = self.processes[name]
        if condition == "service_completed_successfully":
            code = process.wait(ONE_SHOT)
            assert code == 0, f"{name} ended with {code}: {process.said()}"
            return
        assert condition == "service_healthy"
        check = self.services[name]["healthcheck"]["test"]
        assert check[0] == "CMD"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert process.code is None, f"{name} ended with {process.code}: {process.said()}"
            # Asked only once it listens itself: nobody else's answer is taken for its own.
            if process.owns(self.ports[name]) and self.run(name, check[1:]).returncode == 0:
                return
            time.sleep(0.25)
        pytest.fail(f"{name} did not become healthy: {process.said()}")

    def settle(self):
        """Return when the services that nothing waits for are healthy, too."""
        for name, process in self.processes.items():
            if process.code is None:
                self._await(name, "service_healthy")

    def prefect(self, method, path, **request):
        """Ask Prefect's API as its user, with the token that it wants with every change."""
        client = {"Prefect-Csrf-Client": "tests"}
        page = f"http://127.0.0.1:{self.ports['prefect']}/api"
        with httpx.Client(auth=("lab", self.password), timeout=30) as session:
            made = session.get(f"{page}/csrf-token", params={"client": "tests"})
            client["Prefect-Csrf-Token"] = made.raise_for_status().json()["token"]
            answer = session.request(method, f"{page}{path}", headers=client, **request)
        return answer.raise_for_status().json()

    def run_deployment(self, name, parameters):
        """Have the worker run a deployment; give the finished flow run."""
        deployment = self.prefect("GET", f"/deployments/name/{name}")
        asked = {"parameters": {"parameters": parameters}, "state": {"type": "SCHEDULED"}}
        path = f"/deployments/{deployment['id']}/create_flow_run"
        run_id = self.prefect("POST", path, json=asked)["id"]
        deadline = time.monotonic() + FLOW
        while time.monotonic() < deadline:
            run = self.prefect("GET", f"/flow_runs/{run_id}")
            if run["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return run
            time.sleep(0.5)
        return pytest.fail(f"{name} did not end: {self.processes['worker'].said()}")

    def end(self):
        """End everything, the last started first."""
        for process in reversed(self.processes.values()):
            process.end()


@pytest.fixture(scope="module")
def stack(databases, tmp_path_factory):
    """The stack of the compose file, started in its order by its commands."""
    folder = tmp_path_factory.mktemp("stack")
    app = folder / "app"
    _lay_out(app)
    _make_easy(app)
    ports = dict(zip(("prefect", "mlflow", "worker"), free_ports(3), strict=True))
    document = compose_file()
    variables = {name: secrets.token_hex(8) for name in required_variables(document)}
    services = {
        name: _on_this_machine(service, folder, ports, databases, variables)
        for name, service in document["services"].items()
        if name != "postgres"
    }
    running = Stack(app, services, ports, variables["PREFECT_PASSWORD"])
    try:
        for name in _in_order(services):
            running.start(name)
        running.settle()
        yield running
    finally:
        running.end()


def _lay_out(app):
    """The folder /app of the image, as the Dockerfile fills it."""
    for source, target in copied():
        place = app / target / (Path(source).name if target in (".", "./") else "")
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)


def _make_easy(app):
    """Cheap attacks and wide bounds: what is tested is the way of the evidence, not a model."""
    path = app / "registers" / "profiles.yaml"
    profiles = yaml.safe_load(path.read_text(encoding="utf-8"))
    profiles["quick"]["evaluations"] |= CHEAP
    path.write_text(yaml.safe_dump(profiles), encoding="utf-8")
    path = app / "registers" / "thresholds.yaml"
    criteria = yaml.safe_load(path.read_text(encoding="utf-8"))
    for criterion in criteria:
        for key in ("effort", "least_n"):
            criterion.pop(key, None)
        for key, bound in (("at_least", 0.01), ("at_most", 0.999)):
            if key in criterion:
                criterion[key] = bound
    path.write_text(yaml.safe_dump(criteria), encoding="utf-8")


def _in_order(services):
    """Names of the services, each after those it depends on."""
    order = []
    while len(order) < len(services):
        ready = [
            name
            for name, service in services.items()
            if name not in order and {*service.get("depends_on", {})} - {"postgres"} <= {*order}
        ]
        assert ready, "the services wait for one another"
        order += ready
    return order


def _on_this_machine(service, folder, ports, databases, variables):
    """A service with the names of the compose network replaced by what stands for them here."""
    prefect, mlflow, worker = (str(ports[name]) for name in ("prefect", "mlflow", "worker"))
    changes = [
        (VARIABLE, lambda found: variables[found[1]]),
        (r"^postgres$", POSTGRES),
        (r"(?<=//)mlflow@postgres:5432/mlflow", "{0}@{1}:5432/{0}"),
        (r"\b(prefect|127\.0\.0\.1):4200", f"127.0.0.1:{prefect}"),
        (r"\b(mlflow|127\.0\.0\.1):5000", f"127.0.0.1:{mlflow}"),
        (r"\b127\.0\.0\.1:8080", f"127.0.0.1:{worker}"),
        (r"^4200$", prefect),
        (r"^5000$", mlflow),
        (r"^8080$", worker),
        (r"^0\.0\.0\.0$", "127.0.0.1"),
        (r"^/tmp/", f"{folder}/"),
        (r"^/artifacts$", str(folder / "artifacts")),
    ]

    def change(text):
        for pattern, replacement in changes:
            text = re.sub(pattern, replacement, text)
        return text.format(databases["MLFLOW_DATABASE"], POSTGRES) if "{0}" in text else text

    adapted = rewritten(service, change)
    for key in ("PREFECT_SERVER_DATABASE_NAME", "PREFECT_SERVER_DATABASE_USER"):
        if key in adapted["environment"]:
            adapted["environment"][key] = databases["PREFECT_DATABASE"]
    return adapted
