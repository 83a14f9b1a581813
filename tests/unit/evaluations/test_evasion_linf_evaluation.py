from dataclasses import replace

import numpy as np
import pytest

from seclab.artifacts import Chart, ImageGrid
from seclab.errors import Misconfigured
from seclab.evaluations.evasion_linf import evasion_linf
from seclab.models import Target
from seclab.statistics import proportion
from tests.fakes import ScriptedTarget, perfect

AFFINE = (
    "linf_fast_gradient_sign",
    "linf_projected_gradient_descent",
    "linf_linear_worst_case",
    "strongest",
)
NETWORK = (
    "linf_fast_gradient_sign",
    "linf_projected_gradient_descent",
    "linf_minimal_perturbation",
    "linf_square_search",
    "strongest",
)
FOREST = ("linf_square_search", "linf_hop_skip_jump", "strongest")


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
    return _run(target, epsilons=(0.1, 0.2, 0.3), samples=25, score_queries=60, walk_iterations=2)


@pytest.fixture(scope="module")
def climbed(trained, splits):
    target = Target(trained("mlp"), splits)
    effort = {"steps": 10, "restarts": 2, "score_queries": 100}
    return _run(target, epsilons=(0.05, 0.1, 0.2), samples=40, **effort)


@pytest.mark.parametrize(
    ("run", "attacks"), [("swept", AFFINE), ("climbed", NETWORK), ("walked", FOREST)]
)
def test_the_attacks_are_those_that_the_model_allows(run, attacks, request):
    result = request.getfixturevalue(run)

    robust = _values(result, "robust_accuracy")
    assert {attack for attack, _ in robust} == set(attacks)
    assert len(robust) == 3 * len(attacks)
    assert robust.keys() == _values(result, "attack_success_rate").keys()


@pytest.mark.parametrize("run", ["swept", "climbed", "walked"])
def test_a_larger_budget_never_leaves_more_accuracy(run, request):
    robust = _values(request.getfixturevalue(run), "robust_accuracy")

    for attack in {attack for attack, _ in robust} - {"linf_fast_gradient_sign"}:
        values = [robust[key].value for key in sorted(robust) if key[0] == attack]
        assert values == sorted(values, reverse=True)
    assert robust[("strongest", max(epsilon for _, epsilon in robust))].value < 0.9


@pytest.mark.parametrize("run", ["swept", "climbed", "walked"])
def test_proven_is_at_most_what_the_strongest_leaves_and_that_what_any_other_leaves(run, request):
    """Image by image, not in sum only."""
    answers = {
        (reading.metric, *reading.parameters.values()): np.array(list(reading.per_sample.hits))
        for reading in request.getfixturevalue(run).readings
        if reading.per_sample
    }
    robust = {key: hits for key, hits in answers.items() if key[0] == "robust_accuracy"}

    assert robust
    for (_, epsilon, _), hits in robust.items():
        strongest = robust["robust_accuracy", epsilon, "strongest"]
        assert (answers["certified_accuracy", epsilon] <= strongest).all()
        assert (strongest <= hits).all()
        assert (hits <= answers["clean_accuracy",]).all()


def test_of_an_affine_model_robustness_is_known(swept):
    proven = {
        reading.parameters["epsilon"]: reading.per_sample
        for reading in swept.readings
        if reading.metric == "certified_accuracy"
    }
    robust = {
        (reading.parameters["attack"], reading.parameters["epsilon"]): reading.per_sample
        for reading in swept.readings
        if reading.metric == "robust_accuracy"
    }

    for epsilon, answers in proven.items():
        assert robust["strongest", epsilon] == robust["linf_linear_worst_case", epsilon] == answers
    assert "1" in proven[0.05].hits
    assert "0" in proven[0.05].hits


def _notes(result):
    return [note for note in result.notes if note.startswith("FINDING")]


def _single(result, metric):
    return [reading.estimate.value for reading in result.readings if reading.metric == metric]


def test_a_gradient_that_leads_nowhere_is_found_out(trained, splits):
    """The same answers as an honest model, and a loss without a slope."""
    honest = Target(trained("softmax-regression"), splits)
    flat = ScriptedTarget(splits, honest.predict_proba)

    result = _run(flat, epsilons=(0.1, 0.2), samples=40, steps=3, restarts=2, score_queries=100)

    shares = _single(result, "masked_share")
    assert len(shares) == 2
    assert min(shares) > 0.1
    assert "an attack without gradients broke" in _notes(result)[-1]
    assert len(_notes(result)) == 2


def test_nothing_is_found_where_the_gradient_is_honest(climbed):
    assert _single(climbed, "masked_share") == [0.0] * 3
    assert _single(climbed, "full_range_accuracy") == [0.0]
    assert not _notes(climbed)


@pytest.mark.parametrize("run", ["swept", "walked"])
def test_without_attacks_of_both_kinds_nothing_is_said_of_masked_gradients(run, request):
    assert _single(request.getfixturevalue(run), "masked_share") == []


@pytest.mark.parametrize("run", ["swept", "climbed", "walked"])
def test_where_every_pixel_may_become_anything_no_model_holds(run, request):
    assert _single(request.getfixturevalue(run), "full_range_accuracy") == [0.0]


def test_every_question_is_counted(trained, splits):
    class Counting(Target):
        rows = 0

        def predict_proba(self, x):
            self.rows += len(x)
            return super().predict_proba(x)

    for name in ("mlp", "random-forest"):
        target = Counting(trained(name), splits)
        _run(target, epsilons=(0.1,), samples=5, steps=2, score_queries=10, walk_iterations=1)
        assert target.queries == target.rows > 0


def test_less_is_lost_to_a_smaller_ball(climbed):
    losses = _single(climbed, "confidence_drop")

    assert losses == sorted(losses)
    assert 0.0 < losses[0] < losses[-1] <= 1.0


def test_breaking_more_takes_more_questions(climbed, walked):
    for result in (climbed, walked):
        asked = _values(result, "median_queries")
        assert asked
        search = [asked[key].value for key in sorted(asked) if key[0] == "linf_square_search"]
        assert search == sorted(search)
        assert min(search) >= 2.0


@pytest.mark.parametrize("run", ["swept", "climbed", "walked"])
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
        if reading.metric.endswith("accuracy")
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


@pytest.mark.parametrize("run", ["swept", "climbed", "walked"])
def test_every_image_is_told_with_what_is_proven_and_what_breaks_it(run, request):
    result = request.getfixturevalue(run)
    rows, robust = result.tables[1].records(), _values(result, "robust_accuracy")
    (clean,), (median,) = (
        _single(result, metric) for metric in ("clean_accuracy", "median_smallest_change")
    )

    assert [row["image"] for row in rows] == list(range(len(rows)))
    assert np.mean([row["correct_when_clean"] for row in rows]) == pytest.approx(clean)
    assert np.median([row["smallest_change"] for row in rows]) == median
    for row in rows:
        assert row["correct_when_clean"] == (row["smallest_change"] > 0.0)
        if row["correct_when_clean"]:
            assert row["certified_radius"] < row["smallest_change"]
    for (attack, epsilon), estimate in robust.items():
        if attack == "strongest":
            held = np.mean([row["smallest_change"] > epsilon + 1e-9 for row in rows])
            assert held == pytest.approx(estimate.value)
    for reading in result.readings:
        if reading.metric == "certified_accuracy":
            epsilon = reading.parameters["epsilon"]
            proven = np.mean([row["certified_radius"] >= epsilon for row in rows])
            assert proven == pytest.approx(reading.estimate.value)


def test_the_curve_starts_at_the_clean_accuracy(swept):
    curve = swept.figures[0]

    assert isinstance(curve, Chart)
    assert {series.label for series in curve.series} == {*AFFINE, "certified"}
    robust = _values(swept, "robust_accuracy")
    # Of an affine model what is proven is what no attack breaks.
    robust |= {("certified", e): robust["strongest", e] for e in (0.05, 0.1, 0.2)}
    for series in curve.series:
        assert series.x == (0.0, 0.05, 0.1, 0.2)
        assert series.y[0] == swept.readings[0].estimate.value
        assert series.y[1:] == tuple(robust[series.label, e].value for e in series.x[1:])


def test_the_worst_failures_are_shown_above_what_they_became(swept, target, splits):
    grid = swept.figures[1]
    model = target("softmax-regression")

    assert isinstance(grid, ImageGrid)
    assert grid.images.shape == (2, 8, 8, 8)
    assert 0.0 <= grid.images.min() < grid.images.max() <= 1.0
    clean, attacked = grid.images.reshape(2, 8, 64) * 16.0
    assert (model.predict(clean) != model.predict(attacked)).all()
    budgets = [float(caption.removeprefix("epsilon ")) for caption in grid.captions[8:]]
    assert (np.abs(attacked - clean).max(axis=1) / 16.0 <= np.array(budgets) + 1e-9).all()
    assert budgets == [0.05] * 8
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
    assert _single(result, "full_range_accuracy") == [share]
    assert _single(result, "confidence_drop") == [0.0, 0.0]
    assert _single(result, "masked_share") == [0.0, 0.0]
    (note,) = _notes(result)
    assert note.startswith(f"FINDING: {round(share * len(splits.test))} images survive")


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


@pytest.mark.parametrize("samples", [0, -1])
def test_without_images_nothing_can_be_said(samples, target):
    model = target("softmax-regression")

    with pytest.raises(Misconfigured, match=f"samples must be at least 1, got {samples}"):
        _run(model, samples=samples)
    assert model.queries == 0


def test_all_that_is_wrong_is_said_at_once(target):
    model = target("random-forest")
    nothing = dict.fromkeys(("samples", "steps", "restarts", "score_queries"), 0)

    with pytest.raises(Misconfigured) as refused:
        _run(model, epsilons=(2.0,), **nothing, walk_iterations=-1)

    for name in ("epsilons", *nothing, "walk_iterations"):
        assert name in str(refused.value)
    assert model.queries == 0


def test_a_budget_named_twice_is_spent_once(target):
    twice, once = (
        _run(target("softmax-regression"), epsilons=epsilons, samples=10, steps=1, restarts=1)
        for epsilons in ((0.1, 0.1), (0.1,))
    )

    assert twice.readings == once.readings
