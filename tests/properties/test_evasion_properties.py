"""Proven is at most what survives, whatever model, whatever unit of the features."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab import datasets, models
from seclab.datasets import Dataset, Provenance
from seclab.evasion import L2, LINF, Effort, evade
from seclab.models import ModelSpec, Target

SPECS = {
    "affine": ModelSpec("affine", "softmax-regression", {"C": 10.0}),
    "steep": ModelSpec("steep", "softmax-regression", {"C": 1e5, "max_iter": 300}),
    "wide": ModelSpec("wide", "mlp", {"hidden_layer_sizes": 60, "max_iter": 25}),
    # So fast that most of its rectifiers die.
    "deep": ModelSpec(
        "deep", "mlp", {"hidden_layer_sizes": (12, 8, 6), "max_iter": 40, "learning_rate_init": 0.1}
    ),
    "tree": ModelSpec("tree", "random-forest", {"n_estimators": 1}),
    "forest": ModelSpec("forest", "random-forest", {"n_estimators": 6}),
}
RANGES = [(0.0, 1.0), (-3.0, 13.0), (100.0, 100.5), (1e6, 1e6 + 1.0), (-1e-8, 1e-8), (0.0, 1e8)]
EPSILONS = (1e-6, 0.0625, 0.3)


@cache
def _splits(classes, columns, bounds, seed):
    """Classes that overlap; whole eighths, where trees have their thresholds; a constant column."""
    rng, (low, high) = np.random.default_rng(seed), bounds
    labels = np.arange(50 * classes) % classes
    centres = rng.uniform(0.2, 0.8, (classes, columns))
    x = centres[labels] + rng.normal(0.0, 0.15, (len(labels), columns))
    x[:, 1] = 0.5
    x[:, 2:] = np.round(x[:, 2:] * 8.0) / 8.0
    dataset = Dataset(
        name="made",
        features=np.clip(low + (high - low) * x, low, high),
        labels=labels.astype(np.int64),
        feature_names=tuple(f"column {index}" for index in range(columns)),
        class_names=tuple("abc"[:classes]),
        feature_range=bounds,
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )
    return datasets.split(dataset, seed=seed)


@cache
def _trained(kind, classes, columns, bounds, seed):
    return models.train(SPECS[kind], _splits(classes, columns, bounds, seed).train, seed=seed)


@pytest.mark.parametrize("kind", sorted(SPECS))
@given(
    made=st.tuples(
        st.sampled_from([2, 3]),
        st.sampled_from([3, 6]),
        st.sampled_from(RANGES),
        st.integers(0, 1),
    ),
    norm=st.sampled_from([LINF, L2]),
    samples=st.sampled_from([1, 12]),
)
@settings(max_examples=5)
def test_proven_is_at_most_what_survives_and_that_at_most_what_is_right(kind, made, norm, samples):
    result = evade(
        Target(_trained(kind, *made), _splits(*made)),
        norm,
        epsilons=EPSILONS,
        samples=samples,
        effort=Effort(steps=5, restarts=2, queries=20, walk_iterations=1),
        rng=np.random.default_rng(0),
    )

    hits = {
        (reading.metric, reading.parameters.get("epsilon"), reading.parameters.get("attack")): (
            np.array(list(reading.per_sample.hits)) == "1"
        )
        for reading in result.readings
        if reading.per_sample
    }
    clean, rows = hits["clean_accuracy", None, None], result.tables[1].records()
    smallest = [
        np.inf if row["smallest_change"] is None else row["smallest_change"] for row in rows
    ]
    radius = [row["certified_radius"] for row in rows]
    assert [change > 0.0 for change in smallest] == clean.tolist()
    for epsilon in EPSILONS:
        strongest = hits["robust_accuracy", epsilon, "strongest"]
        proven = hits["certified_accuracy", epsilon, None]
        assert (proven <= strongest).all()
        for (metric, size, _), survived in hits.items():
            if (metric, size) == ("robust_accuracy", epsilon):
                assert (strongest <= survived).all()
                assert (survived <= clean).all()
        # The table per image says the same.
        assert (strongest == (np.array(smallest) > epsilon + 1e-9)).all()
        assert (np.array(radius)[proven] >= epsilon - 1e-9).all()
    assert (np.array(radius) <= np.array(smallest)).all()
    solved = kind in ("affine", "steep", "tree")
    for epsilon in EPSILONS if solved else ():
        strongest = hits["robust_accuracy", epsilon, "strongest"]
        assert (strongest == hits["certified_accuracy", epsilon, None]).all()
