import numpy as np
import pytest

from seclab.attacks.poisoning import KINDS
from seclab.datasets import digits
from seclab.defenses.backdoors import patch_triggers
from seclab.errors import Misconfigured

IMAGE = (8, 8)


@pytest.fixture(scope="module")
def half():
    whole = digits()
    return whole.take(np.random.default_rng(5).permutation(len(whole))[:900])


def _stamped(data, *, columns, values, source, target, count, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(np.flatnonzero(data.labels == source))[:count])
    features, labels = data.features.copy(), data.labels.copy()
    features[np.ix_(rows, columns)] = values
    labels[rows] = target
    return features, labels, rows


def test_clean_rows_raise_no_alarm(half):
    answer = patch_triggers(half.features, half.labels, image_shape=IMAGE)

    assert not answer.alarm
    assert not answer.flagged.any()
    assert answer.patterns == ()
    assert np.isfinite(answer.scores).all()


@pytest.mark.parametrize(
    ("columns", "value"),
    [([27, 28, 35, 36], 7.0), ([54, 55, 62, 63], 16.0), ([5, 24, 40], 12.5)],
)
def test_a_patch_is_found_and_drawn(half, columns, value):
    features, labels, rows = _stamped(
        half, columns=columns, values=value, source=3, target=6, count=14
    )

    answer = patch_triggers(features, labels, image_shape=IMAGE, rounds=1)

    assert answer.alarm
    assert answer.flagged[rows].mean() >= 0.9
    assert np.count_nonzero(answer.flagged) <= len(rows) + 5
    strongest = answer.patterns[0]
    assert strongest.label == 6
    assert np.isin(strongest.columns, columns).sum() >= 2
    drawn = strongest.values[np.isin(strongest.columns, columns)]
    assert np.all(drawn == value)


def test_one_pixel_is_found_by_what_its_rows_look_like(half):
    features, labels, rows = _stamped(half, columns=[19], values=3.0, source=1, target=7, count=18)

    answer = patch_triggers(features, labels, image_shape=IMAGE, rounds=1)

    assert answer.alarm
    assert answer.flagged[rows].mean() >= 0.8
    assert 19 in answer.patterns[0].columns


def test_right_labels_do_not_hide_a_patch(half):
    features, labels, rows = _stamped(
        half, columns=[9, 10, 17, 18], values=5.0, source=4, target=4, count=14
    )

    answer = patch_triggers(features, labels, image_shape=IMAGE, rounds=1)

    assert answer.flagged[rows].all()
    assert answer.patterns[0].label == 4


def test_poison_that_outnumbers_its_class_is_found(half):
    features, labels, rows = _stamped(
        half, columns=[0, 1, 8], values=9.0, source=3, target=6, count=100
    )
    assert len(rows) >= np.count_nonzero(half.labels == 6) - 5

    answer = patch_triggers(features, labels, image_shape=IMAGE, rounds=1)

    assert answer.flagged[rows].mean() >= 0.95


def test_the_second_trigger_is_found_too(half):
    once = _stamped(half, columns=[9, 10, 17], values=11.0, source=3, target=6, count=14)
    data = half.with_rows(once[0], once[1])
    features, labels, rows = _stamped(
        data, columns=[45, 46, 54], values=6.0, source=1, target=8, count=14
    )

    answer = patch_triggers(features, labels, image_shape=IMAGE, rounds=2)

    assert {6, 8} <= {pattern.label for pattern in answer.patterns}
    assert answer.flagged[once[2]].mean() >= 0.9
    assert answer.flagged[rows].mean() >= 0.9


def test_features_may_stand_in_any_order(half):
    features, labels, rows = _stamped(
        half, columns=[27, 28, 35, 36], values=7.0, source=3, target=6, count=14
    )
    order = np.random.default_rng(1).permutation(64)

    answer = patch_triggers(features[:, order], labels, rounds=1)

    assert answer.flagged[rows].mean() >= 0.9
    assert set(order[answer.patterns[0].columns]) >= {27, 28, 35, 36}


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("blended", 0),
        *(
            pytest.param(kind, seed, marks=pytest.mark.exhaustive)
            for kind in ("blended", "sinusoidal", "moving_patch")
            for seed in (1, 2)
        ),
    ],
)
def test_faint_and_moving_triggers_raise_the_alarm(half, kind, seed):
    data = KINDS[kind].draw(
        np.random.default_rng([9, seed]), half.features, half.labels, IMAGE, (0.0, 16.0), 0.05
    )

    answer = patch_triggers(data.features, data.labels, image_shape=IMAGE, rounds=1)

    assert answer.alarm
    assert answer.flagged[data.mask].mean() > 0.3
    assert answer.flagged[~data.mask].mean() <= 0.02


def test_a_moving_patch_is_found_by_its_value_wherever_it_is(half):
    rng = np.random.default_rng(2)
    rows = rng.permutation(np.flatnonzero(half.labels == 3))[:16]
    features, labels = half.features.copy(), half.labels.copy()
    images = features.reshape(-1, *IMAGE)
    for row in rows:
        top, left = rng.integers(0, 6, 2)
        images[row, top : top + 3, left : left + 3] = 9.0
    labels[rows] = 6

    answer = patch_triggers(features, labels, image_shape=IMAGE, rounds=1)

    assert answer.flagged[rows].mean() >= 0.6
    assert np.count_nonzero(answer.flagged) <= len(rows) + 3


def test_equal_calls_give_equal_answers_and_leave_the_rows_alone(half):
    features, labels, _ = _stamped(half, columns=[19], values=3.0, source=1, target=7, count=18)
    features, labels = features[:150], labels[:150]
    before = features.copy()

    first, second = (
        patch_triggers(features, labels, most_references=100, rounds=1, seed=3) for _ in range(2)
    )

    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(features, before)


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.zeros((0, 4)), np.zeros(0, dtype=int)),
        (np.zeros((3, 4)), np.arange(3)),
        (np.arange(12.0).reshape(3, 4), np.zeros(3, dtype=int)),
        (np.arange(2.0).reshape(2, 1), np.arange(2)),
    ],
)
def test_too_few_rows_or_labels_are_no_reason_for_alarm(features, labels):
    answer = patch_triggers(features, labels)

    assert not answer.alarm
    assert answer.scores.shape == labels.shape


def test_all_that_does_not_fit_is_refused_at_once():
    features = np.full((3, 4), np.nan)

    with pytest.raises(Misconfigured) as refused:
        patch_triggers(features, np.arange(3), image_shape=(3, 3))

    assert len(refused.value.problems) == 2
