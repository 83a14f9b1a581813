import math

import numpy as np
import pytest

from seclab import datasets, models
from seclab.attacks.extraction import Network, solve_softmax
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured
from seclab.evaluations.model_extraction import model_extraction
from seclab.evaluations.model_extraction.measuring import Made, scoring_of, transferred
from seclab.models import SPECS, Target
from tests.fakes import guessing, perfect

FIDELITY, ACCURACY = "surrogate_fidelity", "surrogate_accuracy"
UNIFORM, TRANSFER = "uniform_fidelity", "transfer_success_rate"
UNASKED = "unasked_fidelity"
QUICK = {
    "surrogates": ("softmax-regression", "equation_solving"),
    "queries": ("population",),
    "repeats": 1,
}
UNIFORM_ROWS = 1000


@pytest.fixture(scope="module")
def corners():
    """Three classes in four columns from -2 to 2, none an image."""
    rng = np.random.default_rng(0)
    features = rng.uniform(-2.0, 2.0, (300, 4))
    labels = np.where(features[:, 0] > 0.5, 2, (features[:, 1] > 0.0).astype(int))
    return datasets.split(
        Dataset(
            name="corners",
            features=features,
            labels=labels.astype(np.int64),
            feature_names=("a", "b", "c", "d"),
            class_names=("x", "y", "z"),
            feature_range=(-2.0, 2.0),
            image_shape=None,
            provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
        ),
        seed=0,
    )


@pytest.fixture(scope="module")
def softmax_regression(corners):
    return models.train(models.spec("softmax-regression"), corners.train, seed=0)


class Scripted:
    """A target whose probabilities are a function of the rows; it keeps who asked what."""

    def __init__(self, data, probabilities):
        self.data, self.queries = data, 0
        self.classes = np.arange(len(data.test.class_names))
        self.labels_asked, self.confidences_asked = [], []
        self._probabilities = probabilities

    def predict(self, x):
        self.labels_asked.append(x.copy())
        return self._probabilities(x).argmax(axis=1)

    def predict_proba(self, x):
        self.confidences_asked.append(x.copy())
        return self._probabilities(x)


def _by_sign(x):
    positive = (x[:, 0] > 0).astype(float)
    return np.column_stack([1.0 - positive, positive, np.zeros(len(x))]) * 0.8 + 0.2 / 3


def _run(target, *, seed=0, **parameters):
    return model_extraction(target, rng=np.random.default_rng(seed), **(QUICK | parameters))


def _values(result, metric=FIDELITY):
    return {
        tuple(reading.parameters[key] for key in ("answers", "queries", "query_budget")): (
            reading.estimate.value
        )
        for reading in result.readings
        if reading.metric == metric
    }


def _transfer(result):
    return {
        (reading.parameters["answers"], reading.parameters["query_budget"]): reading
        for reading in result.readings
        if reading.metric == TRANSFER
    }


def test_every_attacker_and_budget_has_its_strongest_copy(softmax_regression, corners):
    result = _run(
        Target(softmax_regression, corners),
        query_budgets=(10, 40),
        queries=("population", "active", "uniform"),
    )

    expected = {
        (answers, queries, budget)
        for answers in ("labels", "confidences")
        for queries in ("population", "active", "uniform")
        for budget in (10, 40)
    }
    for metric, n in ((FIDELITY, len(corners.test)), (UNIFORM, UNIFORM_ROWS)):
        assert set(_values(result, metric)) == expected
        assert {r.estimate.n for r in result.readings if r.metric == metric} == {n}
    assert set(_values(result, ACCURACY)) == expected
    assert set(_transfer(result)) == {
        (answers, budget) for answers in ("labels", "confidences") for budget in (10, 40)
    }
    assert {
        reading.parameters["surrogate"] for reading in result.readings if reading.metric != TRANSFER
    } == {"strongest"}
    assert set(_unasked(result)) == {10, 40}


def test_a_softmax_regression_falls_to_one_query_more_than_it_has_columns(
    softmax_regression, corners
):
    result = _run(Target(softmax_regression, corners), query_budgets=(4, 5), queries=("uniform",))
    whole, part = ("confidences", "uniform", 5), ("confidences", "uniform", 4)

    assert _values(result)[whole] == _values(result, UNIFORM)[whole] == 1.0
    assert _values(result, UNIFORM)[part] < 1.0
    assert _values(result, UNIFORM)["labels", "uniform", 5] < 0.9


def test_the_digits_fall_to_66_exact_answers_and_to_650_of_three_decimals(trained, splits):
    found = _values(
        _run(
            Target(trained("softmax-regression"), splits),
            query_budgets=(66, 650),
            queries=("uniform",),
            answers=("confidences", "confidences_3_decimals"),
            surrogates=("equation_solving",),
        )
    )

    assert found["confidences", "uniform", 66] == 1.0
    assert found["confidences_3_decimals", "uniform", 650] >= 0.99


def test_confidences_buy_more_than_labels_and_rounding_takes_some_of_it_back(
    softmax_regression, corners
):
    found = _values(
        _run(
            Target(softmax_regression, corners),
            query_budgets=(20,),
            queries=("uniform",),
            answers=("labels", "confidences_1_decimals", "confidences"),
        ),
        UNIFORM,
    )

    labels, rounded, exact = (
        found[name, "uniform", 20] for name in ("labels", "confidences_1_decimals", "confidences")
    )
    assert labels < rounded < exact == 1.0


def test_who_asks_for_labels_never_asks_for_confidences(corners):
    target = Scripted(corners, _by_sign)
    _run(target, answers=("labels",), query_budgets=(7, 33))

    (scored,) = target.confidences_asked
    assert np.array_equal(scored, corners.test.features)
    uniform, training, *evasive = target.labels_asked
    assert training.shape == (33, 4)
    assert {tuple(row) for row in training} <= {tuple(row) for row in corners.population.features}
    assert len(uniform) == UNIFORM_ROWS
    assert [len(rows) <= len(corners.test) for rows in evasive] == [True, True]


def test_every_row_asked_is_counted_and_every_attacker_has_the_same_budget(
    softmax_regression, corners
):
    target = Target(softmax_regression, corners)
    result = _run(target, query_budgets=(7, 33), queries=("population", "active"))

    evasive = sum(reading.estimate.n for reading in _transfer(result).values())
    assert target.queries == 4 * 33 + len(corners.test) + UNIFORM_ROWS + evasive
    assert any("33 to train for each of 4 attackers" in note for note in result.notes)


def test_a_small_budget_learns_from_no_answer_beyond_it(corners):
    def lies_after_twenty_answers(x):
        p = _by_sign(x)
        if len(x) == 59:  # only the training queries are so many
            p[20:] = p[20:, [1, 0, 2]]
        return p

    alone = _values(_run(Scripted(corners, _by_sign), query_budgets=(20,), answers=("labels",)))
    swept = _values(
        _run(
            Scripted(corners, lies_after_twenty_answers),
            query_budgets=(20, 59),
            answers=("labels",),
        )
    )

    small, large = ("labels", "population", 20), ("labels", "population", 59)
    assert swept[small] == alone[small]
    assert swept[large] < 0.5 < swept[small]


def test_fidelity_is_agreement_with_the_model_and_accuracy_with_the_truth(corners):
    always_z = Scripted(corners, lambda x: np.tile([0.1, 0.1, 0.8], (len(x), 1)))
    result = _run(always_z, query_budgets=(10,))

    assert set(_values(result).values()) == set(_values(result, UNIFORM).values()) == {1.0}
    assert set(_values(result, ACCURACY).values()) == {np.mean(corners.test.labels == 2)}


@pytest.mark.parametrize("answers", ["labels", "confidences"])
def test_guesses_cannot_be_copied(corners, answers):
    found = _run(guessing(corners), query_budgets=(60,), answers=(answers,))

    assert _values(found)[answers, "population", 60] < 0.6


def test_a_model_that_knows_every_image_is_copied_where_its_rule_is_simple(corners):
    result = _run(perfect(corners), query_budgets=(60,))

    assert min(_values(result).values()) > 0.85
    assert _values(result) == _values(result, ACCURACY)


def test_evasion_carries_over_from_a_whole_copy_as_from_the_model(softmax_regression, corners):
    target = Target(softmax_regression, corners)
    result = _run(target, query_budgets=(5,), queries=("uniform",), epsilon=0.2)

    test = corners.test
    right = target.predict(test.features) == test.labels
    x, y = test.features[right], test.labels[right]
    white_box = projected_gradient_descent(
        [Loss(target.loss_gradient, wrong_from=math.inf)],
        target.predict,
        x,
        y,
        norm="linf",
        epsilon=0.2 * test.scale,
        bounds=test.feature_range,
        ascent=Ascent(steps=20, restarts=1),
        rng=np.random.default_rng(0),
    )
    carried = _transfer(result)["confidences", 5]
    assert carried.parameters == {"answers": "confidences", "query_budget": 5, "epsilon": 0.2}
    assert carried.estimate.n == right.sum()
    assert carried.estimate.value == np.mean(target.predict(white_box) != y) > 0.2


def test_of_copies_equal_on_images_the_one_that_is_right_elsewhere_is_climbed(
    softmax_regression, corners
):
    target = Target(softmax_regression, corners)
    scoring = scoring_of(target, np.random.default_rng(0))
    x, targets = corners.train.features, target.predict_proba(corners.train.features)
    whole = solve_softmax(x, targets, bounds=(-2.0, 2.0), resolution=0.0)
    flat = Network((np.zeros((5, 3)),), (-2.0, 2.0))  # its gradient leads nowhere
    all_, none = np.ones(10, dtype=bool), np.zeros(10, dtype=bool)

    def made(copy, uniform):
        return Made(0, "top1", "population", 50, "mlp", copy, all_, none, uniform)

    both = [made(flat, none), made(whole, all_)]
    assert transferred(target, scoring, both, 0.2).estimate.value > 0.2
    assert transferred(target, scoring, both[:1], 0.2).estimate.value < 0.05


def test_evasive_rows_lie_in_ball_and_box(corners):
    target = Scripted(corners, _by_sign)
    _run(target, answers=("labels",), query_budgets=(30,), epsilon=0.1)

    evasive, test = target.labels_asked[-1], corners.test
    right = _by_sign(test.features).argmax(axis=1) == test.labels
    assert np.abs(evasive - test.features[right]).max() <= 0.1 * 4.0 + 1e-12
    assert evasive.min() >= -2.0
    assert evasive.max() <= 2.0


def test_without_a_right_answer_or_a_gradient_there_is_no_transfer(corners):
    shifted = dict(zip(map(tuple, corners.test.features), corners.test.labels, strict=True))

    def always_wrong(x):
        return np.eye(3)[[(shifted.get(tuple(row), 0) + 1) % 3 for row in x]] * 0.9 + 0.1 / 3

    assert not _transfer(_run(Scripted(corners, always_wrong), query_budgets=(10,)))
    only_kernel = _run(Scripted(corners, _by_sign), query_budgets=(10,), surrogates=("kernel",))
    assert not _transfer(only_kernel)


def test_beyond_the_population_queries_are_made_of_it_and_a_note_says_so(corners):
    pool = corners.population.features
    target = Scripted(corners, _by_sign)
    within = _run(target, query_budgets=(len(pool),), answers=("labels",))
    beyond = _run(target, query_budgets=(len(pool) + 40,), answers=("labels",), jitter=0.25)

    copies = target.labels_asked[4][len(pool) :]
    distance = np.abs(copies[:, None] - pool[None]).max(axis=2).min(axis=1)
    assert len(copies) == 40
    assert 0.5 < distance.max() <= 1.0
    assert any("noisy copies" in note for note in beyond.notes)
    assert not any("noisy copies" in note for note in within.notes)


def test_another_budget_in_the_sweep_changes_no_number(softmax_regression, corners):
    alone = _values(_run(Target(softmax_regression, corners), query_budgets=(20,)))
    swept = _values(_run(Target(softmax_regression, corners), query_budgets=(10, 20, 100)))

    assert alone.items() <= swept.items()


def test_other_answers_in_the_sweep_change_no_number(softmax_regression, corners):
    target = Target(softmax_regression, corners)
    alone = _values(_run(target, query_budgets=(20,), answers=("labels",)))
    swept = _values(_run(target, query_budgets=(20,), answers=("top1", "labels", "noisy")))

    assert alone.items() <= swept.items()


@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model_whatever_is_served(name, corners):
    target = Target(models.train(models.spec(name), corners.train, seed=0), corners)
    answers = ("labels", "top1", "confidences_2_decimals", "confidences")

    found = _values(_run(target, query_budgets=(60,), answers=answers))

    assert {key[0] for key in found} == set(answers)
    assert min(found.values()) > 0.7


def test_every_campaign_asks_and_learns_anew_and_the_numbers_are_means(softmax_regression, corners):
    one, two = (
        _run(
            Target(softmax_regression, corners),
            query_budgets=(10,),
            answers=("labels",),
            repeats=repeats,
        )
        for repeats in (1, 2)
    )
    first, both = (result.tables[0].records() for result in (one, two))
    best = [r[FIDELITY] for r in both if r["strongest"] and r["answers"] == "labels"]

    assert [row for row in both if row["repeat"] == 0] == first
    assert best[0] != best[1]
    (reading,) = [r for r in two.readings if r.metric == FIDELITY]
    assert reading.estimate.value == pytest.approx(np.mean(best))
    assert reading.estimate.n == len(corners.test)
    assert any(note.startswith("All of it 2 times") for note in two.notes)
    assert not any(note.startswith("All of it") for note in one.notes)


def test_evasion_is_carried_over_from_a_copy_of_each_campaign(corners):
    target = Scripted(corners, _by_sign)
    result = _run(target, answers=("labels",), query_budgets=(30,), epsilon=0.1, repeats=3)

    right = _by_sign(corners.test.features).argmax(axis=1) == corners.test.labels
    asked = target.labels_asked[-3:]
    assert [len(rows) for rows in asked] == [right.sum()] * 3
    truth = corners.test.labels[right]
    wrong = [_by_sign(rows).argmax(axis=1) != truth for rows in asked]
    assert _transfer(result)["labels", 30].estimate.value == pytest.approx(np.mean(wrong))


def test_tables_and_chart_say_what_the_readings_say(softmax_regression, corners):
    result = _run(
        Target(softmax_regression, corners),
        query_budgets=(10, 40),
        queries=("population", "uniform"),
    )
    fidelity, accuracy = _values(result), _values(result, ACCURACY)

    copies, controls = (table.records() for table in result.tables)
    copies = [row for row in copies if row["answers"] != "nothing"]
    strongest = [row for row in copies if row["strongest"]]
    assert len(strongest) == len(fidelity)
    for row in strongest:
        key = row["answers"], row["queries"], row["query_budget"]
        assert (row[FIDELITY], row[ACCURACY]) == (fidelity[key], accuracy[key])
        rivals = [
            r[FIDELITY] for r in copies if (r["answers"], r["queries"], r["query_budget"]) == key
        ]
        assert row[FIDELITY] == max(rivals)
    for row in copies:
        for metric in (FIDELITY, ACCURACY, UNIFORM):
            assert row[f"{metric}_low"] <= row[metric] <= row[f"{metric}_high"]
    for row in controls:
        at = {
            b: max(fidelity[row["answers"], q, b] for q in ("population", "uniform"))
            for b in (10, 40)
        }
        assert row[FIDELITY] == at[40]
        reached = [budget for budget in (10, 40) if at[budget] >= 0.95]
        assert row["queries_to_95"] == (min(reached) if reached else None)
        (line,) = [s for s in result.figures[0].series if s.label == row["answers"]]
        assert line.y == (at[10], at[40])


def test_what_a_control_costs_is_the_error_of_what_it_serves(corners):
    target = Scripted(corners, _by_sign)
    result = _run(
        target, query_budgets=(10,), answers=("confidences", "confidences_1_decimals", "labels")
    )
    cost = {row["answers"]: row for row in result.tables[1].records()}

    p = _by_sign(corners.test.features)
    truth = np.eye(3)[corners.test.labels]
    assert cost["confidences"]["confidence_error"] == 0.0
    assert cost["confidences"]["brier_score"] == pytest.approx(((p - truth) ** 2).sum(1).mean())
    assert cost["confidences_1_decimals"]["confidence_error"] == pytest.approx(
        np.abs(np.round(p, 1) - p).mean()
    )
    assert cost["labels"]["confidence_error"] is cost["labels"]["brier_score"] is None


def _unasked(result):
    return {
        reading.parameters["query_budget"]: reading.estimate.value
        for reading in result.readings
        if reading.metric == UNASKED
    }


def test_who_labels_by_hand_gets_as_near_as_the_truth_is_and_asks_nothing(corners):
    liar = Scripted(corners, lambda x: _by_sign(x)[:, [1, 0, 2]])
    honest = perfect(corners)

    # More rows than there are cannot be labelled by hand.
    most = len(corners.population)
    found = _unasked(_run(honest, query_budgets=(10, most, most + 5), answers=("labels",)))

    assert found[10] < found[most] == found[most + 5]
    assert found[most] > 0.85
    assert _unasked(_run(liar, query_budgets=(most,)))[most] < 0.5
    assert len(liar.labels_asked) == 4  # uniform rows, one attacker's queries, two evasions


def test_equal_seeds_give_equal_numbers_and_others_do_not(softmax_regression, corners):
    first, again, other = (
        _values(_run(Target(softmax_regression, corners), seed=seed, query_budgets=(10, 30)))
        for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other


def test_everything_wrong_is_said_at_once(softmax_regression, corners):
    target = Target(softmax_regression, corners)
    with pytest.raises(Misconfigured) as refused:
        _run(
            target,
            query_budgets=(0, 10, 10),
            surrogates=("tree",),
            answers=("silence",),
            queries=("guessed",),
            jitter=2.0,
            epsilon=-0.1,
        )

    assert len(refused.value.problems) == 7
    with pytest.raises(Misconfigured, match="epsilon is above 0"):
        _run(target, epsilon=0.0)
    with pytest.raises(Misconfigured, match="query_budgets must name at least one"):
        _run(target, query_budgets=())
    with pytest.raises(Misconfigured, match="no copy comes of labels by equation_solving"):
        _run(target, surrogates=("equation_solving",))
    with pytest.raises(Misconfigured, match="path_finding asks questions of its own"):
        _run(target, surrogates=("mlp", "path_finding"))
    with pytest.raises(Misconfigured, match="path_finding learns from its own queries alone"):
        _run(
            target,
            answers=("confidences",),
            queries=("population", "path_finding"),
            surrogates=("path_finding",),
        )


def _little_tree(x):
    leaf = np.where(x[:, 0] > 0.5, 2, (x[:, 1] > 0.25).astype(int))
    return np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]])[leaf]


def test_a_tree_is_copied_whole_by_who_follows_its_paths(corners):
    target = Scripted(corners, _little_tree)
    result = _run(
        target,
        answers=("confidences",),
        queries=("path_finding",),
        surrogates=("kernel", "path_finding"),
        query_budgets=(500,),
    )

    asked = sum(len(rows) for rows in target.confidences_asked) - len(corners.test)
    assert 10 < asked < 500
    assert any("asks less than its budget" in note for note in result.notes)
    assert _values(result)["confidences", "path_finding", 500] == 1.0
    assert _values(result, UNIFORM)["confidences", "path_finding", 500] > 0.98
    (best,) = [
        row["surrogate"]
        for row in result.tables[0].records()
        if row["strongest"] and row["answers"] == "confidences"
    ]
    assert best == "path_finding"
