import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.poisoning import KINDS
from seclab.defenses.duplicates import duplicate_clusters
from seclab.errors import Misconfigured

BOUNDS = (-20.0, 20.0)


def _blobs(seed=0, n=150, d=6):
    """Three classes of normal rows, none near another by more than chance."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, d)) + 4.0 * labels[:, None], labels


def _with(features, labels, rows, row_labels):
    return np.vstack([features, rows]), np.concatenate([labels, row_labels])


def test_clean_rows_raise_no_alarm():
    alarms = [duplicate_clusters(*_blobs(seed)).alarm for seed in range(20)]

    assert not any(alarms)


def test_of_equal_rows_the_first_stays():
    features, labels = _with(*_blobs(), *(part[[4, 4, 9]] for part in _blobs()))

    found = duplicate_clusters(features, labels)

    assert np.flatnonzero(found.flagged).tolist() == [150, 151, 152]
    assert found.alarm
    assert found.found.startswith("3 of 153 rows repeat another, exactly or nearly, in 2 clusters")


def test_minus_zero_is_zero():
    features, labels = _blobs()
    features[10], features[20] = 0.0, -0.0

    assert np.flatnonzero(duplicate_clusters(features, labels).flagged).tolist() == [20]


def test_slightly_noisy_copies_are_found():
    features, labels = _blobs()
    noisy = features[[3] * 8] + 0.01 * np.random.default_rng(1).normal(size=(8, 6))

    found = duplicate_clusters(*_with(features, labels, noisy, labels[[3] * 8]))

    assert np.flatnonzero(found.flagged).tolist() == list(range(150, 158))
    assert found.alarm


@pytest.mark.parametrize("copies", [1, 4])
def test_of_contradicting_rows_the_one_stays_that_the_neighbours_support(copies):
    features, labels = _blobs()
    wrong = (labels + 1) % 3
    # The copies come first here: being first does not help against the neighbours.
    features, labels = _with(features[[5] * copies], wrong[[5] * copies], features, labels)

    found = duplicate_clusters(features, labels)

    assert found.alarm
    assert np.flatnonzero(found.flagged).tolist() == list(range(copies))
    assert found.found.endswith(f"{copies} of them in clusters with several labels")


def test_contradicting_rows_count_more():
    features, labels = _blobs()
    agreeing = _with(features, labels, features[[5]], labels[[5]])
    contradicting = _with(features, labels, features[[5]], (labels[[5]] + 1) % 3)

    both = [duplicate_clusters(*rows, tolerated_share=0.01) for rows in (agreeing, contradicting)]
    alike = duplicate_clusters(*contradicting, tolerated_share=0.01, contradiction_weight=1.0)

    assert [each.alarm for each in both] == [False, True]
    assert [each.flagged.sum() for each in both] == [1, 1]
    assert not alike.alarm
    assert both[1].scores.max() == 2.0
    assert both[0].scores.max() == 1.0


def test_rows_that_are_kept_score_half():
    features, labels = _blobs()

    scores = duplicate_clusters(*_with(features, labels, features[[7]], labels[[7]])).scores

    assert (scores[7], scores[150]) == (0.5, 1.0)
    assert scores[np.r_[:7, 8:150]].max() < 0.9


@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-10.0, 10.0), copies=st.integers(0, 9))
def test_units_do_not_matter(scale, shift, copies):
    features, labels = _with(*_blobs(n=60), *(part[[8] * copies] for part in _blobs(n=60)))

    plain = duplicate_clusters(features, labels)
    scaled = duplicate_clusters(scale * (features + shift), labels)

    assert plain.flagged.sum() == copies
    assert np.array_equal(plain.flagged, scaled.flagged)
    assert plain.alarm == scaled.alarm == (copies > 0)
    assert np.allclose(plain.scores, scaled.scores, atol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 30])
def test_the_dimension_of_the_rows_does_not_matter(d):
    shares = []
    for seed in range(5):
        features, labels = _blobs(seed, n=600, d=d)
        shares.append(duplicate_clusters(features, labels, expected_share=0.01).flagged.mean())

    assert np.mean(shares) < 0.012


@pytest.mark.parametrize("directions", [1, 5, 30, 64])
def test_copies_are_found_along_a_few_main_directions_too(directions):
    features, labels = _blobs(d=30)
    noisy = features[[3] * 4] + 0.01 * np.random.default_rng(1).normal(size=(4, 30))

    found = duplicate_clusters(
        *_with(features, labels, noisy, labels[[3] * 4]), directions=directions
    )

    assert np.flatnonzero(found.flagged).tolist() == [150, 151, 152, 153]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_a_few_rows_are_looked_at_too(n):
    features, labels = np.arange(2.0 * n).reshape(n, 2), np.arange(n)

    found = duplicate_clusters(features, labels)
    twice = duplicate_clusters(np.vstack([features] * 2), np.hstack([labels] * 2))

    assert not found.flagged.any()
    assert np.isfinite(found.scores).all()
    assert np.flatnonzero(twice.flagged).tolist() == list(range(n, 2 * n))


def test_rows_that_are_all_equal_leave_one():
    found = duplicate_clusters(np.ones((20, 3)), np.zeros(20, int))

    assert np.flatnonzero(~found.flagged).tolist() == [0]
    assert found.alarm


def test_everything_wrong_is_said_at_once():
    with pytest.raises(Misconfigured) as refused:
        duplicate_clusters(
            *_blobs(),
            expected_share=-1.0,
            usual_quantile=1.0,
            crowd_factor=0.5,
            neighbours=2,
        )

    assert len(refused.value.problems) == 4


KINDS_OF_COPIES = ("copies", "relabelled_copies", "near_copies", "relabelled_near_copies")


@pytest.mark.parametrize("name", KINDS_OF_COPIES)
def test_copies_among_digits_are_found_and_clean_digits_are_none(splits, name):
    features, labels = splits.train.features, splits.train.labels
    poisoned = KINDS[name].draw(
        np.random.default_rng(77), features, labels, (8, 8), (0.0, 16.0), 0.02
    )

    clean = duplicate_clusters(features, labels)
    found = duplicate_clusters(poisoned.features, poisoned.labels)

    assert not clean.alarm
    assert clean.flagged.mean() < 0.002
    assert found.alarm
    assert found.flagged[poisoned.mask].mean() > 0.8
    assert found.flagged[~poisoned.mask].mean() < 0.01


def test_three_rows_together_may_lie_further_apart_than_two():
    features, labels = _blobs()
    noisy = features[[3] * 8] + 0.2 * np.random.default_rng(1).normal(size=(8, 6))
    rows = _with(features, labels, noisy, labels[[3] * 8])

    alone, together = (duplicate_clusters(*rows, crowd_factor=factor) for factor in (1.0, 20.0))

    assert alone.flagged[150:].sum() < together.flagged[150:].sum()
    assert not together.flagged[:150].any()


def test_distances_are_taken_in_full_wherever_neighbours_are_searched():
    rows = _blobs(d=30)

    along_few, full = (
        duplicate_clusters(*rows, directions=count, neighbours=149) for count in (2, 30)
    )

    assert np.allclose(along_few.scores, full.scores)
