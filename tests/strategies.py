"""What hypothesis makes values from, in one place."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seclab.gate import decide
from seclab.measurement import (
    CheckReport,
    CheckResult,
    CheckStatus,
    Interval,
    Measurement,
    Severity,
    Subject,
)
from seclab.outcome import Evaluated, Missing, Unevaluated
from seclab.registers import Threshold

DIGEST = "sha256:bytes:" + "a" * 64
SUBJECT = Subject("model", "softmax-regression", DIGEST)

EVALUATIONS = ("evasion_linf", "random_noise")
METRICS = {"robust_accuracy": "higher", "leak": "lower"}
PARAMETERS = ({}, {"epsilon": 0.1}, {"epsilon": 0.2})

# Hundredths: values, ends and bounds often meet.
fractions = st.integers(0, 100).map(lambda hundredths: hundredths / 100)
names = st.text(st.characters(codec="utf-8"), max_size=8)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | names
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(names, children, max_size=4),
    max_leaves=12,
)


@st.composite
def labelled_rows(draw, *, min_rows=1):
    """Features (n, d) of a few dtypes, labels (n,) and the names that go with them."""
    rows, columns = draw(st.integers(min_rows, 6)), draw(st.integers(1, 4))
    dtype = draw(st.sampled_from(["f8", "f4", "i8", "i2", "u1"]))
    features = draw(hnp.arrays(dtype, (rows, columns)))
    labels = draw(hnp.arrays(draw(st.sampled_from(["i8", "i4"])), rows, elements=st.integers(0, 2)))
    columns_named = tuple(f"column {index}" for index in range(columns))
    return features, labels, columns_named, ("a", "b", "c")


@st.composite
def measurements(draw, evaluation, *, digest=DIGEST):
    """A measurement of one of a few metrics, with an interval that may be missing."""
    metric = draw(st.sampled_from(sorted(METRICS)))
    low, value, high = sorted(draw(st.tuples(fractions, fractions, fractions)))
    interval = draw(st.sampled_from([None, Interval(low, high, 0.95, "wilson")]))
    return Measurement(
        evaluation=evaluation,
        metric=metric,
        value=value,
        interval=interval,
        n=draw(st.integers(1, 500)),
        unit="fraction",
        better=METRICS[metric],
        parameters=draw(st.sampled_from(PARAMETERS)),
        risks=("R-EVA-01",),
        seed=0,
        subject_digest=digest,
        dataset_digest=DIGEST,
    )


@st.composite
def evaluated(draw, *, digest=DIGEST):
    """An evaluation that ran."""
    name = draw(st.sampled_from(EVALUATIONS))
    found = draw(st.lists(measurements(name, digest=digest), min_size=1, max_size=3))
    return Evaluated(
        evaluation=name,
        risks=("R-EVA-01",),
        seed=0,
        parameters={"samples": 10},
        queries=draw(st.integers(0, 1000)),
        measurements=tuple(found),
        tables=(),
        figures=(),
        notes=(),
    )


unevaluated = st.builds(
    Unevaluated,
    evaluation=st.sampled_from(EVALUATIONS),
    risks=st.just(("R-EVA-01",)),
    seed=st.just(0),
    parameters=st.just({}),
    missing=st.sampled_from(Missing),
    reason=st.sampled_from(["it broke", ""]),
)
outcomes = st.lists(evaluated() | evaluated() | unevaluated, max_size=3)


@st.composite
def thresholds(draw, measured=()):
    """A criterion that bounds the harmful side of a metric, mostly of one that was measured."""
    like = draw(st.sampled_from([None, *measured, *measured]))
    metric = like.metric if like else draw(st.sampled_from(sorted(METRICS)))
    return Threshold(
        id=f"T-EVA-{draw(st.integers(0, 99)):02}",
        risk=draw(st.sampled_from(["R-EVA-01", "R-PRV-01"])),
        subject=draw(st.sampled_from(["model", "model", "model", "agent"])),
        evaluation=like.evaluation if like else draw(st.sampled_from(EVALUATIONS)),
        metric=metric,
        parameters=like.parameters if like else draw(st.sampled_from(PARAMETERS)),
        kind="at_least" if METRICS[metric] == "higher" else "at_most",
        bound=draw(st.sampled_from([like.value, like.pessimistic]) if like else fractions),
        judged=draw(st.sampled_from(["pessimistic", "value", "optimistic"])),
        why="for the sake of the test",
    )


check_results = st.builds(
    CheckResult,
    expectation=st.sampled_from(["rows_are_unique", "labels_are_known", "values_are_finite"]),
    severity=st.sampled_from(Severity),
    status=st.sampled_from([*[CheckStatus.PASSED] * 6, CheckStatus.FAILED, CheckStatus.ERRORED]),
    risks=st.sampled_from([("R-POI-02",), ("R-POI-02", "R-POI-04")]),
    observed=st.just("3 rows"),
    explanation=st.sampled_from(["no row stands twice", "<b>|`\u00fc"]),
)
check_reports = st.builds(
    CheckReport,
    suite=st.sampled_from(["digits", "splits"]),
    suite_digest=st.just(DIGEST),
    dataset=st.just("digits"),
    dataset_digest=st.just(DIGEST),
    results=st.lists(check_results, min_size=1, max_size=3).map(tuple),
)


@dataclass(frozen=True)
class Case:
    """What a gate is given about one model."""

    outcomes: list
    reports: list
    thresholds: list

    @property
    def measurements(self):
        ran = (outcome for outcome in self.outcomes if isinstance(outcome, Evaluated))
        return [measurement for outcome in ran for measurement in outcome.measurements]

    def decide(self):
        return decide(SUBJECT, self.outcomes, self.reports, self.thresholds)


@st.composite
def cases(draw, *, reports=1):
    """Outcomes, reports, and criteria that mostly fit what was measured."""
    case = Case(draw(outcomes), draw(st.lists(check_reports, min_size=reports, max_size=2)), [])
    judged = draw(st.lists(thresholds(case.measurements), min_size=1, max_size=3))
    return replace(case, thresholds=judged)


@st.composite
def linear_models(draw, *, rows=6):
    """A random softmax regression in a box, and rows inside it, some of them on its edge.

    Gives weights (d, 3), biases (3,), inputs (rows, d), and the bounds of the box.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = draw(st.integers(1, 4))
    low = draw(st.floats(-20.0, 20.0))
    high = low + draw(st.floats(0.1, 40.0))
    x = rng.uniform(low, high, (rows, columns))
    edge = rng.uniform(size=x.shape)
    x = np.where(edge < 0.15, low, np.where(edge > 0.85, high, x))
    weights = rng.normal(size=(columns, 3)) / (high - low) * 4.0
    return weights, rng.normal(size=3) - weights.sum(axis=0) * low, x, (low, high)
