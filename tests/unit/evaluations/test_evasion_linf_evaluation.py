from dataclasses import replace

import numpy as np
import pytest

from seclab.artifacts import Chart, ImageGrid
from seclab.errors import Misconfigured
from seclab.evaluations.evasion_linf import evasion_linf
from seclab.models import Target
from seclab.statistics import proportion
from tests.fakes import ScriptedTarget, perfect

GRADIENT = ("linf_fast_gradient_sign", "linf_projected_gradient_descent", "strongest")
DECISION = ("linf_hop_skip_jump", "strongest")


def _run(target, *, seed=0, **parameters):
    return evasion_linf(target, rng=np.random.default_rng(seed), **parameters)


def _values(result, metric):
    return {
        (reading.parameters["attack"], reading.parameters["epsilon"]): reading.estimate
        for reading in result.readings
        if reading.metric == metric
    }


@pytest.fixture(scope="module")
def swept(trained, splits):
    target = Target(trained("softmax-regression"), splits)
    return _run(target, epsilons=(0.2, 0.05, 0.1), steps=8, restarts=2)


@pytest.fixture(scope="module")
def walked(trained, splits):
    target = Target(trained("random-forest"), splits)
    return _run(target, epsilons=(0.1, 0.2, 0.3), samples=25, walk_iterations=2)


@pytest.mark.parametrize(("run", "attacks"), [("swept", GRADIENT), ("walked", DECISION)])
def test_the_attacks_are_those_that_the_model_allows(run, attacks, request):
    result = request.getfixturevalue(run)

    robust = _values(result, "robust_accuracy")
    assert {attack for attack, _ in robust} == set(attacks)
    assert len(robust) == 3 * len(attacks)
    assert robust.keys() == _values(result, "attack_success_rate").keys()


@pytest.mark.parametrize("run", ["swept", "walked"])
def test_a_larger_budget_never_leaves_more_accuracy(run, request):
    robust = _values(request.getfixturevalue(run), "robust_accuracy")

    for attack in {attack for attack, _ in robust} - {"linf_fast_gradient_sign"}:
        values = [robust[key].value for key in sorted(robust) if key[0] == attack]
        assert values == sorted(values, reverse=True)
    assert robust[("strongest", max(epsilon for _, epsilon in robust))].value < 0.9


def test_the_strongest_attack_is_at_least_as_strong_as_every_other(swept):
    robust = _values(swept, "robust_accuracy")

    for (_, epsilon), estimate in robust.items():
        assert robust["strongest", epsilon].value <= estimate.value


@pytest.mark.parametrize("run", ["swept", "walked"])
def test_success_counts_only_what_the_attack_changed(run, request):
    result = request.getfixturevalue(run)
    clean = result.readings[0].estimate
    right = round(clean.value * clean.n)

    robust, success = (_values(result, m) for m in ("robust_accuracy", "attack_success_rate"))

    for key, estimate in success.items():
        survived = round(robust[key].value * clean.n)
        assert estimate == proportion(right - survived, right)
        assert robust[key] == proportion(survived, clean.n)


def test_clean_accuracy_comes_first_and_is_that_of_the_test_split(swept, target, splits):
    first = swept.readings[0]
    right = target("softmax-regression").predict(splits.test.features) == splits.test.labels

    assert (first.metric, first.parameters) == ("clean_accuracy", {})
    assert first.estimate == proportion(int(right.sum()), len(splits.test))


def test_the_answer_for_every_image_is_kept_so_that_models_can_be_paired(swept, trained, splits):
    kept = {
        (reading.metric, *reading.parameters.values()): reading.per_sample
        for reading in swept.readings
        if reading.metric != "attack_success_rate"
    }

    answers = Target(trained("softmax-regression"), splits).predict(splits.test.features)
    right = (answers == splits.test.labels).astype(int)
    assert kept["clean_accuracy",].hits == "".join(map(str, right))
    assert {each.samples for each in kept.values()} == {str(splits.test.fingerprint().ordered)}
    survived = [kept["robust_accuracy", epsilon, "strongest"].hits for epsilon in (0.05, 0.1, 0.2)]
    assert all(list(image) == sorted(image, reverse=True) for image in zip(*survived, strict=True))


def test_the_sweep_is_kept_as_a_table(swept):
    rows = swept.tables[0].records()

    assert len(rows) == len(swept.readings)
    for row, reading in zip(rows, swept.readings, strict=True):
        assert row["value"] == reading.estimate.value
        assert (row["attack"], row["metric"]) == (
            reading.parameters.get("attack"),
            reading.metric,
        )


def test_every_image_is_told_with_the_smallest_budget_that_broke_it(swept, target, splits):
    model, rows = target("softmax-regression"), swept.tables[1].records()
    right = model.predict(splits.test.features) == splits.test.labels
    robust = _values(swept, "robust_accuracy")

    assert [row["image"] for row in rows] == list(range(len(splits.test)))
    assert [row["correct_when_clean"] for row in rows] == right.tolist()
    assert [row["label"] for row in rows] == [str(label) for label in splits.test.labels]
    assert all(row["broken_at_epsilon"] is None for row in rows if not row["correct_when_clean"])
    for epsilon in (0.05, 0.1, 0.2):
        broken = [r for r in rows if (r["broken_at_epsilon"] or 9.0) <= epsilon]
        survived = right.sum() - len(broken)
        assert robust["strongest", epsilon].value == pytest.approx(survived / len(rows))


def test_the_curve_starts_at_the_clean_accuracy(swept):
    curve = swept.figures[0]

    assert isinstance(curve, Chart)
    assert {series.label for series in curve.series} == set(GRADIENT)
    for series in curve.series:
        assert series.x == (0.0, 0.05, 0.1, 0.2)
        assert series.y[0] == swept.readings[0].estimate.value
        robust = _values(swept, "robust_accuracy")
        assert series.y[1:] == tuple(robust[series.label, e].value for e in series.x[1:])


def test_the_worst_failures_are_shown_above_what_they_became(swept, target, splits):
    grid = swept.figures[1]
    model, broken = target("softmax-regression"), swept.tables[1].records()

    assert isinstance(grid, ImageGrid)
    assert grid.images.shape == (2, 8, 8, 8)
    assert 0.0 <= grid.images.min() < grid.images.max() <= 1.0
    clean, attacked = grid.images.reshape(2, 8, 64) * 16.0
    assert (model.predict(clean) != model.predict(attacked)).all()
    budgets = [float(caption.removeprefix("epsilon ")) for caption in grid.captions[8:]]
    assert (np.abs(attacked - clean).max(axis=1) / 16.0 <= np.array(budgets) + 1e-9).all()
    # They are those of the smallest budgets there are.
    smallest = sorted(row["broken_at_epsilon"] for row in broken if row["broken_at_epsilon"])
    assert budgets == smallest[:8]
    originals = {tuple(row) for row in splits.test.features}
    assert {tuple(row) for row in clean} <= originals


def test_fewer_samples_are_drawn_from_the_test_split_in_its_order(target, splits):
    model = target("softmax-regression")

    result = _run(model, epsilons=(0.1,), samples=20, steps=2, restarts=1)

    labels = [row["label"] for row in result.tables[1].records()]
    remaining = iter(str(label) for label in splits.test.labels)
    assert all(label in remaining for label in labels)
    assert result.readings[0].estimate.n == len(labels) == 20
    other = _run(model, epsilons=(0.1,), samples=20, steps=2, restarts=1, seed=1)
    assert labels != [row["label"] for row in other.tables[1].records()]


def test_more_samples_than_there_are_mean_all_of_them(target, splits):
    result = _run(target("softmax-regression"), epsilons=(0.1,), samples=10**6, steps=1, restarts=1)

    assert result.readings[0].estimate.n == len(splits.test)


def test_where_nothing_is_right_there_is_nothing_to_attack(splits):
    wrong = ScriptedTarget(splits, lambda x: np.eye(10)[(perfect(splits).predict(x) + 1) % 10])

    result = _run(wrong, epsilons=(0.1,), samples=30, steps=2, restarts=1)

    assert result.readings[0].estimate.value == 0.0
    assert not _values(result, "attack_success_rate")
    assert {e.value for e in _values(result, "robust_accuracy").values()} == {0.0}
    assert len(result.figures) == 1


def test_a_model_that_nothing_moves_keeps_its_accuracy(splits):
    one_answer = ScriptedTarget(splits, lambda x: np.tile(np.eye(10)[3], (len(x), 1)))

    result = _run(one_answer, epsilons=(0.1, 1.0), steps=3, restarts=2)

    share = np.mean(splits.test.labels == 3)
    assert {e.value for e in _values(result, "robust_accuracy").values()} == {share}
    assert {e.value for e in _values(result, "attack_success_rate").values()} == {0.0}


def test_rows_without_an_image_shape_are_attacked_without_pictures(splits):
    flat = replace(splits, test=replace(splits.test, image_shape=None))
    target = ScriptedTarget(flat, lambda x: perfect(splits)._probabilities(x))

    result = _run(target, epsilons=(0.1,), samples=10, steps=1, restarts=1)

    assert len(result.figures) == 1


def test_a_distance_equal_to_the_budget_is_within_it(splits):
    """A walk that ends exactly at the budget: rounding must not hide it."""

    class Threshold(ScriptedTarget):
        has_gradient = False

    def by_first_pixel(x):
        return np.eye(10)[np.where(x[:, 0] >= 1.6, 1, 0)]

    zeros = splits.test.with_rows(np.zeros((3, 64)), np.zeros(3, dtype=np.int64))
    owned = splits.population.features.copy()
    owned[:, :] = 0.0
    owned[:, 0] = 1.6
    data = replace(
        splits,
        test=zeros,
        population=splits.population.with_rows(owned, splits.population.labels),
    )

    result = _run(Threshold(data, by_first_pixel), epsilons=(0.1,), walk_iterations=1)

    assert _values(result, "robust_accuracy")["strongest", 0.1].value == 0.0


@pytest.mark.parametrize("epsilons", [(), (0.0,), (-0.1, 0.1), (1.1,), (float("nan"),)])
def test_budgets_that_cannot_be_are_refused(epsilons, target):
    model = target("softmax-regression")

    with pytest.raises(Misconfigured, match="epsilons are fractions above 0 and at most 1"):
        _run(model, epsilons=epsilons)
    assert model.queries == 0
