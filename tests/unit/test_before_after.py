"""An evaluation with controls on the answers: the numbers without them, and behind each."""

import numpy as np
import pytest
from scipy.special import softmax

import seclab.evaluations  # noqa: F401 - fills the register
from seclab import rag, registry
from seclab.before_after import Memo
from seclab.errors import Misconfigured, NotEvaluated
from seclab.measurement import CONTROL, Metric, Reading
from seclab.models import Target
from seclab.models.controlled import ControlledTarget
from seclab.outcome import Evaluated, Result
from seclab.statistics import proportion
from tests.fakes import ScriptedTarget, guessing

AUC = "membership_auc"

SMALL = {
    "evasion_linf": {
        "epsilons": (0.15,),
        "samples": 40,
        "steps": 2,
        "restarts": 1,
        "score_queries": 60,
        "walk_iterations": 1,
    },
    "membership_inference": {
        "shadows": 4,
        "label_only_directions": 1,
        "label_only_sizes": 2,
    },
    "random_noise": {"epsilons": (0.3,), "repeats": 1},
    "model_extraction": {"query_budgets": (40,), "queries": ("population",)},
    "model_inversion": {"starts": 2, "steps": 3, "score_queries": 10},
}


@pytest.fixture(scope="module")
def run(trained, splits):
    known = {}

    def of(name, model="random-forest", controls=None):
        key = (name, model, controls)
        if key not in known:
            given = {} if controls is None else {"controls": list(controls)}
            known[key] = registry.run(
                registry.get(name),
                Target(trained(model), splits),
                seed=0,
                dataset_digest="sha256:rows-ordered/1:dd",
                **SMALL[name],
                **given,
            )
            assert isinstance(known[key], Evaluated), known[key]
        return known[key]

    return of


def _table(outcome, name):
    (table,) = [table for table in outcome.tables if table.name == name]
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


@pytest.mark.parametrize("name", SMALL)
def test_the_numbers_without_a_control_stay_what_they_are(run, name):
    plain, both = run(name), run(name, controls=("labels",))

    assert tuple(m for m in both.measurements if CONTROL not in m.parameters) == plain.measurements
    assert both.tables[: len(plain.tables)] == plain.tables
    assert both.notes[: len(plain.notes)] == plain.notes
    assert both.parameters == {**plain.parameters, "controls": "labels"}
    assert "controls" not in plain.parameters


def test_membership_hides_behind_labels_but_not_from_who_needs_no_more(run):
    outcome = run("membership_inference", controls=("labels",))
    before, after = (
        {
            m.parameters["attack"]: m
            for m in outcome.measurements
            if m.metric == AUC and m.parameters.get(CONTROL) == control
        }
        for control in (None, "labels")
    )

    assert before["lira_online_fixed"].value > 0.9
    assert after["lira_online_fixed"].interval.high < 0.6
    assert after["label_only"].value == before["label_only"].value


def test_shadows_are_trained_once_for_all_controls(splits, trained):
    trainings = []

    class Counting(Target):
        def retrain(self, dataset, *, seed):
            trainings.append(seed)
            return super().retrain(dataset, seed=seed)

    target = Counting(trained("softmax-regression"), splits)
    for _ in range(2):  # and nothing is left of them for another run
        outcome = registry.run(
            registry.get("membership_inference"),
            target,
            seed=0,
            dataset_digest="d",
            **SMALL["membership_inference"],
            controls=["labels", "top1"],
        )
        assert isinstance(outcome, Evaluated)
        assert len(trainings) == len(set(trainings)) == 4
        trainings.clear()


def test_a_memo_works_a_value_out_once_for_each_key():
    memo, calls = Memo(), []

    values = [memo.once(key, lambda key=key: calls.append(key) or [key]) for key in "abab"]

    assert calls == ["a", "b"]
    assert values[0] is values[2]
    assert values == [["a"], ["b"], ["a"], ["b"]]


def test_a_temperature_hides_no_member_from_who_takes_it_back(run):
    outcome = run("membership_inference", controls=("tempered",))
    rows = _table(outcome, "behind_output_controls")

    assert len(rows) == 1 + 4 * 13
    for row in rows:
        if "label_only" not in row["number"]:
            assert row["after"] == pytest.approx(row["before"], abs=0.02), row["number"]
    [_, cost] = _table(outcome, "cost_of_output_controls")
    assert cost["confidence_error"] > 0.01


def test_the_attacker_has_not_the_key_of_the_noise(run):
    outcome = run("membership_inference", controls=("noisy",))
    members = {
        (m.parameters["attack"], m.parameters.get(CONTROL)): m.value
        for m in outcome.measurements
        if m.metric == AUC
    }

    # Noise that shadows and target share would cancel.
    for attack in ("lira_offline_per_example", "rmia_online"):
        assert 0.7 < members[attack, "noisy"] < members[attack, None] - 0.05


def test_a_bound_that_changes_gets_no_interval(run):
    rows = _table(run("membership_inference", controls=("labels",)), "behind_output_controls")
    bounds = [row for row in rows if row["number"].startswith("epsilon_lower_bound")]

    assert len(bounds) == 13
    for row in bounds:
        assert (row["change_low"], row["change_high"], row["method"]) == (None, None, None)
    assert all(row["method"] for row in rows if row not in bounds)


def test_the_test_split_is_asked_once_for_what_controls_cost(splits):
    target = guessing(splits)
    entry = registry.get("random_noise")
    given = {"seed": 0, "dataset_digest": "d", **SMALL["random_noise"]}

    alone = registry.run(entry, guessing(splits), **given).queries
    both = registry.run(entry, target, **given, controls=["labels", "noisy"]).queries

    assert both == 3 * alone + len(splits.test)


def test_who_extracts_behind_rounding_knows_how_coarse_it_is(splits):
    # So flat that rounding leaves no zero: taken for exact, the answers would be equations.
    weights = np.random.default_rng(0).normal(0.0, 0.05, (64, 10))
    entry = registry.get("model_extraction")

    def fidelity(answers, controls):
        outcome = registry.run(
            entry,
            ScriptedTarget(splits, lambda x: softmax((x - 8.0) @ weights, axis=1)),
            seed=0,
            dataset_digest="d",
            query_budgets=(70,),
            queries=("uniform",),
            answers=(answers,),
            surrogates=("equation_solving",),
            repeats=1,
            controls=controls,
        )
        *_, last = [m for m in outcome.measurements if m.metric == "uniform_fidelity"]
        return last.value

    behind = fidelity("confidences", ["confidences_2_decimals"])

    assert behind == pytest.approx(fidelity("confidences_2_decimals", []), abs=0.02)


def test_no_copy_comes_of_labels_by_equations_and_that_is_said(trained, splits):
    outcome = registry.run(
        registry.get("model_extraction"),
        Target(trained("softmax-regression"), splits),
        seed=0,
        dataset_digest="d",
        query_budgets=(70,),
        queries=("uniform",),
        answers=("confidences",),
        surrogates=("equation_solving",),
        repeats=1,
        controls=["labels"],
    )

    assert isinstance(outcome, Evaluated), outcome
    assert not any(CONTROL in m.parameters for m in outcome.measurements)
    said = "Behind labels nothing was measured: where labels are all that is served no copy comes"
    assert any(note.startswith(said) for note in outcome.notes)


def test_who_knows_the_weights_does_not_mind_a_control(run):
    outcome = run("evasion_linf", model="mlp", controls=("labels",))
    rows = [row for row in _table(outcome, "behind_output_controls") if "robust" in row["number"]]
    strongest = next(row for row in rows if "strongest" in row["number"])
    by_scores = next(row for row in rows if "square" in row["number"])

    assert strongest["before"] == strongest["after"]
    assert (strongest["change"], strongest["p_value"]) == (0.0, 1.0)
    assert by_scores["after"] > by_scores["before"]
    assert by_scores["p_value"] < 0.05
    assert by_scores["change_low"] > 0.0
    assert by_scores["method"] == "tango"


def test_a_proof_holds_behind_every_control(run):
    outcome = run("evasion_linf", controls=("labels", "noisy"))
    certified = [m for m in outcome.measurements if m.metric == "certified_accuracy"]

    assert len(certified) == 3
    assert len({m.value for m in certified}) == 1


def test_what_goes_by_labels_alone_does_not_change(run):
    rows = _table(run("random_noise", controls=("noisy",)), "behind_output_controls")

    assert rows
    assert all(row["change"] == 0.0 for row in rows)


def test_extraction_behind_a_control_gets_what_the_control_lets_through(run):
    outcome = run("model_extraction", model="softmax-regression", controls=("labels",))
    before, after = (
        {
            m.parameters["answers"]: m.value
            for m in outcome.measurements
            if m.metric == "surrogate_fidelity" and m.parameters.get(CONTROL) == control
        }
        for control in (None, "labels")
    )

    assert after["labels"] == before["labels"]
    assert after["confidences"] < before["confidences"]


def test_the_cost_for_a_client_is_told_and_the_label_costs_nothing(run, splits, trained):
    rows = _table(run("random_noise", controls=("labels", "top1")), "cost_of_output_controls")
    probabilities = trained("random-forest").pipeline.predict_proba(splits.test.features)
    one_hot = np.eye(10)[probabilities.argmax(axis=1)]
    truth = np.eye(10)[splits.test.labels]

    none, labels, top1 = rows
    assert (none["confidence_error"], labels["control"], top1["control"]) == (0.0, "labels", "top1")
    assert none["accuracy"] == labels["accuracy"] == top1["accuracy"]
    assert labels["confidence_error"] == pytest.approx(np.abs(one_hot - probabilities).mean())
    assert labels["brier_score"] == pytest.approx(((one_hot - truth) ** 2).sum(axis=1).mean())
    assert 0.0 < top1["confidence_error"] < labels["confidence_error"]


def test_the_cost_for_a_client_takes_one_question_an_image(run, splits):
    one, two = (run("random_noise", controls=given) for given in (("labels",), ("labels", "top1")))
    measured = run("random_noise").queries

    assert one.queries == 2 * measured + len(splits.test)
    assert two.queries == 3 * measured + len(splits.test)


def test_many_comparisons_are_named(run):
    outcome = run("evasion_linf", controls=("labels", "noisy"))
    tested = sum(row["p_value"] is not None for row in _table(outcome, "behind_output_controls"))

    assert any(note.startswith(f"{tested} changes were tested") for note in outcome.notes)


@pytest.mark.parametrize(
    ("controls", "problem"),
    [
        (["lables"], "unknown control 'lables'; known: confidences, .*labels"),
        ("labels", "controls must be a list, got 'labels'"),
        (["labels", "labels"], "controls must name each once"),
    ],
)
def test_controls_that_mean_nothing_are_refused(trained, splits, controls, problem):
    with pytest.raises(Misconfigured, match=problem):
        registry.run(
            registry.get("random_noise"),
            Target(trained("softmax-regression"), splits),
            seed=0,
            dataset_digest="d",
            controls=controls,
        )


def test_an_agent_has_no_confidences_to_control():
    with pytest.raises(Misconfigured, match="rag_prompt_injection has no parameter 'controls'"):
        registry.run(
            registry.get("rag_prompt_injection"),
            rag.default_agent(),
            seed=0,
            dataset_digest="d",
            controls=["labels"],
        )


def test_what_cannot_be_measured_behind_a_control_is_said(splits):

    def sulky(target, *, rng):  # noqa: ARG001 - what the registry hands over
        """Refuse to look at anything but confidences."""
        if isinstance(target, ControlledTarget):
            raise NotEvaluated("no confidences, no number")
        return Result((Reading("share", proportion(1, 2)),))

    entry = registry.Evaluation(
        "sulky",
        sulky,
        ("R-EVA-01",),
        {"share": Metric("share", "fraction", "lower", "A share.")},
        registry.Needs.ANSWERS,
        "model",
        {},
    )

    outcome = registry.run(entry, guessing(splits), seed=0, dataset_digest="d", controls=["labels"])

    assert isinstance(outcome, Evaluated), outcome
    assert [m.value for m in outcome.measurements] == [0.5]
    assert "Behind labels nothing was measured: no confidences, no number" in outcome.notes
