"""A screen for triggers of a few features set to fixed values, in the data alone."""

from dataclasses import dataclass, replace

import numpy as np

from seclab.defenses.backdoors.bearers import pattern_of_excess, pattern_of_spike
from seclab.defenses.backdoors.counts import value_counts
from seclab.defenses.backdoors.enrichment import excesses
from seclab.defenses.backdoors.looks import Looks, looks
from seclab.defenses.backdoors.spikes import spikes
from seclab.defenses.label_noise import label_noise
from seclab.defenses.suspicion import Pattern, Suspicion
from seclab.errors import Misconfigured

_NAME = "patch_triggers"


_WORTH_A_LOOK = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Settings:
    """The parameters of :func:`patch_triggers`."""

    image_shape: tuple[int, int] | None
    spike_alarm: float
    excess_alarm: float
    count_alarm: float
    near: float
    reach: float
    most_references: int
    rng: np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class _Find:
    """A pattern with its strength: its surprise over the one that raises the alarm."""

    pattern: Pattern
    strength: float


def patch_triggers(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    image_shape: tuple[int, int] | None = None,
    spike_alarm: float = 23.0,
    excess_alarm: float = 20.0,
    count_alarm: float = 16.0,
    near: float = 1 / 16,
    reach: float = 1 / 8,
    rounds: int = 4,
    most_references: int = 3000,
    seed: int = 0,
) -> Suspicion:
    """Rows of one label with values in common that neither chance nor their class explains.

    Three tests that need no model. *Spikes*: conjunctions of exact values inside a label, too
    frequent for how many rows come near them; they see patches of several pixels, faint patterns
    on an even background, clean labels, and poison that outnumbers its class. *Excess*: values
    shared by rows that, a window left out, look like another class; they see single pixels and
    values that vary. *Counts*: the same for how often a row holds a value, wherever; they see
    patches that move. What was found is set aside and the rest tested again.

    Args:
        features: Finite rows of shape (n, d).
        labels: Integers of shape (n,).
        image_shape: (height, width), height * width = d; None: rows are no images, and only
            nothing is left out for the second test.
        spike_alarm: Surprise (minus the natural logarithm of a chance) of a spike that raises
            the alarm; like the next from clean resamples, see benchmarks/calibrate_defenses.py.
        excess_alarm: The same for an excess.
        count_alarm: The same for an excess of how often a value stands in a row.
        near: What the first test counts as near, as a fraction of the range of all features.
        reach: Values as near count as the same in the second test, which is done for exactly
            equal ones too; likewise.
        rounds: How often what was found is set aside and the rest tested again, at most.
        most_references: Rows that rows are compared with, at most: bounds time and memory.
        seed: Of the choice of references, where there are more.

    Returns:
        Scores are strengths: surprise over alarm of the strongest pattern a row bears; rows at 1
        and above are flagged, and any of them raises the alarm.

    Raises:
        Misconfigured: Arrays of shapes that do not fit, or features that are not finite.

    References:
        Gu, Dolan-Gavitt and Garg (2017), BadNets: identifying vulnerabilities in the machine
        learning model supply chain, arXiv:1708.06733, for the attack.
    """
    features, labels = np.asarray(features), np.asarray(labels)
    _require_usable(features, labels, image_shape)
    settings = _Settings(
        image_shape,
        spike_alarm,
        excess_alarm,
        count_alarm,
        near,
        reach,
        most_references,
        np.random.default_rng(seed),
    )
    scores = np.zeros(len(labels))
    trusted = uncontradicted(features, labels, settings.rng)
    patterns: list[Pattern] = []
    left = np.arange(len(labels))
    for _ in range(rounds):
        rows = slice(None) if left.size == len(labels) else left  # a slice copies nothing
        finds = _finds(features[rows], labels[rows], trusted[rows], settings)
        found = np.zeros(left.size, dtype=bool)
        for find in finds:
            pattern = find.pattern
            bearing = left[pattern.rows]
            scores[bearing] = np.maximum(scores[bearing], find.strength)
            if find.strength >= 1.0 and not found[pattern.rows].all():
                found[pattern.rows] = True
                patterns.append(replace(pattern, rows=bearing))
        if not found.any():
            break
        left = left[~found]
    flagged = scores >= 1.0
    return Suspicion(
        _NAME, scores, flagged, bool(patterns), _in_words(patterns, flagged), tuple(patterns)
    )


def _require_usable(
    features: np.ndarray, labels: np.ndarray, image_shape: tuple[int, int] | None
) -> None:
    problems = []
    if features.ndim != 2 or labels.shape != (len(features),):
        problems.append(
            f"features of shape (n, d) and labels of shape (n,) are needed, got {features.shape} "
            f"and {labels.shape}"
        )
    elif image_shape is not None and image_shape[0] * image_shape[1] != features.shape[1]:
        problems.append(
            f"rows of {features.shape[1]} features are no images of {image_shape[0]} x "
            f"{image_shape[1]}"
        )
    if not np.isfinite(features).all():
        problems.append("features must be finite: fill or drop what is missing")
    if problems:
        raise Misconfigured(problems)


def uncontradicted(
    features: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Rows whose label a fit without them does not contradict: those that may testify.

    Where many rows of a class carry another label, the others of it are near these, and would be
    blamed for what they share.
    """
    if features.size == 0 or np.unique(labels).size < 2:
        return np.ones(len(labels), dtype=bool)
    contradicted = label_noise(features, labels, rng=rng).flagged
    return ~contradicted


def _finds(
    features: np.ndarray, labels: np.ndarray, trusted: np.ndarray, settings: _Settings
) -> list[_Find]:
    """What the tests find, the strongest first."""
    if features.size == 0 or np.unique(labels).size < 2:
        return []
    finds = []
    for spike in spikes(features, labels, near=settings.near):
        strength = spike.surprise / settings.spike_alarm
        pattern = Pattern(spike.label, spike.columns, spike.values, spike.rows)
        if strength >= 1.0:
            pattern = pattern_of_spike(features, labels, spike)
        finds.append(_Find(pattern, strength))
    seen = looks(
        features,
        labels,
        image_shape=settings.image_shape,
        most_references=settings.most_references,
        rng=settings.rng,
        trusted=trusted,
    )
    finds += _still(features, labels, seen, trusted, settings)
    finds += _moving(features, labels, seen, settings)
    # What can be drawn first: the rows of a patch that stands still hold its value often, too.
    return sorted(
        finds,
        key=lambda find: (find.strength < 1.0 or not find.pattern.columns.size, -find.strength),
    )


def _still(
    features: np.ndarray,
    labels: np.ndarray,
    seen: Looks,
    trusted: np.ndarray,
    settings: _Settings,
) -> list[_Find]:
    """Values of single features that rows share which look like another class."""
    span = float(features.max() - features.min())
    finds = []
    for excess in excesses(features, labels, seen, reaches=(0.0, settings.reach * span)):
        strength = excess.surprise / settings.excess_alarm
        if strength < _WORTH_A_LOOK:
            continue
        pattern = pattern_of_excess(
            features,
            labels,
            seen,
            excess,
            trusted=trusted,
            most_references=settings.most_references,
            rng=settings.rng,
        )
        if pattern.rows.size:
            finds.append(_Find(pattern, strength))
    return finds


def _moving(
    features: np.ndarray, labels: np.ndarray, seen: Looks, settings: _Settings
) -> list[_Find]:
    """Rows that hold a value too often, wherever in the image, and look like another class."""
    counts = value_counts(features, settings.image_shape)
    finds = []
    for excess in excesses(counts, labels, seen, reaches=(np.inf,)):
        strength = excess.surprise / settings.count_alarm
        rows = (labels == excess.label) & excess.bearing(counts) & seen.strange.any(axis=0)
        if strength >= _WORTH_A_LOOK and rows.any():
            nowhere = np.empty(0, dtype=int)
            pattern = Pattern(excess.label, nowhere, nowhere.astype(float), np.flatnonzero(rows))
            finds.append(_Find(pattern, strength))
    return finds


def _in_words(patterns: list[Pattern], flagged: np.ndarray) -> str:
    if not patterns:
        return "no values that rows of one label share beyond chance"
    best = patterns[0]
    return (
        f"{np.count_nonzero(flagged)} rows bear {len(patterns)} patterns; the strongest: "
        f"{best.rows.size} rows of label {best.label} share {best.columns.size} feature values"
    )
