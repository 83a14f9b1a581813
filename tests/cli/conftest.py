"""Projects to run the command in, as a process of its own or inside this one."""

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import server
from seclab.cli import main

ROOT = Path(__file__).parents[2]
SECLAB = Path(sys.executable).with_name("seclab")

# Few steps on few images: enough to see every part of a run, not to judge a model by.
CHEAP: dict[str, dict[str, Any]] = {
    "evasion_linf": {
        "epsilons": [0.1],
        "samples": 60,
        "steps": 2,
        "restarts": 1,
        "walk_iterations": 1,
    },
    "random_noise": {"epsilons": [0.1], "repeats": 1},
    "backdoor_poisoning": {"rates": [0.0]},
    "membership_inference": {},
    "model_extraction": {"query_budgets": [100, 250]},
    "rag_prompt_injection": {"cases": 12, "benign_tasks": 6},
}


@dataclass(frozen=True)
class Answer:
    """How the command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Both streams; no traceback is in them, whatever the user did wrong."""
        both = self.out + self.err
        assert "Traceback" not in both
        return both


@dataclass(frozen=True)
class Lab:
    """A project folder with its own registers and, unless it shares one, its own store."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Path:
        """Folder of the private keys of its processes."""
        return Path(f"{self.root}-keys")

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its processes: nothing that this machine's user has set."""
        others = ("PREFECT_", "MLFLOW_", "SECLAB_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(others)}
        sources = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        ours = {"PYTHONPATH": sources, "SECLAB_KEYS": str(self.keys)}
        return kept | ours | {"TERM": "xterm-256color"} | self.environment

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process of its own."""
        return subprocess.Popen(
            [str(SECLAB), *arguments],
            cwd=self.root,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Answer:
        """The command as a process of its own, to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=200)
        return Answer(process.returncode, out, err)

    def on(self, service: "Prefect") -> "Lab":
        """The same project with a Prefect server that runs already."""
        home = {"PREFECT_API_URL": service.api, "PREFECT_HOME": str(service.home)}
        return replace(self, environment=home)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """Change the text of a file of the project."""
        path = self.root / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    def rewrite(self, register: str, change: Callable[[Any], Any]) -> None:
        """Change what a YAML register says."""
        self.edit(
            f"registers/{register}",
            lambda text: yaml.safe_dump(change(yaml.safe_load(text)), sort_keys=False),
        )

    def configure(self, **settings: str) -> None:
        """Change the project's table in ``pyproject.toml``."""
        path = self.root / "pyproject.toml"
        table = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["seclab"] | settings
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        path.write_text("\n".join(["[tool.seclab]", *lines, ""]), encoding="utf-8")

    def sql(self, *statements: str) -> list[Any]:
        """Do something to the store past everything that looks after it; the last answer."""
        answer: list[Any] = []
        with closing(sqlite3.connect(self.root / "mlruns" / "mlflow.db")) as database, database:
            for statement in statements:
                answer = database.execute(statement).fetchall()
        return answer

    def evidence(self, run_id: str) -> Path:
        """Folder of the files of a run."""
        return self.root / "mlruns" / "artifacts" / run_id / "artifacts"

    def copy(self, folder: Path) -> "Lab":
        """The same project with everything in it, to be spoilt."""
        for name in ("registers", "expectations"):
            shutil.copytree(self.root / name, folder / name)
        shutil.copy(self.root / "pyproject.toml", folder)
        shutil.copytree(self.root / "mlruns" / "artifacts", folder / "mlruns" / "artifacts")
        copy_database(self.root / "mlruns" / "mlflow.db", folder / "mlruns" / "mlflow.db")
        copy = Lab(folder)
        if self.keys.exists():
            shutil.copytree(self.keys, copy.keys)
        # MLflow writes down where files are, and that is the way they would be found.
        before, after = ((lab.root / "mlruns").as_posix() for lab in (self, copy))
        copy.sql(
            *(
                f"UPDATE {table} SET {column} = replace({column}, '{before}/', '{after}/')"  # noqa: S608
                for table, column in _ADDRESSES
            )
        )
        return copy


_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("runs", "artifact_uri"),
)


def make_lab(folder: Path, **settings: str) -> Lab:
    """A project like this one, with cheap attacks and bounds that every model but a forest meets.

    The forest still gives its training rows away.
    """
    for name in ("registers", "expectations"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    lab = Lab(folder)
    lab.configure(**settings)
    lab.rewrite("profiles.yaml", lambda all_: all_ | {"quick": _cheap(all_["quick"])})
    lab.rewrite("thresholds.yaml", lambda criteria: [_loose(each) for each in criteria])
    return lab


def _cheap(profile: dict[str, Any]) -> dict[str, Any]:
    return profile | {"evaluations": CHEAP}


def _loose(criterion: dict[str, Any]) -> dict[str, Any]:
    if criterion["risk"] == "R-PRV-01":
        return criterion
    strict = ("effort", "least_n")
    kept = {key: value for key, value in criterion.items() if key not in strict}
    bounds = {"at_least": 0.01, "at_most": 0.999}
    return kept | {key: bound for key, bound in bounds.items() if key in criterion}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A project whose store is still to be made."""
    return make_lab(tmp_path)


@dataclass(frozen=True)
class Evaluated:
    """A project after one evaluation, and what the command said about it. To be read only."""

    lab: Lab
    answer: Answer

    @property
    def runs(self) -> dict[str, Any]:
        """The runs by subject."""
        return {run["subject"]: run for run in self.answer.json["runs"]}


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """One real process: a model that passes, a model that does not, and the agent."""
    lab = make_lab(tmp_path_factory.mktemp("evaluated"))
    models = ("--model", "softmax-regression", "--model", "random-forest")
    evaluations = [word for name in CHEAP for word in ("--evaluation", name)]
    return Evaluated(
        lab, lab.run("evaluate", "--profile", "quick", *models, *evaluations, "--json")
    )


@dataclass(frozen=True)
class Prefect:
    """A server that runs, and the folder of its database."""

    api: str
    home: Path


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database as it is, whoever has it open."""
    target.parent.mkdir(exist_ok=True)
    with sqlite3.connect(source) as original, sqlite3.connect(target) as copy:
        original.backup(copy)


@pytest.fixture(scope="session")
def prefect(evaluated: Evaluated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A server for the commands that are not about having one of their own.

    It starts from the database of one that was: making a new one takes longer than all the rest.
    """
    home = tmp_path_factory.mktemp("prefect")
    copy_database(evaluated.lab.root / ".prefect" / "prefect.db", home / "prefect.db")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name in [key for key in os.environ if key.startswith("PREFECT_")]:
                patch.delenv(name)
            patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
            port = server._free_port()
            started = server.running(home, port=port, environment=server._EMBEDDED)
            running = stack.enter_context(started)
        running.wait()
        yield Prefect(running.api, home)


@pytest.fixture(scope="session")
def locked_out(
    evaluated: Evaluated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[str]]:
    """A command whose store another process has locked.

    It waits long before it gives up: what asks for this early has the answer when it is wanted.
    """
    folder = tmp_path_factory.mktemp("locked")
    database = folder / "mlruns" / "mlflow.db"
    copy_database(evaluated.lab.root / "mlruns" / "mlflow.db", database)
    with sqlite3.connect(database, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with make_lab(folder).start("runs") as process:
            yield process
            process.kill()
        other.execute("ROLLBACK")


@pytest.fixture
def reader(evaluated: Evaluated, tmp_path: Path) -> Lab:
    """A project with registers of its own on the store of the evaluated one."""
    return make_lab(tmp_path, store=str(evaluated.lab.root / "mlruns"))


@pytest.fixture
def seclab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Answer]]:
    """The command inside this process, which saves its imports.

    In a folder it looks for private keys where a user has them, in a project where its processes
    do.
    """

    def call(where: Path | Lab, *arguments: str) -> Answer:
        code = _inside(monkeypatch, where, *arguments)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    before = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, before)


def _inside(patch: pytest.MonkeyPatch, where: Path | Lab, *arguments: str) -> Any:
    """Run the command in this process; give its exit code."""
    patch.chdir(where.root if isinstance(where, Lab) else where)
    patch.setattr(sys, "argv", ["seclab", *arguments])
    # MLflow leaves the address of the store it used last in the environment.
    for name in [key for key in os.environ if key.startswith(("MLFLOW_", "SECLAB_"))]:
        patch.delenv(name)
    if isinstance(where, Lab):
        patch.setenv("SECLAB_KEYS", str(where.keys))
    # MLflow remembers where the files of a run are, and a copied store has the same runs.
    if places := sys.modules.get("mlflow.tracking._tracking_service.utils"):
        places._artifact_repos_cache.clear()
    try:
        main()
    except SystemExit as ending:
        return ending.code or 0
    return 0


def _silently(where: Lab, *arguments: str) -> Answer:
    """The command inside this process, for what lives longer than a test."""
    before = signal.getsignal(signal.SIGTERM)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        code = _inside(patch, where, *arguments)
    signal.signal(signal.SIGTERM, before)
    return Answer(code, out.getvalue(), err.getvalue())


@contextmanager
def _flows_on(service: Prefect) -> Iterator[None]:
    """Let commands inside this process run flows on a server that runs already."""
    from prefect.settings import (  # noqa: PLC0415 - an import of seconds that few tests need
        PREFECT_API_URL,
        PREFECT_HOME,
        temporary_settings,
    )

    with pytest.MonkeyPatch.context() as patch:
        # The command sets what is not set; that must not reach the tests after this one.
        for name in ("DO_NOT_TRACK", "PREFECT_HOME", "PREFECT_LOGGING_EXTRA_LOGGERS"):
            patch.setenv(name, os.environ.get(name, ""))
        patch.setenv("PREFECT_API_URL", service.api)
        patch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with temporary_settings({PREFECT_API_URL: service.api, PREFECT_HOME: service.home}):
            yield
            # Prefect's senders keep the server they began with; other tests have another.
            server._hand_over()


@pytest.fixture
def flows_inside(prefect: Prefect) -> Iterator[None]:
    """Let commands inside this process run flows on the server that runs already."""
    with _flows_on(prefect):
        yield


GIT = ("git", "-c", "user.name=tests", "-c", "user.email=tests@localhost")
# Who signs what in the projects of these tests.
OWNERS = {"pipeline": "platform", "security": "red team", "ml-engineering": "digits team"}


@dataclass(frozen=True)
class Signed:
    """A project whose evidence is signed, what ``evaluate`` said about it, and its runs."""

    lab: Lab
    answer: Answer
    listed: Any

    @property
    def softmax(self) -> str:
        """ID of the run that passed, of a model in the tier ``high``."""
        return self._run("softmax-regression")

    @property
    def forest(self) -> str:
        """ID of the run that is blocked, of a model in the tier ``low``."""
        return self._run("random-forest")

    def _run(self, subject: str) -> str:
        [run] = [run["run_id"] for run in self.listed if run["subject"] == subject]
        return str(run)


@pytest.fixture(scope="session")
def signed(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """A project with keys, evaluated from a clean commit. To be read only, or copied.

    Its softmax regression, which passes, is in the tier ``high``, as the registered model is; its
    forest, which is blocked, is in ``low``.
    """
    lab = make_lab(tmp_path_factory.mktemp("signed") / "project")
    high = {"criticality": "high"}
    lab.rewrite(
        "models.yaml",
        lambda all_: (
            all_
            | {
                "models": {
                    name: entry | (high if name in ("digits", "softmax-regression") else {})
                    for name, entry in all_["models"].items()
                }
            }
        ),
    )
    for role, owner in OWNERS.items():
        assert _silently(lab, "keys", "init", "--role", role, "--owner", owner).code == 0
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "The project")):
        subprocess.run([*GIT, *arguments], cwd=lab.root, check=True)
    models = ("--model", "softmax-regression", "--model", "random-forest")
    answer = lab.on(prefect).run("evaluate", "--profile", "quick", *models)
    return Signed(lab, answer, _silently(lab, "runs", "--json").json)


@pytest.fixture(scope="session")
def promoted(signed: Signed, prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """The signed project after its softmax regression was approved and promoted. As above."""
    lab = signed.lab.copy(tmp_path_factory.mktemp("promoted") / "project")
    run = signed.softmax
    for role in ("security", "ml-engineering"):
        assert _silently(lab, "approve", run, "--role", role).code == 0
    with _flows_on(prefect):
        answer = _silently(lab, "promote", run)
    assert answer.code == 0, answer.text
    return Signed(lab, signed.answer, signed.listed)
