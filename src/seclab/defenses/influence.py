"""What groups of rows teach that nothing else in the set does: they are left out together.

A row that is left out alone is still vouched for by the others that carry the same trigger. Left
out as a group, poisoned rows look like the class that they were taken from, whatever the trigger
is. Fits without a group are exact and need no second training.
"""

import numpy as np

from seclab.defenses.kernel_ridge import class_indexes, kernel_features, ridge_fit
from seclab.defenses.left_out import Cuts, Group, judged_groups
from seclab.defenses.nested_groups import main_directions, nested_groups
from seclab.defenses.suspicion import Pattern, Suspicion
from seclab.errors import Misconfigured


def group_influence(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    representations: np.ndarray | None = None,
    landmarks: int = 600,
    width: float = 1.0,
    ridge: float = 0.5,
    directions: int = 20,
    smallest: int = 10,
    largest_share: float = 0.8,
    quantile: float = 0.4,
    alien: float = 0.65,
    steady: float = 1.55,
    joins: float = 0.25,
    rounds: int = 4,
    most_groups: int = 4,
) -> Suspicion:
    """Groups of one label that look like one other class to a fit that has seen none of them.

    Rows of each label are linked into nested groups. Each group is left out together, and is
    suspicious by how far one other class then scores above its own label. The most suspicious
    group is taken out with every other row of its label that now looks like that class, and the
    rest is looked at again: a group of poison makes the class it was taken from look like the
    target, and that ends when it is gone.

    Args:
        features: Rows of shape (n, d), finite, columns in comparable units (pixels are): what
            the fit sees.
        labels: Integers of shape (n,), of two classes at least.
        rng: Draws the landmarks.
        representations: What groups are built on, shape (n, h), such as a hidden layer; nothing
            for the main directions of the features.
        landmarks: Columns of the kernel's approximation, above 0.
        width: Width of the kernel in median squared distances, above 0.
        ridge: Penalty of the fit, above 0.
        directions: Main directions that groups are built on.
        smallest: Rows of the smallest group, at least 2.
        largest_share: Rows of the largest, as a share of its label, 0 to 1.
        quantile: Of the rows of a group, 0 to 1: the share that may look less alien than the
            group is said to be.
        alien: Above this quantile of its pull a group is taken out, in ordinary margins: 0 where
            both classes score alike, about 1 for rows that look like ordinary ones of the other
            class.
        steady: Above this product a group is taken out as well: the quantile times how many
            deviations the mean pull is above 0. A trigger that covers much of a row leaves every
            score low, and every row of the group the same verdict.
        joins: Above this a single row of the same label goes with the group.
        rounds: How often the fit is made again without the rows that joined, at least 1.
        most_groups: How many groups are taken out at most.

    Returns:
        Scores are those of the most suspicious group that the row is in, -1 where there is none;
        above 1 a group is taken out. The set alarms where any group is. Patterns have the columns
        in which a group differs most from the class it looks like.

    Raises:
        Misconfigured: No table with a label for each row, one label only, or a parameter outside
            its range.

    References:
        Koh and Liang (2017), Understanding black-box predictions via influence functions, ICML,
        arXiv:1703.04730; Koh, Ang, Teo and Liang (2019), On the accuracy of influence functions
        for measuring group effects, NeurIPS, arXiv:1905.13289. For a ridge nothing has to be
        approximated.
    """
    _require(landmarks, width, ridge, smallest, rounds)
    classes, y = class_indexes(features, labels, detector="group_influence")
    phi = kernel_features(features, landmarks=landmarks, width=width, rng=rng)
    if representations is None:
        representations = main_directions(features, directions)
    seed = int(rng.integers(2**31))
    members = {label: np.flatnonzero(y == label) for label in range(len(classes))}
    groups = {
        label: [
            rows[branch]
            for branch in nested_groups(
                representations[rows], smallest=smallest, largest_share=largest_share, seed=seed
            )
        ]
        for label, rows in members.items()
    }
    cuts = Cuts(quantile, alien, steady)
    scores = np.full(len(y), -1.0)
    out = np.zeros(len(y), dtype=bool)
    taken: list[Group] = []
    for _ in range(most_groups):
        fit = ridge_fit(phi, y, ridge=ridge, kept=~out)
        judged = judged_groups(
            fit, groups, out, smallest=smallest, largest_share=largest_share, cuts=cuts
        )
        if not taken:
            for group in judged:
                scores[group.rows] = np.maximum(scores[group.rows], group.level)
        worst = max(judged, key=lambda group: group.level, default=None)
        if worst is None or worst.level <= 1.0:
            break
        grown = _grown(worst, phi, y, out, ridge=ridge, joins=joins, rounds=rounds)
        if len(grown.rows) > largest_share * np.count_nonzero((y == worst.label) & ~out):
            grown = worst  # A label with nothing left in the fit looks like anything but itself.
        out[grown.rows] = True
        scores[grown.rows] = np.maximum(scores[grown.rows], grown.level)
        taken.append(grown)
    patterns = tuple(_pattern(group, features, y, classes, out) for group in taken)
    return Suspicion("group_influence", scores, out, bool(taken), _found(taken, classes), patterns)


def _require(landmarks: int, width: float, ridge: float, smallest: int, rounds: int) -> None:
    positive = {"landmarks": landmarks, "width": width, "ridge": ridge, "rounds": rounds}
    problems = [f"{name} has to be above 0, got {v}" for name, v in positive.items() if not v > 0]
    if smallest < 2:
        problems.append(f"a group has at least 2 rows, got smallest={smallest}")
    if problems:
        raise Misconfigured(problems)


def _grown(
    group: Group,
    phi: np.ndarray,
    y: np.ndarray,
    out: np.ndarray,
    *,
    ridge: float,
    joins: float,
    rounds: int,
) -> Group:
    """The group with all rows of its label that look like its rival once it is gone."""
    suspects = np.zeros(len(y), dtype=bool)
    suspects[group.rows] = True
    candidates = (y == group.label) & ~out
    for _ in range(rounds):
        judgement = ridge_fit(phi, y, ridge=ridge, kept=~(out | suspects)).held_out()
        pull = (judgement.scores[:, group.rival] - judgement.scores[:, group.label]) / (
            judgement.unit
        )
        joining = candidates & ~suspects & (pull > joins)
        suspects |= joining
        if not joining.any():
            break
    # Rows that the group took along and that a fit without them still calls by their label.
    suspects &= pull > 0.0
    rows = np.flatnonzero(suspects)
    return Group(group.label, group.rival, rows, pull[rows], group.level)


def _pattern(
    group: Group, features: np.ndarray, y: np.ndarray, classes: np.ndarray, out: np.ndarray
) -> Pattern:
    """Columns in which the group differs from its rival by more than their rows do."""
    ours, theirs = features[group.rows], features[(y == group.rival) & ~out]
    if not len(ours) or not len(theirs):
        none = np.array([], dtype=np.intp)
        return Pattern(int(classes[group.label]), none, np.array([]), group.rows)
    spread = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / 2.0)
    apart = np.abs(ours.mean(axis=0) - theirs.mean(axis=0))
    columns = np.flatnonzero(apart > 2.0 * spread)
    middle = np.median(ours[:, columns], axis=0)
    return Pattern(int(classes[group.label]), columns, middle, group.rows)


def _found(taken: list[Group], classes: np.ndarray) -> str:
    if not taken:
        return "no group of rows looks like another class when it is left out"
    return "; ".join(
        f"{len(group.rows)} rows labelled {classes[group.label]} look like "
        f"{classes[group.rival]} when they are left out together"
        for group in taken
    )
