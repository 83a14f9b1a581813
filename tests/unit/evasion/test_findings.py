from dataclasses import replace

import numpy as np
import pytest

from seclab.evasion.attempts import Attempt
from seclab.evasion.findings import METRICS, Outcomes
from seclab.evasion.geometry import L2, LINF
from seclab.statistics import mean_of, median_of, proportion
from tests.unit.evasion.small import attacker_of, made, target_of

RIGHT = np.array([True] * 9 + [False])  # of ten images the last is read wrong unchanged
CLEAN = np.where(RIGHT, 0.9, 0.2)


def _attempt(epsilon, broken, *, attack="linf_some", queries=None, lost=0.0):
    """An attack that broke the first images, and the last one for nothing."""
    fooled = ~RIGHT | (np.arange(10) < broken)
    x = made(0).test.features[:10].copy()
    x[fooled] = made(0).test.feature_range[1]
    return Attempt(attack, epsilon, x, fooled, CLEAN - lost, queries)


def _outcomes(**changes):
    nobody = np.zeros(10, dtype=bool)
    given = {
        "images": made(0).test.take(np.arange(10)),
        "geometry": LINF,
        "clean": Attempt("none", 0.0, made(0).test.features[:10], ~RIGHT, CLEAN),
        "attempts": [_attempt(0.1, 2), _attempt(0.2, 7, queries=np.arange(10) * 10)],
        "strongest": [
            _attempt(0.1, 2, attack="strongest", lost=0.1),
            _attempt(0.2, 7, attack="strongest", lost=np.linspace(0.0, 0.2, 10)),
        ],
        "certified": {0.1: np.arange(10) == 8, 0.2: nobody},
        "masked": {0.1: nobody, 0.2: nobody},
        "full_range": nobody,
        "smallest": np.append(np.linspace(0.1, 0.5, 9), 0.0),
        "radii": np.append(np.linspace(0.05, 0.25, 9), 0.0),
    }
    return Outcomes(**given | changes)


def _numbers(outcomes):
    return {(r.metric, *r.parameters.values()): r.estimate for r in outcomes.readings()}


def test_every_rate_is_counted_over_the_images_it_speaks_of():
    found = _numbers(_outcomes())

    assert found["clean_accuracy",] == proportion(9, 10)
    for attack in ("linf_some", "strongest"):
        assert found["robust_accuracy", 0.1, attack] == proportion(7, 10)
        assert found["robust_accuracy", 0.2, attack] == proportion(2, 10)
        assert found["attack_success_rate", 0.1, attack] == proportion(2, 9)
        assert found["attack_success_rate", 0.2, attack] == proportion(7, 9)
    assert found["certified_accuracy", 0.1] == proportion(1, 10)
    assert found["certified_accuracy", 0.2] == found["masked_share", 0.1] == proportion(0, 10)
    assert found["full_range_accuracy",] == proportion(0, 10)


def test_an_attack_that_makes_a_wrong_answer_right_wins_the_defender_nothing():
    nobody = replace(_attempt(0.1, 0), fooled=np.zeros(10, dtype=bool))

    found = _numbers(_outcomes(attempts=[nobody]))

    assert found["robust_accuracy", 0.1, "linf_some"] == found["clean_accuracy",]


def test_only_declared_metrics_are_reported_and_no_number_twice():
    readings = list(_outcomes().readings())

    assert {reading.metric for reading in readings} == {metric.name for metric in METRICS}
    assert len(_numbers(_outcomes())) == len(readings)


def test_queries_are_those_on_the_images_that_the_attack_broke():
    """Images 0 to 6 took 0 to 60; number 9, wrong unchanged, and those that held do not count."""
    found = _numbers(_outcomes())

    assert found["median_queries", 0.2, "linf_some"] == median_of(np.arange(7) * 10)
    assert found["median_queries", 0.2, "linf_some"].value == 30.0
    assert [key for key in found if key[0] == "median_queries"] == [
        ("median_queries", 0.2, "linf_some")
    ]


@pytest.mark.parametrize(("broken", "told"), [(5, False), (6, True)])
def test_a_median_of_fewer_than_six_is_none(broken, told):
    few = _attempt(0.1, broken, queries=np.ones(10))

    found = _numbers(_outcomes(attempts=[few]))

    assert (("median_queries", 0.1, "linf_some") in found) is told


def test_the_smallest_change_counts_every_image():
    found = _numbers(_outcomes())["median_smallest_change",]

    assert found.n == 10
    assert found.value == pytest.approx((0.25 + 0.3) / 2)


@pytest.mark.parametrize(("geometry", "longest"), [(LINF, 1.0), (L2, 6**0.5)])
def test_an_image_that_nothing_breaks_counts_as_the_longest_change(geometry, longest):
    outcomes = _outcomes(smallest=np.full(10, np.inf), geometry=geometry)

    assert _numbers(outcomes)["median_smallest_change",].value == longest
    assert {row["smallest_change"] for row in outcomes.per_image().records()} == {None}


def test_the_confidence_lost_is_a_mean_within_one():
    found = _numbers(_outcomes())

    assert found["confidence_drop", 0.1].value == pytest.approx(0.1)
    mean = mean_of(np.linspace(0.0, 0.2, 10))
    assert found["confidence_drop", 0.2].value == pytest.approx(0.1)
    assert found["confidence_drop", 0.2].low == pytest.approx(mean.low)
    all_but_one = _attempt(0.1, 9, attack="strongest", lost=np.where(np.arange(10) < 9, 1.0, 0.5))
    widest = _numbers(_outcomes(strongest=[all_but_one]))["confidence_drop", 0.1]
    assert (widest.value, widest.high) == (pytest.approx(0.95), 1.0)


def test_each_image_is_told_with_what_is_proven_and_what_breaks_it():
    rows = _outcomes().per_image().records()

    labels = made(0).test.labels[:10]
    assert [row["image"] for row in rows] == list(range(10))
    assert [row["label"] for row in rows] == ["abc"[label] for label in labels]
    assert [row["correct_when_clean"] for row in rows] == RIGHT.tolist()
    assert [row["certified_radius"] for row in rows] == [*np.linspace(0.05, 0.25, 9), 0.0]
    assert [row["smallest_change"] for row in rows] == [*np.linspace(0.1, 0.5, 9), 0.0]
    unproven = _outcomes(certified={}, radii=None).per_image().records()
    assert {row["certified_radius"] for row in unproven} == {None}


def test_the_sweep_holds_every_reading():
    outcomes = _outcomes()
    readings = list(outcomes.readings())

    rows = outcomes.sweep(readings).records()

    assert [(row["metric"], row["value"], row["low"], row["high"], row["n"]) for row in rows] == [
        (r.metric, r.estimate.value, r.estimate.low, r.estimate.high, r.estimate.n)
        for r in readings
    ]


def test_the_curve_has_a_line_for_each_attack_and_one_for_what_is_proven():
    lines = {series.label: (series.x, series.y) for series in _outcomes().curve().series}

    assert lines == {
        "linf_some": ((0.0, 0.1, 0.2), (0.9, 0.7, 0.2)),
        "strongest": ((0.0, 0.1, 0.2), (0.9, 0.7, 0.2)),
        "certified": ((0.0, 0.1, 0.2), (0.9, 0.1, 0.0)),
    }
    assert "certified" not in {s.label for s in _outcomes(certified={}).curve().series}


def test_the_pictures_are_of_the_images_broken_in_the_smallest_ball():
    (grid,) = _outcomes().worst_failures()

    assert grid.images.shape == (2, 7, 2, 3)
    assert grid.captions[7:] == ("epsilon 0.1",) * 2 + ("epsilon 0.2",) * 5
    assert (grid.images[1] == 1.0).all()
    data = made(0).test
    clean = grid.images[0].reshape(7, 6) * data.scale + data.feature_range[0]
    assert clean == pytest.approx(data.features[:7])


def test_without_an_image_broken_or_a_shape_there_is_no_picture():
    unshaped = replace(made(0).test.take(np.arange(10)), image_shape=None)

    assert _outcomes(strongest=[_attempt(0.1, 0)]).worst_failures() == ()
    assert _outcomes(images=unshaped).worst_failures() == ()


def test_what_a_reader_has_to_know_of_the_attacks_is_told():
    some = np.arange(10) < 3

    quiet = list(_outcomes().notes())
    full_range = list(_outcomes(full_range=some).notes())
    masked = list(_outcomes(masked={0.1: ~RIGHT, 0.2: some}).notes())

    assert not [note for note in quiet if "FINDING" in note]
    assert next(n for n in full_range if "FINDING" in n).startswith("FINDING: 3 images survive")
    assert [n.partition(" an attack")[0] for n in masked if "FINDING" in n] == [
        "FINDING: at epsilon 0.1",
        "FINDING: at epsilon 0.2",
    ]
    assert "broke 3 images" in masked[1]


def test_a_bound_is_called_one_and_an_exact_number_is_not():
    affine = attacker_of(target_of("affine"))

    searched = " ".join(_outcomes().notes())
    computed = " ".join(_outcomes(solved=affine.exact).notes())

    assert "upper bound" in searched
    assert "lower bound" in searched
    assert "lower bound" not in " ".join(_outcomes(certified={}).notes())
    assert "The model is affine: its worst case is computed" in computed
    assert "bound" not in computed
