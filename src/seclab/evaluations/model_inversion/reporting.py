"""Numbers, table, picture and notes of what was reconstructed."""

from collections.abc import Iterator, Sequence

import numpy as np

from seclab.artifacts import ImageGrid, Table
from seclab.attacks.inversion import Prior
from seclab.datasets import Dataset, Splits
from seclab.evaluations.model_inversion.measuring import (
    FPR,
    Judge,
    Made,
    class_means,
    exposed,
    likeness,
    mean_by_class,
    mean_likeness,
    nearest_is_training,
    supported,
)
from seclab.measurement import Reading, Scalar
from seclab.outcome import Result

RECOGNITION, BASELINE_RECOGNITION = "reconstruction_recognition_rate", "baseline_recognition_rate"
LIKENESS, BASELINE_LIKENESS = "reconstruction_correlation", "baseline_correlation"
NEAREST, EXPOSED = "nearest_training_rate", "exposed_training_excess"
_SHOWN = 10


def report(
    made: Sequence[Made], data: Splits, classes: np.ndarray, *, start: np.ndarray, prior: Prior
) -> Result:
    """Measure what each attack made against the baseline of what it started from.

    Args:
        made: What was reconstructed, by attack.
        data: The splits of the model.
        classes: The labels of the reconstructions, shape (c,).
        start: What every class was started from, shape (starts, d).
        prior: What the attacker knew of the inputs.
    """
    judge, means = Judge(data.population), class_means(data.train, classes)
    at_start = judge.recognised(np.repeat(start[None], len(classes), axis=0), classes)
    before = likeness(np.repeat(prior.mean[None], len(classes), axis=0), means)
    readings = [
        Reading(BASELINE_RECOGNITION, mean_by_class(at_start)),
        Reading(BASELINE_LIKENESS, mean_likeness(before)),
    ]
    rows: list[tuple[Scalar, ...]] = []
    for one in made:
        recognised = judge.recognised(one.rows, classes)
        alike, nearest = likeness(one.rows.mean(axis=1), means), _nearest(one, data, classes)
        readings += _readings(one, recognised, alike, nearest)
        share = exposed(one, data, classes)
        if share:
            readings.append(Reading(EXPOSED, share, {"attack": one.attack}))
        per_class = zip(
            (data.train.class_names[label] for label in classes),
            *(v.tolist() for v in (one.confidence.mean(axis=1), recognised.mean(axis=1))),
            *(v.tolist() for v in (alike, before, nearest.mean(axis=1))),
            strict=True,
        )
        rows += [(one.attack, *cells) for cells in per_class]
    return Result(
        readings=tuple(readings),
        tables=(_table(rows),),
        figures=tuple(_pictures(made, means, data.train, classes)),
        notes=tuple(_notes(made, data, prior)),
    )


def _nearest(made: Made, data: Splits, classes: np.ndarray) -> np.ndarray:
    train, test = data.train, data.test
    return np.stack(
        [
            nearest_is_training(
                rows, train.features[train.labels == label], test.features[test.labels == label]
            )
            for label, rows in zip(classes, made.rows, strict=True)
        ]
    )


def _readings(
    made: Made, recognised: np.ndarray, alike: np.ndarray, nearest: np.ndarray
) -> list[Reading]:
    where = {"attack": made.attack}
    return [
        Reading(RECOGNITION, mean_by_class(recognised), where),
        Reading(LIKENESS, mean_likeness(alike), where),
        Reading(NEAREST, mean_by_class(nearest), where),
    ]


def _table(rows: Sequence[tuple[Scalar, ...]]) -> Table:
    return Table(
        name="model_inversion",
        caption="Means over the reconstructions of each class; confidence is the model's own.",
        columns=(
            "attack",
            "class",
            "confidence",
            RECOGNITION,
            LIKENESS,
            BASELINE_LIKENESS,
            NEAREST,
        ),
        rows=tuple(rows),
    )


def _pictures(
    made: Sequence[Made], means: np.ndarray, train: Dataset, classes: np.ndarray
) -> Iterator[ImageGrid]:
    """The mean training image of each class, and below it what each attack made of the class."""
    if train.image_shape is None:
        return
    shown = classes[:_SHOWN]
    lines = np.stack([means, *(one.rows.mean(axis=1) for one in made)])[:, : len(shown)]
    images = np.clip((lines - train.feature_range[0]) / train.scale, 0.0, 1.0)
    names = [train.class_names[label] for label in shown]
    yield ImageGrid(
        name="reconstructions",
        title="Mean training image, and below it the mean reconstruction by "
        + " and by ".join(one.attack for one in made),
        images=images.reshape(*lines.shape[:2], *train.image_shape),
        captions=tuple(names * len(lines)),
    )


def _notes(made: Sequence[Made], data: Splits, prior: Prior) -> Iterator[str]:
    classes, starts = made[0].confidence.shape
    yield (
        f"{starts} reconstructions of each of {classes} classes, along the {len(prior.axes)} "
        "principal axes of the population, whose labels the attacker has not."
    )
    yield (
        "A class average is no single person's image: it becomes personal where a class is a "
        "person. No generative model stands behind the reconstructions, which would make them "
        "sharper."
    )
    yield (
        "nearest_training_rate rests on the classes, of which there are few: its interval is "
        "wide. exposed_training_excess rests on single images."
    )
    if all(one.attack != "gradient" for one in made):
        yield "No attack by gradient: the model has none. Only its answers were used."
    if not supported(data):
        yield (
            f"No {EXPOSED}: {len(data.test)} held-out images cannot support a rate of false "
            f"alarms of {FPR * 100:g}%, {round(1.0 / FPR)} are needed."
        )
