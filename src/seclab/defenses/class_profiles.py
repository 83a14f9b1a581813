"""What the rows of each class look like, in numbers small enough to be recorded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seclab.errors import InvalidData

LEVELS = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
"""Quantiles of each feature at which rows are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassProfile:
    """Rows of one class, feature by feature.

    Attributes:
        label: The class.
        count: How many rows it has.
        mean: Of each feature, shape (d,).
        variance: Of each feature, divided by the count, shape (d,).
        cuts: Quantiles of each feature at some levels, ascending, shape (d, levels).
        below: How many rows have less than the cut, shape (d, levels).
        through: How many have no more than the cut, shape (d, levels).
    """

    label: int
    count: int
    mean: np.ndarray
    variance: np.ndarray
    cuts: np.ndarray
    below: np.ndarray
    through: np.ndarray


def profile_classes(
    features: np.ndarray, labels: np.ndarray, *, levels: tuple[float, ...] = LEVELS
) -> tuple[ClassProfile, ...]:
    """The profile of every class, smallest label first: a baseline that later rows are held to.

    Args:
        features: Rows of shape (n, d), finite.
        labels: Their labels, integers of shape (n,).
        levels: Quantiles at which rows are counted, 0 to 1.

    Returns:
        One profile a class that has rows.
    """
    return tuple(
        _profile(int(label), features[labels == label], levels) for label in np.unique(labels)
    )


def counted(rows: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many rows have less than each cut, and how many no more.

    Args:
        rows: Of shape (n, d).
        cuts: Of shape (d, levels).

    Returns:
        Two arrays of integers of shape (d, levels).
    """
    ordered = np.sort(rows, axis=0)
    below, through = np.empty(cuts.shape, dtype=np.int64), np.empty(cuts.shape, dtype=np.int64)
    for feature, places in enumerate(cuts):
        below[feature] = np.searchsorted(ordered[:, feature], places, side="left")
        through[feature] = np.searchsorted(ordered[:, feature], places, side="right")
    return below, through


def to_json(profiles: tuple[ClassProfile, ...]) -> list[dict[str, Any]]:
    """Profiles as lists and numbers that JSON can hold."""
    return [
        {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in asdict(profile).items()
        }
        for profile in profiles
    ]


def from_json(recorded: list[Mapping[str, Any]]) -> tuple[ClassProfile, ...]:
    """Profiles from what :func:`to_json` gave.

    Raises:
        InvalidData: Something is missing or no number, or shapes do not agree.
    """
    return tuple(_read(entry) for entry in recorded)


def _profile(label: int, rows: np.ndarray, levels: tuple[float, ...]) -> ClassProfile:
    # A cut is a value that a row has: between values counts of integers would depend on rounding.
    cuts = np.quantile(rows, levels, axis=0, method="inverted_cdf").T.astype(np.float64)
    below, through = counted(rows, cuts)
    return ClassProfile(label, len(rows), rows.mean(axis=0), rows.var(axis=0), cuts, below, through)


def _read(entry: Mapping[str, Any]) -> ClassProfile:
    try:
        profile = ClassProfile(
            label=int(entry["label"]),
            count=int(entry["count"]),
            mean=np.array(entry["mean"], dtype=np.float64),
            variance=np.array(entry["variance"], dtype=np.float64),
            cuts=np.array(entry["cuts"], dtype=np.float64),
            below=np.array(entry["below"], dtype=np.int64),
            through=np.array(entry["through"], dtype=np.int64),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidData(f"a recorded class profile cannot be read: {error!r}") from error
    if not all(np.isfinite(part).all() for part in (profile.mean, profile.variance, profile.cuts)):
        raise InvalidData(f"the recorded profile of class {profile.label} holds what is no number")
    one_a_feature = profile.mean.ndim == 1 and profile.mean.shape == profile.variance.shape
    counts = {profile.cuts.shape, profile.below.shape, profile.through.shape}
    if not one_a_feature or len(counts) > 1 or profile.cuts.shape[:1] != profile.mean.shape:
        raise InvalidData(
            f"the recorded profile of class {profile.label} does not agree with itself: "
            f"{profile.mean.size} features, and counts of the shapes {sorted(counts)}"
        )
    return profile
