"""What reconstructions are worth: recognised, alike, and nearer to training images than to others.

The attacker sees nothing of this: the judge, the labels of the population, the training images and
the held-out ones belong to whoever evaluates.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import gammaln
from sklearn.neighbors import KNeighborsClassifier

from seclab.datasets import Dataset, Splits
from seclab.measurement import Estimate, Interval
from seclab.statistics import LEVEL, difference, mean_of, mean_of_groups, proportion_of

FPR = 0.01
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What an attack came by.

    Attributes:
        attack: ``gradient`` or ``scores``.
        rows: Reconstructions by class, shape (c, starts, d).
        confidence: The model's probability of the class each is meant for, shape (c, starts).
    """

    attack: str
    rows: np.ndarray
    confidence: np.ndarray


class Judge:
    """Says whether a row looks like a class: the nearest rows of the population, with labels.

    It has nothing of the model, so that what fools the model does not fool it for that reason.
    """

    def __init__(self, population: Dataset) -> None:
        neighbours = min(_NEIGHBOURS, len(population))
        self._nearest = KNeighborsClassifier(neighbours)
        self._nearest.fit(population.features, population.labels)

    def recognised(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Whether each of the rows (c, starts, d) looks like its class (c,), shape (c, starts)."""
        found: np.ndarray = self._nearest.predict(rows.reshape(-1, rows.shape[-1]))
        hits: np.ndarray = found.reshape(rows.shape[:2]) == labels[:, None]
        return hits


def class_means(dataset: Dataset, labels: np.ndarray) -> np.ndarray:
    """The mean image of each class, shape (c, d)."""
    return np.stack([dataset.features[dataset.labels == label].mean(axis=0) for label in labels])


def likeness(rows: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Pearson correlation over the pixels of rows and means, both (c, d), shape (c,).

    A negative one is no likeness and counts as 0, as one of an image without any contrast.
    """
    one = rows - rows.mean(axis=1, keepdims=True)
    other = means - means.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    products = np.sum(one * other, axis=1)
    flat = lengths < 1e-12
    return np.clip(np.where(flat, 0.0, products / np.where(flat, 1.0, lengths)), 0.0, 1.0)


def mean_likeness(values: np.ndarray) -> Estimate:
    """The mean over the classes with Student's interval, cut off at 0 and 1."""
    found = mean_of(values)
    low, high = max(0.0, found.low), min(1.0, found.high)
    interval = Interval(min(low, found.value), max(high, found.value), LEVEL, "student")
    return Estimate(found.value, interval, found.n)


def mean_by_class(shares: np.ndarray) -> Estimate:
    """The mean of fractions (c, starts), where the starts of a class go together."""
    return mean_of_groups(shares.sum(axis=1), np.full(len(shares), shares.shape[1]))


def nearest_is_training(rows: np.ndarray, members: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How often the nearest of as many members as others is a member, for each row.

    There are more members than others, and among more images a nearer one is found. So as many
    members are drawn as there are others, and the share of draws is exact, for it only depends on
    how many members lie nearer than the nearest other.

    Args:
        rows: Reconstructions of one class, shape (n, d).
        members: Training images of the class, shape (m, d).
        others: Images of the class that no training saw; at most m of them are used.

    Returns:
        Shares of shape (n,), 0 to 1. A model that knows nothing of single images has 0.5 on
        average.
    """
    others = others[: len(members)]
    nearest = cdist(rows, others).min(axis=1)
    nearer = (cdist(rows, members) < nearest[:, None]).sum(axis=1)
    far, drawn = len(members) - nearer, len(others)
    none_drawn = np.exp(
        _log_choices(np.maximum(far, drawn), drawn) - _log_choices(len(members), drawn)
    )
    return np.where(far >= drawn, 1.0 - none_drawn, 1.0)


def _log_choices(of: np.ndarray | int, drawn: int) -> np.ndarray:
    """The logarithm of the number of ways to draw some of a set."""
    found: np.ndarray = gammaln(of + 1.0) - gammaln(drawn + 1.0) - gammaln(of - drawn + 1.0)
    return found


def exposed(made: Made, data: Splits, labels: np.ndarray) -> Estimate | None:
    """How many more training than held-out images lie very near to a reconstruction.

    Very near is nearer than all but 1% of the held-out images are to one of their class. Classes
    are not equally wide: distances are counted in the median of the class, over training and
    held-out images alike.

    Returns:
        The share of training images less that of held-out ones, 0 by chance, with Newcombe's
        interval: it allows for how few held-out images stand behind the threshold. ``None`` where
        there are fewer than 100 of them.
    """
    if not supported(data):
        return None
    members, others = [], []
    for label, rows in zip(labels, made.rows, strict=True):
        distances = [
            cdist(part.features[part.labels == label], rows).min(axis=1)
            for part in (data.train, data.test)
        ]
        typical = max(float(np.median(np.concatenate(distances))), 1e-12)
        members.append(distances[0] / typical)
        others.append(distances[1] / typical)
    held_out = np.concatenate(others)
    very_near = np.sort(held_out)[int(held_out.size * FPR)]
    return difference(
        proportion_of(np.concatenate(members) < very_near), proportion_of(held_out < very_near)
    )


def supported(data: Splits) -> bool:
    """Whether there are held-out images enough for one false alarm in a hundred."""
    return len(data.test) * FPR >= 1.0
