"""Promotions on a full disk, in two processes at once, and with a server that goes away."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from mlflow import MlflowClient

from seclab import audit, promotion, tracking
from seclab.errors import StoreUnavailable
from seclab.shelf.moves import open_intent
from tests import laboratory
from tests.conftest import ROOT
from tests.laboratory import NOW


def agrees(lab):
    """Nothing is half done: no intent is open, and ledger, alias and registry say the same."""
    tracking.reconcile(lab.store, "digits", at=NOW)
    entries = lab.ledger()
    assert open_intent(entries, "digits") is None
    shelf = tracking.StoreShelf(lab.store)
    found = audit.audit(shelf, keyring=lab.parts.keyring, registered_model="digits")
    assert [what for finding in found for what in finding.differences] == []
    assert lab.serve().champion.number == lab.champion()
    return lab.champion()


# Two processes.

RIVALS = """
import os, sys
from pathlib import Path
from seclab import promotion, tracking
from seclab.errors import PromotionRefused
from tests.laboratory import NOW, Lab, parts_at

folder, *runs = Path(sys.argv[1]), *sys.argv[2:]
ready, go = os.pipe(), os.pipe()
children = []
for run in runs:
    child = os.fork()
    if not child:
        os.close(go[1])
        judge = promotion.admission.judge

        def together(*arguments, **keywords):
            admitted = judge(*arguments, **keywords)
            os.write(ready[1], b"x")
            os.read(go[0], 1)  # until both have decided, and the parent lets go
            return admitted

        promotion.admission.judge = together
        parts = parts_at(folder)
        lab = Lab(parts, tracking.open_store(parts.settings), {"mine": run})
        try:
            lab.promote("mine")
        except PromotionRefused as error:
            os._exit(4 if "ledger entry" in str(error) else 5)
        os._exit(0)
    children.append(child)
for _ in runs:
    os.read(ready[0], 1)
os.close(go[1])
print(sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_of_two_processes_that_promote_at_once_one_wins_and_the_other_is_told(lab):
    done = subprocess.run(
        [sys.executable, "-c", RIVALS, str(lab.folder), lab.runs["first"], lab.runs["second"]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    assert done.stdout.strip() == "[0, 4]", done.stderr
    assert sorted(e.kind for e in lab.ledger()[8:]) == [
        "promotion",
        "promotion-intent",
        "promotion-refused",
    ]
    winner = lab.ledger()[8:]
    moved = next(e for e in winner if e.kind == "promotion")
    assert agrees(lab) == moved.about["version"]


# The disk.


@contextmanager
def small_disk(folder, kilobytes):
    """A disk of its own in a folder, and the way to make it larger."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made with the right to mount one")

    def larger():
        again = ["mount", "-o", f"remount,size={kilobytes + 50_000}k", folder]
        subprocess.run(again, check=True)

    try:
        yield larger
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607


@pytest.mark.parametrize("left", [0, 12, 24, 64])
def test_on_a_full_disk_a_promotion_is_done_or_not_begun_once_there_is_space(
    evidence_base, tmp_path, left
):
    """With ``left`` kilobytes to spare, it fails at its first write, or at one of the later."""
    base, runs = evidence_base
    files = [path for path in base.rglob("*") if path.is_file()]
    needed = sum(-(-path.stat().st_size // 4096) * 4 for path in files) + 4 * len(files)
    with small_disk(tmp_path / "disk", needed + 400) as larger:
        lab = laboratory.lab_in(tmp_path / "disk" / "store", base, runs)
        assert agrees(lab) == "1"
        free = shutil.disk_usage(lab.folder).free - left * 1024
        (tmp_path / "disk" / "ballast").write_bytes(b"\0" * (free // 4096 * 4096))
        try:
            lab.promote("second")
        except StoreUnavailable as error:
            said = str(error)
        else:
            said = ""
        assert "free some space and run again" in said or (left and not said)

        larger()

        assert agrees(lab) in (("2",) if not said else ("1", "2"))
        assert lab.promote("second").number == "2"
        assert agrees(lab) == "2"


# The server.


@contextmanager
def serving(lab, port):
    """A tracking server with the store of a lab; it is gone, workers and all, afterwards."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{lab.folder}/mlflow.db"]
    command += ["--default-artifact-root", (lab.folder / "artifacts").as_uri()]
    command += ["--no-serve-artifacts"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = (lab.folder.parent / "server.log").open("ab")
    server = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=log, stderr=log
    )
    try:
        _wait_for(server, port)
        yield server
    finally:
        _kill(server)
        log.close()


def _wait_for(server, port):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server has ended"
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


def _kill(server):
    """Kill it with its workers, which are in a group of their own."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# The write before which it goes away; whether the promotion is completed by the next start.
GONE = [("log_param", False), ("set_registered_model_alias", True), ("set_model_version_tag", True)]


def test_a_server_that_goes_away_between_two_writes_leaves_nothing_half_done(lab, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    port = _free_port()
    settings = replace(lab.parts.settings, tracking_uri=f"http://127.0.0.1:{port}")
    parts = replace(lab.parts, settings=settings)
    expected = "1"
    for name, begun in GONE:
        run = "second" if expected == "1" else "first"
        with serving(lab, port) as server:
            remote = replace(lab, parts=parts, store=tracking.open_store(settings))
            # Whoever listens there: only the server of this store knows its runs.
            assert remote.run(run).run_id == lab.runs[run]
            assert agrees(remote) == expected
            with monkeypatch.context() as patch:
                patch.setattr(MlflowClient, name, _after_killing(server, name))
                with pytest.raises(StoreUnavailable, match=f"127.0.0.1.*{port}"):
                    promotion.promote(parts, remote.store, remote.run(run), at=NOW, key=lab.key())
        if begun:
            expected = {"1": "2", "2": "1"}[expected]
    with serving(lab, port):
        remote = replace(lab, parts=parts, store=tracking.open_store(settings))
        assert agrees(remote) == expected
        kinds = [entry.kind for entry in remote.ledger()[8:]]
        assert kinds == ["promotion-intent", "promotion"] * 2


def _after_killing(server, name):
    work = getattr(MlflowClient, name)

    def killing(*arguments, **keywords):
        _kill(server)
        return work(*arguments, **keywords)

    return killing
