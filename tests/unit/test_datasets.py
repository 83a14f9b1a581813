import math
from dataclasses import replace

import numpy as np
import pytest

from seclab import datasets
from seclab.datasets import Dataset, Provenance
from seclab.errors import InvalidData, Misconfigured

GOOD = Dataset(
    name="tiny",
    features=np.linspace(0.0, 4.0, 24).reshape(6, 4),
    labels=np.array([0, 1, 2, 0, 1, 2]),
    feature_names=("a", "b", "c", "d"),
    class_names=("x", "y", "z"),
    feature_range=(0.0, 4.0),
    image_shape=(2, 2),
    provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
)


def _problems(**changes):
    with pytest.raises(InvalidData) as caught:
        replace(GOOD, **changes)
    return caught.value.problems


def _content_problems(*, features=None, labels=None):
    broken = GOOD.with_rows(
        GOOD.features if features is None else features, GOOD.labels if labels is None else labels
    )
    with pytest.raises(InvalidData) as caught:
        broken.require_usable()
    return caught.value.problems


def _with(value, *, row=2, column=1):
    features = GOOD.features.copy()
    features[row, column] = value
    return features


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"features": np.zeros(6)},
            "features must be a matrix of rows and columns, got shape (6,)",
        ),
        ({"labels": np.zeros(5, dtype=np.int64)}, "6 rows need as many labels, got shape (5,)"),
        ({"labels": np.zeros((6, 1), dtype=np.int64)}, "as many labels, got shape (6, 1)"),
        ({"feature_names": ("a", "b")}, "4 columns need as many names, got 2"),
        ({"image_shape": (3, 2)}, "4 columns are no image of 3 x 2"),
        ({"features": GOOD.features.astype("f4")}, "features must be float64, got float32"),
        ({"labels": GOOD.labels.astype("i4")}, "labels must be int64, got int32"),
        ({"feature_range": (4.0, 4.0)}, "the feature range (4.0, 4.0) is empty"),
        ({"feature_range": (4.0, 0.0)}, "the feature range (4.0, 0.0) is empty"),
        ({"feature_range": (math.nan, 1.0)}, "the feature range (nan, 1.0) is empty"),
    ],
)
def test_parts_that_do_not_fit_together_are_no_dataset(changes, problem):
    (found,) = _problems(**changes)

    assert found.startswith("dataset tiny: ")
    assert problem in found


def test_a_dataset_has_rows():
    problems = _problems(features=np.zeros((0, 4)), labels=np.zeros(0, dtype=np.int64))

    assert problems == ("dataset tiny: it has no rows",)


def test_all_that_does_not_fit_is_told_at_once():
    problems = _problems(
        features=np.zeros((6, 4), dtype="f4"),
        labels=np.zeros(5, dtype="i2"),
        feature_names=(),
        image_shape=(1, 1),
        feature_range=(1.0, 0.0),
    )

    assert len(problems) == 6


@pytest.mark.parametrize("name", ["features", "labels"])
def test_rows_are_read_only_and_the_array_they_came_from_is_left_alone(name):
    features, labels = np.zeros((1, 4)), np.zeros(1, dtype=np.int64)
    dataset = replace(GOOD, features=features, labels=labels)

    with pytest.raises(ValueError, match="read-only"):
        getattr(dataset, name)[0] = 1
    assert features.flags.writeable
    assert labels.flags.writeable


def test_an_ordinary_dataset_is_usable():
    GOOD.require_usable()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(value):
    problems = _content_problems(features=_with(value))

    assert problems[0] == ("dataset tiny: 1 rows hold NaN or infinite values, the first is row 2")


@pytest.mark.parametrize("value", [-1e-9, 4.0 + 1e-9, 1e300])
def test_values_outside_the_range_are_refused(value):
    assert _content_problems(features=_with(value)) == (
        "dataset tiny: 1 rows leave the range 0.0 to 4.0, first row 2",
    )


@pytest.mark.parametrize("value", [0.0, 4.0])
def test_the_ends_belong_to_the_range(value):
    GOOD.with_rows(_with(value), GOOD.labels).require_usable()


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_outside_the_classes_are_refused(label):
    labels = GOOD.labels.copy()
    labels[4] = label

    assert _content_problems(labels=labels) == (
        f"dataset tiny: 1 labels are outside 0 to 2, the first is {label} in row 4",
    )


def test_a_class_without_rows_is_refused():
    assert _content_problems(labels=np.zeros(6, dtype=np.int64)) == (
        "dataset tiny: it has no rows of class y, z",
    )


def test_all_that_makes_rows_unusable_is_told_at_once():
    features = GOOD.features.copy()
    features[0, 0], features[1, 1] = math.nan, -3.0

    problems = _content_problems(features=features, labels=np.full(6, 7))

    assert len(problems) == 4


def test_broken_rows_can_still_be_looked_at():
    broken = GOOD.with_rows(_with(math.nan), GOOD.labels)

    assert broken.fingerprint().rows == 6


def test_the_scale_is_the_width_of_the_range():
    assert replace(GOOD, feature_range=(-1.0, 4.0)).scale == 5.0


def test_rows_are_taken_by_index_and_by_mask():
    by_index = GOOD.take(np.array([4, 0]), name="tiny/two")
    by_mask = GOOD.take(GOOD.labels == 1)

    assert (by_index.name, by_mask.name, len(by_index)) == ("tiny/two", "tiny", 2)
    assert np.array_equal(by_index.features, GOOD.features[[4, 0]])
    assert by_mask.labels.tolist() == [1, 1]
    assert by_index.provenance == GOOD.provenance


def test_other_rows_of_the_same_kind_keep_everything_else():
    other = GOOD.with_rows(GOOD.features[:2] / 2, GOOD.labels[:2])

    assert (other.feature_names, other.class_names, other.feature_range, other.image_shape) == (
        GOOD.feature_names,
        GOOD.class_names,
        GOOD.feature_range,
        GOOD.image_shape,
    )


def test_the_digits_are_the_1797_images_that_everybody_knows():
    digits = datasets.load("digits")

    assert digits.features.shape == (1797, 64)
    assert (digits.features.min(), digits.features.max()) == digits.feature_range == (0.0, 16.0)
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (digits.image_shape, len(digits.class_names)) == ((8, 8), 10)
    assert digits.provenance.licence == "CC-BY-4.0"
    digits.require_usable()


def test_an_unknown_dataset_is_told_with_the_known_ones():
    with pytest.raises(Misconfigured, match="unknown dataset 'mnist'; known: digits"):
        datasets.load("mnist")


def test_the_splits_of_the_digits_have_the_promised_sizes(splits):
    sizes = {name: len(part) / 1797 for name, part in splits.parts().items()}

    assert sizes == pytest.approx(
        {"train": 0.5, "validation": 0.1, "test": 0.2, "population": 0.2}, abs=0.002
    )
    assert [part.name for part in splits.parts().values()] == [
        "digits/train",
        "digits/validation",
        "digits/test",
        "digits/population",
    ]


def test_unusable_rows_are_not_split():
    with pytest.raises(InvalidData, match="NaN"):
        datasets.split(GOOD.with_rows(_with(math.nan), GOOD.labels), seed=0)


def test_a_class_of_fewer_than_ten_different_rows_is_not_split():
    rng = np.random.default_rng(0)
    features = rng.uniform(0.0, 4.0, (49, 4))
    features[20:40] = features[20]  # twenty copies are one row
    labels = np.repeat([0, 1, 2], [20, 20, 9])

    with pytest.raises(InvalidData) as caught:
        datasets.split(GOOD.with_rows(features, labels), seed=0)

    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "dataset tiny: class 'y' has 1 different rows",
        "dataset tiny: class 'z' has 9 different rows",
    ]
