"""Rows whose label the rest of the set contradicts: by a fit without them, and by neighbours."""

from collections import Counter

import numpy as np

from seclab.defenses.kernel_ridge import (
    HeldOut,
    class_indexes,
    kernel_features,
    ridge_fit,
)
from seclab.defenses.suspicion import Suspicion
from seclab.errors import Misconfigured

_CHUNK = 512  # rows whose distances are held at once


def label_noise(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    landmarks: int = 600,
    width: float = 1.0,
    ridge: float = 0.5,
    rounds: int = 3,
    doubtful: float = 0.25,
    sure: float = 0.5,
    spare: int = 2,
    spare_share: float = 0.002,
    spare_ratio: float = 0.25,
    pair_spare: int = 4,
    pair_share: float = 0.001,
    pair_ratio: float = 2.0,
) -> Suspicion:
    """Label errors by the held-out margin of a kernel ridge that is fitted again without them.

    Each round judges every row by a fit that has not seen it; the next round is fitted on the
    rows whose label was not contradicted. Margins are in units of the ordinary row's, so the
    cuts need no estimate of how many labels are wrong.

    A flip is contradicted as firmly as a right label is confirmed; a hard genuine row is seldom.
    The set alarms where the first round firmly contradicts more rows than the hard rows of the
    set make likely: ``spare + spare_share * n + spare_ratio * (rows contradicted mildly)``. It
    alarms too where too many of the flagged rows bear one label and look like one other class,
    for what classes have in common is mistaken both ways: ``pair_spare + pair_share * n +
    pair_ratio * (flagged rows of the other label that look like this one)``. Where features hardly
    tell the classes apart that is passed without any attack; take the shares from resamples of a
    trusted version there.

    Args:
        features: Rows of shape (n, d), finite, columns in comparable units (pixels are).
        labels: Integers of shape (n,), of two classes at least.
        rng: Draws the landmarks.
        landmarks: Columns of the kernel's approximation, above 0. Time grows with their square,
            memory with n times their number.
        width: Width of the kernel in median squared distances, above 0.
        ridge: Penalty of the fit, above 0: smaller follows single rows more closely.
        rounds: How often the fit is made, at least 1.
        doubtful: A row is flagged where its margin is below minus this.
        sure: A label counts as firmly contradicted where its margin is below minus this.
        spare: Rows that may be firmly contradicted in any set.
        spare_share: The same, per row of the set.
        spare_ratio: The same, per row that is contradicted mildly.
        pair_spare: Rows of one label that may be flagged for one other class in any set.
        pair_share: The same, per row of the set.
        pair_ratio: The same, per row that is flagged the other way round.

    Returns:
        Scores are minus the margin: about -1 for an ordinary row, above 0 for a contradicted one.

    Raises:
        Misconfigured: No table with a label for each row, one label only, or a parameter outside
            its range.

    References:
        Brodley and Friedl (1999), Identifying mislabeled training data, JAIR 11, for filtering by
        fits that have not seen the row. Northcutt, Jiang and Chuang (2021), Confident learning,
        JAIR 70, for judging each class by its own measure.
    """
    positive = {"landmarks": landmarks, "width": width, "ridge": ridge, "rounds": rounds}
    problems = [f"{name} has to be above 0, got {v}" for name, v in positive.items() if not v > 0]
    if problems:
        raise Misconfigured(problems)
    classes, y = class_indexes(features, labels, detector="label_noise")
    phi = kernel_features(features, landmarks=landmarks, width=width, rng=rng)
    kept = np.ones(len(y), dtype=bool)
    first = judgement = ridge_fit(phi, y, ridge=ridge, kept=kept).held_out()
    for _ in range(rounds - 1):
        kept = judgement.margins > 0.0
        judgement = ridge_fit(phi, y, ridge=ridge, kept=kept).held_out()
    firmly = int((first.margins < -sure).sum())
    mildly = int((first.margins < 0.0).sum()) - firmly
    allowed = spare + spare_share * len(y) + spare_ratio * mildly
    one_way = _one_way(y, judgement, judgement.margins < -doubtful, pair_ratio)
    alarm = firmly > allowed or one_way > pair_spare + pair_share * len(y)
    return _suspicion("label_noise", judgement, classes, y, cut=doubtful, alarm=alarm)


def _one_way(y: np.ndarray, judgement: HeldOut, flagged: np.ndarray, ratio: float) -> float:
    """Most flagged rows of one label for one rival, less those of the reverse times the ratio."""
    counts = np.zeros((judgement.scores.shape[1],) * 2)
    np.add.at(counts, (y[flagged], judgement.rivals[flagged]), 1.0)
    return float((counts - ratio * counts.T).max())


def neighbour_labels(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    neighbours: int = 10,
    references: int = 6000,
    doubtful: float = 0.4,
    spare: int = 4,
    spare_share: float = 0.01,
) -> Suspicion:
    """Label errors by the labels of the nearest other rows, every class with the same weight.

    Makes fewer assumptions than :func:`label_noise`, and is fooled once the flips of one class
    into another are as many as the rows they were taken from.

    Args:
        features: Rows of shape (n, d), finite, columns in comparable units (pixels are).
        labels: Integers of shape (n,), of two classes at least.
        rng: Draws the references where there are more rows than that.
        neighbours: How many neighbours vote, at least 1.
        references: Among how many rows neighbours are looked for.
        doubtful: A row is flagged where another class has this much more of the vote than the
            row's own, 0 to 1.
        spare: Rows that may be flagged in any set.
        spare_share: The same, per row of the set; the set alarms above the two together.

    Returns:
        Scores are the share of the vote of the strongest other class less the own, -1 to 1.

    Raises:
        Misconfigured: No table with a label for each row, one label only, or fewer than one
            neighbour.

    References:
        Wilson (1972), Asymptotic properties of nearest neighbor rules using edited data, IEEE
        Transactions on Systems, Man, and Cybernetics 2.
    """
    if neighbours < 1 or references < 2:
        raise Misconfigured(
            f"at least 1 neighbour has to vote among 2 rows, got {neighbours} among {references}"
        )
    classes, y = class_indexes(features, labels, detector="neighbour_labels")
    chosen = np.arange(len(y))
    if references < len(y):
        chosen = np.sort(rng.choice(len(y), size=references, replace=False))
    votes = _votes(features, y, chosen, min(neighbours, len(chosen) - 1))
    own = votes[np.arange(len(y)), y]
    votes[np.arange(len(y)), y] = -1.0
    lead = HeldOut(own - votes.max(axis=1), votes.argmax(axis=1), votes, 1.0)
    flags = int((lead.margins < -doubtful).sum())
    alarm = flags > spare + spare_share * len(y)
    return _suspicion("neighbour_labels", lead, classes, y, cut=doubtful, alarm=alarm)


def _votes(features: np.ndarray, y: np.ndarray, chosen: np.ndarray, k: int) -> np.ndarray:
    """Share of the vote of each class among the ``k`` nearest of the chosen rows, shape (n, c)."""
    classes = int(y.max()) + 1
    weight = 1.0 / np.maximum(np.bincount(y[chosen], minlength=classes), 1)
    centre = features[chosen].mean(axis=0)
    anchors = (features[chosen] - centre).astype(np.float32)
    lengths = (anchors**2).sum(axis=1)
    ballot = np.zeros((len(chosen), classes))
    ballot[np.arange(len(chosen)), y[chosen]] = weight[y[chosen]]
    place = np.full(len(y), -1)
    place[chosen] = np.arange(len(chosen))
    votes = np.empty((len(y), classes))
    for start in range(0, len(y), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(y)))
        distances = lengths - 2.0 * (features[rows] - centre).astype(np.float32) @ anchors.T
        itself = place[rows] >= 0
        distances[np.flatnonzero(itself), place[rows][itself]] = np.inf
        nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        votes[rows] = ballot[nearest].sum(axis=1)
    votes /= votes.sum(axis=1, keepdims=True)
    return votes


def _suspicion(
    detector: str,
    judgement: HeldOut,
    classes: np.ndarray,
    y: np.ndarray,
    *,
    cut: float,
    alarm: bool,
) -> Suspicion:
    flagged = judgement.margins < -cut
    pairs = Counter(zip(y[flagged].tolist(), judgement.rivals[flagged].tolist(), strict=True))
    found = f"the rest contradicts the label of {int(flagged.sum())} of {len(y)} rows"
    if pairs:
        (own, rival), times = pairs.most_common(1)[0]
        found += f", most often labelled {classes[own]} and like {classes[rival]} ({times} rows)"
    return Suspicion(detector, -judgement.margins, flagged, alarm, found)
