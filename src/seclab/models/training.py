"""Training: a spec, a dataset and a seed give one model with one digest."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_limits

from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_bytes
from seclab.models.gradients import LossGradient, loss_gradient_of
from seclab.models.persistence import dumps, loads
from seclab.models.specs import AdversarialTraining, ModelSpec

SCALE, CLASSIFY = "scale", "classify"


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """A fitted model, pinned.

    Attributes:
        spec: What was trained.
        seed: The seed of the training.
        pipeline: Fixed scaling to 0..1, then the classifier: takes features in native range.
        data: The skops file.
        digest: Digest of ``data``.
        trained_on: Ordered digest of the training rows.
    """

    spec: ModelSpec
    seed: int
    pipeline: Pipeline = field(repr=False)
    data: bytes = field(repr=False)
    digest: Digest
    trained_on: Digest


def train(spec: ModelSpec, dataset: Dataset, *, seed: int) -> TrainedModel:
    """Train a model.

    Args:
        spec: What to train.
        dataset: The training rows.
        seed: Equal seeds give equal models, down to the digest of their file.

    Raises:
        InvalidData: The dataset holds what nothing can be learned from.
        Misconfigured: The spec asks for hardening of a model without a gradient.
    """
    dataset.require_usable()
    pipeline = fit(spec, dataset, seed=seed)
    data = dumps(pipeline)
    return TrainedModel(spec, seed, pipeline, data, of_bytes(data), dataset.fingerprint().ordered)


def restore(
    spec: ModelSpec, data: bytes, *, seed: int, digest: Digest, trained_on: Digest
) -> TrainedModel:
    """A model that was trained before, from its file.

    Raises:
        UntrustedModel: The file is not the one that was recorded, or is not safe to load.
    """
    return TrainedModel(spec, seed, loads(data, expected=digest), data, digest, trained_on)


def fit(spec: ModelSpec, dataset: Dataset, *, seed: int) -> Pipeline:
    """Only the fitted pipeline, for attacks that train many models and keep none."""
    low, high = dataset.feature_range
    columns = dataset.features.shape[1]
    # Scaling by the declared range, not by what the rows happen to hold: an epsilon must mean
    # the same for every model.
    scaler = MinMaxScaler().fit(np.array([[low] * columns, [high] * columns]))
    estimator = spec.estimator(seed=seed)
    x = scaler.transform(dataset.features)
    # Two BLAS threads add in another order than one: the last bits, and the digest, would differ.
    with threadpool_limits(limits=1, user_api="blas"), warnings.catch_warnings():
        # An MLP stopped at its iteration limit is a fixed training budget, not a mistake.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if spec.hardening is None:
            estimator.fit(x, dataset.labels)
        elif isinstance(estimator, MLPClassifier):
            _fit_adversarially(estimator, x, dataset.labels, spec.hardening, seed=seed)
        else:
            raise Misconfigured(f"{spec.name}: adversarial training needs an MLP")
    return Pipeline([(SCALE, scaler), (CLASSIFY, estimator)])


def _fit_adversarially(
    estimator: MLPClassifier,
    x: np.ndarray,
    y: np.ndarray,
    hardening: AdversarialTraining,
    *,
    seed: int,
) -> None:
    """Fit on examples made against the weights of the moment, at a budget that grows to its end.

    The clean rows stay in every pass: without them the accuracy at small budgets suffers.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(y)
    gradient = loss_gradient_of(estimator)
    estimator.partial_fit(x, y, classes=classes)
    indexes = np.searchsorted(classes, y)
    for epoch in range(hardening.epochs):
        budget = hardening.epsilon * min(1.0, (epoch + 1) / (hardening.epochs / 2))
        worst = _worst_case(gradient, x, indexes, epsilon=budget, steps=hardening.steps, rng=rng)
        estimator.partial_fit(np.vstack([x, worst]), np.concatenate([y, y]))


def _worst_case(
    gradient: LossGradient,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Ascend the loss inside the L-infinity ball and the unit box from a random start."""
    low, high = np.maximum(x - epsilon, 0.0), np.minimum(x + epsilon, 1.0)
    adversarial = rng.uniform(low, high)
    for _ in range(steps):
        _, slope = gradient(adversarial, y)
        adversarial = np.clip(adversarial + 2.5 * epsilon / steps * np.sign(slope), low, high)
    return adversarial
