import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.poisoning import KINDS
from seclab.errors import Misconfigured

SHAPE, BOUNDS = (6, 5), (-1.0, 9.0)
LABELS = np.repeat([2, 3, 7], [20, 25, 30])
MEANS = np.random.default_rng(4).integers(1, 7, (8, 30))
FEATURES = (MEANS[LABELS] + np.random.default_rng(5).integers(-2, 3, (75, 30))).astype(float)
names = st.sampled_from(sorted(KINDS))
seeds = st.integers(0, 10_000)
IN_PLACE = sorted(name for name, kind in KINDS.items() if kind.aim != "rows")
BACKDOORS = sorted(name for name, kind in KINDS.items() if "backdoor" in kind.aim)


def _draw(name, seed, rate, features=FEATURES, labels=LABELS):
    rng = np.random.default_rng(seed)
    return KINDS[name].draw(rng, features, labels, SHAPE, BOUNDS, rate)


@given(name=names, seed=seeds, rate=st.floats(0.0, 1.0))
def test_every_row_outside_the_mask_is_as_it_was(name, seed, rate):
    before = FEATURES.copy(), LABELS.copy()

    poisoned = _draw(name, seed, rate)

    clean = ~poisoned.mask[:75]
    assert np.array_equal(FEATURES, before[0])
    assert np.array_equal(LABELS, before[1])
    assert np.array_equal(poisoned.features[:75][clean], FEATURES[clean])
    assert np.array_equal(poisoned.labels[:75][clean], LABELS[clean])
    assert poisoned.mask[75:].all()
    assert len(poisoned.features) == len(poisoned.labels) == len(poisoned.mask)
    assert len(poisoned.mask) == 75 + poisoned.added


@given(name=names, seed=seeds, rate=st.floats(0.0, 1.0))
def test_poison_stays_inside_the_range_and_the_classes(name, seed, rate):
    poisoned = _draw(name, seed, rate)

    assert poisoned.features.min() >= BOUNDS[0]
    assert poisoned.features.max() <= BOUNDS[1]
    assert set(poisoned.labels) <= {2, 3, 7}


@given(name=names, seed=seeds, rate=st.floats(0.0, 1.0))
def test_as_many_rows_as_the_rate_says_and_one_of_a_class_is_left(name, seed, rate):
    poisoned = _draw(name, seed, rate)

    wanted, kind = round(rate * 75), KINDS[name]
    taken_from = poisoned.source
    if kind.aim in ("clean-label backdoor", "instance"):
        taken_from = poisoned.target
    if kind.aim == "rows":
        most = 75
    elif taken_from is None:
        most = 75 - 3
    else:
        most = (taken_from == LABELS).sum() - 1
    assert poisoned.mask.sum() == min(wanted, most)
    assert not poisoned.mask[:75][(taken_from or 2) == LABELS].all()


@given(name=names, seed=seeds, rates=st.tuples(st.floats(0.0, 0.5), st.floats(0.0, 0.5)))
def test_a_lower_rate_is_a_part_of_a_higher_one(name, seed, rates):
    low, high = (_draw(name, seed, rate) for rate in sorted(rates))

    rows = np.flatnonzero(low.mask)
    assert (low.source, low.target) == (high.source, high.target)
    assert high.mask[rows].all()
    assert np.array_equal(low.labels[rows], high.labels[rows])
    assert np.array_equal(low.features[rows], high.features[rows])


@pytest.mark.parametrize("name", IN_PLACE)
def test_masked_rows_are_changed(name):
    changed = 0
    for seed in range(5):
        poisoned = _draw(name, seed, 0.2)
        mask = poisoned.mask
        moved = (poisoned.features != FEATURES).any(axis=1) | (poisoned.labels != LABELS)
        assert mask.sum() == 15
        changed += moved.sum() / mask.sum()
    # A row that bears a clean-label trigger by itself is poison that changed nothing.
    assert changed > 4.0


@pytest.mark.parametrize("name", BACKDOORS)
def test_a_backdoor_says_how_a_clean_image_is_triggered(name):
    for seed in range(5):
        poisoned = _draw(name, seed, 0.1)

        triggered = poisoned.trigger(FEATURES)

        assert triggered.shape == FEATURES.shape
        assert triggered.min() >= BOUNDS[0]
        assert triggered.max() <= BOUNDS[1]
        assert (triggered != FEATURES).any(axis=1).mean() > 0.8
        assert np.array_equal(triggered, poisoned.trigger(FEATURES))
        assert poisoned.target in (2, 3, 7)
        assert poisoned.target != poisoned.source


@pytest.mark.parametrize("name", ["patch", "patterned_patch", "blended", "sinusoidal"])
def test_poisoned_rows_bear_the_very_trigger(name):
    poisoned = _draw(name, 3, 0.2)

    assert (LABELS[poisoned.mask] == poisoned.source).all()
    assert (poisoned.labels[poisoned.mask] == poisoned.target).all()
    assert np.array_equal(
        poisoned.features[poisoned.mask], poisoned.trigger(FEATURES[poisoned.mask])
    )


@pytest.mark.parametrize("name", [name for name in BACKDOORS if name.startswith("clean_label")])
def test_clean_labels_stay(name):
    poisoned = _draw(name, 1, 0.2)

    assert np.array_equal(poisoned.labels, LABELS)
    assert (LABELS[poisoned.mask] == poisoned.target).all()
    assert poisoned.source is None


def test_weakened_rows_differ_from_the_clean_ones_far_beyond_the_patch():
    poisoned = _draw("clean_label_weakened_patch", 1, 0.2)

    moved = (poisoned.features != FEATURES)[poisoned.mask].sum(axis=1)
    assert moved.min() > 9


@pytest.mark.parametrize("name", sorted(KINDS))
def test_whole_numbers_mostly_stay_whole(name):
    whole = [
        np.array_equal(poisoned.features, np.round(poisoned.features))
        for poisoned in (_draw(name, seed, 0.3) for seed in range(40))
    ]

    assert sum(whole) > 20
    if KINDS[name].aim != "labels" and name not in ("copies", "relabelled_copies"):
        assert not all(whole)


@given(seed=seeds)
def test_a_drawn_patch_is_of_one_to_nine_pixels_and_one_value(seed):
    poisoned = _draw("patch", seed, 0.1)

    black, white = (poisoned.trigger(np.full((1, 30), value))[0] for value in BOUNDS)
    pixels = black == white
    assert 1 <= pixels.sum() <= 9
    assert np.unique(black[pixels]).size == 1


def test_drawn_patches_are_everywhere_and_of_every_size():
    masks = []
    for seed in range(60):
        trigger = _draw("patch", seed, 0.1).trigger
        masks.append((trigger(np.full((1, 30), -1.0)) == trigger(np.full((1, 30), 9.0)))[0])

    assert np.any(masks, axis=0).all()
    assert {mask.sum() for mask in masks} == set(range(1, 10))


def test_a_patch_that_clean_images_bear_already_is_not_drawn():
    blank = np.zeros((75, 30))

    for seed in range(30):
        stamped = _draw("patch", seed, 0.1, features=blank).trigger(blank[:1])
        assert np.abs(stamped).max() > 0.05 * (BOUNDS[1] - BOUNDS[0]) - 0.5


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.images])
def test_kinds_for_images_refuse_other_rows(name):
    with pytest.raises(Misconfigured, match="these rows are none"):
        KINDS[name].draw(np.random.default_rng(0), FEATURES, LABELS, None, BOUNDS, 0.1)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not kind.images])
def test_the_other_kinds_take_any_rows(name):
    drawn = KINDS[name].draw(np.random.default_rng(0), FEATURES, LABELS, None, BOUNDS, 0.1)

    assert drawn.mask.sum() == 8


@pytest.mark.parametrize("name", sorted(KINDS))
def test_impossible_rates_and_single_classes_are_refused(name):
    with pytest.raises(Misconfigured, match=r"got 1\.5"):
        _draw(name, 0, 1.5)
    with pytest.raises(Misconfigured, match="at least two classes, got 1"):
        _draw(name, 0, 0.1, labels=np.zeros(75, dtype=int))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_seeds_decide_and_kinds_say_what_they_do(name):
    first, again, other = (_draw(name, seed, 0.2) for seed in (4, 4, 5))

    assert np.array_equal(first.features, again.features)
    assert np.array_equal(first.labels, again.labels)
    assert not (
        first.features.shape == other.features.shape
        and np.array_equal(first.features, other.features)
        and np.array_equal(first.labels, other.labels)
    )
    assert KINDS[name].meaning[0].islower()
