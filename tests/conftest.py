"""Shared by all tests: data, models trained once, stores of their own, and nobody touches ours."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest
from threadpoolctl import threadpool_limits
from xdist.scheduler import LoadScopeScheduling

from seclab import datasets, models
from seclab.models import Target
from seclab.settings import Settings

ROOT = Path(__file__).parents[1]
OURS = tuple(str(ROOT / name) + os.sep for name in ("mlruns", ".prefect"))

# The same commit gives the same verdict; slow machines are no failures.
hypothesis.settings.register_profile(
    "seclab", derandomize=True, deadline=None, print_blob=True, max_examples=50
)
hypothesis.settings.load_profile("seclab")


def pytest_configure(config):
    """Before anything imports Prefect or MLflow: neither finds a store or server of the user's."""
    for name in [key for key in os.environ if key.startswith(("MLFLOW_", "PREFECT_"))]:
        del os.environ[name]
    for name in ("SECLAB_STORE", "SECLAB_KEYS"):
        os.environ.pop(name, None)
    config.stash[_HOME] = tempfile.mkdtemp(prefix="seclab-tests-")
    os.environ |= {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_HOME": config.stash[_HOME],
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "SECLAB_KEYS": f"{config.stash[_HOME]}/keys",
    }
    sys.addaudithook(_refuse_to_write_ours)


LONGEST = ("cli", "flows", "stack", "contract")


def _group(path):
    """What shares costly fixtures: a whole folder of such tests, else one file."""
    folder = path.partition("/")[2].partition("/")[0]
    return folder if folder in LONGEST else path


class ByFixtures(LoadScopeScheduling):
    """What shares costly fixtures runs in one process."""

    def _split_scope(self, nodeid):
        return _group(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByFixtures(config, log)


def pytest_collection_modifyitems(config, items):
    """Over several processes what takes longest begins first."""
    if not hasattr(config, "workerinput"):
        return

    def rank(item):
        group = _group(item.path.relative_to(ROOT).as_posix())
        return LONGEST.index(group) if group in LONGEST else len(LONGEST)

    items.sort(key=rank)


def pytest_unconfigure(config):
    shutil.rmtree(config.stash[_HOME], ignore_errors=True)


_HOME = pytest.StashKey()
_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "sqlite3.connect")


def _refuse_to_write_ours(event, arguments):
    """An audit hook: whichever library a test goes through, the project's own stores are safe."""
    writes = event in _CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    if writes and isinstance(arguments[0], str | os.PathLike):
        path = os.fspath(arguments[0])
        if isinstance(path, str) and path.startswith(OURS):
            raise PermissionError(f"a test wants to write the project's own {path}")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small matrices: a second BLAS thread costs more than it gives, and changes the last bits."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(autouse=True)
def _no_address_left_behind():
    """MLflow leaves the address of the store it used last in the environment."""
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def splits():
    """The digits, split with seed 0."""
    return datasets.split(datasets.load("digits"), seed=0)


@pytest.fixture(scope="session")
def trained(splits):
    """Give any model of the lab, trained with seed 0 at the first call."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = models.train(models.spec(name), splits.train, seed=0)
        return known[name]

    return of


@pytest.fixture
def target(trained, splits):
    """Give a target with any model of the lab and a query count of its own."""
    return lambda name: Target(trained(name), splits)


@pytest.fixture(scope="session")
def settings_at():
    """Settings of a project in a folder, without its pyproject.toml."""

    def of(root):
        return Settings(
            root=root,
            evaluation_flow="flows.security_evaluation:security_evaluation",
            promotion_flow="flows.promotion:promotion",
            flow_server="flows.server:embedded",
            registers=ROOT / "registers",
            expectations=ROOT / "expectations",
            store=root / "mlruns",
            tracking_uri=f"sqlite:///{root / 'mlruns' / 'mlflow.db'}",
            registered_model="digits",
            dataset="digits",
            keys=root.parent / f"{root.name}-keys",
        )

    return of


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database as MLflow makes it, which takes seconds; tests get copies."""
    from mlflow import MlflowClient  # noqa: PLC0415 - most tests do without MLflow

    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def new_project(empty_database, settings_at):
    """Give settings of an empty project in a folder, its evidence store with its tables already."""

    def of(root):
        settings = settings_at(root)
        settings.store.mkdir(parents=True)
        shutil.copy(empty_database, settings.store / "mlflow.db")
        return settings

    return of


@pytest.fixture
def project(new_project, tmp_path):
    """Settings of an empty project."""
    return new_project(tmp_path)


@pytest.fixture
def store(project):
    """An empty evidence store, open."""
    from seclab import tracking  # noqa: PLC0415 - as above

    return tracking.open_store(project)
