"""A real evaluation, ended from outside: promptly, with its runs closed and no process left."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

pytestmark = [pytest.mark.flow, pytest.mark.slow]

RAISING = """
import dataclasses

from flows.security_evaluation import security_evaluation  # noqa: F401 - named by the project
from seclab import registry


def raising(target, *, rng, **parameters):
    raise ZeroDivisionError("no members")


entry = registry.get("membership_inference")
registry._REGISTERED[entry.name] = dataclasses.replace(entry, function=raising)
"""


@contextlib.contextmanager
def _attacking(lab):
    """A command in the middle of an attack that would take hours, and what it prints."""
    forever = {"evasion_l2": {"epsilons": [0.1], "samples": 360, "steps": 10_000_000}}
    lab.rewrite("profiles.yaml", lambda all_: all_ | {"quick": _with(all_["quick"], forever)})
    chosen = ("--evaluation", "random_noise", "--evaluation", "evasion_l2")
    arguments = ("evaluate", "--profile", "quick", "--model", "softmax-regression", *chosen)
    with lab.start(*arguments) as seclab:
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(seclab.stderr), daemon=True)
        reader.start()
        try:
            # The other evaluation is done: what still runs is the attack.
            _wait(lambda: any("random_noise: " in line for line in seen), unless=seclab)
            yield seclab, seen
        finally:
            seclab.kill()
            reader.join(timeout=10)


def _with(profile, evaluations):
    return profile | {"evaluations": profile["evaluations"] | evaluations}


def _wait(condition, *, unless=None, seconds=100):
    """Until it holds; not any longer when the process that should bring it about has ended."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        assert unless is None or unless.poll() is None, "it ended"
        time.sleep(0.1)
    assert condition()


def _descendants(pid):
    """Command line of every process below one, by process ID."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    below = {}
    generation = {pid}
    while generation:
        children = {int(own): words for own, above, words in rows if int(above) in generation}
        below |= children
        generation = set(children)
    return below


def _server_of(pid):
    """Process ID of the Prefect server that a command started."""
    [server] = [own for own, words in _descendants(pid).items() if "prefect.server" in words]
    return server


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _statuses(lab):
    """Status and name of every run, read past MLflow."""
    with sqlite3.connect(lab.root / "mlruns" / "mlflow.db") as database:
        return dict(database.execute("SELECT name, status FROM runs").fetchall())


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGINT, id="ctrl-c"),
        pytest.param(signal.SIGTERM, id="sigterm", marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupted_evaluation_ends_at_once_and_leaves_nothing_open(lab, evaluated, how):
    # The database of a server that ran before: making a new one takes longer than all the rest.
    shutil.copytree(evaluated.lab.root / ".prefect", lab.root / ".prefect")
    with _attacking(lab) as (seclab, seen):
        server = _server_of(seclab.pid)
        assert list(_statuses(lab).values()) == ["RUNNING"]

        began = time.monotonic()
        seclab.send_signal(how)
        code = seclab.wait(timeout=30)

    assert code == 130
    assert time.monotonic() - began < 15
    assert seen[-1] == "seclab: interrupted\n"
    assert "Traceback" not in "".join(seen)
    [(name, status)] = _statuses(lab).items()
    assert status == "KILLED"
    assert name.startswith("KILLED softmax-regression ")
    assert not _alive(server)


@pytest.mark.exhaustive  # test_resuming.py kills one too, and looks at what comes next
def test_after_kill_9_the_next_evaluation_closes_the_run_and_works(lab, prefect):
    lab = lab.on(prefect)
    with _attacking(lab) as (seclab, _):
        seclab.kill()
        seclab.wait(timeout=30)
    [(name, status)] = _statuses(lab).items()
    assert status == "RUNNING"

    # The next one is also the real process in which an evaluation raises.
    (lab.root / "raising.py").write_text(RAISING, encoding="utf-8")
    lab.configure(evaluation_flow="raising:security_evaluation")
    evaluations = ("--evaluation", "membership_inference", "--evaluation", "random_noise")
    answer = lab.run(
        "evaluate", "--profile", "quick", "--model", "softmax-regression", *evaluations
    )

    assert answer.code == 3
    assert "NOT_EVALUATED  softmax-regression" in answer.text
    assert "no members" in answer.err
    assert "whose process had died" in answer.err
    statuses = _statuses(lab)
    assert statuses[name.replace("RUNNING", "KILLED")] == "KILLED"
    assert "RUNNING" not in statuses.values()


@pytest.mark.exhaustive
def test_the_pages_go_away_with_all_their_processes(evaluated):
    with evaluated.lab.start("ui", "--port", "0") as seclab:
        address = seclab.stdout.readline().split()[1].partition("/#/")[0]
        try:
            _wait(lambda: _answers(address), unless=seclab)
            started = _descendants(seclab.pid)
            seclab.terminate()
            code = seclab.wait(timeout=30)
        finally:
            seclab.kill()

    assert code == 130
    assert started
    _wait(lambda: not any(_alive(pid) for pid in started), seconds=10)
    assert not _answers(address)


def _answers(address):
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as page:  # noqa: S310 - http
            return page.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
