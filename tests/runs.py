"""A finished run in miniature: two evaluations, one report, three criteria, and all its files."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from seclab.artifacts import Chart, ImageGrid, Series, Table
from seclab.assessment import Assessment, assess
from seclab.custody import Acquisition, Kind, Rows, Transformation, effect, record_manifest
from seclab.datasets import Dataset, Provenance
from seclab.evidence import Environment, Facts
from seclab.fingerprint import of_bytes
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
from seclab.registers import Registers, Risk, Threshold
from seclab.registers.tiers import ModelEntry, Models, Tier

STARTED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
MODEL = Subject("model", "softmax-regression", str(of_bytes(b"a model")))
ROWS = Dataset(
    name="bars/test",
    features=np.arange(12.0).reshape(3, 4),
    labels=np.array([0, 1, 0]),
    feature_names=("a", "b", "c", "d"),
    class_names=("low", "high"),
    feature_range=(0.0, 11.0),
    image_shape=(2, 2),
    provenance=Provenance('the "bars" <b>set</b>', "CC0-1.0", "generated", "all"),
)


def _versions():
    """The manifests of these rows and of those that they were taken from, with one row more."""
    whole = ROWS.take(np.array([0, 1, 2, 2]), name="bars")
    first = record_manifest(
        whole,
        source="a shelf",
        licence="CC0-1.0",
        acquired=Acquisition(date(2026, 2, 28), "copied"),
    )
    gone = effect(Kind.REMOVED, [3], Rows.of(whole))
    step = Transformation("split: test", of_bytes(b"how"), (gone,))
    second = record_manifest(ROWS, parents=[first], transformations=[step])
    return {manifest.digest: manifest for manifest in (first, second)}


MANIFESTS = _versions()


def risk(id_, title="Evasion by small perturbations"):
    return Risk(
        id=id_,
        title=title,
        asset="The label",
        asset_class="prediction-interface",
        actor="Client",
        attacker_goal="Another label",
        attack_pattern="Search",
        trust_boundary="Client to model",
        nist_id="NISTAML.022",
        atlas_ids=("AML.T0015",),
        owasp_ids=("ML01:2023",),
        stride=("T",),
        likelihood=3,
        impact=4,
        control="Adversarial training.",
        evidence="evasion_linf",
        residual_risk="Larger budgets.",
        owner="ml-engineering",
        status="mitigated",
        review_date=date(2027, 3, 31),
    )


ROBUST = Threshold(
    id="T-EVA-01",
    risk="R-EVA-01",
    subject="model",
    evaluation="evasion_linf",
    metric="robust_accuracy",
    parameters={"epsilon": 0.1, "attack": "strongest"},
    kind="at_least",
    bound=0.6,
    judged="pessimistic",
    why="People still read the digit.",
)
LOW = Tier("low", False, False, (), 90, (), True)
MODELS = Models(
    {"low": LOW},
    {"public": {"low": "low"}},
    {
        name: ModelEntry(name, "public", "low", "ml-engineering", "for tests")
        for name in (
            "softmax-regression",
            "mlp",
            "random-forest",
            "support-agent",
            "agent",
            "bars",
            "digits",
        )
    },
)
REGISTERS = Registers(
    risks={id_: risk(id_) for id_ in ("R-EVA-01", "R-EVA-02", "R-POI-02")},
    matrix=(),
    thresholds=(
        ROBUST,
        replace(ROBUST, id="T-EVA-02", metric="clean_accuracy", parameters={}),
        replace(ROBUST, id="T-EVA-03", risk="R-EVA-02", evaluation="random_noise", bound=0.5),
        replace(ROBUST, id="T-RAG-01", subject="agent"),
    ),
    profiles={},
    digests={"thresholds.yaml": of_bytes(b"thresholds"), "risks.csv": of_bytes(b"risks")},
    models=MODELS,
)
ENVIRONMENT = Environment(
    "3.11.7", "Linux x86_64", {"numpy": "2.4.6"}, None, "4ce3d1f", git_clean=True
)


CURVE = Chart(
    "curve", "Accuracy under attack", "epsilon", "accuracy", (Series("a", (0.0, 1.0), (1.0, 0.5)),)
)
FAILURES = ImageGrid("failures", "Broken", np.linspace(0, 1, 16).reshape(1, 4, 2, 2), tuple("abcd"))


@dataclass(frozen=True)
class Run:
    """What went into a run, and what came of it."""

    facts: Facts
    outcomes: tuple
    reports: tuple
    registers: Registers
    assessment: Assessment

    @property
    def bundle(self):
        return self.assessment.bundle

    @property
    def folder(self):
        return self.assessment.folder


def evaluated(name, readings, *, subject, risks=("R-EVA-01",), **extra):
    """An evaluation that ran; readings are (metric, value, parameters)."""
    return Evaluated(
        evaluation=name,
        risks=risks,
        seed=7,
        parameters={"samples": 100, "epsilons": "0.1 0.2"},
        queries=1234,
        measurements=tuple(
            Measurement(
                evaluation=name,
                metric=metric,
                value=value,
                interval=Interval(max(value - 0.05, 0.0), min(value + 0.05, 1.0), 0.95, "wilson"),
                n=100,
                unit="fraction",
                better="higher",
                parameters=parameters,
                risks=risks,
                seed=7,
                subject_digest=subject.digest,
                dataset_digest=str(ROWS.fingerprint().ordered),
            )
            for metric, value, parameters in readings
        ),
        **{"tables": (), "figures": (), "notes": ()} | extra,
    )


def outcomes_for(subject, *, robust=0.8, noise=0.9, pictures=False):
    """Two evaluations; no noise means that the second one broke."""
    sweep = [
        (
            "robust_accuracy",
            robust + 0.05 - 0.05 * step,
            {"epsilon": epsilon, "attack": "strongest"},
        )
        for step, epsilon in enumerate((0.05, 0.1, 0.15))
    ]
    evasion = evaluated(
        "evasion_linf",
        [("clean_accuracy", 0.95, {}), *sweep],
        subject=subject,
        tables=(Table("sweep", "", ("epsilon", "value"), ((0.05, 0.85), (0.1, None))),),
        figures=(CURVE, FAILURES) if pictures else (),
        notes=("An upper bound.",),
    )
    if noise is None:
        return evasion, Unevaluated(
            "random_noise", ("R-EVA-02",), 7, {"repeats": 3}, Missing.ERRORED, "ValueError: broke"
        )
    readings = [("robust_accuracy", noise, {"epsilon": 0.1, "attack": "strongest"})]
    return evasion, evaluated("random_noise", readings, subject=subject, risks=("R-EVA-02",))


def report(status=CheckStatus.PASSED):
    checks = (
        ("rows_are_unique", Severity.CRITICAL, status),
        ("classes_are_balanced", Severity.WARNING, CheckStatus.FAILED),
    )
    return CheckReport(
        "bars",
        str(of_bytes(b"suite")),
        ROWS.name,
        str(ROWS.fingerprint().ordered),
        tuple(
            CheckResult(
                name, severity, found, ("R-POI-02",), "2 copies", "no row stands twice", (1, 2)
            )
            for name, severity, found in checks
        ),
    )


def finished(
    folder,
    *,
    subject=MODEL,
    robust=0.8,
    noise=0.9,
    minute=0,
    pictures=False,
    previous=None,
    key=None,
    manifests=MANIFESTS,
    **changes,
):
    """A run with everything but pictures, which take most of the time; by default it passes."""
    facts = Facts(
        subject=subject,
        profile="quick",
        seed=7,
        started=STARTED + timedelta(minutes=minute),
        finished=STARTED + timedelta(minutes=minute, seconds=30),
        description={"seed": 7, "digest": subject.digest},
        datasets=(ROWS,),
        registers=REGISTERS.digests,
        environment=ENVIRONMENT,
        previous=previous,
        manifests=manifests,
    )
    given = {
        "outcomes": outcomes_for(subject, robust=robust, noise=noise, pictures=pictures),
        "reports": (report(),),
        "registers": REGISTERS,
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    return Run(facts, **given, assessment=assess(facts, **given, folder=folder, key=key))
