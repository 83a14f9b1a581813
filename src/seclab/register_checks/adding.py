"""Adding a risk, so that the registers pass the check afterwards."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from seclab.errors import Misconfigured
from seclab.findings import Finding
from seclab.register_checks.csv_cells import append_row
from seclab.registers import DATA_CHECKS, NEVER_TESTED, Measures
from seclab.registers.loading import MATRIX, RISKS
from seclab.whole_files import read_file, write_whole

_LAST = 99


def next_id(prefix: str, taken: Sequence[str]) -> str:
    """The number after the highest of a prefix: ids are never reused, not even those of gaps.

    Args:
        prefix: ``R-EVA``.
        taken: The ids there are.

    Raises:
        Misconfigured: The numbers of the prefix are used up.
    """
    numbers = [
        int(id_[-2:]) for id_ in taken if id_.startswith(f"{prefix}-") and id_[-2:].isdigit()
    ]
    number = max(numbers, default=0) + 1
    if number > _LAST:
        raise Misconfigured(f"{prefix} has no free number left; begin another prefix")
    return f"{prefix}-{number:02d}"


def matrix_rows(
    risk: Mapping[str, str], evaluations: Mapping[str, Measures]
) -> Iterator[Mapping[str, str]]:
    """The rows of the matrix that a new risk needs: one for each source of its evidence.

    Args:
        risk: Its cells by column.
        evaluations: Every evaluation by name; the first metric of each is taken.
    """
    row = {
        "attack_surface": risk["asset_class"],
        "attack": risk["title"],
        "atlas_ids": risk["atlas_ids"],
        "defensive_control": risk["control"],
        "risk_id": risk["id"],
    }
    if risk["evidence"] == NEVER_TESTED:
        yield row
        return
    for name in dict.fromkeys(each.partition(":")[0] for each in risk["evidence"].split(";")):
        metrics = evaluations[name].metrics if name in evaluations else {}
        metric = "" if name == DATA_CHECKS else next(iter(metrics), "")
        yield row | {"evaluation": name, "metric": metric}


def add_risk(
    folder: Path,
    risk: Mapping[str, str],
    rows: Sequence[Mapping[str, str]],
    *,
    check: Callable[[Path], Sequence[Finding]],
) -> None:
    """Append a risk and its rows of the matrix.

    Args:
        folder: Where the registers stand.
        risk: The cells of the risk by column.
        rows: The cells of each row of the matrix by column.
        check: Gives the findings about a folder.

    Raises:
        Misconfigured: The check would find something that it does not find now; nothing is
            written.
    """
    risks, matrix = (read_file(folder / name) for name in (RISKS, MATRIX))
    risks = append_row(risks, risk, file=RISKS)
    for row in rows:
        matrix = append_row(matrix, row, file=MATRIX)
    with tempfile.TemporaryDirectory() as name:
        tried = Path(name)
        for path in folder.iterdir():
            if path.is_file():
                shutil.copy(path, tried)
        before = set(check(tried))
        (tried / RISKS).write_bytes(risks)
        (tried / MATRIX).write_bytes(matrix)
        new = [each for each in check(tried) if each not in before]
    if new:
        raise Misconfigured([f"{each.place}: {each.message}; {each.suggestion}" for each in new])
    write_whole({folder / RISKS: risks, folder / MATRIX: matrix})
