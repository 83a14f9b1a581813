"""Evasion: how small a change of every pixel makes the model wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seclab.artifacts import Chart, ImageGrid, Series, Table
from seclab.attacks.linf_decision import Walk, linf_hop_skip_jump
from seclab.attacks.linf_gradient import linf_fast_gradient_sign, linf_projected_gradient_descent
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest
from seclab.measurement import Metric, Parameters, PerSample, Reading, Scalar
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import proportion_of

STRONGEST = "strongest"
_ROUNDING = 1e-12  # a distance computed from x + epsilon - x may exceed epsilon by its last bits


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """What one attack achieved at one epsilon; ``adversarial`` in dataset order."""

    attack: str
    epsilon: float
    adversarial: np.ndarray
    fooled: np.ndarray


@evaluation(
    risks=("R-EVA-01",),
    metrics=(
        Metric("clean_accuracy", "fraction", "higher", "Accuracy on unchanged test images."),
        Metric(
            "robust_accuracy",
            "fraction",
            "higher",
            "Share of test images classified right whatever the attack tried.",
        ),
        Metric(
            "attack_success_rate",
            "fraction",
            "lower",
            "Share of rightly classified test images that the attack made wrong.",
        ),
    ),
)
def evasion_linf(
    target: Target,
    *,
    rng: np.random.Generator,
    epsilons: Sequence[float] = (0.05, 0.1, 0.15, 0.2, 0.3),
    samples: int = 360,
    steps: int = 40,
    restarts: int = 5,
    walk_iterations: int = 12,
) -> Result:
    """Accuracy that survives an attacker who may change every pixel by up to epsilon.

    Knowledge: gradients where the model has them (one gradient step, and projected gradient with
    restarts), labels alone where it has not (a walk along the decision boundary, started from
    the attacker's own images). Success is counted on the clipped input by the model's own answer.
    ``attack=strongest`` takes the worst of all attacks image by image. What survives an attack is
    an upper bound on the true robust accuracy: another attack may find more.

    Args:
        target: The model.
        rng: Chooses the images where fewer than all are asked for, starts and directions.
        epsilons: L-infinity radii as fractions of the feature range, each above 0, at most 1.
        samples: Test images attacked, at most all.
        steps: Projected-gradient steps per start.
        restarts: Projected-gradient starts.
        walk_iterations: Rounds of the boundary walk.

    Returns:
        Clean accuracy; per epsilon and attack robust accuracy (higher is better) and attack
        success rate (lower is better), each with Wilson's interval.

    References:
        NIST AI 100-2 E2025, NISTAML.022 and NISTAML.025. Goodfellow et al. (2015),
        arXiv:1412.6572. Madry et al. (2018), arXiv:1706.06083. Chen et al. (2020),
        arXiv:1904.02144.
    """
    if not epsilons or any(not 0.0 < epsilon <= 1.0 for epsilon in epsilons):
        raise Misconfigured(f"epsilons are fractions above 0 and at most 1, got {list(epsilons)}")
    images = _sample(target.data.test, samples, rng)
    correct = target.predict(images.features) == images.labels
    if target.has_gradient:
        attempts = _by_gradient(target, images, sorted(epsilons), steps, restarts, rng=rng)
    else:
        walk = Walk(iterations=walk_iterations)
        attempts = _by_labels(target, images, sorted(epsilons), walk, rng)
    attempts += _strongest(attempts, images)
    pinned = images.fingerprint().ordered
    readings = [_rate("clean_accuracy", correct, pinned)]
    for attempt in attempts:
        where: dict[str, Scalar] = {"epsilon": attempt.epsilon, "attack": attempt.attack}
        readings.append(_rate("robust_accuracy", correct & ~attempt.fooled, pinned, where))
        if correct.any():
            success = proportion_of(attempt.fooled[correct])
            readings.append(Reading("attack_success_rate", success, where))
    return Result(
        readings=tuple(readings),
        tables=(_sweep(readings), _per_image(images, correct, attempts)),
        figures=(_curve(readings), *_worst_failures(images, correct, attempts)),
    )


def _rate(
    metric: str, hits: np.ndarray, samples: Digest, parameters: Parameters | None = None
) -> Reading:
    """A rate over all images with the answer for each, so that another model can be paired."""
    per_sample = PerSample(str(samples), "".join("1" if hit else "0" for hit in hits))
    return Reading(metric, proportion_of(hits), parameters or {}, per_sample)


def _sample(test: Dataset, samples: int, rng: np.random.Generator) -> Dataset:
    if samples >= len(test):
        return test
    return test.take(np.sort(rng.choice(len(test), size=samples, replace=False)))


def _by_gradient(
    target: Target,
    images: Dataset,
    epsilons: Sequence[float],
    steps: int,
    restarts: int,
    *,
    rng: np.random.Generator,
) -> list[_Attempt]:
    x, y, bounds = images.features, images.labels, images.feature_range
    attempts = []
    for epsilon in epsilons:
        radius = epsilon * images.scale
        single = linf_fast_gradient_sign(target.loss_gradient, x, y, epsilon=radius, bounds=bounds)
        many = linf_projected_gradient_descent(
            target.loss_gradient,
            target.predict,
            x,
            y,
            epsilon=radius,
            bounds=bounds,
            steps=steps,
            restarts=restarts,
            rng=rng,
        )
        attempts += [
            _Attempt(name, epsilon, found, target.predict(found) != y)
            for name, found in (
                ("linf_fast_gradient_sign", single),
                ("linf_projected_gradient_descent", many),
            )
        ]
    return attempts


def _by_labels(
    target: Target,
    images: Dataset,
    epsilons: Sequence[float],
    walk: Walk,
    rng: np.random.Generator,
) -> list[_Attempt]:
    """One walk serves every epsilon: it minimises the distance, which is then compared."""
    x, y = images.features, images.labels
    found = linf_hop_skip_jump(
        target.predict,
        x,
        y,
        starts=target.data.population.features,
        bounds=images.feature_range,
        walk=walk,
        rng=rng,
    )
    distance = np.abs(found - x).max(axis=1) / images.scale
    fooled = target.predict(found) != y
    return [
        _Attempt("linf_hop_skip_jump", epsilon, found, fooled & (distance <= epsilon + _ROUNDING))
        for epsilon in epsilons
    ]


def _strongest(attempts: Sequence[_Attempt], images: Dataset) -> list[_Attempt]:
    """Image by image the worst of all attacks; what breaks once breaks at every larger epsilon."""
    worst: list[_Attempt] = []
    fooled = np.zeros(len(images), dtype=bool)
    adversarial = images.features.copy()
    for epsilon in sorted({attempt.epsilon for attempt in attempts}):
        for attempt in attempts:
            if attempt.epsilon == epsilon:
                new = attempt.fooled & ~fooled
                adversarial[new] = attempt.adversarial[new]
                fooled = fooled | attempt.fooled
        worst.append(_Attempt(STRONGEST, epsilon, adversarial.copy(), fooled))
    return worst


def _sweep(readings: Sequence[Reading]) -> Table:
    rows = [
        (
            reading.parameters.get("attack"),
            reading.parameters.get("epsilon", 0.0),
            reading.metric,
            reading.estimate.value,
            reading.estimate.low,
            reading.estimate.high,
            reading.estimate.n,
        )
        for reading in readings
    ]
    columns = ("attack", "epsilon", "metric", "value", "low", "high", "n")
    caption = "Epsilon is the L-infinity radius as a fraction of the feature range."
    return Table("evasion_sweep", caption, columns, tuple(rows))


def _per_image(images: Dataset, correct: np.ndarray, attempts: Sequence[_Attempt]) -> Table:
    smallest = np.full(len(images), np.nan)
    for attempt in reversed([a for a in attempts if a.attack == STRONGEST]):
        smallest[attempt.fooled] = attempt.epsilon
    rows = tuple(
        (
            index,
            images.class_names[label],
            bool(right),
            None if np.isnan(epsilon) or not right else float(epsilon),
        )
        for index, (label, right, epsilon) in enumerate(
            zip(images.labels, correct, smallest, strict=True)
        )
    )
    return Table(
        "evasion_images",
        "Per attacked image, in dataset order: the smallest epsilon of the sweep that broke it.",
        ("image", "label", "correct_when_clean", "broken_at_epsilon"),
        rows,
    )


def _curve(readings: Sequence[Reading]) -> Chart:
    clean = readings[0].estimate.value
    series: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.metric == "robust_accuracy":
            series.setdefault(str(reading.parameters["attack"]), []).append(reading)
    return Chart(
        name="evasion_curve",
        title="Accuracy under attack",
        x_label="epsilon (fraction of the feature range)",
        y_label="accuracy",
        series=tuple(
            Series(
                label=attack,
                x=(0.0, *(float(str(point.parameters["epsilon"])) for point in points)),
                y=(clean, *(point.estimate.value for point in points)),
            )
            for attack, points in series.items()
        ),
    )


def _worst_failures(
    images: Dataset, correct: np.ndarray, attempts: Sequence[_Attempt], count: int = 8
) -> tuple[ImageGrid, ...]:
    """The images broken by the smallest change, above what they were changed into."""
    if images.image_shape is None:
        return ()
    chosen: list[tuple[int, _Attempt]] = []
    for attempt in attempts:
        if attempt.attack == STRONGEST:
            taken = {index for index, _ in chosen}
            new = [int(i) for i in np.flatnonzero(attempt.fooled & correct) if i not in taken]
            chosen += [(index, attempt) for index in new[: count - len(chosen)]]
    if not chosen:
        return ()
    low, scale = images.feature_range[0], images.scale
    shape = images.image_shape
    clean = [images.features[index].reshape(shape) for index, _ in chosen]
    broken = [attempt.adversarial[index].reshape(shape) for index, attempt in chosen]
    captions = [images.class_names[images.labels[index]] for index, _ in chosen]
    captions += [f"epsilon {attempt.epsilon:g}" for _, attempt in chosen]
    return (
        ImageGrid(
            name="evasion_failures",
            title="The images broken by the smallest change, clean above, attacked below",
            images=(np.stack([clean, broken]) - low) / scale,
            captions=tuple(captions),
        ),
    )
