"""The face a model shows to an evaluation: answers, counted, and a gradient where it is honest."""

import numpy as np

from seclab.datasets import Dataset, Splits
from seclab.errors import InvalidData, NotEvaluated
from seclab.measurement import Subject
from seclab.models.answering import probabilities_of
from seclab.models.gradients import LossGradient, fixed_gradients
from seclab.models.specs import ModelSpec
from seclab.models.structure import (
    AffineLayer,
    DecisionTree,
    affine_layers,
    decision_trees,
    is_layered,
    is_made_of_trees,
)
from seclab.models.training import CLASSIFY, SCALE, TrainedModel, fit


class Target:
    """What an evaluation may ask of a trained model.

    Inputs are float64 of shape (n, d) in the native feature range. Every row answered is one
    query; gradients are counted apart, for white-box access is another threat model.

    Args:
        model: The model under evaluation.
        data: The splits it was trained and is to be judged on.
    """

    def __init__(self, model: TrainedModel, data: Splits) -> None:
        self._model = model
        self.data = data
        self.queries = 0
        self.gradient_queries = 0
        self._loss_gradient: LossGradient | None = None
        self._margin_gradient: LossGradient | None = None
        if self.has_affine_layers:
            layers = [(layer.weights, layer.bias) for layer in affine_layers(model.pipeline)]
            self._loss_gradient, self._margin_gradient = fixed_gradients(layers)
        self._classes: np.ndarray = model.pipeline[CLASSIFY].classes_
        self._probabilities = probabilities_of(model.pipeline, scale=SCALE, classify=CLASSIFY)

    @property
    def subject(self) -> Subject:
        """The model, pinned by the digest of its file."""
        return Subject("model", self._model.spec.name, str(self._model.digest))

    @property
    def spec(self) -> ModelSpec:
        """What was trained."""
        return self._model.spec

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return self._model.seed

    @property
    def model_file(self) -> bytes:
        """The file that it is loaded from; empty for one that was trained only to be asked."""
        return self._model.data

    @property
    def classes(self) -> np.ndarray:
        """The labels in the order of the probabilities, shape (k,)."""
        return self._classes

    @property
    def has_gradient(self) -> bool:
        """Whether :meth:`loss_gradient` may be asked."""
        return self._loss_gradient is not None

    @property
    def has_affine_layers(self) -> bool:
        """Whether :meth:`affine_layers` may be asked."""
        return is_layered(self._model.pipeline)

    @property
    def has_decision_trees(self) -> bool:
        """Whether :meth:`decision_trees` may be asked."""
        return is_made_of_trees(self._model.pipeline)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Class probabilities of shape (n, k), one query a row."""
        self._require_rows(x)
        self.queries += len(x)
        return self._probabilities(x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Labels of shape (n,), one query a row."""
        labels: np.ndarray = self._classes[self.predict_proba(x).argmax(axis=1)]
        return labels

    def loss_gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cross-entropy loss of shape (n,) and its gradient (n, d) per native unit.

        Raises:
            NotEvaluated: The model has no gradient; see :attr:`has_gradient`.
        """
        return self._native(self._loss_gradient, x, y)

    def margin_gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lead (n,) of the best other class over the true one, and its gradient (n, d).

        Taken on the scores before softmax, per native unit: it leads on where saturated
        probabilities have no slope left. At least 0 where the model is wrong or undecided.

        Raises:
            NotEvaluated: The model has no gradient; see :attr:`has_gradient`.
        """
        return self._native(self._margin_gradient, x, y)

    def affine_layers(self) -> tuple[AffineLayer, ...]:
        """The layers of the network over native features; no query, for nothing is answered.

        Raises:
            NotEvaluated: The model has none; see :attr:`has_affine_layers`.
        """
        return affine_layers(self._model.pipeline)

    def decision_trees(self) -> tuple[DecisionTree, ...]:
        """The trees of the model over native features; no query, for nothing is answered.

        Raises:
            NotEvaluated: The model has none; see :attr:`has_decision_trees`.
        """
        return decision_trees(self._model.pipeline)

    def retrain(self, dataset: Dataset, *, seed: int) -> "Target":
        """A model of the same spec trained on other rows, with a query count of its own."""
        dataset.require_usable()
        pipeline = fit(self.spec, dataset, seed=seed)
        model = TrainedModel(
            self.spec, seed, pipeline, b"", self._model.digest, dataset.fingerprint().ordered
        )
        return Target(model, self.data)

    def _native(
        self, gradient: LossGradient | None, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if gradient is None:
            raise NotEvaluated(f"{self.spec.name} has no loss gradient")
        self._require_rows(x)
        self.gradient_queries += len(x)
        return gradient(x, np.searchsorted(self._classes, y))

    def _require_rows(self, x: np.ndarray) -> None:
        columns = self.data.train.features.shape[1]
        if x.ndim != 2 or x.shape[1] != columns:
            raise InvalidData(f"{self.spec.name} takes rows of {columns} features, got {x.shape}")
        if not np.isfinite(x).all():
            raise InvalidData(f"{self.spec.name} takes finite features, got NaN or infinity")
