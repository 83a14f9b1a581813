"""What the properties of the gate have in common: how verdicts rank, how a case gets better."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import settings

from seclab.gate import Verdict
from seclab.outcome import Evaluated

# Drawing a whole case takes a while; what matters is that all verdicts are among them.
some = settings(max_examples=50)
RANK = {Verdict.BLOCK: 0, Verdict.NOT_EVALUATED: 1, Verdict.PASS: 2}
AT = datetime(2026, 6, 15, 12, tzinfo=UTC)


def rank(case):
    return RANK[case.decide().verdict]


def exchanged(case, measured, better):
    """The case with one measurement exchanged for a better one."""
    return replace(
        case,
        outcomes=[
            replace(o, measurements=tuple(better if m is measured else m for m in o.measurements))
            if isinstance(o, Evaluated)
            else o
            for o in case.outcomes
        ],
    )


def nudged(measurement, share):
    """The measurement, better for the defender by a share of what is left."""
    target = 1.0 if measurement.better == "higher" else 0.0

    def better(value):
        return value + share * (target - value)

    interval = measurement.interval
    if interval is not None:
        interval = replace(interval, low=better(interval.low), high=better(interval.high))
    return replace(measurement, value=better(measurement.value), interval=interval)
