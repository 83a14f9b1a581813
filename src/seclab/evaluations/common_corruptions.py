"""Common corruptions (R-EVA-02): accuracy where nobody attacks and the images are just bad."""

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from seclab.artifacts import Chart, ImageGrid, Series, Table
from seclab.attacks.corruptions import CORRUPTIONS, SEVERITIES, corrupt, problems_with
from seclab.datasets import Dataset
from seclab.errors import Misconfigured, NotEvaluated
from seclab.measurement import Metric, Reading
from seclab.models import Target
from seclab.outcome import Result
from seclab.per_sample import mean_rate, rate
from seclab.registry import evaluation

_EACH, _MEAN = "corrupted_accuracy", "mean_corrupted_accuracy"


@evaluation(
    risks=("R-EVA-02",),
    metrics=(
        Metric(_EACH, "fraction", "higher", "Accuracy on test images under one corruption."),
        Metric(_MEAN, "fraction", "higher", "Accuracy on test images, mean over the corruptions."),
    ),
)
def common_corruptions(
    target: Target,
    *,
    rng: np.random.Generator,
    severities: Sequence[int] = (1, 3, 5),
    corruptions: Sequence[str] = tuple(CORRUPTIONS),
) -> Result:
    """Accuracy on images that noise, blur, light or an unsteady hand has spoiled.

    What each severity stands for is in the table. One draw of everything random serves all
    severities of a corruption, and another corruption or severity in the sweep changes no number.
    In the mean over corruptions a sample counts with the share of them it survives; interval and n
    rest on samples. The corruption error of the literature divides by that of one reference model,
    which the digits do not have: the table gives the loss against the clean accuracy instead.

    Args:
        target: The model; it is asked about the test split once, and once more for each
            corruption and severity.
        rng: Draws noise, directions and pixels.
        severities: Each 1 (hardly visible) to 5 (hard to read).
        corruptions: Names of kinds, by default all there are.

    Returns:
        ``corrupted_accuracy`` for each corruption and severity and ``mean_corrupted_accuracy``
        for each severity, 0 to 1, higher is better.

    Raises:
        Misconfigured: An unknown corruption, a severity outside 1 to 5, or one given twice.
        NotEvaluated: The rows are no images.

    References:
        Hendrycks and Dietterich (2019), Benchmarking neural network robustness to common
        corruptions and perturbations, arXiv:1903.12261.
    """
    _require_possible(severities, corruptions)
    test = target.data.test
    if test.image_shape is None:
        raise NotEvaluated(f"{test.name} holds no images: its rows have no image shape")
    clean = target.predict(test.features) == test.labels
    right: dict[tuple[str, int], np.ndarray] = {}
    shown: dict[tuple[str, int], np.ndarray] = {}
    for which, rows in _spoiled(test, test.image_shape, severities, corruptions, rng):
        right[which], shown[which] = target.predict(rows) == test.labels, rows[0].copy()
    readings = [
        rate(_EACH, hits, test, {"corruption": name, "severity": severity})
        for (name, severity), hits in right.items()
    ]
    means = [
        Reading(
            _MEAN,
            mean_rate(np.stack([right[name, severity] for name in corruptions])),
            {"severity": severity},
        )
        for severity in severities
    ]
    return Result(
        readings=(*readings, *means),
        tables=(_table(readings, float(clean.mean())),),
        figures=(
            _chart(readings, corruptions, float(clean.mean())),
            _grid(test, shown, severities, corruptions),
        ),
        notes=(
            f"Accuracy on clean images is {clean.mean():.3f}.",
            f"Means are over {len(corruptions)} corruptions, their intervals over samples.",
        ),
    )


def _require_possible(severities: Sequence[int], corruptions: Sequence[str]) -> None:
    found = [problems_with(name, 1) for name in corruptions]
    found += [problems_with(next(iter(CORRUPTIONS)), severity) for severity in severities]
    problems = [f"common_corruptions: {problem}" for each in found for problem in each]
    for what, given in (("severities", severities), ("corruptions", corruptions)):
        if not given or len(set(given)) < len(given):
            problems.append(f"common_corruptions: {what} must name at least one, and each once")
    if problems:
        raise Misconfigured(problems)


def _spoiled(
    test: Dataset,
    shape: tuple[int, int],
    severities: Sequence[int],
    corruptions: Sequence[str],
    rng: np.random.Generator,
) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    """The rows (n, d) under each corruption and severity, one after the other."""
    images, bounds = test.features.reshape(-1, *shape), test.feature_range
    seed = int(rng.integers(2**63))
    for name in corruptions:
        for severity in severities:
            stream = np.random.default_rng([seed, zlib.crc32(name.encode())])
            changed = corrupt(images, name, severity, bounds=bounds, rng=stream)
            yield (name, severity), changed.reshape(test.features.shape)


def _table(readings: Sequence[Reading], clean: float) -> Table:
    rows = []
    for reading in readings:
        name, severity = str(reading.parameters["corruption"]), reading.parameters["severity"]
        kind, estimate = CORRUPTIONS[name], reading.estimate
        strength = kind.strengths[SEVERITIES.index(severity)]
        loss = clean - estimate.value
        accuracy = (estimate.value, estimate.low, estimate.high, estimate.n)
        rows.append((name, severity, strength, kind.meaning, *accuracy, loss))
    columns = ("corruption", "severity", "strength", "strength_is", _EACH, "low", "high")
    return Table(
        name="common_corruptions",
        caption=f"Accuracy under common corruptions; loss is against {clean:.3f} on clean images.",
        columns=(*columns, "samples", "loss"),
        rows=tuple(rows),
    )


def _chart(readings: Sequence[Reading], corruptions: Sequence[str], clean: float) -> Chart:
    lines: dict[str, list[tuple[float, float]]] = {name: [(0.0, clean)] for name in corruptions}
    for reading in readings:
        severity = float(str(reading.parameters["severity"]))
        lines[str(reading.parameters["corruption"])].append((severity, reading.estimate.value))
    return Chart(
        name="common_corruptions",
        title="Accuracy under common corruptions",
        x_label="severity (0 is clean)",
        y_label="accuracy",
        series=tuple(
            Series(
                name.replace("_", " "),
                x=tuple(x for x, _ in sorted(line)),
                y=tuple(y for _, y in sorted(line)),
            )
            for name, line in lines.items()
        ),
    )


def _grid(
    test: Dataset,
    shown: Mapping[tuple[str, int], np.ndarray],
    severities: Sequence[int],
    corruptions: Sequence[str],
) -> ImageGrid:
    """The first sample, clean and as it is ``shown`` (d,) under every corruption.

    One row for each severity.
    """
    rows = [
        [test.features[0], *(shown[name, severity] for name in corruptions)]
        for severity in severities
    ]
    captions = [
        caption
        for severity in severities
        for caption in ("clean", *(f"{name.replace('_', ' ')} {severity}" for name in corruptions))
    ]
    shape = (len(severities), len(corruptions) + 1, *(test.image_shape or ()))
    low = test.feature_range[0]
    return ImageGrid(
        name="corrupted_images",
        title="One image under every corruption, a row for each severity",
        images=((np.array(rows) - low) / test.scale).reshape(shape),
        captions=tuple(captions),
    )
