"""The exit code is the verdict."""

import re

import pytest

from seclab import datasets

# The locked store is for a test further on.
pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.usefixtures("locked_out")]


def test_passing_is_0_and_the_json_says_what_passed(evaluated):
    answer = evaluated.answer

    assert answer.code == 0
    assert answer.err == ""
    assert answer.json["verdict"] == "PASS"
    assert {name: run["verdict"] for name, run in evaluated.runs.items()} == {
        "softmax-regression": "PASS",
        "random-forest": "BLOCK",
        "support-agent": "PASS",
        "digits": "PASS",
    }
    for run in evaluated.runs.values():
        assert run["status"] == "FINISHED"
        assert re.fullmatch(r"sha256:rfc8785:[0-9a-f]{64}", run["bundle_digest"])
    assert evaluated.runs["random-forest"]["risks"]["R-PRV-01"] == "block"


def test_a_blocked_run_is_1(evaluated):
    answer = evaluated.lab.run("gate", evaluated.runs["random-forest"]["run_id"])

    assert answer.code == 1
    assert "\x1b" not in answer.text
    assert answer.out.startswith("BLOCK  model random-forest\nBlocked by:\n  T-PRV-01 (R-PRV-01)")


@pytest.mark.usefixtures("flows_inside")
def test_poisoned_data_is_1_and_said_in_plain_text(lab, seclab, monkeypatch):
    digits = datasets.digits()
    labels = digits.labels.copy()
    labels[:3] = 7
    poisoned = digits.with_rows(digits.features, labels)
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda: poisoned)

    answer = seclab(lab.root, "evaluate", "--profile", "quick")

    assert answer.code == 1
    assert "\x1b" not in answer.text
    verdict, *_ = (line for line in answer.out.splitlines() if line.startswith("BLOCK"))
    assert re.fullmatch(r"BLOCK +digits +[0-9a-f]{12} +R-POI-[-, 0-9A-Z]+", verdict)
    assert "expect_changes_to_be_explained failed" in answer.err
    assert "trained" not in answer.err
    assert "champion" not in answer.out


@pytest.mark.usefixtures("flows_inside")
def test_data_poisoned_on_purpose_is_1_and_shown_as_such(lab, seclab):
    answer = seclab(lab.root, "evaluate", "--poison", "patch", "--profile", "quick")

    assert answer.code == 1
    assert "poisoned digits on purpose: patch, 29 rows" in answer.err
    shown = seclab(lab.root, "show", "latest").out.splitlines()
    assert shown[1].startswith("poisoned on purpose (patch, 29 rows)")


def test_every_unknown_name_is_2_before_anything_is_stored(lab):
    answer = lab.run(
        *("evaluate", "--profile", "lazy", "--model", "perceptron"),
        *("--evaluation", "evasion_l7", "--model", "mlp"),
    )

    assert answer.code == 2
    assert answer.out == ""
    assert [line.partition(";")[0] for line in answer.text.splitlines()] == [
        "seclab: unknown profile 'lazy'",
        "seclab: unknown model 'perceptron'",
        "seclab: unknown evaluation 'evasion_l7'",
    ]
    assert "known: quick, standard, deep" in answer.err
    assert not (lab.root / "mlruns").exists()


@pytest.mark.usefixtures("flows_inside")
def test_promotion_is_0_for_a_passing_run_and_1_for_a_blocked_one(evaluated, seclab):
    passing, blocked = (evaluated.runs[name] for name in ("softmax-regression", "random-forest"))

    refused = seclab(evaluated.lab.root, "promote", blocked["run_id"][:12])
    promoted = seclab(evaluated.lab.root, "promote", passing["run_id"][:12])

    assert (refused.code, refused.out) == (1, "")
    said = f"seclab: run {blocked['run_id']} is not promoted: T-PRV-01: membership_auc "
    assert any(line.startswith(said) for line in refused.text.splitlines())
    assert promoted.code == 0
    assert f"digits v{passing['version']} is the champion" in promoted.text


@pytest.mark.usefixtures("flows_inside")
def test_data_of_the_wrong_shape_is_2(lab, seclab, monkeypatch):
    def crooked():
        digits = datasets.digits()
        return digits.with_rows(digits.features[:, :60], digits.labels)

    monkeypatch.setitem(datasets.LOADERS, "digits", crooked)

    answer = seclab(lab.root, "evaluate", "--profile", "quick")

    assert (answer.code, answer.out) == (2, "")
    assert "dataset digits: 60 columns need as many names, got 64" in answer.text
