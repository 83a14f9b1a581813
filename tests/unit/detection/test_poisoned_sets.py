"""Sets as they may arrive: what is in them, and that what is held out is in none."""

import numpy as np
import pytest

from seclab import datasets
from seclab.detection import clean_set, poisoned_set
from seclab.errors import Misconfigured


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def _rows(dataset):
    return {
        (row.tobytes(), int(label))
        for row, label in zip(dataset.features, dataset.labels, strict=True)
    }


def test_a_clean_set_and_what_is_held_out_are_the_whole_dataset(digits):
    made = clean_set(digits, np.random.default_rng(0))

    assert (len(made.rows), len(made.held_out)) == (1437, 360)
    assert _rows(made.rows) | _rows(made.held_out) == _rows(digits)
    assert not _rows(made.rows) & _rows(made.held_out)
    assert not made.mask.any()
    assert (made.kind, made.rate) == ("none", 0.0)


@pytest.mark.parametrize("kind", ["random_flips", "patch", "relabelled_near_copies", "slow_drift"])
def test_exactly_the_rows_in_the_mask_are_not_in_the_clean_dataset(digits, kind):
    made = poisoned_set(digits, kind=kind, rate=0.02, rng=np.random.default_rng(1))
    known = _rows(digits)
    pairs = zip(made.rows.features, made.rows.labels, strict=True)
    foreign = np.array([(row.tobytes(), int(label)) not in known for row, label in pairs])

    assert 25 <= made.mask.sum() <= 29
    assert not (foreign & ~made.mask).any()
    assert (foreign & made.mask).sum() >= made.mask.sum() - 2  # a row may happen to stay the same
    assert _rows(made.held_out) <= known


def test_a_lower_rate_poisons_a_part_of_what_a_higher_one_does(digits):
    low, high = (
        poisoned_set(digits, kind="patch", rate=rate, rng=np.random.default_rng(2))
        for rate in (0.01, 0.02)
    )

    assert set(np.flatnonzero(low.mask)) < set(np.flatnonzero(high.mask))
    assert np.array_equal(low.rows.features[low.mask], high.rows.features[low.mask])
    assert low.held_out.fingerprint() == high.held_out.fingerprint()


def test_rows_of_a_drift_stand_in_the_order_in_which_they_arrived(digits):
    made = poisoned_set(digits, kind="slow_drift", rate=0.05, rng=np.random.default_rng(3))
    batches = made.poison.batches

    assert (np.diff(batches) >= 0).all()
    assert not made.mask[batches == 0].any()
    assert all(made.mask[batches == batch].any() for batch in range(1, batches.max() + 1))


def test_other_generators_give_other_sets(digits):
    one, other = (
        poisoned_set(digits, kind="patch", rate=0.01, rng=np.random.default_rng(seed))
        for seed in (4, 5)
    )

    assert one.rows.fingerprint() != other.rows.fingerprint()


def test_an_unknown_kind_is_a_mistake_that_names_the_known_ones(digits):
    with pytest.raises(Misconfigured, match=r"unknown kind of poison 'pach'; known: random_flips"):
        poisoned_set(digits, kind="pach", rate=0.01, rng=np.random.default_rng(0))
