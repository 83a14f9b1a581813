"""How a fitted pipeline is asked: as it answers itself, without what only checks its input."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

Ask: TypeAlias = Callable[[np.ndarray], np.ndarray]


def probabilities_of(pipeline: Pipeline, *, scale: str, classify: str) -> Ask:
    """Finite rows (n, d) to class probabilities (n, k), bit for bit those of ``predict_proba``.

    A forest checks its input and starts a pool for every call, which on few rows takes ten times
    as long as its trees do; attacks ask in many small calls. Its trees are therefore asked one
    after the other, in the forest's own order and precision.

    Args:
        pipeline: Scaling, then the classifier.
        scale: Name of the scaling step.
        classify: Name of the classifier.
    """
    scaler, classifier = pipeline[scale], pipeline[classify]
    if type(classifier) is not RandomForestClassifier:
        ask: Ask = pipeline.predict_proba
        return ask
    trees = [estimator.tree_ for estimator in classifier.estimators_]
    classes = len(classifier.classes_)

    def mean(x: np.ndarray) -> np.ndarray:
        rows = np.asarray(scaler.transform(x), dtype=np.float32)
        total = np.zeros((len(x), classes))
        for tree in trees:
            total += tree.predict(rows).reshape(total.shape)
        total /= len(trees)
        return total

    return mean
