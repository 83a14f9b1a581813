import json

import numpy as np

from seclab.artifacts import Chart, ImageGrid, Series, Table
from seclab.outcome import Missing, Unevaluated
from seclab.reports import draw, write_files
from tests.runs import MODEL, evaluated

TABLE = Table("sweep", "", ("epsilon", "attack"), ((0.1, "strongest"), (0.2, None), (True, "ü|")))
CURVE = Chart("curve", "t", "x", "y", (Series("a", (0.0,), (1.0,)),))
GRID = ImageGrid("images", "t", np.zeros((1, 1, 2, 2)), ("a",))


def test_every_table_and_figure_is_a_file_named_by_its_evaluation(tmp_path):
    write_files(
        tmp_path,
        [
            evaluated("evasion_linf", [], subject=MODEL, tables=(TABLE,), figures=(CURVE, GRID)),
            evaluated("random_noise", [], subject=MODEL, tables=(TABLE,)),
            Unevaluated("model_extraction", (), 0, {}, Missing.ERRORED, "broke"),
        ],
    )

    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert files == [
        "figures/evasion_linf.curve.svg",
        "figures/evasion_linf.images.svg",
        "tables/evasion_linf.sweep.json",
        "tables/random_noise.sweep.json",
    ]
    assert (tmp_path / files[0]).read_text(encoding="utf-8") == draw(CURVE)


def test_a_table_has_the_layout_that_mlflow_shows(tmp_path):
    write_files(tmp_path, [evaluated("evasion_linf", [], subject=MODEL, tables=(TABLE,))])

    written = json.loads((tmp_path / "tables" / "evasion_linf.sweep.json").read_text("utf-8"))
    assert written == {
        "columns": ["epsilon", "attack"],
        "data": [[0.1, "strongest"], [0.2, None], [True, "ü|"]],
    }


def test_nothing_to_write_writes_nothing(tmp_path):
    write_files(tmp_path / "run", [evaluated("evasion_linf", [], subject=MODEL)])

    assert not (tmp_path / "run").exists()
