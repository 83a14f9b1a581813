"""One Prefect server for all flow tests, projects of their own, and three runs that many share."""

import json
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from flows.server import embedded
from tests.cheap import CHEAP

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Lab:
    """A project folder, and the flows run in it."""

    root: Path

    def evaluate(self, **parameters: Any) -> Any:
        """Run the evaluation flow in this folder as the command line does; give its state."""
        from flows.security_evaluation import security_evaluation  # noqa: PLC0415 - needs the server

        return self._run(security_evaluation, {"profile": "quick", **parameters})

    def promote(self, run: str) -> Any:
        """Run the promotion flow in this folder; give its state."""
        from flows.promotion import promotion  # noqa: PLC0415 - needs the server

        return self._run(promotion, {"run": run})

    def audit(self) -> Any:
        """Run the audit of the evidence in this folder; give its state."""
        from flows.evidence_audit import evidence_audit  # noqa: PLC0415 - needs the server

        return self._run(evidence_audit)

    def figures(self) -> Any:
        """Record the figures of the programme in this folder; give the state of the flow."""
        from flows.programme_figures import programme_figures  # noqa: PLC0415 - needs the server

        return self._run(programme_figures)

    def _run(self, flow: Callable[..., Any], parameters: dict[str, Any] | None = None) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            # MLflow leaves the address of the store it used last in the environment.
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)
            given = {} if parameters is None else {"parameters": parameters}
            return flow(**given, return_state=True)

    @property
    def store(self) -> Any:
        """The evidence store."""
        from seclab import settings, tracking  # noqa: PLC0415 - flows.server goes before

        return tracking.open_store(settings.find(self.root, {}))

    def ledger(self) -> list[Any]:
        """Every entry of the ledger."""
        from seclab import tracking  # noqa: PLC0415 - flows.server goes before

        return tracking.read_ledger(self.store)

    def runs(self, state: Any = None) -> dict[str, Any]:
        """The runs by subject: those of one flow run, or the newest of all."""
        from seclab import tracking  # noqa: PLC0415 - flows.server goes before

        found = tracking.runs(self.store)
        if state is not None:
            batch = str(state.state_details.flow_run_id)
            found = [run for run in found if run.batch == batch]
        return {run.subject: run for run in reversed(found)}

    def bundle(self, run: Any) -> Any:
        """The evidence of a run."""
        from seclab import tracking  # noqa: PLC0415 - flows.server goes before

        return tracking.load_bundle(self.store, run)[0]

    def everything(self) -> list[Any]:
        """All runs as MLflow has them, parents and children."""
        store = self.store
        return list(store.client.search_runs([store.experiment_id], max_results=10_000))

    def everything_without_children(self) -> list[Any]:
        """The parent runs as MLflow has them."""
        return [run for run in self.everything() if "mlflow.parentRunId" not in run.data.tags]

    def rewrite(self, register: str, edit: Callable[[Any], Any]) -> None:
        """Change a YAML register of this project."""
        path = self.root / "registers" / register
        document = edit(yaml.safe_load(path.read_text(encoding="utf-8")))
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def cheapen(self) -> "Lab":
        """Make the quick profile cheaper still."""
        self.rewrite("profiles.yaml", lambda all_: all_ | {"quick": {**all_["quick"], **_CHEAP}})
        return self

    def loosen(self) -> "Lab":
        """Set bounds that every trained model meets."""
        self.rewrite("thresholds.yaml", lambda criteria: [_loose(c) for c in criteria])
        return self


_CHEAP = {"evaluations": CHEAP}


def _loose(criterion: dict[str, Any]) -> dict[str, Any]:
    strict = ("effort", "least_n")
    kept = {key: value for key, value in criterion.items() if key not in strict}
    bounds = {"at_least": 0.01, "at_most": 0.999}
    return kept | {key: bound for key, bound in bounds.items() if key in criterion}


def _lab(folder: Path) -> Lab:
    """A project like this one, with a store of its own."""
    for name in ("registers", "expectations"):
        shutil.copytree(ROOT / name, folder / name)
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["seclab"]
    lines = ["[tool.seclab]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    (folder / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
    return Lab(folder)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The embedded server, for as long as the tests run."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        for name in [key for key in os.environ if key.startswith(("PREFECT_", "MLFLOW_"))]:
            patch.delenv(name)
        patch.delenv("SECLAB_STORE", raising=False)
        patch.setenv("DO_NOT_TRACK", "true")
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with embedded(home) as ready:
            # Prefect reads the environment when it is imported, which another test may have done.
            from prefect.settings import (  # noqa: PLC0415
                PREFECT_API_URL,
                PREFECT_HOME,
                temporary_settings,
            )

            import flows.security_evaluation  # noqa: F401, PLC0415 - while the server comes up

            ready()
            with temporary_settings(
                {PREFECT_API_URL: os.environ["PREFECT_API_URL"], PREFECT_HOME: home}
            ):
                yield


@pytest.fixture(scope="session")
def ask(server: None) -> Callable[..., Any]:  # noqa: ARG001 - has to run
    """Ask Prefect's API: what a path gives, or what a filter in the body finds."""

    def answer(path: str, **body: Any) -> Any:
        method = "POST" if body else "GET"
        url = f"{os.environ['PREFECT_API_URL']}/{path}"
        return httpx.request(method, url, json=body or None).raise_for_status().json()

    return answer


@pytest.fixture(scope="session")
def empty_store(server: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """A store without anything in it: making one takes MLflow longer than most tests take."""
    from mlflow import MlflowClient  # noqa: PLC0415 - once the environment is set

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def lab(empty_store: Path, tmp_path: Path) -> Lab:
    """A project with an empty store and the cheapest attacks."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_store, tmp_path / "mlruns")
    return _lab(tmp_path).cheapen()


@dataclass(frozen=True)
class SharedRuns:
    """Three evaluations in one store. Tests read them and leave them as they are."""

    lab: Lab
    full: Any
    again: Any
    other_seed: Any


@pytest.fixture(scope="session")
def shared(server: None, tmp_path_factory: pytest.TempPathFactory) -> SharedRuns:  # noqa: ARG001
    """One full quick run; one of its models and the agent again; both with another seed."""
    from seclab import registry  # noqa: PLC0415 - flows.server goes before

    lab = _lab(tmp_path_factory.mktemp("shared"))
    full = lab.evaluate()
    # The contract of evaluations says that those of the data can be repeated.
    without_data = [*registry.registered("model"), *registry.registered("agent")]
    again = lab.evaluate(models=["softmax-regression"], evaluations=without_data, refresh=True)
    other = lab.evaluate(models=["softmax-regression"], evaluations=without_data, seed=1)
    return SharedRuns(lab, full, again, other)
