"""Random noise (R-EVA-02): the plain baseline beside every adversarial number."""

from collections.abc import Sequence

import numpy as np

from seclab.artifacts import Chart, Series, Table
from seclab.attacks.noise import DIRECTIONS, linf_random_noise
from seclab.errors import Misconfigured
from seclab.measurement import Estimate, Metric, Reading
from seclab.models import Target
from seclab.outcome import Result
from seclab.per_sample import mean_rate
from seclab.registry import evaluation

_METRIC = "noisy_accuracy"


@evaluation(
    risks=("R-EVA-02",),
    metrics=(
        Metric(
            _METRIC,
            unit="fraction",
            better="higher",
            description="Accuracy on test inputs with random noise of a given L-infinity budget.",
        ),
    ),
)
def random_noise(
    target: Target,
    *,
    rng: np.random.Generator,
    epsilons: Sequence[float] = (0.05, 0.1, 0.15, 0.2, 0.3),
    repeats: int = 5,
) -> Result:
    """Accuracy under random noise of growing size.

    Two noises of the same budget: ``uniform`` fills the ball, ``sign`` moves every feature by the
    whole budget and is the fair baseline beside an adversarial number. Every budget uses the
    same draws. A sample counts with the fraction of its draws that were classified correctly;
    draws on one sample are not independent, so the interval and n rest on samples, not on draws.

    Args:
        target: The model; it is asked ``2 * repeats`` times the test split for each budget.
        rng: Draws the noise.
        epsilons: Budgets as fractions of the feature range, 0 to 1.
        repeats: Draws for each sample, at least 1.

    Returns:
        ``noisy_accuracy`` for each budget and noise, 0 to 1, higher is better.

    Raises:
        Misconfigured: No budget, a budget outside 0 to 1 or given twice, no repeats.

    References:
        Franceschi, Fawzi and Fawzi (2018), Robustness of classifiers to uniform lp and Gaussian
        noise, arXiv:1802.07971.
    """
    _require_possible(epsilons, repeats)
    test = target.data.test
    correct: dict[tuple[str, float], list[np.ndarray]] = {}
    for noise, draw in DIRECTIONS.items():
        for _ in range(repeats):  # one at a time: memory does not grow with their number
            directions = draw(test.features.shape, rng=rng)
            for epsilon in epsilons:
                noisy = linf_random_noise(
                    test.features, directions, epsilon=epsilon, bounds=test.feature_range
                )
                hits = target.predict(noisy) == test.labels
                correct.setdefault((noise, epsilon), []).append(hits)
    estimates = {which: mean_rate(np.stack(hits)) for which, hits in correct.items()}
    return Result(
        readings=tuple(
            Reading(_METRIC, estimate, {"epsilon": epsilon, "noise": noise})
            for (noise, epsilon), estimate in estimates.items()
        ),
        tables=(_table(estimates),),
        figures=(_chart(estimates),),
        notes=(
            f"Each sample counts with its mean over {repeats} draws.",
            f"Intervals rest on the {len(test)} samples: draws on one are not independent.",
        ),
    )


def _require_possible(epsilons: Sequence[float], repeats: int) -> None:
    problems = [
        f"random_noise: an epsilon is a fraction of the feature range from 0 to 1, got {epsilon}"
        for epsilon in epsilons
        if not 0.0 <= epsilon <= 1.0
    ]
    if not epsilons or len(set(epsilons)) < len(epsilons):
        problems.append("random_noise: epsilons must name at least one budget, and each once")
    if repeats < 1:
        problems.append(f"random_noise: repeats must be at least 1, got {repeats}")
    if problems:
        raise Misconfigured(problems)


def _table(estimates: dict[tuple[str, float], Estimate]) -> Table:
    return Table(
        name="random_noise",
        caption="Accuracy under random noise; epsilon is a fraction of the feature range.",
        columns=("epsilon", "noise", _METRIC, "low", "high", "samples"),
        rows=tuple(
            (epsilon, noise, estimate.value, estimate.low, estimate.high, estimate.n)
            for (noise, epsilon), estimate in estimates.items()
        ),
    )


def _series(noise: str, estimates: dict[tuple[str, float], Estimate]) -> Series:
    points = [(epsilon, value) for (kind, epsilon), value in estimates.items() if kind == noise]
    return Series.of(f"{noise} noise", points)


def _chart(estimates: dict[tuple[str, float], Estimate]) -> Chart:
    return Chart(
        name="random_noise",
        title="Accuracy under random noise",
        x_label="epsilon (fraction of the feature range)",
        y_label="accuracy",
        series=tuple(_series(noise, estimates) for noise in DIRECTIONS),
    )
