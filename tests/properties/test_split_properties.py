import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab import datasets
from seclab.datasets import Dataset, Provenance

seeds = st.integers(0, 2**32 - 1)


@st.composite
def splittable(draw):
    """A few classes of ten to forty different rows each, some of them copied or contradicted."""
    sizes = draw(st.lists(st.integers(10, 40), min_size=2, max_size=6))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(draw(seeds))
    features = rng.permutation(np.arange(1.0, len(labels) + 1))[:, None] * np.array([1.0, -1.0])
    copied = draw(st.lists(st.integers(0, len(labels) - 1), max_size=15))
    other = rng.integers(0, len(sizes), len(copied))
    copies = features[copied]
    # A copy may look different in bits and in label, but not to a model.
    features = np.vstack([features * [1.0, 0.0], copies * [1.0, -0.0]])
    return Dataset(
        name="copies",
        features=features,
        labels=np.concatenate([labels, np.where(other % 2, labels[copied], other)]),
        feature_names=("value", "zero"),
        class_names=tuple(str(label) for label in range(len(sizes))),
        feature_range=(-1000.0, 1000.0),
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )


def _rows(dataset):
    return {tuple(row) for row in dataset.features}


@given(dataset=splittable(), seed=seeds)
def test_no_content_stands_in_two_splits_and_no_row_is_lost(dataset, seed):
    parts = list(datasets.split(dataset, seed=seed).parts().values())

    for index, part in enumerate(parts):
        for other in parts[:index]:
            assert not _rows(part) & _rows(other)
    assert sum(len(part) for part in parts) == len(dataset)
    assert set().union(*map(_rows, parts)) == _rows(dataset)


@given(dataset=splittable(), seed=seeds)
def test_every_class_stands_in_every_split(dataset, seed):
    for part in datasets.split(dataset, seed=seed).parts().values():
        part.require_usable()


@given(seed=seeds)
@settings(max_examples=25)
def test_the_digits_are_split_stratified_disjoint_and_read_only_for_any_seed(seed):
    whole = datasets.load("digits")
    parts = datasets.split(whole, seed=seed).parts()

    shares = np.bincount(whole.labels) / len(whole)
    for part in parts.values():
        assert np.bincount(part.labels) / len(part) == pytest.approx(shares, abs=0.01)
        assert not part.features.flags.writeable
        assert not part.labels.flags.writeable
    assert sum(len(_rows(part)) for part in parts.values()) == len(_rows(whole))


@settings(max_examples=30)
@given(dataset=splittable(), seed=seeds)
def test_equal_seeds_give_equal_splits(dataset, seed):
    first, second = (datasets.split(dataset, seed=seed) for _ in range(2))

    assert first.seed == seed
    for name, part in first.parts().items():
        assert second.parts()[name].fingerprint() == part.fingerprint()


def test_other_seeds_give_other_splits(splits):
    other = datasets.split(datasets.load("digits"), seed=1)

    for name, part in splits.parts().items():
        assert other.parts()[name].fingerprint().unordered != part.fingerprint().unordered
