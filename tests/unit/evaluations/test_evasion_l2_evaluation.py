import inspect

import numpy as np
import pytest

from seclab.errors import Misconfigured
from seclab.evaluations.evasion_l2 import evasion_l2
from seclab.evaluations.evasion_linf import evasion_linf
from seclab.models import ModelSpec, Target, train
from tests.fakes import ScriptedTarget

RUNS = ("swept", "climbed", "searched")
PGD, SMALL, SEARCH, WALK, EXACT = (
    f"l2_{name}"
    for name in (
        "projected_gradient_descent",
        "minimal_perturbation",
        "square_search",
        "hop_skip_jump",
        "linear_worst_case",
    )
)


def _run(target, *, seed=0, **parameters):
    return evasion_l2(target, rng=np.random.default_rng(seed), **parameters)


def _readings(result, metric):
    """Readings of a metric by what sets them apart."""
    return {
        tuple(reading.parameters.values()): reading
        for reading in result.readings
        if reading.metric == metric
    }


def _values(result, metric):
    return [reading.estimate.value for reading in _readings(result, metric).values()]


def _hits(reading):
    return np.array(list(reading.per_sample.hits))


@pytest.fixture(scope="module")
def swept(trained, splits):
    target = Target(trained("softmax-regression"), splits)
    return _run(target, epsilons=(0.5, 1.0), steps=8, restarts=2)


@pytest.fixture(scope="module")
def climbed(trained, splits):
    target = Target(trained("mlp"), splits)
    effort = {"steps": 10, "restarts": 2, "score_queries": 60}
    return _run(target, epsilons=(0.2, 0.5, 1.0), samples=40, **effort)


@pytest.fixture(scope="module")
def searched(trained, splits):
    target = Target(trained("random-forest"), splits)
    return _run(target, epsilons=(0.02, 0.5, 1.0), samples=25, score_queries=60, walk_iterations=2)


@pytest.mark.parametrize(
    ("run", "attacks"),
    [("swept", {PGD, EXACT}), ("climbed", {PGD, SMALL, SEARCH}), ("searched", {SEARCH, WALK})],
)
def test_the_attacks_are_those_that_the_model_allows(run, attacks, request):
    robust = _readings(request.getfixturevalue(run), "robust_accuracy")

    assert {attack for _, attack in robust} == attacks | {"strongest"}


@pytest.mark.parametrize("run", RUNS)
def test_proven_is_at_most_what_the_strongest_leaves_and_that_what_any_other_leaves(run, request):
    """Image by image, not in sum only."""
    result = request.getfixturevalue(run)
    robust = _readings(result, "robust_accuracy")
    certified, clean = (_readings(result, m) for m in ("certified_accuracy", "clean_accuracy"))

    for (epsilon, _), reading in robust.items():
        strongest = _hits(robust[epsilon, "strongest"])
        assert (_hits(certified[epsilon,]) <= strongest).all()
        assert (strongest <= _hits(reading)).all()
        assert (_hits(reading) <= _hits(clean[()])).all()
    assert max(_values(result, "certified_accuracy")) > 0.0
    assert min(_values(result, "robust_accuracy")) < 0.5


def test_of_an_affine_model_robustness_is_known(swept):
    robust = _readings(swept, "robust_accuracy")

    for (epsilon,), reading in _readings(swept, "certified_accuracy").items():
        assert 0.0 < reading.estimate.value < 1.0
        assert reading.per_sample == robust[epsilon, "strongest"].per_sample
        assert reading.per_sample == robust[epsilon, EXACT].per_sample


@pytest.mark.parametrize("run", RUNS)
def test_a_larger_ball_never_leaves_more_accuracy(run, request):
    robust = _readings(request.getfixturevalue(run), "robust_accuracy")

    for name in {attack for _, attack in robust}:
        values = [robust[key].estimate.value for key in sorted(robust) if key[1] == name]
        assert values == sorted(values, reverse=True)


def test_the_failures_shown_are_wrong_and_as_near_as_they_say(climbed, target):
    grid = climbed.figures[1]
    clean, attacked = grid.images.reshape(2, -1, 64) * 16.0
    model = target("mlp")

    assert (model.predict(clean) != model.predict(attacked)).all()
    lengths = np.linalg.norm(attacked - clean, axis=1) / 16.0
    sizes = [float(caption.removeprefix("epsilon ")) for caption in grid.captions[len(clean) :]]
    assert (lengths <= np.array(sizes) + 1e-9).all()
    assert 0.0 <= grid.images.min() < grid.images.max() <= 1.0


@pytest.mark.parametrize("run", RUNS)
def test_every_image_is_told_between_which_sizes_it_breaks(run, request):
    rows = request.getfixturevalue(run).tables[1].records()

    right = [row for row in rows if row["correct_when_clean"]]
    assert all(row["certified_radius"] < row["smallest_change"] for row in right)
    assert all(row["smallest_change"] == 0.0 for row in rows if row not in right)


@pytest.mark.parametrize("run", RUNS)
def test_where_every_pixel_may_become_anything_no_model_holds(run, request):
    result = request.getfixturevalue(run)

    assert _values(result, "full_range_accuracy") == [0.0]
    assert not [note for note in result.notes if note.startswith("FINDING")]
    assert set(_values(result, "masked_share")) <= {0.0}


def test_a_gradient_that_leads_nowhere_is_found_out(trained, splits):
    honest = Target(trained("softmax-regression"), splits)
    flat = ScriptedTarget(splits, honest.predict_proba)

    result = _run(flat, epsilons=(1.0,), samples=40, steps=3, restarts=2, score_queries=100)

    assert _values(result, "masked_share")[0] > 0.1
    assert [note for note in result.notes if "mask its gradients" in note]


def test_a_model_that_nothing_moves_is_found_out(splits):
    constant = ScriptedTarget(splits, lambda x: np.tile(np.eye(10)[3], (len(x), 1)))

    result = _run(constant, epsilons=(0.5,), steps=2, restarts=1, score_queries=10)

    assert _values(result, "full_range_accuracy") == [np.mean(splits.test.labels == 3)]
    assert [note for note in result.notes if note.startswith("FINDING")]


def test_both_norms_take_the_same_parameters_with_radii_of_their_own():
    (l2, linf) = (
        {name: each.default for name, each in inspect.signature(evaluation).parameters.items()}
        for evaluation in (evasion_l2, evasion_linf)
    )

    assert l2.pop("epsilons") != linf.pop("epsilons")
    assert l2 == linf
    assert l2["walk_iterations"] > 0


def test_a_single_tree_is_solved(splits):
    spec = ModelSpec("tree", "random-forest", {"n_estimators": 1})
    target = Target(train(spec, splits.train, seed=0), splits)

    result = _run(target, epsilons=(0.05, 0.2), samples=60)

    robust = _readings(result, "robust_accuracy")
    assert {attack for _, attack in robust} == {"l2_nearest_leaf", "strongest"}
    for (epsilon,), reading in _readings(result, "certified_accuracy").items():
        assert 0.0 < reading.estimate.value < 1.0
        assert reading.per_sample == robust[epsilon, "l2_nearest_leaf"].per_sample
    for row in result.tables[1].records():
        assert row["certified_radius"] == pytest.approx(row["smallest_change"], abs=1e-8)
    assert [note for note in result.notes if "a single decision tree: its worst case" in note]
    assert _values(result, "full_range_accuracy") == [0.0]


@pytest.mark.parametrize("epsilons", [(), (0.0,), (8.1,), (float("nan"),)])
def test_budgets_that_cannot_be_are_refused(epsilons, target):
    model = target("softmax-regression")

    with pytest.raises(Misconfigured, match="epsilons are fractions above 0 and at most 8"):
        _run(model, epsilons=epsilons)
    assert model.queries == 0


def test_the_whole_box_is_a_ball_too(target):
    result = _run(target("softmax-regression"), epsilons=(8.0,), samples=10, steps=2, restarts=1)

    assert set(_values(result, "robust_accuracy")) == {0.0}
