"""Printing: rich on a terminal, aligned plain text or JSON elsewhere."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seclab.whole_files import write_whole

_STYLES = {
    "PASS": "bold green",
    "pass": "green",
    "BLOCK": "bold red",
    "block": "red",
    "NOT_EVALUATED": "bold yellow",
    "not-evaluated": "yellow",
    "stale": "bold red",
    "never tested": "dim",
}

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


def say(text: str = "") -> None:
    """A line on standard output, without markup."""
    out.print(text, markup=False)


def complain(text: str) -> None:
    """A line on standard error, without markup."""
    err.print(text, markup=False)


def as_json(value: Any) -> None:
    """A value as JSON on standard output, for other programs."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all; one that is there is replaced.

    Raises:
        Misconfigured: It cannot be written.
    """
    write_whole({path: text.encode()})


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headings: ruled and coloured on a terminal, aligned text elsewhere."""
    if not out.is_terminal:
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (columns, *rows)
        ]
        say("\n".join(lines))  # at once: rich takes longer over a line than over its text
        return
    ruled = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        ruled.add_column(column, overflow="fold")
    for row in rows:
        ruled.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    out.print(ruled, soft_wrap=False)


def age(moment: datetime) -> str:
    """How long ago something was, in its largest unit: ``3 h``."""
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "just now"
