"""What was found, as images: a poisoned row above the pattern that gave it away."""

from collections.abc import Iterator, Sequence

import numpy as np

from seclab.artifacts import ImageGrid
from seclab.datasets import Dataset
from seclab.evaluations.poisoning_detection.measuring import Cell, Trial
from seclab.measurement import SuspectedPattern

_SHOWN = 6
_CAPTION = 13  # characters beside one another
_ELSEWHERE = 0.25  # grey, so that a pattern of dark pixels can be seen too


def found(data: Dataset, cells: Sequence[Cell]) -> Iterator[ImageGrid]:
    """For each kind the first set with a pattern: a row that carries it, and what it is made of."""
    if data.image_shape is None:
        return
    shown: dict[str, tuple[Trial, SuspectedPattern]] = {}
    for cell in sorted(cells, key=lambda cell: -cell.rate):
        for trial in cell.trials:
            for pattern in trial.screening.patterns[:1]:
                shown.setdefault(cell.kind, (trial, pattern))
    if not shown:
        return
    pairs = list(shown.items())[:_SHOWN]
    rows = [trial.made.rows.features[trial.made.mask][0] for _, (trial, _) in pairs]
    patterns = [_drawn(pattern, data) for _, (_, pattern) in pairs]
    images = np.stack([(np.stack(rows) - data.feature_range[0]) / data.scale, np.stack(patterns)])
    names = data.class_names
    yield ImageGrid(
        name="poison_found",
        title="A poisoned row, and below it the pattern that was found",
        images=np.clip(images, 0.0, 1.0).reshape(2, len(pairs), *data.image_shape),
        captions=(
            *(_short(kind.replace("_", " ")) for kind, _ in pairs),
            *(f"label {names[pattern.label]}" for _, (_, pattern) in pairs),
        ),
    )


def _drawn(pattern: SuspectedPattern, data: Dataset) -> np.ndarray:
    image = np.full(data.features.shape[1], _ELSEWHERE)
    image[list(pattern.columns)] = (np.asarray(pattern.values) - data.feature_range[0]) / data.scale
    return image


def _short(text: str) -> str:
    return text if len(text) <= _CAPTION else f"{text[: _CAPTION - 1]}\u2026"
