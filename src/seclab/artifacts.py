"""Tables and figures behind the measurements, as data: ``seclab.reports`` draws them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from seclab.measurement import Estimate, Scalar


@dataclass(frozen=True, slots=True)
class Table:
    """Rows behind the measurements, kept with the evidence."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.name}: every row needs {len(self.columns)} cells")

    def records(self) -> list[dict[str, Scalar]]:
        """The rows as one mapping from column to cell each."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart; ``low`` and ``high`` are its confidence band, empty where none."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def of(cls, label: str, points: Iterable[tuple[float, Estimate]]) -> "Series":
        """A line through estimates, with their intervals as its band."""
        points = tuple(points)
        return cls(
            label=label,
            x=tuple(x for x, _ in points),
            y=tuple(estimate.value for _, estimate in points),
            low=tuple(estimate.low for _, estimate in points),
            high=tuple(estimate.high for _, estimate in points),
        )


@dataclass(frozen=True, slots=True)
class Chart:
    """A line or bar chart as data: ``seclab.reports`` draws it, the library does not.

    Attributes:
        scale: ``log`` draws lines on two logarithmic axes; what is not above 0 has no place there.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    kind: Literal["line", "bar"] = "line"
    categories: tuple[str, ...] = ()
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True, slots=True, eq=False)
class ImageGrid:
    """Images side by side, for example originals above their adversarial versions.

    Attributes:
        images: Array of shape (rows, columns, height, width) in 0 to 1.
        captions: One short text per image, ``rows * columns`` of them, row by row.
    """

    name: str
    title: str
    images: np.ndarray
    captions: tuple[str, ...]


Figure: TypeAlias = Chart | ImageGrid
