"""The gate: evidence and thresholds in, a verdict with its reasons out. Nothing is acted on."""

from seclab.gate.criteria import clean_accuracy, decide
from seclab.gate.decision import (
    Comparison,
    CriterionResult,
    Decision,
    Verdict,
    explain,
    overall,
)
from seclab.gate.evidence_criteria import Approval, Conditions, Signed, admit

__all__ = [
    "Approval",
    "Comparison",
    "Conditions",
    "CriterionResult",
    "Decision",
    "Signed",
    "Verdict",
    "admit",
    "clean_accuracy",
    "decide",
    "explain",
    "overall",
]
