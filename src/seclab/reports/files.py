"""The files kept with a run: tables as MLflow shows them best, figures as SVG."""

import json
from collections.abc import Sequence
from pathlib import Path

from seclab.artifacts import Table
from seclab.outcome import Evaluated, Outcome
from seclab.reports.figures import draw


def write_files(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write every table and figure of ``outcomes`` below ``folder``; reused ones as they were.

    Raises:
        OSError: The folder cannot be written.
    """
    for outcome in outcomes:
        if isinstance(outcome, Evaluated):
            for table in outcome.tables:
                _write(folder / "tables" / f"{outcome.evaluation}.{table.name}.json", _split(table))
            for figure in outcome.figures:
                _write(folder / "figures" / f"{outcome.evaluation}.{figure.name}.svg", draw(figure))
            for name, content in outcome.files.items():
                _write(folder / name, content)


def _split(table: Table) -> str:
    """The layout of ``mlflow.log_table``: columns once, then rows."""
    return json.dumps({"columns": list(table.columns), "data": [list(row) for row in table.rows]})


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
