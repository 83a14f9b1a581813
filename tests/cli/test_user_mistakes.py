"""Whatever a user or a disk does wrong: a sentence, the right exit code, never a traceback."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.projects import SECLAB


def test_no_command_shows_the_help(seclab, tmp_path):
    answer = seclab(tmp_path)

    assert answer.code == 2
    for command in ("evaluate", "gate", "lab", "promote", "risks", "runs", "show", "ui"):
        assert command in answer.text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("evalute",), "No such command 'evalute'"),
        (("show",), "Missing argument 'run'"),
        (("runs", "--limit", "0"), "Invalid value for '--limit'"),
        (("evaluate", "--seed", "-1"), "Invalid value for '--seed'"),
        (("evaluate", "--fast"), "No such option: --fast"),
        (("evaluate", "--rate", "0.1"), "give --poison KIND as well"),
        (
            ("evaluate", "--poison", "patch", "--model", "mlp", "--control", "labels"),
            "leave out --model and --control",
        ),
        (("ui", "--port", "70000"), "Invalid value for '--port'"),
    ],
)
def test_a_wrong_command_line_is_2(seclab, lab, arguments, complaint):
    answer = seclab(lab.root, *arguments)

    assert answer.code == 2
    assert complaint in answer.text
    assert not (lab.root / "mlruns").exists()


@pytest.mark.parametrize(
    "arguments", [("risks",), ("runs",), ("show", "latest"), ("gate", "latest"), ("evaluate",)]
)
def test_outside_a_project_is_2_and_says_where_to_go(seclab, tmp_path, arguments):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'another'\n", encoding="utf-8")

    answer = seclab(tmp_path, *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert f"no project here: neither {tmp_path} nor a folder above it" in answer.text
    assert "change into the project's folder" in answer.text


def test_a_folder_inside_the_project_is_in_the_project(seclab, lab):
    inside = lab.root / "registers"

    assert seclab(inside, "risks").out == seclab(lab.root, "risks").out


def test_a_wrong_project_table_is_2_with_every_problem(seclab, lab):
    table = '[tool.seclab]\nregisters = 3\nregister = "registers"\n'
    (lab.root / "pyproject.toml").write_text(table, encoding="utf-8")

    answer = seclab(lab.root, "risks")

    assert answer.code == 2
    assert "unknown key 'register'" in answer.text
    assert "registers must be a text, got 3" in answer.text
    assert "expectations is missing" in answer.text
    assert "dataset is missing" in answer.text


def test_a_project_table_that_is_no_toml_is_2(seclab, lab):
    (lab.root / "pyproject.toml").write_text("[tool.seclab\n", encoding="utf-8")

    answer = seclab(lab.root, "risks")

    assert answer.code == 2
    assert "pyproject.toml is not valid TOML" in answer.text


def test_every_mistake_in_every_register_is_said_at_once_with_its_place(seclab, lab):
    def twice(text):
        head, first, *rest = text.splitlines(keepends=True)
        return "".join([head, first, first, *rest])

    lab.edit("registers/risks.csv", twice)
    lab.edit("registers/attack_defense_matrix.csv", lambda text: text + "one,two\n")
    lab.edit("registers/thresholds.yaml", lambda text: text + "- id: [unfinished\n")
    (lab.root / "registers" / "profiles.yaml").unlink()
    rows = len((lab.root / "registers/attack_defense_matrix.csv").read_text().splitlines())

    answer = seclab(lab.root, "risks")

    assert (answer.code, answer.out) == (2, "")
    problems = answer.text.splitlines()
    assert all(problem.startswith("seclab: ") for problem in problems)
    expected = {
        "risks.csv line 3": "R-EVA-01",
        f"attack_defense_matrix.csv line {rows}": "",
        "thresholds.yaml line": "malformed YAML",
        "profiles.yaml": "the file is missing",
    }
    for place, reason in expected.items():
        assert any(place in line and reason in line for line in problems), (place, problems)


@pytest.fixture
def serverless(lab, monkeypatch):
    """The project with a server that is never started, for runs that are refused before."""
    (lab.root / "serverless.py").write_text(
        "import contextlib\n\n\n@contextlib.contextmanager\ndef none(home):\n"
        "    yield lambda: None\n",
        encoding="utf-8",
    )
    lab.configure(flow_server="serverless:none")
    # The command sets what is not set; that must not reach the tests after this one.
    for name in ("DO_NOT_TRACK", "PREFECT_HOME", "PREFECT_LOGGING_EXTRA_LOGGERS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    return lab


def test_thresholds_and_profiles_that_nothing_measures_are_2(seclab, serverless):
    def broken(criteria):
        criteria[0]["metric"] = "certain_accuracy"
        criteria[1]["evaluation"] = "evasion_l0"
        return criteria

    serverless.rewrite("thresholds.yaml", broken)
    serverless.rewrite(
        "profiles.yaml",
        lambda all_: (
            all_
            | {"deep": {"description": "Wrong.", "evaluations": {"random_noise": {"repeat": 3}}}}
        ),
    )

    answer = seclab(serverless.root, "evaluate")

    assert (answer.code, answer.out) == (2, "")
    assert "T-EVA-01, column metric: evasion_linf does not measure 'certain_accuracy'" in (
        answer.text
    )
    assert "T-EVA-02, column evaluation: there is no evaluation 'evasion_l0'" in answer.text
    assert "profiles.yaml, deep: evaluation random_noise has no parameter 'repeat'" in answer.text
    assert not (serverless.root / "mlruns").exists()


def test_a_control_nobody_knows_is_2_and_names_those_there_are(seclab, serverless):
    answer = seclab(serverless.root, "evaluate", "--control", "lables", "--control", "top1")

    assert (answer.code, answer.out) == (2, "")
    assert "unknown control 'lables'; known: confidences" in answer.text
    assert "'top1'" not in answer.text
    assert not (serverless.root / "mlruns").exists()


def test_a_check_suite_that_is_missing_or_broken_is_2(seclab, serverless):
    suites = serverless.root / "expectations"
    (suites / "splits.json").unlink()
    answer = seclab(serverless.root, "evaluate")
    assert answer.code == 2
    assert "splits.json is missing: nothing would be checked" in answer.text

    (suites / "splits.json").write_text("{", encoding="utf-8")
    answer = seclab(serverless.root, "evaluate")
    assert answer.code == 2
    assert "splits.json" in answer.text


def test_data_of_which_no_version_is_recorded_is_2(seclab, serverless):
    shutil.rmtree(serverless.root / "registers" / "custody")

    answer = seclab(serverless.root, "evaluate")

    assert answer.code == 2
    assert "custody/digits holds no recorded version: review the data and record it" in answer.text


def test_a_flow_that_does_not_exist_is_2(seclab, serverless):
    serverless.configure(evaluation_flow="flows.security_evaluation:evaluate_all")

    answer = seclab(serverless.root, "evaluate")

    assert answer.code == 2
    assert "'flows.security_evaluation:evaluate_all', named in " in answer.text


def test_a_port_that_is_taken_is_2(seclab, lab):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = seclab(lab.root, "ui", "--port", str(port))

    assert answer.code == 2
    assert f"port {port} is taken" in answer.text


def test_a_file_in_place_of_the_store_is_3(seclab, lab):
    (lab.root / "mlruns").write_text("", encoding="utf-8")

    for command in (("runs",), ("show", "latest"), ("gate", "latest")):
        answer = seclab(lab.root, *command)

        assert (answer.code, answer.out) == (3, "")
        assert "mlflow.db cannot be opened: " in answer.text


@pytest.mark.parametrize("content", [b"not a database at all, whoever says so" * 50, b"\0" * 4096])
def test_a_damaged_store_is_3_and_stays_as_it_is(seclab, lab, content):
    database = lab.root / "mlruns" / "mlflow.db"
    database.parent.mkdir()
    database.write_bytes(content)

    for command in (("runs",), ("risks",), ("show", "latest")):
        answer = seclab(lab.root, *command)

        assert (answer.code, answer.out) == (3, "")
        assert "mlflow.db cannot be opened: " in answer.text
        assert "the file is damaged" in answer.text
    assert database.read_bytes() == content


@pytest.mark.flow
def test_a_store_damaged_in_the_middle_is_3(seclab, reader, evaluated, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    shutil.copy(evaluated.lab.root / "mlruns" / "mlflow.db", damaged)
    with (damaged / "mlflow.db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 200_000)
    reader.configure(store=str(damaged))

    answer = seclab(reader.root, "runs")

    assert (answer.code, answer.out) == (3, "")
    assert "cannot be " in answer.text


@pytest.mark.flow
def test_a_store_that_another_process_has_locked_is_3(locked_out):
    out, err = locked_out.communicate(timeout=60)

    assert (locked_out.returncode, out) == (3, "")
    assert err.startswith("seclab: the evidence store sqlite:///")
    assert "database is locked; another process is writing to it: wait for it to end" in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to write to")
def test_output_that_cannot_be_written_is_2_and_no_verdict(lab):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [str(SECLAB), "frameworks", "list"],
            cwd=lab.root,
            env=lab.environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr == ("seclab: standard output cannot be written: No space left on device\n")
