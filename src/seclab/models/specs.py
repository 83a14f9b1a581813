"""The models of the lab: what is trained, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from seclab.errors import Misconfigured
from seclab.measurement import Parameters

Family: TypeAlias = Literal["softmax-regression", "mlp", "random-forest"]


@dataclass(frozen=True, slots=True)
class AdversarialTraining:
    """Hardening by training on adversarial examples made against the model as it learns.

    Attributes:
        epsilon: L-infinity budget, as a fraction of the feature range.
        epochs: Passes over the training rows.
        steps: Projected-gradient steps per pass.

    References:
        Madry et al. (2018), Towards deep learning models resistant to adversarial attacks,
        arXiv:1706.06083.
    """

    epsilon: float
    epochs: int
    steps: int


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything that, with data and a seed, decides what a model becomes.

    Attributes:
        name: Name of the model, ``softmax-regression``.
        family: Decides which attacks are possible.
        parameters: Arguments of the scikit-learn estimator.
        hardening: Adversarial training, ``None`` for an ordinary fit.
    """

    name: str
    family: Family
    parameters: Parameters
    hardening: AdversarialTraining | None = None

    def estimator(self, *, seed: int) -> ClassifierMixin:
        """An untrained estimator."""
        return _ESTIMATORS[self.family](random_state=seed, **self.parameters)

    def describe(self) -> dict[str, object]:
        """The spec as plain JSON values, for evidence."""
        hardening = self.hardening
        return {
            "name": self.name,
            "family": self.family,
            "parameters": dict(self.parameters),
            "adversarial_training": hardening
            and {
                "epsilon": hardening.epsilon,
                "epochs": hardening.epochs,
                "steps": hardening.steps,
            },
        }


_ESTIMATORS: Mapping[Family, type] = {
    "softmax-regression": LogisticRegression,
    "mlp": MLPClassifier,
    "random-forest": RandomForestClassifier,
}

SPECS: Mapping[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec("softmax-regression", "softmax-regression", {"C": 1.0, "max_iter": 1000}),
        ModelSpec("mlp", "mlp", {"hidden_layer_sizes": 100, "max_iter": 200, "alpha": 1e-4}),
        ModelSpec("random-forest", "random-forest", {"n_estimators": 100}),
        ModelSpec(
            "mlp-hardened",
            "mlp",
            {
                "hidden_layer_sizes": 128,
                "alpha": 1e-4,
                "learning_rate_init": 2e-3,
                "batch_size": 64,
            },
            AdversarialTraining(epsilon=0.15, epochs=60, steps=5),
        ),
    )
}


def spec(name: str) -> ModelSpec:
    """A spec by name.

    Raises:
        Misconfigured: There is no model of that name.
    """
    if name not in SPECS:
        raise Misconfigured(f"unknown model {name!r}; known: {', '.join(SPECS)}")
    return SPECS[name]
