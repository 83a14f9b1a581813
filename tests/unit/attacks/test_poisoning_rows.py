"""Flips, clean labels, collisions, copies and drift: known answers for each."""

import numpy as np
import pytest

from seclab.attacks.poisoning import (
    PatchTrigger,
    clean_label,
    feature_collision,
    injected_copies,
    random_flips,
    slow_drift,
    targeted_flips,
)
from seclab.errors import Misconfigured

BOUNDS = (0.0, 8.0)
LABELS = np.arange(60) % 3
FEATURES = np.random.default_rng(1).uniform(1.0, 7.0, (60, 9))


def _rng(seed=0):
    return np.random.default_rng(seed)


def _collision(rate=0.1, **changes):
    given = {
        "instance": np.full(9, 4.0),
        "source": 0,
        "target": 1,
        "likeness": 1.0,
        "bounds": BOUNDS,
        "rng": _rng(),
    }
    return feature_collision(FEATURES, LABELS, rate=rate, **(given | changes))


def _copies(rate=0.1, **changes):
    given = {"source": 0, "target": 1, "originals": 2, "bounds": BOUNDS, "rng": _rng()}
    return injected_copies(FEATURES, LABELS, rate=rate, **(given | changes))


def _drift(rate=0.3, **changes):
    given = {
        "source": 0,
        "target": 1,
        "batches": 3,
        "shift": np.full(9, 0.9),
        "bounds": BOUNDS,
        "rng": _rng(),
    }
    return slow_drift(FEATURES, LABELS, rate=rate, **(given | changes))


def test_random_flips_give_every_other_label_about_as_often():
    labels = np.repeat([4, 5, 9], 400)

    flipped = random_flips(np.zeros((1200, 1)), labels, rate=0.5, rng=_rng())

    assert flipped.mask.sum() == 600
    assert (flipped.labels != labels).tolist() == flipped.mask.tolist()
    for old in (4, 5, 9):
        new = flipped.labels[(labels == old) & flipped.mask]
        values, counts = np.unique(new, return_counts=True)
        assert set(values) == {4, 5, 9} - {old}
        assert counts.min() / counts.sum() > 0.4


def test_a_single_class_has_no_other_label():
    assert not random_flips(FEATURES, np.zeros(60, int), rate=0.5, rng=_rng()).mask.any()


def test_targeted_flips_go_from_source_to_target_only():
    flipped = targeted_flips(FEATURES, LABELS, source=2, target=0, rate=0.2, rng=_rng())

    assert flipped.mask.sum() == 12
    assert (LABELS[flipped.mask] == 2).all()
    assert (flipped.labels[flipped.mask] == 0).all()
    assert np.array_equal(flipped.features, FEATURES)


def test_one_row_of_the_source_class_keeps_its_label():
    flipped = targeted_flips(FEATURES, LABELS, source=2, target=0, rate=1.0, rng=_rng())

    assert flipped.mask.sum() == 19


def test_a_weakened_row_is_mixed_with_one_of_another_class_before_it_is_stamped():
    trigger = PatchTrigger((0, 0), (1, 1), 8.0)
    given = {"trigger": trigger, "image_shape": (3, 3), "target": 1, "rate": 0.1}

    poisoned = clean_label(FEATURES, LABELS, rng=_rng(), weakening=0.25, **given)

    assert np.array_equal(poisoned.labels, LABELS)
    for row in np.flatnonzero(poisoned.mask):
        assert LABELS[row] == 1
        assert poisoned.features[row, 0] == 8.0
        partner = (poisoned.features[row, 1:] - 0.75 * FEATURES[row, 1:]) / 0.25
        away = np.abs(FEATURES[LABELS != 1, 1:] - partner).max(axis=1)
        assert away.min() < 1e-9


def test_an_impossible_weakening_is_refused():
    with pytest.raises(Misconfigured, match="a weakening is a fraction from 0 to 1, got 2"):
        clean_label(
            FEATURES,
            LABELS,
            trigger=PatchTrigger((0, 0), (1, 1), 8.0),
            image_shape=(3, 3),
            target=1,
            rate=0.1,
            rng=_rng(),
            weakening=2,
        )


def test_without_a_projection_rows_end_half_way_to_the_instance():
    poisoned = _collision(likeness=1.0)

    mask = poisoned.mask
    assert mask.sum() == 6
    assert (LABELS[mask] == 1).all()
    assert np.allclose(poisoned.features[mask], (FEATURES[mask] + 4.0) / 2.0)
    assert np.array_equal(poisoned.labels, LABELS)
    assert np.array_equal(poisoned.victims, [[4.0] * 9])


def test_a_collision_minimises_what_it_says():
    projection = _rng(2).normal(size=(3, 9))
    instance = _rng(3).uniform(3.0, 5.0, 9)
    wide = (-1e9, 1e9)

    poisoned = _collision(instance=instance, likeness=0.4, projection=projection, bounds=wide)

    def cost(x, base):
        return ((projection @ (x - instance)) ** 2).sum() + 0.4 * ((x - base) ** 2).sum()

    row = np.flatnonzero(poisoned.mask)[0]
    found, base = poisoned.features[row], FEATURES[row]
    least = cost(found, base)
    for step in _rng(4).normal(size=(20, 9)):
        assert cost(found + 0.01 * step, base) > least


def test_a_collision_without_likeness_is_refused():
    with pytest.raises(Misconfigured, match="a likeness is above 0, got 0"):
        _collision(likeness=0.0)


def test_copies_follow_the_rows_that_were_there():
    poisoned = _copies(rate=0.15)

    added = poisoned.features[60:]
    assert poisoned.added == len(added) == 9
    assert np.array_equal(poisoned.features[:60], FEATURES)
    assert (poisoned.labels[60:] == 1).all()
    originals = np.unique(added, axis=0)
    assert len(originals) == 2
    for original in originals:
        assert (FEATURES[LABELS == 0] == original).all(axis=1).any()
        assert (added == original).all(axis=1).sum() in (4, 5)


def test_near_copies_lie_about_the_noise_away():
    poisoned = _copies(rate=1.0, originals=1, noise=0.01)

    source = FEATURES[LABELS == 0]
    away = poisoned.features[60:, None] - source
    original = np.abs(away).sum(axis=(0, 2)).argmin()
    assert 0.07 < away[:, original].std() < 0.09


def test_copies_need_an_original_and_a_class_that_has_one():
    with pytest.raises(Misconfigured, match="at least one original, got 0"):
        _copies(originals=0)
    assert _copies(source=9).added == 0


def test_drift_grows_from_batch_to_batch():
    poisoned = _drift()

    mask, batches = poisoned.mask, poisoned.batches
    assert mask.sum() == 18
    assert (LABELS[mask] == 0).all()
    assert np.bincount(batches[mask]).tolist() == [0, 6, 6, 6]
    assert set(batches[~mask]) == {0, 1, 2, 3}
    moved = (poisoned.features - FEATURES)[mask]
    assert np.allclose(moved, 0.3 * batches[mask][:, None])


def test_drift_stays_inside_the_bounds_and_needs_a_batch():
    assert _drift(shift=np.full(9, 50.0)).features.max() == 8.0
    with pytest.raises(Misconfigured, match="at least one batch that arrives, got 0"):
        _drift(batches=0)


@pytest.mark.parametrize("attack", [_collision, _drift])
def test_equal_classes_and_impossible_rates_are_refused(attack):
    with pytest.raises(Misconfigured) as refused:
        attack(rate=-0.1, source=1)

    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("attack", [_collision, _drift, _copies])
def test_values_are_stored_in_steps_where_asked(attack):
    poisoned = attack(step=0.5, **({"noise": 0.1} if attack is _copies else {}))

    changed = poisoned.features[poisoned.mask]
    assert np.array_equal(changed * 2.0, np.round(changed * 2.0))
