import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from seclab.defenses.label_noise import label_noise, neighbour_labels
from seclab.errors import Misconfigured

DETECTORS = {"ridge": label_noise, "neighbours": neighbour_labels}
either = pytest.mark.parametrize("detect", DETECTORS.values(), ids=DETECTORS)


def blobs(rng, each=40, classes=3):
    centres = 10.0 * np.eye(classes, 4)
    labels = np.repeat(np.arange(classes), each)
    return centres[labels] + rng.normal(size=(len(labels), 4)), labels


def flipped(labels, rows):
    changed = labels.copy()
    changed[rows] = (labels[rows] + 1) % (labels.max() + 1)
    return changed


@pytest.fixture(scope="module")
def digits():
    features, labels = load_digits(return_X_y=True)
    return features, labels


@pytest.mark.parametrize(
    ("detect", "most"), [(label_noise, 20), (neighbour_labels, 4)], ids=list(DETECTORS)
)
@settings(max_examples=10)
@given(data=st.data())
def test_wrong_labels_of_well_separated_classes_are_found_and_no_others(detect, most, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    features, labels = blobs(rng)
    rows = rng.choice(len(labels), size=data.draw(st.integers(1, most)), replace=False)
    answer = detect(features, flipped(labels, rows), rng=rng)
    assert np.flatnonzero(answer.flagged).tolist() == sorted(rows.tolist())
    assert answer.scores[answer.flagged].min() > answer.scores[~answer.flagged].max()


@either
def test_clean_rows_raise_no_alarm_and_many_wrong_labels_do(detect):
    features, labels = blobs(np.random.default_rng(0), each=120)
    clean = detect(features, labels, rng=np.random.default_rng(0))
    assert not clean.alarm
    assert not clean.flagged.any()
    poisoned = detect(features, flipped(labels, np.arange(12)), rng=np.random.default_rng(0))
    assert poisoned.alarm
    assert "most often labelled 1 and like 0" in poisoned.found


def test_the_ridge_knows_whose_place_it_is_where_neighbours_do_not():
    """Half of one class carries the label of another: a tie, but for the sizes of the two."""
    features, labels = blobs(np.random.default_rng(3), each=60)
    rows = np.arange(30)
    wrong = flipped(labels, rows)
    ridge = label_noise(features, wrong, rng=np.random.default_rng(0))
    assert np.flatnonzero(ridge.flagged).tolist() == rows.tolist()


def test_on_digits_the_aims_are_met(digits):
    features, labels = digits
    rng = np.random.default_rng(11)
    rows = rng.choice(len(labels), size=round(0.05 * len(labels)), replace=False)
    answer = label_noise(features, flipped(labels, rows), rng=rng)
    assert answer.alarm
    assert answer.flagged[rows].mean() >= 0.9
    assert np.isin(np.flatnonzero(answer.flagged), rows).mean() >= 0.8


@either
def test_clean_digits_pass(detect, digits):
    answer = detect(*digits, rng=np.random.default_rng(5))
    assert not answer.alarm
    assert answer.flagged.mean() <= 0.01


@either
def test_equal_generators_give_equal_answers_and_inputs_are_left_alone(detect):
    features, labels = blobs(np.random.default_rng(1))
    before = features.copy(), labels.copy()
    one, other = (detect(features, labels, rng=np.random.default_rng(2)) for _ in range(2))
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(features, before[0])
    assert np.array_equal(labels, before[1])


@either
def test_names_of_labels_and_units_do_not_matter(detect):
    features, labels = blobs(np.random.default_rng(1))
    labels = flipped(labels, np.arange(5))
    names = np.array([-7, 3, 900])
    one = detect(features, labels, rng=np.random.default_rng(2))
    other = detect(3.0 * features + 5.0, names[labels], rng=np.random.default_rng(2))
    assert other.scores == pytest.approx(one.scores, abs=2e-2)
    assert np.array_equal(other.flagged, one.flagged)


def test_neighbours_are_looked_for_among_a_part_of_many_rows():
    rng = np.random.default_rng(0)
    features, labels = blobs(rng)
    answer = neighbour_labels(
        features, flipped(labels, np.arange(5)), rng=rng, references=60, neighbours=5
    )
    assert np.flatnonzero(answer.flagged).tolist() == list(range(5))


@pytest.mark.parametrize("wrong", ["landmarks", "width", "ridge", "rounds"])
def test_sizes_have_to_be_above_0(wrong):
    features, labels = blobs(np.random.default_rng(0))
    with pytest.raises(Misconfigured, match=f"{wrong} has to be above 0"):
        label_noise(features, labels, rng=np.random.default_rng(0), **{wrong: 0})


def test_somebody_has_to_vote():
    features, labels = blobs(np.random.default_rng(0))
    with pytest.raises(Misconfigured, match="at least 1 neighbour"):
        neighbour_labels(features, labels, rng=np.random.default_rng(0), neighbours=0)
