"""Real models of a moment's training, and who attacks them."""

from functools import cache

import numpy as np

from seclab import datasets, models
from seclab.datasets import Dataset, Provenance
from seclab.evasion.attempts import Attacker, Effort
from seclab.evasion.geometry import L2, LINF
from seclab.models import Target
from seclab.models.specs import ModelSpec

NORMS = {"linf": LINF, "l2": L2}
EPSILONS = (0.05, 0.15, 0.4)
SPECS = {
    "affine": ModelSpec("affine", "softmax-regression", {"C": 10.0}),
    "network": ModelSpec("network", "mlp", {"hidden_layer_sizes": 8, "max_iter": 60}),
    "tree": ModelSpec("tree", "random-forest", {"n_estimators": 1, "max_depth": 4}),
    "forest": ModelSpec("forest", "random-forest", {"n_estimators": 5, "max_depth": 4}),
}


@cache
def made(seed):
    """Splits of 2 x 3 images of three classes that overlap, in a range of their own."""
    rng = np.random.default_rng(seed)
    low, width = rng.choice([0.0, -3.0, 100.0]), rng.choice([1.0, 16.0, 1 / 3])
    labels = np.arange(150) % 3
    centres = rng.uniform(0.2, 0.8, (3, 6))
    x = np.clip(centres[labels] + rng.normal(0.0, 0.15, (150, 6)), 0.0, 1.0)
    dataset = Dataset(
        name="made",
        features=np.clip(low + width * x, low, low + width),
        labels=labels.astype(np.int64),
        feature_names=tuple(f"pixel_{index}" for index in range(6)),
        class_names=("a", "b", "c"),
        feature_range=(low, low + width),
        image_shape=(2, 3),
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )
    return datasets.split(dataset, seed=seed)


@cache
def _trained(kind, seed):
    return models.train(SPECS[kind], made(seed).train, seed=seed)


def target_of(kind, seed=0):
    """A target with a model of a kind and a query count of its own."""
    return Target(_trained(kind, seed), made(seed))


def attacker_of(target, norm="linf", *, rows=12, seed=0, **effort):
    """Who attacks the first test images with a little effort."""
    few = {"steps": 8, "restarts": 2, "queries": 40, "walk_iterations": 2} | effort
    images = target.data.test.take(np.arange(rows))
    return Attacker(target, images, NORMS[norm], Effort(**few), np.random.default_rng(seed))
