import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from seclab.artifacts import Chart, ImageGrid, Series
from seclab.fingerprint import of_bytes
from seclab.reports import draw

LINES = Chart(
    name="curve",
    title="Accuracy under attack",
    x_label="epsilon",
    y_label="accuracy",
    series=(
        Series("one step", (0.0, 0.1, 0.2), (0.95, 0.6, 0.2), (0.9, 0.5, 0.1), (1.0, 0.7, 0.3)),
        Series("many steps", (0.0, 0.1, 0.2), (0.95, 0.5, 0.1)),
    ),
)
BARS = replace(
    LINES,
    kind="bar",
    categories=("plain", "encoded"),
    series=(Series("off", (0.0, 1.0), (0.9, 0.5)), Series("on", (0.0, 1.0), (0.1, 0.0))),
)
ROC = replace(
    LINES,
    title="Members recognised",
    scale="log",
    series=(
        Series("attack", (0.0, 0.001, 0.1, 1.0), (0.0, 0.02, 0.5, 1.0)),
        Series("guessing", (0.001, 1.0), (0.001, 1.0)),
    ),
)
GRID = ImageGrid(
    name="failures",
    title="Broken images",
    images=np.linspace(0.0, 1.0, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4),
    captions=("a", "b", "c", "d", "e", "f"),
)
ALL = {"lines": LINES, "bars": BARS, "roc": ROC, "grid": GRID}

PROGRAM = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_figures import ALL
from seclab.fingerprint import of_bytes
from seclab.reports import draw
for figure in reversed(ALL.values()):
    print(of_bytes(draw(figure).encode()).value)
"""


def _texts(svg):
    nodes = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own
    return ["".join(node.itertext()) for node in nodes]


def test_the_same_data_gives_the_same_bytes_in_any_process_and_order():
    here = [of_bytes(draw(figure).encode()).value for figure in ALL.values()]

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == here[::-1]


@pytest.mark.parametrize("name", ALL)
def test_a_figure_is_one_svg_document_without_a_date(name):
    svg = draw(ALL[name])

    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
    assert "<dc:date" not in svg
    assert "Matplotlib" not in svg


def test_other_data_gives_another_figure():
    moved = replace(LINES.series[1], y=(0.95, 0.5, 0.11))

    assert draw(replace(LINES, series=(LINES.series[0], moved))) != draw(LINES)
    assert draw(replace(GRID, images=1.0 - GRID.images)) != draw(GRID)


def test_a_chart_says_what_it_shows():
    assert {"Accuracy under attack", "epsilon", "accuracy", "one step", "many steps"} <= set(
        _texts(draw(LINES))
    )


def test_bars_stand_above_their_categories():
    assert {"plain", "encoded", "off", "on"} <= set(_texts(draw(BARS)))


def test_a_single_line_needs_no_legend():
    alone = replace(LINES, series=LINES.series[:1])

    assert "one step" not in _texts(draw(alone))


def test_a_band_is_drawn_where_there_is_an_interval():
    without = replace(LINES, series=(replace(LINES.series[0], low=(), high=()), LINES.series[1]))

    assert draw(LINES).count("FillBetweenPolyCollection") == 1
    assert "FillBetweenPolyCollection" not in draw(without)


def test_fractions_are_drawn_on_the_whole_scale_and_others_on_their_own():
    counts = replace(LINES, series=(Series("n", (0.0, 1.0), (10.0, 90.0)),))

    assert {"0.0", "1.0"} <= set(_texts(draw(LINES)))
    assert "80" in _texts(draw(counts))


def test_a_logarithmic_chart_counts_in_decades_and_writes_them_as_numbers():
    texts = _texts(draw(ROC))

    assert {"0.001", "0.01", "0.1", "1"} <= set(texts)
    assert not [text for text in texts if "$" in text]
    assert draw(ROC) != draw(replace(ROC, scale="linear"))


def test_what_is_not_above_zero_has_no_place_on_a_logarithmic_chart():
    above = replace(ROC.series[0], x=ROC.series[0].x[1:], y=ROC.series[0].y[1:])

    assert draw(ROC) == draw(replace(ROC, series=(above, ROC.series[1])))


def test_names_of_many_lines_stand_beside_the_chart():
    few, many = (
        replace(
            LINES, series=tuple(replace(LINES.series[1], label=f"line {n}") for n in range(count))
        )
        for count in (7, 8)
    )

    def right_end(chart):
        svg = ET.fromstring(draw(chart))  # noqa: S314 - our own
        ground = svg.find(".//*[@id='patch_2']/{http://www.w3.org/2000/svg}path")
        return float(ground.get("d").split()[4])

    def names_begin(chart):
        found = re.findall(r' x="([\d.]+)"[^>]*>line [0-6]</text>', draw(chart))
        return min(float(x) for x in found)

    assert names_begin(few) < right_end(few)
    assert names_begin(many) > right_end(many)


def test_a_grid_shows_every_caption():
    assert sorted(_texts(draw(GRID))) == ["Broken images", "a", "b", "c", "d", "e", "f"]
    assert draw(GRID).count("<image") == 1


@pytest.mark.parametrize("text", ["$x^{$", "$", "100 % & <b>", "</svg><script>alert(1)</script>"])
def test_names_are_neither_formulas_nor_markup(text):
    hostile = replace(
        LINES, title=text, series=(replace(LINES.series[0], label=text), LINES.series[1])
    )

    for figure in (
        hostile,
        replace(GRID, captions=(text,) * 6),
        replace(BARS, categories=(text,) * 2),
    ):
        svg = draw(figure)
        assert text in _texts(svg)
        assert "<script" not in svg


def test_nothing_to_draw_is_an_empty_chart():
    assert _texts(draw(replace(LINES, series=())))


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    keys = ("font.size", "svg.fonttype", "svg.hashsalt", "text.parse_math")
    before = [mpl.rcParams[key] for key in keys]

    draw(LINES)

    assert [mpl.rcParams[key] for key in keys] == before
