"""Other people's detectors on the same sets: cleanlab, and two of adversarial-robustness-toolbox.

They name rows and raise no alarm. A set counts as found where at least half of the rows they name
are poison: otherwise who acts on it throws away more clean rows than poisoned ones. Spectral
signatures are told the true rate.

ART refuses a wrapped scikit-learn MLP, but asks nothing of a model but its hidden layer, so it is
given that. cleanlab is given probabilities out of five folds of the same MLP.
"""

import warnings

import numpy as np
from poisoning.trials import Answer, Trial
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier

from seclab.datasets import Dataset


def cleanlab(one: Trial) -> Answer:
    """Confident learning, as ``find_label_issues`` does it by default."""
    from cleanlab.filter import find_label_issues

    data = one.dataset
    probabilities = cross_val_predict(
        _network(), data.features / data.feature_range[1], data.labels, method="predict_proba"
    )
    return _named(one, find_label_issues(data.labels, probabilities, n_jobs=1))


def activation_clustering(one: Trial) -> Answer:
    """ART's ``ActivationDefence``: of two clusters of a label the smaller one."""
    from art.defences.detector.poison import ActivationDefence

    data = one.dataset
    defence = ActivationDefence(_Hidden(data), data.features, _one_hot(data.labels))
    _, kept = defence.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA")
    return _named(one, np.asarray(kept) == 0)


def spectral_signatures(one: Trial) -> Answer:
    """ART's ``SpectralSignatureDefense``, told the true rate."""
    from art.defences.detector.poison import SpectralSignatureDefense

    data = one.dataset
    defence = SpectralSignatureDefense(
        _Hidden(data),
        data.features,
        _one_hot(data.labels),
        expected_pp_poison=float(one.poisoned.mask.mean()),
    )
    _, kept = defence.detect_poison()
    return _named(one, np.asarray(kept) == 0)


PEERS = {
    "cleanlab": cleanlab,
    "ART activations": activation_clustering,
    "ART spectral": spectral_signatures,
}


class _Hidden:
    """As much of an ART classifier as its defences ask for."""

    def __init__(self, data: Dataset) -> None:
        rows = data.features / data.feature_range[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = _network().fit(rows, data.labels)
        self.values: np.ndarray = np.maximum(rows @ model.coefs_[0] + model.intercepts_[0], 0.0)
        self.nb_classes = int(data.labels.max()) + 1
        self.layer_names = ("hidden",)

    def get_activations(self, *_: object, **__: object) -> np.ndarray:
        """All rows' hidden values, shape (n, h)."""
        return self.values


def _network() -> MLPClassifier:
    return MLPClassifier((100,), max_iter=60, random_state=0)


def _one_hot(labels: np.ndarray) -> np.ndarray:
    hot: np.ndarray = np.eye(int(labels.max()) + 1)[labels]
    return hot


def _named(one: Trial, flagged: np.ndarray) -> Answer:
    found = bool(flagged.any() and one.poisoned.mask[flagged].mean() >= 0.5)
    return Answer(found, flagged)
