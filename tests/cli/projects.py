"""Projects to run the command in as a process of its own, and what they are after that."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.cheap import CHEAP
from tests.conftest import ROOT

SECLAB = Path(sys.executable).with_name("seclab")

# The forest is to be blocked for what only shadow models see.
EFFORT = CHEAP | {"membership_inference": CHEAP["membership_inference"] | {"shadows": 4}}


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
            out, err = process.communicate(timeout=500)
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
    return profile | {"evaluations": EFFORT}


def _loose(criterion: dict[str, Any]) -> dict[str, Any]:
    if criterion["id"] == "T-PRV-01":
        return criterion
    strict = ("effort", "least_n")
    kept = {key: value for key, value in criterion.items() if key not in strict}
    bounds = {"at_least": 0.01, "at_most": 0.999}
    return kept | {key: bound for key, bound in bounds.items() if key in criterion}


@dataclass(frozen=True)
class Evaluated:
    """A project after one evaluation, and what the command said about it. To be read only."""

    lab: Lab
    answer: Answer

    @property
    def runs(self) -> dict[str, Any]:
        """The runs by subject."""
        return {run["subject"]: run for run in self.answer.json["runs"]}


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


def listing(signed: Signed, run: str) -> Any:
    """What ``runs`` says of one of them."""
    return next(each for each in signed.listed if each["run_id"] == run)
