"""The states in letters and words, and shares that say of how many."""

from collections.abc import Mapping

from seclab.coverage.records import RiskCoverage, State, Tally

LETTERS: Mapping[State, str] = {
    "passed": "P",
    "failed": "F",
    "errored": "E",
    "skipped": "S",
    "stale": "O",
    "never-tested": "-",
    "out-of-scope": "x",
}
MEANINGS: Mapping[State, str] = {
    "passed": "passed: fresh evidence of all that it is asked of",
    "failed": "failed: a criterion of the gate was not met",
    "errored": "errored: the evaluation broke",
    "skipped": "skipped: left out, or no criterion judges the number",
    "stale": "old: the evidence is stale",
    "never-tested": "never tested",
    "out-of-scope": "out of scope, with the reason",
}
# What a run said of a risk, for trends.
VERDICT_LETTERS: Mapping[str, str] = {
    "pass": "P",
    "block": "F",
    "not-evaluated": "E",
    "measured": "S",
}


def share(tally: Tally) -> str:
    """Those that passed of all in scope, tested or not: ``3 of 12 in scope passed (25%)``."""
    if tally.share is None:
        return "none in scope"
    return f"{tally.passed} of {tally.in_scope} in scope passed ({tally.share:.0%})"


def against_target(risk: RiskCoverage) -> str:
    """Whether the residual score keeps the target: ``met``, ``not met``, or ``unproven``.

    A risk may be small enough before anything was tested. That is no evidence of a control.
    """
    if not risk.score.met:
        return "not met"
    return "met" if risk.state == "passed" else "unproven"
