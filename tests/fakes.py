"""Stand-ins with known answers, for what is otherwise trained."""

import numpy as np
from scipy.special import softmax

from seclab.measurement import Subject
from seclab.models import fit, spec
from seclab.models.persistence import dumps


class Linear:
    """A softmax regression with given weights that keeps the rows it was asked."""

    def __init__(self, weights, biases):
        self.weights, self.biases = np.asarray(weights, float), np.asarray(biases, float)
        self.asked, self.gradients_asked = [], []

    def margin_gradient(self, x, y):
        scores, rows = x @ self.weights + self.biases, np.arange(len(x))
        own = scores[rows, y]
        scores[rows, y] = -np.inf
        rival = scores.argmax(axis=1)
        return scores[rows, rival] - own, (self.weights[:, rival] - self.weights[:, y]).T

    def predict(self, x):
        self.asked.append(x.copy())
        return (x @ self.weights + self.biases).argmax(axis=1)

    def loss_gradient(self, x, y):
        self.gradients_asked.append(x.copy())
        p = softmax(x @ self.weights + self.biases, axis=1)
        rows = np.arange(len(x))
        loss = -np.log(np.maximum(p[rows, y], 1e-300))
        p[rows, y] -= 1.0
        return loss, p @ self.weights.T


class ScriptedTarget:
    """A model whose probabilities are a function of the rows, and that never learns anything else.

    Its loss is flat: no gradient leads anywhere.
    """

    seed = 0
    has_gradient = True
    has_affine_layers = has_decision_trees = False

    def __init__(self, data, probabilities, *, name="scripted"):
        self.data, self.queries, self.gradient_queries = data, 0, 0
        self.subject = Subject("model", name, "sha256:bytes:" + "0" * 64)
        self._probabilities = probabilities
        self.classes = np.arange(len(data.test.class_names))

    @property
    def model_file(self):
        """The file of a small model: its own answers come from no file."""
        rows = self.data.train.take(np.arange(40))
        return dumps(fit(spec("softmax-regression"), rows, seed=0))

    def predict_proba(self, x):
        self.queries += len(x)
        return self._probabilities(x)

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)

    def loss_gradient(self, x, y):
        self.gradient_queries += len(x)
        p = self._probabilities(x)[np.arange(len(x)), y]
        return -np.log(np.maximum(p, 1e-300)), np.zeros_like(x)

    def margin_gradient(self, x, y):
        self.gradient_queries += len(x)
        p = self._probabilities(x).copy()
        rows = np.arange(len(x))
        own = p[rows, y]
        p[rows, y] = -np.inf
        return p.max(axis=1) - own, np.zeros_like(x)

    def retrain(self, dataset, *, seed):  # noqa: ARG002 - it never learns anything else
        return ScriptedTarget(self.data, self._probabilities, name=self.subject.name)


def guessing(data):
    """A model whose answer to a row is as good as random, and always the same."""
    columns, classes = data.test.features.shape[1], len(data.test.class_names)
    directions = np.random.default_rng(0).normal(size=(columns, classes))

    def probabilities(x):
        drawn = np.modf(np.abs(np.sin(x @ directions) * 43758.5453))[0] + 1e-9
        return drawn / drawn.sum(axis=1, keepdims=True)

    return ScriptedTarget(data, probabilities, name="guessing")


def perfect(data):
    """A model that knows the nearest known image's label for certain, whoever trained on it."""
    known = np.vstack([part.features for part in data.parts().values()])
    labels = np.concatenate([part.labels for part in data.parts().values()])
    squares = (known**2).sum(axis=1)

    def probabilities(x):
        nearest = (squares - 2.0 * x @ known.T).argmin(axis=1)
        return np.eye(len(data.test.class_names))[labels[nearest]]

    return ScriptedTarget(data, probabilities, name="perfect")
