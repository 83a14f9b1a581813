"""The parts of the screen for backdoor triggers, against brute force and known answers."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from seclab.defenses.backdoors.counts import value_counts
from seclab.defenses.backdoors.enrichment import excesses
from seclab.defenses.backdoors.looks import looks
from seclab.defenses.backdoors.members import members
from seclab.defenses.backdoors.spikes import spikes
from seclab.defenses.backdoors.tails import surprise
from seclab.defenses.backdoors.tallies import Tally


@given(st.integers(1, 60), st.data())
def test_surprise_is_the_tail_of_the_binomial_distribution(trials, data):
    hits = data.draw(st.integers(0, trials))
    rate = data.draw(st.floats(0.01, 0.99))

    exact = scipy.stats.binom.sf(hits - 1, trials, rate)

    assert float(surprise(hits, trials, rate)) == pytest.approx(-np.log(exact), abs=1e-6)


def test_surprise_is_cut_off_not_infinite():
    assert float(surprise(900, 900, 1e-9)) == pytest.approx(690.8, abs=0.1)
    assert float(surprise(5, 5, 1.0)) == 0.0
    assert float(surprise(3, 9, 0.0)) == pytest.approx(690.8, abs=0.1)


def _brute_force(features, labels, kept, references):
    answers = []
    for row in range(len(features)):
        best = {}
        for other in references:
            if other != row:
                away = ((features[row, kept] - features[other, kept]) ** 2).sum()
                best[labels[other]] = min(away, best.get(labels[other], np.inf))
        own = best.pop(labels[row], np.inf)
        nearest = min(sorted(best), key=best.get)
        answers.append((best[nearest] < own, nearest))
    return tuple(np.array(column) for column in zip(*answers, strict=True))


def test_looks_are_those_of_brute_force():
    rng = np.random.default_rng(4)
    features, labels = rng.integers(0, 9, (30, 16)).astype(float), rng.integers(0, 3, 30)

    seen = looks(features, labels, image_shape=(4, 4), chunk=7, rng=rng)

    assert len(seen.masks) == 10
    assert not seen.masks[0].any()
    assert np.all(seen.masks[1:].sum(axis=1) == 4)
    for mask, strange, nearest in zip(seen.masks, seen.strange, seen.nearest, strict=True):
        wanted = _brute_force(features, labels, ~mask, range(30))
        assert np.array_equal(strange, wanted[0])
        assert np.array_equal(nearest, wanted[1])


def test_large_images_are_halved_and_references_drawn():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    features = np.where(labels[:, None] == 0, 1.0, 5.0) + rng.uniform(0, 1, (60, 20 * 20))

    seen = looks(
        features, labels, image_shape=(20, 20), most_references=20, most_features=100, rng=rng
    )

    assert seen.masks.shape == (10, 400)
    assert not seen.strange.any()
    assert np.array_equal(seen.nearest, np.tile(1 - labels, (10, 1)))


def test_a_shared_value_is_no_excess_where_the_class_it_looks_like_has_it():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 60)
    features = np.column_stack([labels * 50.0, np.zeros(120)]) + rng.uniform(0, 1, (120, 2))
    features[labels == 1, 1] = 7.0
    labels[60:70] = 0

    common = excesses(features, labels, looks(features, labels, rng=rng), reaches=[0.0])
    features[60:70, 1] = 7.001
    planted = excesses(features, labels, looks(features, labels, rng=rng), reaches=[0.0])

    assert max((excess.surprise for excess in common), default=0.0) < 5.0
    assert (planted[0].label, planted[0].column, planted[0].value) == (0, 1, 7.001)
    assert planted[0].surprise > 15.0
    assert np.flatnonzero(planted[0].bearing(features)).tolist() == list(range(60, 70))


def test_spikes_are_exact_hits_among_near_ones():
    rng = np.random.default_rng(6)
    features = rng.integers(0, 65, (400, 10)).astype(float)
    labels = np.arange(400) % 2
    clean = spikes(features, labels)
    rows = np.flatnonzero(labels == 1)[:12]
    features[np.ix_(rows, [2, 5, 7])] = [11.0, 40.0, 30.0]

    best = spikes(features, labels)[0]

    assert max((spike.surprise for spike in clean), default=0.0) < 20.0
    assert best.surprise > 60.0
    assert best.columns.tolist() == [2, 5, 7]
    assert best.values.tolist() == [11.0, 40.0, 30.0]
    assert best.rows.tolist() == rows.tolist()


def test_members_are_those_that_have_most_of_it():
    rng = np.random.default_rng(7)
    features = rng.integers(0, 30, (200, 12)).astype(float)
    features[:40, :8] = np.where(rng.uniform(size=(40, 8)) < 0.85, 3.0, features[:40, :8])
    seeds = np.zeros(200, dtype=bool)
    seeds[:40] = (features[:40, :3] == 3.0).all(axis=1)

    found, columns, values = members(features, seeds)

    assert seeds.sum() < 35
    assert found[:40].all()
    assert not found[40:].any()
    assert columns.tolist() == list(range(8))
    assert np.all(values == 3.0)


def test_values_are_counted_wherever_they_stand():
    features = np.array([[0.0, 2.0, 2.0, 2.0, 9.0, 5.0], [5.0, 0.0, 2.0, 9.0, 9.0, 5.0]])

    counts = value_counts(features, (2, 3), chunk=1)

    assert counts.tolist() == [[3, 1, 1, 0, 1], [1, 2, 0, 0, 0]]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-4, 4)), min_size=1, max_size=40),
    st.sampled_from([0.0, 1.0, 2.5, np.inf]),
)
def test_a_tally_counts_what_lies_within_reach(rows, reach):
    groups, column = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])

    tally = Tally(column)
    first, last = tally.reaching(reach)
    below = tally.below(groups, 3)
    counted = below[:, last] - below[:, first]

    def near(value):
        return column >= value if np.isinf(reach) else np.abs(column - value) <= reach

    expected = [
        [np.count_nonzero((groups == group) & near(value)) for value in tally.values]
        for group in range(3)
    ]
    assert counted.tolist() == expected
