"""Figures as SVG text: the same data gives the same bytes, so that figures can be digested."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from seclab.artifacts import Chart, Figure, ImageGrid

# Okabe and Ito (2008): told apart with any colour vision; dashes tell them apart without colour.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_CROWDED = 7  # with more lines than that their names would hide them: they stand beside the chart


def draw(figure: Figure) -> str:
    """A figure as a standalone SVG document."""
    with mpl.rc_context(
        {
            "font.size": 10,
            "svg.fonttype": "none",
            "svg.hashsalt": "seclab",
            # A class may be called "$": names are no formulas, and half a one cannot be drawn.
            "text.parse_math": False,
        }
    ):
        canvas = _images(figure) if isinstance(figure, ImageGrid) else _chart(figure)
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _chart(chart: Chart) -> Canvas:
    canvas = Canvas(figsize=(6.4, 3.8))
    # Fixed margins: a layout that measures itself draws everything twice.
    crowded = chart.kind == "line" and len(chart.series) > _CROWDED
    axes = canvas.add_axes(
        (
            0.1,
            0.3 if chart.categories else 0.14,
            0.57 if crowded else 0.87,
            0.5 if chart.categories else 0.76,
        )
    )
    if chart.kind == "bar":
        _bars(axes, chart)
    else:
        _lines(axes, chart)
    axes.set_title(chart.title, loc="left", fontsize=11)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(chart.series) > 1:
        if chart.categories:
            axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.0, 1.0))
        elif crowded:
            axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        else:
            axes.legend(frameon=False, fontsize=9)
    return canvas


def _lines(axes: Axes, chart: Chart) -> None:
    for index, series in enumerate(chart.series):
        colour = _COLOURS[index % len(_COLOURS)]
        axes.plot(
            series.x,
            series.y,
            _DASHES[index % len(_DASHES)],
            color=colour,
            marker=_MARKERS[index % len(_MARKERS)] if len(series.x) <= 20 else "",
            markersize=4,
            label=series.label,
        )
        if series.low and series.high:
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.15, lw=0)
    if chart.scale == "log":
        _logarithmic(axes)
        return
    low, high = axes.get_ylim()
    if low >= -0.1 and high <= 1.1:
        axes.set_ylim(-0.02, 1.02)


def _logarithmic(axes: Axes) -> None:
    """Both axes in decades, what is not above 0 left out; powers as numbers, not as formulas."""
    axes.set_xscale("log", nonpositive="mask")
    axes.set_yscale("log", nonpositive="mask")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def _bars(axes: Axes, chart: Chart) -> None:
    width = 0.8 / max(len(chart.series), 1)
    for index, series in enumerate(chart.series):
        offset = (index - (len(chart.series) - 1) / 2) * width
        axes.bar(
            [x + offset for x in series.x],
            series.y,
            width,
            color=_COLOURS[index % len(_COLOURS)],
            hatch=("", "//", "..", "xx")[index % 4],
            edgecolor="white",
            label=series.label,
        )
    if chart.categories:
        axes.set_xticks(range(len(chart.categories)), chart.categories, rotation=30, ha="right")


def _images(grid: ImageGrid) -> Canvas:
    """All images in one picture: a set of axes for each would take seconds to lay out."""
    rows, columns, height, width = grid.images.shape
    gap = max(1, width // 4)
    cell = (height + 2 * gap, width + gap)
    mosaic = np.zeros((rows * cell[0], columns * cell[1]))
    canvas = Canvas(figsize=(0.85 * columns + 0.2, 1.05 * rows + 0.3))
    axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0 - 0.3 / (1.05 * rows + 0.3)))
    for index in range(rows * columns):
        top, left = index // columns * cell[0] + 2 * gap, index % columns * cell[1]
        mosaic[top : top + height, left : left + width] = grid.images[
            index // columns, index % columns
        ]
        if index < len(grid.captions):
            axes.text(left, top - gap / 2, grid.captions[index], fontsize=8)
    axes.imshow(mosaic, cmap="gray_r", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    canvas.text(0.0, 0.99, grid.title, va="top", fontsize=10)
    return canvas
