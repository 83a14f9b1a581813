"""Model extraction: learn a surrogate from nothing but the answers of a model."""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from seclab.errors import Misconfigured


def _softmax_regression(seed: int) -> ClassifierMixin:
    return LogisticRegression(max_iter=1000, random_state=seed)


def _mlp(seed: int) -> ClassifierMixin:
    # Ten times the usual step: a surrogate has few rows, hence few steps in a pass.
    return MLPClassifier(64, learning_rate_init=1e-2, max_iter=300, random_state=seed)


SURROGATES: Mapping[str, Callable[[int], ClassifierMixin]] = MappingProxyType(
    {"softmax-regression": _softmax_regression, "mlp": _mlp}
)


def draw_queries(
    pool: np.ndarray,
    *,
    budget: int,
    jitter: float,
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Choose the rows to ask about: all of the pool in random order, then noisy copies of it.

    Args:
        pool: Rows the attacker owns, shape (m, d), m at least 1.
        budget: How many rows, at least 1.
        jitter: Largest change of a feature in a copy, as a fraction of the feature range.
        bounds: Smallest and largest value a feature may have.
        rng: Decides order and noise.

    Returns:
        Array of shape (budget, d). The first rows of a large budget are what an equal generator
        chooses for a small one, so that budgets are nested.
    """
    low, high = bounds
    order = rng.permutation(len(pool))
    queries = pool[order[np.arange(budget) % len(pool)]]
    copies = queries[len(pool) :]
    noise = rng.uniform(-1.0, 1.0, copies.shape) * jitter * (high - low)
    copies[:] = np.clip(copies + noise, low, high)
    return queries


def train_surrogate(
    family: str,
    queries: np.ndarray,
    answers: np.ndarray,
    *,
    bounds: tuple[float, float],
    seed: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a surrogate to labels that a model gave.

    Args:
        family: One of :data:`SURROGATES`.
        queries: Rows asked, shape (n, d), n at least 1.
        answers: Labels received, integers of shape (n,); if they are all the same, the surrogate
            gives that one label.
        bounds: Smallest and largest value a feature may have; inputs are scaled by it.
        seed: Seed of the training.

    Returns:
        Rows of shape (m, d) to labels of shape (m,).

    Raises:
        Misconfigured: There is no surrogate family of that name.

    References:
        Tramèr et al. (2016), Stealing machine learning models via prediction APIs,
        arXiv:1609.02943. Orekondy, Schiele and Fritz (2019), Knockoff nets: stealing
        functionality of black-box models, arXiv:1812.02766.
    """
    if family not in SURROGATES:
        raise Misconfigured(f"unknown surrogate {family!r}; known: {', '.join(SURROGATES)}")
    low, high = bounds
    one_answer = np.unique(answers).size == 1
    estimator = DummyClassifier() if one_answer else SURROGATES[family](seed)
    with warnings.catch_warnings():
        # The iteration limit is the attacker's training budget, not a mistake.
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit((queries - low) / (high - low), answers)

    def predict(x: np.ndarray) -> np.ndarray:
        labels: np.ndarray = estimator.predict((x - low) / (high - low))
        return labels

    return predict
