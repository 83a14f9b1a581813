"""A model behind an output control: what a client of the service sees."""

import numpy as np

from seclab.datasets import Dataset, Splits
from seclab.measurement import Subject
from seclab.models.answers import believed
from seclab.models.output_controls import OutputControl
from seclab.models.specs import ModelSpec
from seclab.models.structure import AffineLayer, DecisionTree
from seclab.models.target import Target


class ControlledTarget:
    """A target that answers as a service with an output control does.

    Gradient and structure stay those of the model: who has its file does not ask the service, and
    no control protects against that attacker.

    Args:
        target: The model, or a service that has a control already; it keeps counting the queries.
        control: What is served of its confidences.
    """

    def __init__(self, target: "Target | ControlledTarget", control: OutputControl) -> None:
        self._target = target
        self.control = control

    @property
    def uncontrolled(self) -> Target:
        """The model as it answers without any control."""
        inner = self._target
        return inner.uncontrolled if isinstance(inner, ControlledTarget) else inner

    @property
    def resolution(self) -> float:
        """About how far a served confidence may be from the true one, 0 when it is exact."""
        inner = self._target
        below = inner.resolution if isinstance(inner, ControlledTarget) else 0.0
        return max(self.control.resolution, below)

    @property
    def subject(self) -> Subject:
        """The model behind the control."""
        return self._target.subject

    @property
    def spec(self) -> ModelSpec:
        """What was trained."""
        return self._target.spec

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return self._target.seed

    @property
    def data(self) -> Splits:
        """The splits of the model."""
        return self._target.data

    @property
    def model_file(self) -> bytes:
        """The file of the model, which no control on answers protects."""
        return self._target.model_file

    @property
    def classes(self) -> np.ndarray:
        """The labels in the order of the confidences, shape (k,)."""
        return self._target.classes

    @property
    def queries(self) -> int:
        """Rows that the model has answered, here and without the control."""
        return self._target.queries

    @property
    def gradient_queries(self) -> int:
        """Rows whose gradient was asked of the model, here and without the control."""
        return self._target.gradient_queries

    @property
    def has_gradient(self) -> bool:
        """Whether the model has one."""
        return self._target.has_gradient

    @property
    def has_affine_layers(self) -> bool:
        """Whether the model is made of them."""
        return self._target.has_affine_layers

    @property
    def has_decision_trees(self) -> bool:
        """Whether the model is made of them."""
        return self._target.has_decision_trees

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Labels of shape (n,), one query a row; the model's own under every control."""
        return self._target.predict(x)

    def answers(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """All that one query a row gives.

        Returns:
            Labels of shape (n,), and confidences of shape (n, k) with NaN where they are
            withheld, or ``None`` where labels are all that is served.
        """
        serve, inner = self.control.serve, self._target
        if serve is None:
            return inner.predict(x), None
        if not isinstance(inner, ControlledTarget):
            probabilities = inner.predict_proba(x)
            return self.classes[probabilities.argmax(axis=1)], serve(x, probabilities)
        # What the control below withholds this one has not got.
        labels, told = inner.answers(x)
        if told is None:
            return labels, None
        served = serve(x, self._believed(labels, told))
        return labels, np.where(np.isnan(told), np.nan, served)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """What an attacker who knows the control makes of the answers, one query a row.

        What can be taken back without a secret, as a temperature, is.

        Returns:
            Rows of shape (n, k) that sum to 1; the highest of a row is the label. See
            :func:`seclab.models.answers.believed`.
        """
        return self._undone(self._believed(*self.answers(x)))

    def imitated(
        self, x: np.ndarray, probabilities: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """What the attacker would make of a model of its own behind a copy of the control.

        Args:
            x: The questions, shape (n, d).
            probabilities: What the attacker's model answers, shape (n, k).
            rng: Stands for the secret of the control, which the attacker has not.

        Returns:
            Rows of shape (n, k), like those that :meth:`predict_proba` gives of this model.
        """
        served = self.control.imitated(x, probabilities, rng)
        labels = probabilities.argmax(axis=1)
        return self._undone(believed(labels, served, classes=probabilities.shape[1]))

    def taken_for_truth(self, x: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """What a client has who does not look behind the control.

        Args:
            x: The questions, shape (n, d).
            probabilities: What the model answers, shape (n, k).

        Returns:
            Rows of shape (n, k) that sum to 1, the label the highest.
        """
        serve = self.control.serve
        served = None if serve is None else serve(x, probabilities)
        return believed(probabilities.argmax(axis=1), served, classes=probabilities.shape[1])

    def _believed(self, labels: np.ndarray, confidences: np.ndarray | None) -> np.ndarray:
        chosen = np.searchsorted(self.classes, labels)
        return believed(chosen, confidences, classes=len(self.classes))

    def _undone(self, shares: np.ndarray) -> np.ndarray:
        return shares if self.control.undo is None else self.control.undo(shares)

    def loss_gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """That of the model: see :meth:`seclab.models.Target.loss_gradient`."""
        return self._target.loss_gradient(x, y)

    def margin_gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """That of the model: see :meth:`seclab.models.Target.margin_gradient`."""
        return self._target.margin_gradient(x, y)

    def affine_layers(self) -> tuple[AffineLayer, ...]:
        """Those of the model: see :meth:`seclab.models.Target.affine_layers`."""
        return self._target.affine_layers()

    def decision_trees(self) -> tuple[DecisionTree, ...]:
        """Those of the model: see :meth:`seclab.models.Target.decision_trees`."""
        return self._target.decision_trees()

    def retrain(self, dataset: Dataset, *, seed: int) -> "ControlledTarget":
        """A model of the same spec trained on other rows, behind the same control."""
        return ControlledTarget(self._target.retrain(dataset, seed=seed), self.control)
