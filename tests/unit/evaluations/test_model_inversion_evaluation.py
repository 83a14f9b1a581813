import numpy as np
import pytest
from scipy.spatial.distance import cdist

from seclab import datasets, models, registry
from seclab.datasets import Dataset, Provenance, Splits
from seclab.errors import Misconfigured
from seclab.evaluations.model_inversion import model_inversion
from seclab.evaluations.model_inversion.measuring import (
    Made,
    exposed,
    likeness,
    nearest_is_training,
)
from seclab.models import Target
from seclab.models.controlled import ControlledTarget
from seclab.models.output_controls import control
from tests.fakes import ScriptedTarget

CHEAPLY = {"starts": 4, "steps": 40, "score_queries": 60}


@pytest.fixture(scope="module")
def splits():
    return datasets.split(datasets.load("digits"), seed=0)


@pytest.fixture(scope="module")
def softmax_regression(splits):
    model = models.train(models.spec("softmax-regression"), splits.train, seed=0)
    return Target(model, splits)


@pytest.fixture(scope="module")
def inverted(softmax_regression):
    return _run(softmax_regression)


def _run(target, *, seed=0, **parameters):
    return model_inversion(target, rng=np.random.default_rng(seed), **(CHEAPLY | parameters))


def _numbers(result):
    return {
        (reading.metric, reading.parameters.get("attack")): reading.estimate
        for reading in result.readings
    }


class _ByScores(ScriptedTarget):
    has_gradient = False


class _Remembering(ScriptedTarget):
    """A model that is sure of a class at the training images of it and nowhere else."""

    def __init__(self, data, *, width=400.0):
        self._known = [data.train.features[data.train.labels == label] for label in range(10)]
        self._width = width
        super().__init__(data, self._peaks)

    def _peaks(self, x):
        squares = [cdist(x, known).min(axis=1) ** 2 for known in self._known]
        peaks = np.exp(-np.stack(squares, axis=1) / self._width)
        return peaks + (1.0 - peaks.mean(axis=1, keepdims=True)) / 10.0

    def loss_gradient(self, x, y):
        away = np.stack(
            [
                row - self._known[label][((self._known[label] - row) ** 2).sum(axis=1).argmin()]
                for row, label in zip(x, y, strict=True)
            ]
        )
        return (away**2).sum(axis=1) / self._width, 2.0 * away / self._width


@pytest.mark.parametrize("attack", ["gradient", "scores"])
def test_the_look_of_every_class_comes_out_of_an_ordinary_model(inverted, attack):
    found = _numbers(inverted)

    recognised = found["reconstruction_recognition_rate", attack]
    assert recognised.low > 0.5 > found["baseline_recognition_rate", None].high
    assert recognised.n == 40
    alike = found["reconstruction_correlation", attack]
    assert alike.low > found["baseline_correlation", None].high
    assert alike.n == 10


@pytest.mark.parametrize("attack", ["gradient", "scores"])
def test_an_affine_model_gives_no_single_image_away(inverted, attack):
    found = _numbers(inverted)

    assert found["nearest_training_rate", attack].low < 0.5
    assert found["exposed_training_excess", attack].high < 0.05
    assert found["exposed_training_excess", attack].n == 360


def test_a_model_that_knows_nothing_adds_nothing_to_the_baseline(splits):
    found = _numbers(_run(ScriptedTarget(splits, lambda x: np.full((len(x), 10), 0.1))))

    for attack in ("gradient", "scores"):
        assert found["reconstruction_recognition_rate", attack].value == pytest.approx(0.1)
        assert found["reconstruction_correlation", attack].value == pytest.approx(
            found["baseline_correlation", None].value, abs=0.03
        )
        assert found["nearest_training_rate", attack].low < 0.5
        assert found["exposed_training_excess", attack].low < 0.0


def test_a_model_that_remembers_its_images_is_found_out(splits):
    """With the effort of the quick profile, by more than the gate lets pass."""
    quick = {"starts": 12, "steps": 40, "score_queries": 100}

    found = _numbers(_run(_Remembering(splits), **quick))

    assert found["nearest_training_rate", "gradient"].low > 0.6
    assert found["exposed_training_excess", "gradient"].low > 0.05
    assert found["exposed_training_excess", "gradient"].high > 0.10


def test_without_a_gradient_only_answers_are_used_and_a_note_says_so(splits):
    target = _ByScores(splits, lambda x: np.full((len(x), 10), 0.1))

    result = _run(target)

    assert {attack for _, attack in _numbers(result)} == {None, "scores"}
    assert target.gradient_queries == 0
    assert target.queries == 10 * 4 * 60 + 10 * 4
    assert any("No attack by gradient" in note for note in result.notes)


def test_behind_labels_alone_the_file_still_gives_the_gradient(softmax_regression, inverted):
    behind = _numbers(_run(ControlledTarget(softmax_regression, control("labels"))))
    before = _numbers(inverted)

    key = ("reconstruction_correlation", "gradient")
    assert behind[key] == before[key]
    key = ("reconstruction_recognition_rate", "scores")
    assert behind[key].value < before[key].value


def test_too_few_held_out_images_leave_a_metric_out_and_a_note_says_so():
    few = datasets.split(datasets.load("digits").take(np.arange(400)), seed=0)

    result = _run(ScriptedTarget(few, lambda x: np.full((len(x), 10), 0.1)))

    assert not any(metric == "exposed_training_excess" for metric, _ in _numbers(result))
    assert any("No exposed_training_excess: 8" in note for note in result.notes)


def test_the_picture_shows_class_means_above_reconstructions(inverted, splits):
    [grid] = inverted.figures
    train = splits.train
    mean_of_three = train.features[train.labels == 3].mean(axis=0) / 16.0

    assert grid.images.shape == (3, 10, 8, 8)
    assert np.allclose(grid.images[0, 3].ravel(), mean_of_three)
    assert grid.captions == tuple("0123456789") * 3


def test_every_impossible_number_is_named_at_once(softmax_regression):
    wrong = {
        "starts": 1000,
        "steps": 0,
        "score_queries": 0,
        "prior_weight": -1.0,
        "prior_variance": 0.0,
    }

    with pytest.raises(Misconfigured) as error:
        _run(softmax_regression, **wrong)

    said = "\n".join(error.value.problems)
    assert len(error.value.problems) == len(wrong)
    assert all(name in said for name in wrong)


def test_it_has_a_risk_and_needs_nothing_but_answers():
    entry = registry.get("model_inversion")

    assert entry.risks == ("R-PRV-02",)
    assert entry.needs == registry.Needs.ANSWERS


def test_likeness_is_a_correlation_without_its_sign():
    ramp = np.arange(4.0)
    rows = np.stack([2.0 * ramp + 3.0, -ramp, np.ones(4), [0.0, 1.0, 0.0, 1.0]])

    found = likeness(rows, np.tile(ramp, (4, 1)))

    assert found == pytest.approx([1.0, 0.0, 0.0, np.corrcoef(rows[3], ramp)[0, 1]])


def test_the_share_of_nearest_training_images_is_that_of_all_draws():
    rng = np.random.default_rng(0)
    rows, members, others = (rng.normal(size=(n, 3)) for n in (5, 9, 4))
    drawn = [rng.permutation(9)[:4] for _ in range(4000)]

    def nearest(of):
        return np.linalg.norm(rows[:, None] - of, axis=2).min(axis=1)

    expected = np.mean([nearest(members[some]) < nearest(others) for some in drawn], axis=0)

    assert nearest_is_training(rows, members, others) == pytest.approx(expected, abs=0.03)


def test_where_training_and_held_out_images_are_alike_nobody_has_an_advantage():
    rng = np.random.default_rng(0)
    shares = [
        nearest_is_training(*(rng.normal(size=(n, 4)) for n in (3, 90, 36))) for _ in range(300)
    ]

    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_a_copy_of_a_training_image_is_nearest_to_it_as_often_as_it_is_drawn():
    rng = np.random.default_rng(0)
    members, others = rng.normal(size=(90, 4)), 100.0 + rng.normal(size=(36, 4))

    assert nearest_is_training(members[:1], members, others).tolist() == [1.0]
    near = np.vstack([np.zeros((1, 4)), 100.0 + members[1:]])
    assert nearest_is_training(np.zeros((1, 4)), near, 50.0 + others * 0.0) == pytest.approx(0.4)


def _on_a_line(distances):
    """Rows of one feature: as far from 0 as given, by label."""
    return Dataset(
        name="line",
        features=np.concatenate(distances)[:, None],
        labels=np.repeat(np.arange(len(distances)), [len(some) for some in distances]),
        feature_names=("distance",),
        class_names=("wide", "narrow"),
        feature_range=(0.0, 100.0),
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )


def test_images_that_leak_from_a_wide_class_are_not_hidden_by_a_narrow_one():
    """Ten of two hundred lie at a tenth of the usual distance, which is wide for the other."""
    rng = np.random.default_rng(0)
    wide, other_wide = rng.uniform(9.0, 11.0, (2, 100))
    narrow, other_narrow = rng.uniform(0.09, 0.11, (2, 100))
    wide[:10] = 1.0
    train, test = _on_a_line([wide, narrow]), _on_a_line([other_wide, other_narrow])
    made = Made("scores", np.zeros((2, 1, 1)), np.ones((2, 1)))

    found = exposed(made, Splits(train, test, test, test, seed=0), np.arange(2))

    assert found.value == pytest.approx(10 / 200, abs=0.01)
    assert found.low > 0.01
