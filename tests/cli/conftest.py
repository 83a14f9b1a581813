"""Projects to run the command in, as a process of its own or inside this one."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows import server
from tests.cheap import CHEAP
from tests.cli.inside import flows_on, inside, silently
from tests.cli.projects import (
    Answer,
    Evaluated,
    Lab,
    Prefect,
    Signed,
    copy_database,
    make_lab,
)

GIT = ("git", "-c", "user.name=tests", "-c", "user.email=tests@localhost")
# Who signs what in the projects of these tests.
OWNERS = {"pipeline": "platform", "security": "red team", "ml-engineering": "digits team"}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A project whose store is still to be made."""
    return make_lab(tmp_path)


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """One real process: a model that passes, a model that does not, and the agent."""
    lab = make_lab(tmp_path_factory.mktemp("evaluated"))
    models = ("--model", "softmax-regression", "--model", "random-forest")
    evaluations = [word for name in CHEAP for word in ("--evaluation", name)]
    return Evaluated(
        lab, lab.run("evaluate", "--profile", "quick", *models, *evaluations, "--json")
    )


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
        code = inside(monkeypatch, where, *arguments)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    before = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def flows_inside(prefect: Prefect) -> Iterator[None]:
    """Let commands inside this process run flows on the server that runs already."""
    with flows_on(prefect):
        yield


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
        assert silently(lab, "keys", "init", "--role", role, "--owner", owner).code == 0
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "The project")):
        subprocess.run([*GIT, *arguments], cwd=lab.root, check=True)
    models = ("--model", "softmax-regression", "--model", "random-forest")
    answer = lab.on(prefect).run("evaluate", "--profile", "quick", *models)
    return Signed(lab, answer, silently(lab, "runs", "--json").json)


@pytest.fixture(scope="session")
def promoted(signed: Signed, prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """The signed project after its softmax regression was approved and promoted. As above."""
    lab = signed.lab.copy(tmp_path_factory.mktemp("promoted") / "project")
    run = signed.softmax
    for role in ("security", "ml-engineering"):
        assert silently(lab, "approve", run, "--role", role).code == 0
    with flows_on(prefect):
        answer = silently(lab, "promote", run)
    assert answer.code == 0, answer.text
    return Signed(lab, signed.answer, signed.listed)


@pytest.fixture
def spoilt(promoted: Signed, tmp_path: Path) -> Lab:
    """A store with signed evidence, approvals and a champion, to be spoilt."""
    return promoted.lab.copy(tmp_path / "project")
