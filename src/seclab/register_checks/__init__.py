"""Checking the registers: every mistake at once, with its place and what to write instead."""

from seclab.register_checks.adding import add_risk, matrix_rows, next_id
from seclab.register_checks.checking import as_findings, check_registers
from seclab.register_checks.fixing import apply_fixes, digests
from seclab.register_checks.rules import RULES
from seclab.register_checks.sarif import render_findings

__all__ = [
    "RULES",
    "add_risk",
    "apply_fixes",
    "as_findings",
    "check_registers",
    "digests",
    "matrix_rows",
    "next_id",
    "render_findings",
]
