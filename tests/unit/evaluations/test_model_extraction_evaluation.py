import numpy as np
import pytest

from seclab import datasets, models
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured
from seclab.evaluations.model_extraction import model_extraction
from seclab.models import SPECS, Target

FIDELITY, ACCURACY = "surrogate_fidelity", "surrogate_accuracy"


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
def softmax(corners):
    return models.train(models.spec("softmax-regression"), corners.train, seed=0)


class Scripted:
    """A target whose labels are a function of the rows asked; it keeps what it was asked."""

    def __init__(self, data, answer):
        self.data, self.answer, self.asked = data, answer, []

    def predict(self, x):
        self.asked.append(x)
        return self.answer(x)


def _run(target, *, seed=0, **parameters):
    return model_extraction(target, rng=np.random.default_rng(seed), **parameters)


def _values(result, metric=FIDELITY):
    return {
        (reading.parameters["query_budget"], reading.parameters["surrogate"]): (
            reading.estimate.value
        )
        for reading in result.readings
        if reading.metric == metric
    }


def test_every_budget_has_every_family_and_the_strongest(softmax, corners):
    result = _run(Target(softmax, corners), query_budgets=(10, 40))

    expected = {(q, s) for q in (10, 40) for s in ("softmax-regression", "mlp", "strongest")}
    assert set(_values(result)) == set(_values(result, ACCURACY)) == expected
    assert {reading.metric for reading in result.readings} == {FIDELITY, ACCURACY}
    assert {reading.estimate.n for reading in result.readings} == {len(corners.test)}


def test_more_queries_buy_a_better_copy(softmax, corners):
    values = _values(_run(Target(softmax, corners), query_budgets=(5, 60)))

    assert values[60, "strongest"] > values[5, "strongest"]
    assert values[60, "strongest"] > 0.9


def test_training_asks_exactly_the_budget_and_only_of_the_population(corners):
    target = Scripted(corners, lambda x: (x[:, 0] > 0).astype(int))
    _run(target, query_budgets=(7, 33))

    training, scoring = target.asked
    assert training.shape == (33, 4)
    assert {tuple(row) for row in training} <= {tuple(row) for row in corners.population.features}
    assert np.array_equal(scoring, corners.test.features)


def test_the_query_count_is_the_largest_budget_and_the_scoring(softmax, corners):
    target = Target(softmax, corners)
    result = _run(target, query_budgets=(7, 33))

    assert target.queries == 33 + len(corners.test)
    assert any("33 to train" in note for note in result.notes)
    assert any(f"{len(corners.test)} more to score" in note for note in result.notes)


def test_a_small_budget_learns_from_no_answer_beyond_it(corners):
    calls = []

    def lies_after_twenty_answers(x):
        labels = (x[:, 0] > 0).astype(int)
        calls.append(len(x))
        if len(calls) == 1:
            labels[20:] = 1 - labels[20:]
        return labels

    honest = Scripted(corners, lambda x: (x[:, 0] > 0).astype(int))
    alone = _values(_run(honest, query_budgets=(20,)))
    swept = _values(_run(Scripted(corners, lies_after_twenty_answers), query_budgets=(20, 60)))

    assert swept[20, "softmax-regression"] == alone[20, "softmax-regression"]
    assert swept[60, "softmax-regression"] < 0.5 < swept[20, "softmax-regression"]


def test_fidelity_is_agreement_with_the_model_and_accuracy_with_the_truth(corners):
    always_wrong = Scripted(corners, lambda x: np.full(len(x), 7))
    result = _run(always_wrong, query_budgets=(10,))

    assert set(_values(result).values()) == {1.0}
    assert set(_values(result, ACCURACY).values()) == {0.0}


def test_strongest_is_the_family_of_the_highest_fidelity(softmax, corners):
    result = _run(Target(softmax, corners), query_budgets=(5, 20, 60))
    fidelity, accuracy = _values(result), _values(result, ACCURACY)

    for budget in (5, 20, 60):
        families = ("softmax-regression", "mlp")
        best = max(families, key=lambda family: fidelity[budget, family])
        assert fidelity[budget, "strongest"] == fidelity[budget, best]
        assert accuracy[budget, "strongest"] == accuracy[budget, best]


def test_beyond_the_population_queries_are_noisy_copies_and_a_note_says_so(corners):
    pool = corners.population.features
    target = Scripted(corners, lambda x: (x[:, 0] > 0).astype(int))
    within = _run(target, query_budgets=(len(pool),))
    beyond = _run(target, query_budgets=(len(pool) + 40,), jitter=0.25)

    copies = target.asked[2][len(pool) :]
    distance = np.abs(copies[:, None] - pool[None]).max(axis=2).min(axis=1)
    assert len(copies) == 40
    assert 0.5 < distance.max() <= 1.0
    assert any("noisy copies" in note for note in beyond.notes)
    assert not any("noisy copies" in note for note in within.notes)


def test_another_budget_in_the_sweep_changes_no_number(softmax, corners):
    alone = _values(_run(Target(softmax, corners), query_budgets=(20,)))
    swept = _values(_run(Target(softmax, corners), query_budgets=(10, 20, 100)))

    assert alone.items() <= swept.items()


@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model(name, corners):
    target = Target(models.train(models.spec(name), corners.train, seed=0), corners)

    assert _values(_run(target, query_budgets=(40,)))[40, "strongest"] > 0.7


def test_table_and_chart_say_what_the_readings_say(softmax, corners):
    result = _run(Target(softmax, corners), query_budgets=(10, 40))
    fidelity, accuracy = _values(result), _values(result, ACCURACY)

    rows = result.tables[0].records()
    for row in rows:
        key = row["query_budget"], row["surrogate"]
        assert (row[FIDELITY], row[ACCURACY]) == (fidelity[key], accuracy[key])
        assert row[f"{FIDELITY}_low"] <= row[FIDELITY] <= row[f"{FIDELITY}_high"]
        assert row[f"{ACCURACY}_low"] <= row[ACCURACY] <= row[f"{ACCURACY}_high"]
    assert [row["query_budget"] for row in rows if row["strongest"]] == [10, 40]
    lines = {line.label: line for line in result.figures[0].series}
    assert lines["mlp"].x == (10.0, 40.0)
    assert lines["mlp"].y == (fidelity[10, "mlp"], fidelity[40, "mlp"])


def test_equal_seeds_give_equal_numbers_and_others_do_not(softmax, corners):
    first, again, other = (
        _values(_run(Target(softmax, corners), seed=seed, query_budgets=(10, 30)))
        for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other


def test_everything_wrong_is_said_at_once(softmax, corners):
    with pytest.raises(Misconfigured) as refused:
        _run(
            Target(softmax, corners),
            query_budgets=(0, 10, 10),
            surrogates=("tree",),
            jitter=2.0,
        )

    assert len(refused.value.problems) == 4
    with pytest.raises(Misconfigured, match="query_budgets must name at least one"):
        _run(Target(softmax, corners), query_budgets=())
