"""``seclab lab``: one experiment, one CSV file, nothing else."""

import csv
import re

import pytest

COLUMNS = {
    "fgsm": "epsilon,clean_accuracy,perturbed_accuracy,accuracy_drop",
    "poisoning": "poison_rate,poisoned_rows,clean_accuracy,trigger_attack_success_rate",
    "privacy": "membership_auc,target_clean_accuracy,surrogate_fidelity,surrogate_accuracy",
    "rag-guard": "guard_enabled,blocked_documents,unauthorized_tool_call_attempt,answer",
}


@pytest.fixture(scope="module")
def written():
    """What each experiment wrote, by name."""
    return {}


@pytest.fixture
def run(written, seclab, tmp_path):
    """Run an experiment once and give its rows, numbers as numbers."""

    def experiment(name):
        if name not in written:
            path = tmp_path / f"{name}.csv"
            answer = seclab(tmp_path, "lab", name, "--out", path.name, "--quick")
            assert answer.code == 0, answer.text
            written[name] = (path.read_bytes(), answer.out)
        text = written[name][0].decode()
        return [
            {key: _number(cell) for key, cell in row.items()}
            for row in csv.DictReader(text.splitlines())
        ]

    return experiment


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


@pytest.mark.parametrize("name", COLUMNS)
def test_every_experiment_writes_its_columns_and_says_how_many_rows(run, written, name):
    rows = run(name)

    data, said = written[name]
    assert data.decode().splitlines()[0] == COLUMNS[name]
    assert b"\r" not in data
    assert re.fullmatch(rf"{len(rows)} rows? written to {name}\.csv\n", said)


def test_fgsm_costs_more_accuracy_the_larger_epsilon(run):
    rows = run("fgsm")

    assert [row["epsilon"] for row in rows] == [0.05, 0.1, 0.2]
    for row in rows:
        drop = row["clean_accuracy"] - row["perturbed_accuracy"]
        assert row["accuracy_drop"] == pytest.approx(drop)
    drops = [row["accuracy_drop"] for row in rows]
    assert 0 < drops[0] < drops[1] < drops[2]


def test_a_trigger_works_only_when_it_was_planted(run):
    clean, *poisoned = run("poisoning")

    assert (clean["poison_rate"], clean["poisoned_rows"]) == (0, 0)
    assert clean["trigger_attack_success_rate"] < 0.1
    assert all(row["poisoned_rows"] > 0 for row in poisoned)
    assert poisoned[-1]["trigger_attack_success_rate"] > 0.9
    assert all(row["clean_accuracy"] > 0.9 for row in poisoned)


def test_the_forest_gives_its_training_rows_and_itself_away(run):
    [row] = run("privacy")

    assert row["membership_auc"] > 0.7
    assert row["target_clean_accuracy"] > 0.9
    assert 0.7 < row["surrogate_fidelity"] <= 1
    assert 0.7 < row["surrogate_accuracy"] <= 1


def test_the_guard_stops_the_call_that_the_agent_makes_without_it(run):
    without, with_guard = run("rag-guard")

    assert (without["guard_enabled"], with_guard["guard_enabled"]) == ("False", "True")
    assert without["blocked_documents"] == 0
    assert with_guard["blocked_documents"] >= 1
    assert without["unauthorized_tool_call_attempt"] == "True"
    assert with_guard["unauthorized_tool_call_attempt"] == "False"
    assert without["answer"]
    assert with_guard["answer"]


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(run, written, seclab, tmp_path):
    run("fgsm")
    for seed in ("0", "3"):
        out = ("--out", f"{seed}.csv", "--seed", seed)
        assert seclab(tmp_path, "lab", "fgsm", "--quick", *out).code == 0

    assert (tmp_path / "0.csv").read_bytes() == written["fgsm"][0]
    assert (tmp_path / "3.csv").read_bytes() != written["fgsm"][0]


def test_an_output_path_that_cannot_be_written_is_a_sentence(seclab, tmp_path):
    (tmp_path / "folder").mkdir()

    for path, reason in (
        ("folder", "Is a directory"),
        ("missing/out.csv", "No such file or directory"),
    ):
        answer = seclab(tmp_path, "lab", "rag-guard", "--out", path)

        assert (answer.code, answer.out) == (2, "")
        assert answer.text == f"seclab: {path} cannot be written: {reason}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("fgsm",), "Missing option '--out'"),
        (("fgsm", "--out", "x.csv", "--seed", "-1"), "Invalid value for '--seed'"),
        (("fgsm", "--out", "x.csv", "--seed", "one"), "Invalid value for '--seed'"),
        (("fsgm", "--out", "x.csv"), "No such command 'fsgm'"),
    ],
)
def test_wrong_options_are_2_and_write_nothing(seclab, tmp_path, arguments, complaint):
    answer = seclab(tmp_path, "lab", *arguments)

    assert answer.code == 2
    assert complaint in answer.text
    assert list(tmp_path.iterdir()) == []
