import numpy as np
import pytest

from seclab.defenses.representations import activation_clusters, spectral_signatures
from seclab.errors import Misconfigured

EACH, POISONED = 120, 12
CENTRES = 12.0 * np.eye(3, 8)


def hidden(seed=0, poisoned=POISONED):
    """What a model makes of three classes, and of a trigger on rows that are labelled 1."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], EACH)
    features = CENTRES[labels] + rng.normal(size=(3 * EACH, 8))
    rows = np.arange(poisoned)
    labels[rows] = 1
    representations = CENTRES[labels] + rng.normal(size=features.shape)
    representations[rows, 5] += 12.0
    return features, representations, labels, rows


def test_rows_that_a_model_holds_apart_stand_out_of_their_label():
    _, representations, labels, rows = hidden()
    answer = spectral_signatures(representations, labels, directions=6)
    assert answer.alarm
    assert answer.flagged[rows].all()
    assert answer.flagged[POISONED:].mean() <= 0.01


def test_the_spread_is_not_taken_from_the_rows_that_stand_out():
    """A third of a label is poison: over all its rows nothing would be far from anything."""
    _, representations, labels, rows = hidden(poisoned=50)
    answer = spectral_signatures(representations, labels, directions=6)
    assert answer.flagged[rows].mean() >= 0.9
    plain = spectral_signatures(representations, labels, directions=6, central=1.0)
    assert not plain.flagged[rows].any()


@pytest.mark.parametrize("seed", range(3))
def test_clean_rows_have_no_signature(seed):
    _, representations, labels, _ = hidden(seed, poisoned=0)
    answer = spectral_signatures(representations, labels, directions=6)
    assert not answer.alarm
    assert answer.flagged.mean() <= 0.01


def test_a_cluster_that_looks_like_another_class_is_flagged_whole_and_alone():
    features, representations, labels, rows = hidden(poisoned=40)
    answer = activation_clusters(
        representations, labels, features=features, rng=np.random.default_rng(0)
    )
    assert answer.alarm
    assert np.array_equal(np.flatnonzero(answer.flagged), rows)
    assert answer.found == "40 rows labelled 1 are a cluster that looks like 0"


def test_poison_is_the_cluster_that_looks_alien_even_if_it_is_the_greater_one():
    features, representations, labels, rows = hidden(poisoned=70)
    clean_ones = np.flatnonzero(labels == 1)[70:]
    keep = np.setdiff1d(np.arange(len(labels)), clean_ones[30:])
    answer = activation_clusters(
        representations[keep], labels[keep], features=features[keep], rng=np.random.default_rng(0)
    )
    assert np.array_equal(keep[answer.flagged], rows)


def test_two_kinds_of_the_same_class_are_no_poison():
    features, representations, labels, rows = hidden(poisoned=40)
    labels[rows] = 0
    answer = activation_clusters(
        representations, labels, features=features, rng=np.random.default_rng(0)
    )
    assert not answer.alarm
    assert not answer.flagged.any()


def test_representations_and_features_are_of_the_same_rows():
    _, representations, labels, _ = hidden()
    with pytest.raises(Misconfigured, match="got 1 for 360"):
        activation_clusters(
            representations, labels, features=np.ones((1, 2)), rng=np.random.default_rng(0)
        )


def test_a_label_has_a_central_part():
    _, representations, labels, _ = hidden()
    with pytest.raises(Misconfigured, match="central share"):
        spectral_signatures(representations, labels, central=0.0)
