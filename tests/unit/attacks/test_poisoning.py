import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.poisoning import PatchTrigger, poison
from seclab.errors import Misconfigured

TRIGGER = PatchTrigger(position=(1, 2), shape=(2, 1), value=9.0)
IMAGE = (3, 3)


def _rows(n=40, classes=4):
    rng = np.random.default_rng(1)
    return rng.uniform(0.0, 8.0, (n, 9)), np.arange(n) % classes


def _poison(features, labels, *, source=1, target=2, rate=0.1, seed=0, trigger=TRIGGER):
    return poison(
        features,
        labels,
        trigger=trigger,
        image_shape=IMAGE,
        source=source,
        target=target,
        rate=rate,
        rng=np.random.default_rng(seed),
    )


def test_stamp_sets_exactly_the_patch_and_leaves_the_original_alone():
    images = np.arange(18, dtype=float).reshape(2, 9)
    before = images.copy()

    stamped = TRIGGER.stamp(images, IMAGE)

    expected = before.reshape(2, 3, 3)
    expected[:, 1:3, 2] = 9.0
    assert np.array_equal(stamped, expected.reshape(2, 9))
    assert np.array_equal(images, np.arange(18).reshape(2, 9))


def test_stamping_no_images_gives_no_images():
    assert TRIGGER.stamp(np.empty((0, 9)), IMAGE).shape == (0, 9)


@pytest.mark.parametrize(
    ("position", "shape"),
    [((-1, 0), (1, 1)), ((0, -1), (1, 1)), ((2, 0), (2, 1)), ((0, 2), (1, 2)), ((0, 0), (0, 1))],
)
def test_a_patch_outside_the_image_is_refused(position, shape):
    with pytest.raises(Misconfigured, match="does not lie inside an image of 3 x 3"):
        PatchTrigger(position, shape, 1.0).stamp(np.zeros((1, 9)), IMAGE)


def test_exactly_the_masked_rows_are_triggered_and_relabelled():
    features, labels = _rows()

    poisoned = _poison(features, labels, rate=0.1)

    mask = poisoned.mask
    assert mask.sum() == 4
    assert set(labels[mask]) == {1}
    assert set(poisoned.labels[mask]) == {2}
    assert np.array_equal(poisoned.features[mask], TRIGGER.stamp(features[mask], IMAGE))
    assert np.array_equal(poisoned.features[~mask], features[~mask])
    assert np.array_equal(poisoned.labels[~mask], labels[~mask])


def test_inputs_are_not_modified():
    features, labels = _rows()
    copies = features.copy(), labels.copy()

    _poison(features, labels, rate=0.2)

    assert np.array_equal(features, copies[0])
    assert np.array_equal(labels, copies[1])


@given(rate=st.floats(0.0, 1.0), n=st.integers(4, 60), seed=st.integers(0, 1000))
def test_the_number_of_rows_is_the_rate_capped_below_the_source_class(rate, n, seed):
    features, labels = _rows(n)

    poisoned = _poison(features, labels, rate=rate, seed=seed)

    available = int((labels == 1).sum())
    assert poisoned.mask.sum() == min(round(rate * n), available - 1)
    assert (poisoned.labels == 1).any()


def test_rates_take_nested_rows_so_that_a_sweep_changes_only_the_amount():
    features, labels = _rows(200)
    small, large = (_poison(features, labels, rate=rate).mask for rate in (0.02, 0.1))

    assert not (small & ~large).any()
    assert large.sum() > small.sum() > 0


def test_equal_seeds_choose_equal_rows_and_others_do_not():
    features, labels = _rows(200)
    first, again, other = (_poison(features, labels, seed=seed).mask for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_class_without_rows_poisons_nothing():
    features, labels = _rows()

    poisoned = _poison(features, labels, source=7, rate=0.5)

    assert not poisoned.mask.any()
    assert np.array_equal(poisoned.features, features)


def test_everything_wrong_is_said_at_once():
    features, labels = _rows()

    with pytest.raises(Misconfigured) as refused:
        _poison(features, labels, source=1, target=1, rate=1.5)

    assert len(refused.value.problems) == 2
    assert "got 1.5" in refused.value.problems[0]
    assert "both 1" in refused.value.problems[1]
