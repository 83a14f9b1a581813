"""Surrogates: families of models that learn to answer as another one does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics.pairwise import rbf_kernel

from seclab.attacks.extraction.networks import fit_network, scaled
from seclab.errors import Misconfigured
from seclab.models.answers import filled

Copy: TypeAlias = Callable[[np.ndarray], np.ndarray]
Bounds: TypeAlias = tuple[float, float]


def _softmax_regression(x: np.ndarray, targets: np.ndarray, bounds: Bounds, seed: int) -> Copy:
    return fit_network(x, targets, bounds=bounds, hidden=0, penalty=0.1, iterations=200, seed=seed)


def _mlp(x: np.ndarray, targets: np.ndarray, bounds: Bounds, seed: int) -> Copy:
    penalty = _penalty(targets)
    return fit_network(
        x, targets, bounds=bounds, hidden=64, penalty=penalty, iterations=100, seed=seed
    )


def _penalty(targets: np.ndarray) -> float:
    """Weight decay: labels overstate how sure the model is, confidences need little correction."""
    return 1.0 if (targets == 1.0).any(axis=1).all() else 1e-2


def _random_forest(x: np.ndarray, targets: np.ndarray, bounds: Bounds, seed: int) -> Copy:
    # The variance of one-hot rows is Gini's impurity: on labels these are a classifier's trees.
    forest = RandomForestRegressor(100, max_features="sqrt", random_state=seed)
    forest.fit(scaled(x, bounds), filled(targets))
    return lambda rows: np.asarray(forest.predict(scaled(rows, bounds)))


def _kernel(x: np.ndarray, targets: np.ndarray, bounds: Bounds, seed: int) -> Copy:  # noqa: ARG001 - nothing in it is random
    """Ridge regression with a Gaussian kernel as wide as the queries lie apart."""
    asked, shares = scaled(x, bounds), filled(targets)
    apart = 2.0 * float(asked.var(axis=0).sum()) or 1.0
    mean = shares.mean(axis=0)
    gram = rbf_kernel(asked, gamma=1.0 / apart) + 1e-2 * np.eye(len(x))
    weights = np.linalg.solve(gram, shares - mean)
    return lambda rows: mean + rbf_kernel(scaled(rows, bounds), asked, gamma=1.0 / apart) @ weights


SURROGATES: Mapping[str, Callable[[np.ndarray, np.ndarray, Bounds, int], Copy]] = MappingProxyType(
    {
        "softmax-regression": _softmax_regression,
        "mlp": _mlp,
        "kernel": _kernel,
        "random-forest": _random_forest,
    }
)


def train_surrogate(
    family: str, queries: np.ndarray, targets: np.ndarray, *, bounds: Bounds, seed: int
) -> Copy:
    """Fit a surrogate to answers that a model gave.

    Args:
        family: One of :data:`SURROGATES`.
        queries: Rows asked, shape (n, d), n at least 1.
        targets: What was answered, shape (n, k), as :func:`as_targets` gives it.
        bounds: Smallest and largest feature value; inputs are scaled by them.
        seed: Seed of the training.

    Returns:
        Rows of shape (m, d) to scores of shape (m, k), of which the highest is the label; a
        :class:`Network`, which has a gradient, where the family is one.

    Raises:
        Misconfigured: There is no surrogate family of that name.

    References:
        Tramèr et al. (2016), Stealing machine learning models via prediction APIs,
        arXiv:1609.02943. Orekondy, Schiele and Fritz (2019), Knockoff nets: stealing
        functionality of black-box models, arXiv:1812.02766. Jagielski et al. (2020), High
        accuracy and high fidelity extraction of neural networks, arXiv:1909.01838.
    """
    if family not in SURROGATES:
        raise Misconfigured(f"unknown surrogate {family!r}; known: {', '.join(SURROGATES)}")
    return SURROGATES[family](queries, targets, bounds, seed)
