"""The models of the lab as the adversarial-robustness-toolbox sees them: features in 0 to 1."""

import warnings
from typing import Any

import numpy as np

with warnings.catch_warnings():
    # ART warns that there is no torch, which nothing here uses.
    warnings.simplefilter("ignore")
    import art
    from art.attacks.evasion import FastGradientMethod, HopSkipJump, ProjectedGradientDescent
    from art.attacks.extraction import CopycatCNN, KnockoffNets
    from art.attacks.inference.membership_inference import (
        MembershipInferenceBlackBox,
        ShadowModels,
    )
    from art.estimators.classification import BlackBoxClassifier, SklearnClassifier
    from art.estimators.classification.classifier import ClassGradientsMixin, LossGradientsMixin

from seclab.models import Target
from seclab.models.training import CLASSIFY

__all__ = [
    "VERSION",
    "CopycatCNN",
    "FastGradientMethod",
    "HopSkipJump",
    "KnockoffNets",
    "MembershipInferenceBlackBox",
    "ProjectedGradientDescent",
    "ShadowModels",
    "WithOurGradient",
    "counted",
    "wrapped",
]

VERSION = art.__version__


def wrapped(target: Target) -> Any:
    """The scikit-learn estimator of a model, in ART's own wrapper."""
    return SklearnClassifier(target._model.pipeline[CLASSIFY], clip_values=(0.0, 1.0))  # noqa: SLF001


class WithOurGradient(ClassGradientsMixin, LossGradientsMixin, BlackBoxClassifier):
    """Lets ART's attacks follow the gradient that :class:`Target` gives.

    ART's wrapper of an MLPClassifier has no gradient at all, and that of a LogisticRegression
    takes most of the time of an attack. Here both tools follow the same gradient.
    """

    def __init__(self, target: Target) -> None:
        columns = target.data.test.features.shape[1]
        self._target, self._scale = target, float(target.data.test.scale)
        super().__init__(
            lambda x: target.predict_proba(np.asarray(x, dtype=float) * self._scale),
            input_shape=(columns,),
            nb_classes=len(target.classes),
            clip_values=(0.0, 1.0),
        )

    def loss_gradient(self, x: np.ndarray, y: np.ndarray, **_: object) -> np.ndarray:
        """Gradient of the cross-entropy, shape (n, d), for one-hot labels (n, k)."""
        rows = x * x.dtype.type(self._scale)
        return self._target.loss_gradient(rows, y.argmax(axis=1))[1] * self._scale

    def class_gradient(self, x: np.ndarray, label: object = None, **_: object) -> np.ndarray:
        """Nothing here asks for it."""
        raise NotImplementedError


def counted(classifier: Any) -> list[int]:
    """Have a classifier of ART's count the rows it is asked about, into the list returned."""
    asked, predict = [0], classifier.predict

    def counting(x: np.ndarray, *args: object, **options: object) -> np.ndarray:
        asked[0] += len(x)
        return np.asarray(predict(x, *args, **options))

    classifier.predict = counting
    return asked
