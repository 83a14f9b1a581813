"""Rows of one label that a model holds apart: spectral signatures and activation clusters."""

import numpy as np

from seclab.defenses.kernel_ridge import class_indexes, kernel_features, ridge_fit
from seclab.defenses.left_out import Cuts, judged_groups
from seclab.defenses.nested_groups import main_directions
from seclab.defenses.suspicion import Suspicion
from seclab.errors import Misconfigured

_FEWEST = 10  # rows of a label below which it has no spread to speak of
_ROUNDS = 5  # of re-estimating a spread without the rows that are far
_STEPS = 30  # of moving two centres
_TO_DEVIATION = 1.4826  # of the median absolute deviation of a normal distribution


def spectral_signatures(
    representations: np.ndarray,
    labels: np.ndarray,
    *,
    directions: int = 10,
    central: float = 0.5,
    far: float = 8.0,
    sure: float = 11.0,
    spare: int = 4,
    spare_share: float = 0.004,
) -> Suspicion:
    """Rows far from the central part of their label, in the directions in which labels differ.

    The original takes the covariance of all rows of a label, and sets aside a fixed share of
    them. Here centre and covariance come from the central rows, found anew a few times, so that
    poison does not widen its own yardstick; and rows are set aside by distance, so that a clean
    label loses hardly any. Poison that is the greater part of a label is taken for its centre:
    then the genuine rows are those far away.

    Args:
        representations: Rows of shape (n, h): a hidden layer, or features.
        labels: Integers of shape (n,), of two classes at least.
        directions: Main directions of all rows that distances are measured in.
        central: Share of a label that centre and covariance are taken from, 0 to 1.
        far: A row is flagged beyond this many ordinary deviations of its label's distances.
        sure: Rows beyond this many count for the alarm.
        spare: Rows that may be beyond ``sure`` in any set.
        spare_share: The same, per row of the set.

    Returns:
        Scores are deviations of the row's distance from the middle one of its label, at least 0.

    Raises:
        Misconfigured: No table with a label for each row, or one label only.

    References:
        Tran, Li and Madry (2018), Spectral signatures in backdoor attacks, NeurIPS,
        arXiv:1811.00636. Hayase, Kong, Somani and Oh (2021), SPECTRE, ICML, arXiv:2104.11315, for
        the robust covariance. Rousseeuw and Van Driessen (1999), A fast algorithm for the minimum
        covariance determinant estimator, Technometrics 41.
    """
    if not 0.0 < central <= 1.0:
        raise Misconfigured(f"the central share of a label is between 0 and 1, got {central}")
    classes, y = class_indexes(representations, labels, detector="spectral_signatures")
    projected = main_directions(representations, directions)
    scores = np.zeros(len(y))
    for label in range(len(classes)):
        rows = np.flatnonzero(y == label)
        if len(rows) >= max(_FEWEST, 2 * directions):
            scores[rows] = _far_from_centre(projected[rows], central)
    flagged = scores > far
    beyond = int((scores > sure).sum())
    alarm = beyond > spare + spare_share * len(y)
    found = f"{int(flagged.sum())} of {len(y)} rows lie far from the centre of their label"
    return Suspicion("spectral_signatures", scores, flagged, alarm, found)


def _far_from_centre(rows: np.ndarray, central: float) -> np.ndarray:
    size = max(int(central * len(rows)), rows.shape[1] + 2)
    distances = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    for _ in range(_ROUNDS):
        kept = np.argsort(distances, kind="stable")[:size]
        centre = rows[kept].mean(axis=0)
        covariance = np.cov(rows[kept], rowvar=False)
        covariance += np.eye(len(covariance)) * (1e-6 * np.trace(covariance) + 1e-12)
        apart = rows - centre
        squares = np.einsum("ij,ji->i", apart, np.linalg.solve(covariance, apart.T))
        distances = np.sqrt(np.maximum(squares, 0.0))
    middle = np.median(distances)
    spread = _TO_DEVIATION * np.median(np.abs(distances - middle))
    deviations: np.ndarray = np.maximum((distances - middle) / max(float(spread), 1e-12), 0.0)
    return deviations


def activation_clusters(
    representations: np.ndarray,
    labels: np.ndarray,
    *,
    features: np.ndarray,
    rng: np.random.Generator,
    landmarks: int = 600,
    width: float = 1.0,
    ridge: float = 0.5,
    directions: int = 10,
    smallest: int = 10,
    quantile: float = 0.4,
    alien: float = 0.65,
    steady: float = 1.55,
) -> Suspicion:
    """The two clusters of each label, and whether one of them looks like another class.

    The original takes the smaller cluster for poison, which is wrong for a clean label and for a
    label that is mostly poison. Here each cluster is left out, and the class is asked for that a
    fit of the features, which has seen none of it, takes its rows for.

    Args:
        representations: Rows of shape (n, h): a hidden layer, or features.
        labels: Integers of shape (n,), of two classes at least.
        features: The same rows as the fit sees them, shape (n, d).
        rng: Draws the landmarks.
        landmarks: Columns of the kernel's approximation, above 0.
        width: Width of the kernel in median squared distances, above 0.
        ridge: Penalty of the fit, above 0.
        directions: Main directions of each label in which its rows are split.
        smallest: Rows of the smallest cluster that is judged.
        quantile: Of the pull of a cluster's rows, that counts as its strength.
        alien: A strength above this is enough, as in :func:`group_influence`.
        steady: A strength times steadiness above this is enough.

    Returns:
        Scores are the level of the row's cluster, above 1 where it is flagged, -1 where the
        cluster was too small. The set alarms where any cluster is flagged.

    Raises:
        Misconfigured: No table with a label for each row, or one label only.

    References:
        Chen et al. (2018), Detecting backdoor attacks on deep neural networks by activation
        clustering, arXiv:1811.03728.
    """
    if len(features) != len(representations):
        raise Misconfigured(
            f"one row of features for each representation, got {len(features)} for "
            f"{len(representations)}"
        )
    classes, y = class_indexes(representations, labels, detector="activation_clusters")
    groups = {}
    for label in range(len(classes)):
        rows = np.flatnonzero(y == label)
        second = _in_second_cluster(main_directions(representations[rows], directions))
        groups[label] = [rows[~second], rows[second]]
    phi = kernel_features(features, landmarks=landmarks, width=width, rng=rng)
    none = np.zeros(len(y), dtype=bool)
    fit = ridge_fit(phi, y, ridge=ridge, kept=~none)
    cuts = Cuts(quantile, alien, steady)
    judged = judged_groups(fit, groups, none, smallest=smallest, largest_share=1.0, cuts=cuts)
    scores = np.full(len(y), -1.0)
    told = []
    for label in range(len(classes)):
        # Poison makes what is left of its label look alien too: the worse of the two is it.
        ours = [group for group in judged if group.label == label]
        worst = max(ours, key=lambda group: group.level, default=None)
        if worst is not None:
            scores[worst.rows] = worst.level
            if worst.level > 1.0:
                told.append(
                    f"{len(worst.rows)} rows labelled {classes[label]} are a cluster that looks "
                    f"like {classes[worst.rival]}"
                )
    found = "; ".join(told) or "no cluster of a label looks like another class"
    return Suspicion("activation_clusters", scores, scores > 1.0, bool(told), found)


def _in_second_cluster(rows: np.ndarray) -> np.ndarray:
    """Two means, started on either side of the middle of the first direction."""
    second: np.ndarray = rows[:, -1] > np.median(rows[:, -1])
    for _ in range(_STEPS):
        if second.all() or not second.any():
            break
        centres = np.array([rows[~second].mean(axis=0), rows[second].mean(axis=0)])
        apart = ((rows[:, None, :] - centres) ** 2).sum(axis=2)
        moved = apart[:, 1] < apart[:, 0]
        if np.array_equal(moved, second):
            break
        second = moved
    return second
