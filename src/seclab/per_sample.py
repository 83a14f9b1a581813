"""Rates over samples: the number, its interval, and the single answers where they can be kept."""

import numpy as np

from seclab.datasets import Dataset
from seclab.measurement import Estimate, Interval, Parameters, PerSample, Reading
from seclab.statistics import LEVEL, proportion, proportion_of


def rate(
    metric: str, hits: np.ndarray, samples: Dataset, parameters: Parameters | None = None
) -> Reading:
    """A rate over all samples with the answer for each, so that another model can be paired.

    Args:
        metric: Name of the metric.
        hits: Boolean of shape (n,), true for each sample that counts towards the rate.
        samples: The n samples, in the order of ``hits``.
        parameters: What sets the number apart from others of the metric.

    Returns:
        The share of hits, 0 to 1, with Wilson's interval.

    Raises:
        ValueError: There are not as many hits as samples.
    """
    if hits.shape != (len(samples),):
        raise ValueError(f"{metric}: {len(samples)} samples, but answers of shape {hits.shape}")
    answers = "".join("1" if hit else "0" for hit in hits)
    per_sample = PerSample(str(samples.fingerprint().ordered), answers)
    return Reading(metric, proportion_of(hits), parameters or {}, per_sample)


def mean_rate(hits: np.ndarray) -> Estimate:
    """The mean over several answers on each sample, with an interval that rests on the samples.

    Answers on one sample are not independent, so they add nothing to n. A mean of them lies in 0
    to 1 and varies at most as much as a single yes or no of the same mean: Wilson's interval for n
    trials is on the safe side. It takes whole successes, so its ends are those of the whole
    numbers next to the total.

    Args:
        hits: Boolean of shape (answers, n).

    Raises:
        ValueError: No samples, or no answers.
    """
    answers, n = hits.shape
    if not answers:
        raise ValueError("a mean over no answers is not a measurement")
    total = int(hits.sum())
    low = proportion(total // answers, n).low
    high = proportion(-(-total // answers), n).high
    return Estimate(total / hits.size, Interval(low, high, LEVEL, "wilson"), n)
