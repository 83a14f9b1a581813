"""Subjects, criteria, measurements and reports for the tests of the gate."""

from dataclasses import replace

from seclab.measurement import (
    CheckReport,
    CheckResult,
    CheckStatus,
    Interval,
    Measurement,
    Severity,
    Subject,
)
from seclab.outcome import Evaluated, Unevaluated
from seclab.registers import Threshold

MODEL = Subject("model", "mlp", "sha256:bytes:aa")
AGENT = Subject("agent", "support-agent", "sha256:rfc8785:bb")
DATASET = Subject("dataset", "digits", "sha256:rows-ordered/1:cc")

ROBUST = Threshold(
    id="T-EVA-01",
    risk="R-EVA-01",
    subject="model",
    evaluation="evasion_linf",
    metric="robust_accuracy",
    parameters={"epsilon": 0.1},
    kind="at_least",
    bound=0.6,
    judged="pessimistic",
    why="",
)
LEAK = replace(
    ROBUST,
    id="T-PRV-01",
    risk="R-PRV-01",
    evaluation="membership_inference",
    metric="membership_auc",
    parameters={},
    kind="at_most",
    bound=0.7,
)
INJECTED = replace(LEAK, id="T-RAG-01", risk="R-RAG-02", subject="agent", metric="executed")


def measured(
    value, *, low=None, high=None, threshold=ROBUST, digest=MODEL.digest, n=100, **changes
):
    interval = None if low is None else Interval(low, high, 0.95, "wilson")
    fields = {
        "evaluation": threshold.evaluation,
        "metric": threshold.metric,
        "parameters": dict(threshold.parameters),
    } | changes
    return Measurement(
        value=value,
        interval=interval,
        n=n,
        unit="fraction",
        better="higher" if threshold.metric == "robust_accuracy" else "lower",
        risks=(threshold.risk,),
        seed=0,
        subject_digest=digest,
        dataset_digest="sha256:rows-ordered/1:dd",
        **fields,
    )


def ran(*measurements, evaluation=None, **parameters):
    return Evaluated(
        evaluation=evaluation or measurements[0].evaluation,
        risks=("R-EVA-01",),
        seed=0,
        parameters=parameters,
        queries=0,
        measurements=measurements,
        tables=(),
        figures=(),
        notes=(),
    )


def did_not(missing, *, evaluation="evasion_linf"):
    return Unevaluated(evaluation, ("R-EVA-01",), 0, {}, missing, "it broke")


def checked(
    status=CheckStatus.PASSED,
    severity=Severity.CRITICAL,
    *,
    name="rows_are_unique",
    risks=("R-POI-02",),
):
    result = CheckResult(name, severity, status, risks, "0 copies", "no row stands twice")
    return CheckReport("digits", "sha256:bytes:ee", "digits", DATASET.digest, (result,))
