"""Work in processes of its own: what comes back, and what ends it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from seclab.errors import Misconfigured
from tasks import processes

ROOT = Path(__file__).parents[3]


class Stubborn(Exception):
    """An exception that cannot be copied."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def test_a_function_is_called_elsewhere_and_gives_its_answer():
    here = os.getpid()

    def function(rows, *, factor):
        return os.getpid(), rows * factor

    there, rows = processes.call(function, np.arange(3.0), factor=2.0, timeout=60)

    assert there != here
    assert rows.tolist() == [0.0, 2.0, 4.0]


def test_large_answers_come_back_whole():
    size = 5_000_000
    assert processes.call(np.ones, size, timeout=60).sum() == size


def test_what_it_raises_is_raised_here():
    def refuse():
        raise Misconfigured(["one", "two"])

    with pytest.raises(Misconfigured) as caught:
        processes.call(refuse, timeout=60)

    assert caught.value.problems == ("one", "two")


def test_an_exception_that_cannot_be_copied_keeps_its_words():
    def refuse():
        raise Stubborn("this", "that")

    with pytest.raises(RuntimeError, match="Stubborn: this and that"):
        processes.call(refuse, timeout=60)


def test_a_process_that_the_machine_kills_is_told_and_takes_no_other_with_it():
    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    slow = []
    beside = threading.Thread(
        target=lambda: slow.append(processes.call(time.sleep, 1.0, timeout=60))
    )
    beside.start()
    with pytest.raises(processes.Died, match=r"SIGKILL.*memory"):
        processes.call(killed, timeout=60)
    beside.join()

    assert slow == [None]


def test_a_process_that_exits_without_an_answer_is_told():
    with pytest.raises(processes.Died, match="ended with code 3"):
        processes.call(os._exit, 3, timeout=60)


def test_work_that_takes_too_long_is_ended():
    with pytest.raises(processes.Died, match="more than 1 s"):
        processes.call(time.sleep, 600, timeout=1.0)

    assert not processes._running


def test_all_that_runs_can_be_ended_and_whoever_waits_is_told():
    told = []

    def wait_for_it():
        try:
            processes.call(time.sleep, 600, timeout=900)
        except processes.Died as error:
            told.append(str(error))

    waiting = [threading.Thread(target=wait_for_it) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while len(processes._running) < len(waiting):
        time.sleep(0.01)
    processes.end_all()
    for thread in waiting:
        thread.join(timeout=30)

    assert len(told) == len(waiting)


def test_one_thread_of_linear_algebra_in_each():
    def threads():
        np.ones((2, 2)) @ np.ones((2, 2))
        return [pool["num_threads"] for pool in threadpool_info()]

    assert set(processes.call(threads, timeout=60)) == {1}


def test_ctrl_c_is_for_the_flow_and_not_for_what_it_started():
    def interrupted():
        os.kill(os.getpid(), signal.SIGINT)
        return "still here"

    assert processes.call(interrupted, timeout=60) == "still here"


def test_processes_end_with_a_parent_that_was_killed(tmp_path):
    marker = tmp_path / "pid"
    script = f"""
import os, time
from pathlib import Path
from tasks import processes

def work():
    Path({str(tmp_path / "new")!r}).write_text(str(os.getpid()))
    os.rename({str(tmp_path / "new")!r}, {str(marker)!r})
    time.sleep(600)

processes.call(work, timeout=900)
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) as parent:
        try:
            _wait(marker.exists)
        finally:
            parent.kill()
    pid = int(marker.read_text())

    _wait(lambda: not _running(pid))


def _wait(condition, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _running(pid):
    try:
        return f"/proc/{pid}" and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
