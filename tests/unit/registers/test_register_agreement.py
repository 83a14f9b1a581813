from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from seclab.measurement import Metric
from seclab.registers import cross_check


@dataclass(frozen=True, slots=True)
class Evaluation:
    risks: tuple[str, ...]
    metrics: Mapping[str, Metric]
    subject: str = "model"
    defaults: Mapping[str, object] = field(default_factory=dict)


def metrics(*names, better="higher"):
    return {name: Metric(name, "fraction", better, "What it is.") for name in names}


@pytest.fixture
def evaluations():
    return {
        "evasion_linf": Evaluation(("R-EVA-01",), metrics("robust_accuracy", "clean_accuracy")),
        "random_noise": Evaluation(("R-POI-02",), metrics("noisy_accuracy", better="lower")),
    }


@pytest.fixture
def registers(folder):
    return folder.load()


def test_registers_that_agree_give_nothing(registers, evaluations):
    assert cross_check(registers, evaluations) == []


def test_an_evaluation_that_does_not_exist_is_found_everywhere(registers, evaluations):
    del evaluations["random_noise"]
    missing = "there is no evaluation 'random_noise'; known: evasion_linf"
    assert cross_check(registers, evaluations) == [
        f"attack_defense_matrix.csv line 5, column evaluation: {missing}",
        f"thresholds.yaml, T-POI-01, column evaluation: {missing}",
        "profiles.yaml, quick: unknown evaluation 'random_noise'; known: evasion_linf",
        "models.yaml, high: unknown evaluation 'random_noise'; known: evasion_linf",
        "models.yaml, critical: unknown evaluation 'random_noise'; known: evasion_linf",
    ]


def test_a_metric_that_is_not_measured_is_found(registers, evaluations):
    old = evaluations["evasion_linf"]
    evaluations["evasion_linf"] = replace(old, metrics=metrics("clean_accuracy"))
    says = "evasion_linf does not measure 'robust_accuracy'; it measures: clean_accuracy"
    assert cross_check(registers, evaluations) == [
        f"attack_defense_matrix.csv line 2, column metric: {says}",
        f"thresholds.yaml, T-EVA-01, column metric: {says}",
    ]


def test_an_evaluation_that_is_no_evidence_for_the_risk_is_found(registers, evaluations):
    old = evaluations["random_noise"]
    evaluations["random_noise"] = replace(old, risks=("R-EVA-01",))
    says = "random_noise is no evidence for R-POI-02; it is evidence for: R-EVA-01"
    assert cross_check(registers, evaluations) == [
        f"attack_defense_matrix.csv line 5, column risk: {says}",
        f"thresholds.yaml, T-POI-01, column risk: {says}",
    ]


def test_a_risk_that_is_not_in_the_register_is_found(registers, evaluations):
    evaluations["fuzzing"] = Evaluation(("R-API-09",), metrics("crash_rate"))
    says = "risks.csv: evaluation fuzzing names the risk R-API-09, which is not here"
    assert cross_check(registers, evaluations) == [says]


def test_another_subject_is_found(registers, evaluations):
    evaluations["random_noise"] = replace(evaluations["random_noise"], subject="agent")
    says = "it judges subject model, but random_noise evaluates subject agent"
    assert cross_check(registers, evaluations) == [
        f"thresholds.yaml, T-POI-01, column subject: {says}"
    ]


@pytest.mark.parametrize(
    ("bound", "words"),
    [("0", "every value meets"), ("1.01", "judges nothing"), ("-0.5", "judges nothing")],
)
def test_a_bound_that_cannot_decide_is_found(folder, evaluations, bound, words):
    folder.replace("thresholds.yaml", "at_least: 0.7", f"at_least: {bound}")
    (problem,) = cross_check(folder.load(), evaluations)
    assert problem.startswith("thresholds.yaml, T-EVA-01, column at_least: robust_accuracy is 0.0")
    assert words in problem


def test_a_bound_on_the_harmless_side_is_found(folder, evaluations):
    folder.replace("thresholds.yaml", "at_least: 0.7", "at_most: 0.7")
    says = "higher is better for robust_accuracy: the bound is on the harmless side"
    assert cross_check(folder.load(), evaluations) == [
        f"thresholds.yaml, T-EVA-01, column at_most: {says}"
    ]


def test_a_metric_without_a_better_side_may_be_bounded_on_either(registers, evaluations):
    old = evaluations["random_noise"]
    evaluations["random_noise"] = replace(old, metrics=metrics("noisy_accuracy", better="neither"))
    assert cross_check(registers, evaluations) == []


@pytest.mark.parametrize(
    ("effort", "words"),
    [
        (
            "{step: 20}",
            "evasion_linf has no parameter 'step'; it has: attacks, steps, strict, sweep",
        ),
        ("{attacks: 2}", "attacks of evasion_linf is no number; of a list write attacks.count"),
        ("{strict: 1}", "strict of evasion_linf is no number"),
        ("{steps.count: 2}", "steps of evasion_linf is no list that could be counted"),
        ("{attacks.count: 2}", "attacks of evasion_linf is no list that could be counted"),
    ],
)
def test_an_effort_that_no_run_records_is_found(folder, evaluations, effort, words):
    folder.replace("thresholds.yaml", "at_least: 0.7", f"at_least: 0.7\n  effort: {effort}")
    parameters = {"steps": 40, "sweep": (0.1,), "attacks": "all", "strict": True}
    old = evaluations["evasion_linf"]
    evaluations["evasion_linf"] = replace(old, defaults=parameters)
    (problem,) = cross_check(folder.load(), evaluations)
    assert problem.startswith(f"thresholds.yaml, T-EVA-01, column effort: {words}")


def test_an_effort_that_runs_record_is_fine(folder, evaluations):
    effort = "{steps: 20, sweep.count: 2}"
    folder.replace("thresholds.yaml", "at_least: 0.7", f"at_least: 0.7\n  effort: {effort}")
    old = evaluations["evasion_linf"]
    evaluations["evasion_linf"] = replace(old, defaults={"steps": 40, "sweep": (0.1, 0.2)})
    assert cross_check(folder.load(), evaluations) == []


@pytest.mark.parametrize(("loss", "wrong"), [("0.99", False), ("1", True), ("2.5", True)])
def test_a_loss_that_every_value_meets_is_found(folder, evaluations, loss, wrong):
    folder.replace("thresholds.yaml", "at_least: 0.7", f"worse_than_champion_by: {loss}")
    found = cross_check(folder.load(), evaluations)
    assert len(found) == wrong
    assert all("every value meets a loss of" in problem for problem in found)


def test_a_loss_where_neither_side_is_better_is_found(folder, evaluations):
    folder.replace("thresholds.yaml", "at_most: 1e-1", "worse_than_champion_by: 0.1")
    old = evaluations["random_noise"]
    evaluations["random_noise"] = replace(old, metrics=metrics("noisy_accuracy", better="neither"))
    (problem,) = cross_check(folder.load(), evaluations)
    assert problem == (
        "thresholds.yaml, T-POI-01, column worse_than_champion_by: neither side of noisy_accuracy "
        "is better, so none can be worse than the champion"
    )
