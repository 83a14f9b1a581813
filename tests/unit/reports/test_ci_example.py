"""``docs/examples/github-actions.yml`` does what ``docs/ci.md`` promises."""

import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "github-actions.yml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
# YAML 1.1 reads the key "on" as true; GitHub reads it as the text it is.
WORKFLOW = yaml.load(TEXT, Loader=yaml.BaseLoader)  # noqa: S506 - nothing but texts
(JOB,) = WORKFLOW["jobs"].values()
STEPS = JOB["steps"]
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}


def position(needle):
    (found,) = (
        index
        for index, step in enumerate(STEPS)
        if needle in step.get("uses", "") or needle in step.get("name", "")
    )
    return found


def test_the_steps_come_in_the_order_they_need():
    order = [
        "actions/checkout",
        "actions/setup-python",
        "Install",
        "Evaluate",
        "Gate",
        "Summary",
        "Alerts",
        "github/codeql-action/upload-sarif",
        "actions/upload-artifact",
    ]

    assert [position(name) for name in order] == list(range(len(STEPS)))


def test_it_runs_on_changes_and_on_a_schedule_and_never_with_the_rights_of_the_target():
    assert WORKFLOW["on"].keys() == {"pull_request", "push", "schedule"}


def test_it_may_read_the_code_and_write_alerts_and_nothing_else():
    assert WORKFLOW["permissions"] == {}
    assert JOB["permissions"] == {"contents": "read", "security-events": "write"}
    assert STEPS[position("actions/checkout")]["with"]["persist-credentials"] == "false"
    assert "secrets." not in TEXT


def test_actions_are_pinned_by_major_version():
    for step in STEPS:
        assert "run" in step or re.fullmatch(r"[a-z-]+(/[a-z-]+)+@v[0-9]+", step["uses"])


def test_the_gate_writes_every_format_and_its_exit_code_is_kept():
    script = SCRIPTS["Gate"]

    for option in ("--sarif", "--junit", "--markdown", "--json"):
        assert option in script
    assert "|| code=$?" in script
    assert script.rstrip().endswith('exit "$code"')
    assert not any("continue-on-error" in step for step in STEPS)


def test_a_block_does_not_keep_its_reports_from_being_collected():
    for step in STEPS[position("Gate") :]:
        assert "!cancelled()" in step["if"]


def test_no_text_from_outside_is_put_into_a_script():
    for script in SCRIPTS.values():
        assert "${{" not in script


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_bash(name):
    done = subprocess.run(
        ["bash", "-n"],  # noqa: S607 - whichever bash is on PATH
        input=SCRIPTS[name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("runs", ["", "one", "one two"])
def test_the_gate_step_fails_as_soon_as_one_run_does(tmp_path, runs):
    """The script runs with stand-ins for jq and seclab, as GitHub runs it: ``bash -e``."""
    tools = tmp_path / "tools"
    venv = tmp_path / ".venv" / "bin"
    for folder in (tools, venv):
        folder.mkdir(parents=True)
    # As jq --exit-status: nothing found is a failure.
    (tools / "jq").write_text(f'#!/bin/sh\necho "{runs}"\n[ -n "{runs}" ] || exit 4\n')
    (venv / "seclab").write_text('#!/bin/sh\n[ "$2" != one ] || exit 3\n')
    for tool in (tools / "jq", venv / "seclab"):
        tool.chmod(0o755)

    done = subprocess.run(
        ["bash", "-e", "-c", SCRIPTS["Gate"]],  # noqa: S607 - whichever bash is on PATH
        cwd=tmp_path,
        env={"PATH": f"{tools}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == (3 if runs else 4)


def test_the_guide_names_the_example():
    guide = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")

    assert "(examples/github-actions.yml)" in guide
