"""Decisions of the real gate by the shipped registers, from measurements made by hand."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

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
from seclab.registers import Waiver, load_registers
from seclab.reports import Judged
from tests.conftest import ROOT

THRESHOLDS_FILE = ROOT / "registers" / "thresholds.yaml"
SHIPPED = load_registers(ROOT / "registers")
WAIVER = Waiver(
    id="W-001",
    risk="R-EVA-01",
    criterion="T-EVA-01",
    model="mlp-hardened",
    reason="Nobody outside the lab can reach it",
    owner="ml-engineering",
    approver="security",
    until=date(2026, 12, 31),
)
REGISTERS = replace(SHIPPED, waivers=(WAIVER,))
NOW = datetime(2026, 11, 1, tzinfo=UTC)
MODEL = Subject("model", "mlp-hardened", "sha256:bytes:" + "a" * 64)
BUNDLE = "sha256:rfc8785:" + "b" * 64
HOSTILE = [
    "<script>alert(1)</script>",
    "](http://x)",
    "[x](http://evil.example)",
    "![x](http://evil.example/p.png)",
    "a | b \\| c \\\\| d",
    "two\nlines\r\n\r\n## PASS",
    "`code` ``more`` ```",
    "\"quotes\" 'and' </code></testcase>]]>",
    "nul \0 bell \a escape \x1b[2K c1 \x9b surrogate \ud800 no \ufffe",
    "rtl \u202e kcolb",
    "@everyone #1 :tada: http://evil.example www.evil.example a@b.example",
    "{0} {{1}} $x$ **bold** __bold__ ~~gone~~ &lt;b&gt; <!-- -->",
    "",
    " ",
    "x" * 5000,
]


@dataclass(frozen=True)
class Signature:
    """What checking a signature gave."""

    keyid: str
    problem: str = ""
    role: str = "pipeline"
    owner: str = "the lab"


def threshold(criterion):
    return next(each for each in SHIPPED.thresholds if each.id == criterion)


def evaluated(evaluation, *measurements):
    """An evaluation that made all the effort any criterion asks for."""
    effort = {}
    for each in SHIPPED.thresholds:
        if each.evaluation == evaluation:
            effort |= {
                name.removesuffix(".count"): " ".join(["1"] * int(least))
                if name.endswith(".count")
                else least
                for name, least in each.effort.items()
            }
    return Evaluated(evaluation, ("R-EVA-01",), 0, effort, 10, measurements, (), (), ())


def measured(each, *, good=True, subject=MODEL):
    """A measurement that meets a criterion, or misses it, with an interval around it."""
    bound = each.bound
    better = "higher" if each.kind == "at_least" else "lower"
    meets = (1 + bound) / 2 if better == "higher" else bound / 2
    value = meets if good else bound / 2 if better == "higher" else (1 + bound) / 2
    reach = abs(value - bound) / 2
    return Measurement(
        evaluation=each.evaluation,
        metric=each.metric,
        value=value,
        interval=Interval(value - reach, value + reach, 0.95, "wilson"),
        n=100_000,
        unit="fraction",
        better=better,
        parameters=dict(each.parameters),
        risks=(each.risk,),
        seed=0,
        subject_digest=subject.digest,
        dataset_digest="",
    )


def checked(*results):
    """A report of data checks: one that passed, and others."""
    passed = CheckResult(
        "expect_rows", Severity.CRITICAL, CheckStatus.PASSED, ("R-POI-02",), "1797 rows", "as ever"
    )
    return CheckReport("digits", "d", "digits", "d", (passed, *results))


def judge(
    *, blocked=(), missing=(), waivers=(), subject=MODEL, report=None, errored=None, **evidence
):
    """A model that meets every criterion, but for those named."""
    outcomes = {}
    for each in SHIPPED.thresholds:
        # What is only compared with a champion's is a number that another criterion bounds.
        if each.subject == subject.kind and each.id not in missing and each.bound is not None:
            found = measured(each, good=each.id not in blocked, subject=subject)
            outcomes.setdefault(each.evaluation, []).append(found)
    made = [evaluated(name, *found) for name, found in outcomes.items()]
    if errored is not None:
        made = [
            Unevaluated(each.evaluation, (), 0, {}, Missing.ERRORED, errored)
            if each.evaluation == "evasion_linf"
            else each
            for each in made
        ]
    decision = decide(
        subject, made, (report or checked(),), SHIPPED.thresholds, waivers=waivers, at=NOW
    )
    fields = {"bundle": BUNDLE, "run": "0123abcd", "outcomes": tuple(made)} | evidence
    return Judged(decision, **fields)


def hostile(text):
    """A decision in which a text from outside stands wherever one can."""
    failed = CheckResult(
        text, Severity.CRITICAL, CheckStatus.FAILED, (text, "R-POI-02"), text, text
    )
    warned = replace(failed, severity=Severity.WARNING)
    return judge(
        subject=replace(MODEL, name=text),
        report=checked(failed, warned),
        errored=text,
        run=text,
        bundle=text,
        signed=Signature(text, problem=text, owner=text),
        page=text,
    )
