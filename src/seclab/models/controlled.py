"""A model behind an output control: what a client of the service sees, and nothing else."""

import numpy as np

from seclab.datasets import Dataset, Splits
from seclab.errors import NotEvaluated
from seclab.measurement import Subject
from seclab.models.output_controls import OutputControl
from seclab.models.target import Target


class ControlledTarget:
    """A target that answers as a service with an output control does.

    It offers neither gradient nor structure, whatever the model has.

    Args:
        target: The model; it keeps counting the queries.
        control: What is served of its confidences.
    """

    has_gradient = False

    def __init__(self, target: Target, control: OutputControl) -> None:
        self._target = target
        self.control = control

    @property
    def subject(self) -> Subject:
        """The model behind the control."""
        return self._target.subject

    @property
    def data(self) -> Splits:
        """The splits of the model."""
        return self._target.data

    @property
    def queries(self) -> int:
        """Rows that the model has answered, here and without the control."""
        return self._target.queries

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Labels of shape (n,), one query a row; the model's own under every control."""
        return self._target.predict(x)

    def answers(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """All that one query a row gives.

        Returns:
            Labels of shape (n,), and confidences of shape (n, k) with NaN where they are
            withheld, or ``None`` where labels are all that is served.
        """
        if self.control.serve is None:
            return self._target.predict(x), None
        probabilities = self._target.predict_proba(x)
        return probabilities.argmax(axis=1), self.control.serve(x, probabilities)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Confidences of shape (n, k) as they are served, one query a row.

        Raises:
            NotEvaluated: The control withholds some or all of them; see :meth:`answers`.
        """
        if self.control.serve is None:
            raise NotEvaluated(f"only {self.control.name} is served of {self.subject.name}")
        _, confidences = self.answers(x)
        if confidences is None or np.isnan(confidences).any():
            raise NotEvaluated(f"only {self.control.name} is served of {self.subject.name}")
        return confidences

    def retrain(self, dataset: Dataset, *, seed: int) -> "ControlledTarget":
        """A model of the same spec trained on other rows, behind the same control."""
        return ControlledTarget(self._target.retrain(dataset, seed=seed), self.control)
