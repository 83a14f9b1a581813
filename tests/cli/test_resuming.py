"""A real evaluation, killed with everything it started, goes on where it ended."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress

import pytest

from seclab.evidence import outcomes_of
from seclab.evidence.bundle import BUNDLE_FILE, read
from seclab.gate import Verdict
from seclab.reports.judged import EXIT_CODES
from tests.cli.projects import EFFORT, SECLAB

pytestmark = [pytest.mark.flow, pytest.mark.slow]

# Nothing here takes long enough to be kept by itself.
KEEPING = """
from flows.security_evaluation import security_evaluation  # noqa: F401 - named by the project
from tasks import keeping

keeping.WORTH_KEEPING = 0.0
"""
OTHERS = ("rag_prompt_injection", "rag_false_answers", "poisoning_detection")  # not of models
CHOSEN = [word for name in EFFORT if name not in OTHERS for word in ("--evaluation", name)]
COMMAND = ("evaluate", "--profile", "quick", "--model", "softmax-regression", *CHOSEN)
ENDLESS = EFFORT | {"evasion_l2": EFFORT["evasion_l2"] | {"steps": 10_000_000}}
# The run that keeps it, and its name, which ends in that of the evaluation.
KEPT = """
SELECT tags.value, name FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid
WHERE tags.key = 'mlflow.parentRunId' AND name LIKE 'KEPT %'
AND status = 'FINISHED' AND lifecycle_stage = 'active'
"""


def test_a_killed_evaluation_goes_on_where_it_ended(lab, evaluated, prefect, seclab):
    lab = lab.on(prefect)
    (lab.root / "keeping_all.py").write_text(KEEPING, encoding="utf-8")
    lab.configure(evaluation_flow="keeping_all:security_evaluation")
    _effort(lab, ENDLESS)
    killed, kept = _killed_once_something_is_kept(lab)
    _effort(lab, EFFORT)

    answer = lab.run(*COMMAND)

    undisturbed = evaluated.runs["softmax-regression"]
    listed = {run["run_id"]: run for run in seclab(lab, "runs", "--json").json}
    [run] = [run for name, run in listed.items() if name != killed]
    assert run["verdict"] == undisturbed["verdict"]
    assert answer.code == EXIT_CODES[Verdict(undisturbed["verdict"])]
    assert f"closed   run {killed}, whose process had died" in answer.text
    for name in kept:
        assert f"reused   softmax-regression  {name} from run {killed[:12]}\n" in answer.err
    before, after = _outcomes(evaluated.lab, undisturbed), _outcomes(lab, run)
    assert {name: each.measurements for name, each in after.items()} == {
        name: each.measurements for name, each in before.items()
    }
    assert {name: each.reused_from.run for name, each in after.items() if each.reused_from} == (
        dict.fromkeys(kept, killed)
    )
    assert [listed[killed][key] for key in ("status", "verdict", "bundle_digest")] == [
        "KILLED",
        "",
        "",
    ]
    assert seclab(lab, "verify", "--all").code == 0
    # What the new run kept is gone with its end; what it has reused stays where it names it.
    assert {parent for parent, _ in lab.sql(KEPT)} == {killed}


def _effort(lab, evaluations):
    quick = {"evaluations": evaluations}
    lab.rewrite("profiles.yaml", lambda all_: all_ | {"quick": all_["quick"] | quick})


def _killed_once_something_is_kept(lab):
    """ID of the run that was killed, and the names of the evaluations it had kept by then."""
    said = lab.root / "said.txt"
    with (
        said.open("wb") as log,
        subprocess.Popen(
            [SECLAB, *COMMAND],
            cwd=lab.root,
            env=lab.environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as command,
    ):
        try:
            deadline = time.monotonic() + 100
            while not _kept_so_far(lab):
                assert command.poll() is None, said.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "nothing was kept"
                time.sleep(0.05)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
    kept = lab.sql(KEPT)
    [killed] = {parent for parent, _ in kept}
    return killed, {name.split()[-1] for _, name in kept}


def _kept_so_far(lab):
    """What is kept in a store that may not be there yet, read without making one."""
    address = f"{(lab.root / 'mlruns' / 'mlflow.db').as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            return database.execute(KEPT).fetchall()
    except sqlite3.OperationalError:
        return []


def _outcomes(lab, run):
    bundle = read((lab.evidence(run["run_id"]) / BUNDLE_FILE).read_bytes())
    return {outcome.evaluation: outcome for outcome in outcomes_of(bundle)}
