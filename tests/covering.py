"""Runs, threat models and a store in memory, to cover registers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from seclab.coverage import cover
from seclab.errors import Misconfigured
from seclab.evidence import Bundle, plain
from seclab.frameworks import FOLDER, load_frameworks
from seclab.gate import CriterionResult, Decision, Verdict
from seclab.measurement import CheckReport, CheckResult, CheckStatus, Severity, Subject
from seclab.registers import MatrixRow
from seclab.scoring import load_scoring
from seclab.shelf import Evidence, RunSummary
from seclab.threat_models.records import Exclusion, ThreatModel
from tests.conftest import ROOT
from tests.runs import REGISTERS, risk

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SCORING = load_scoring((ROOT / "registers" / "scoring.yaml").read_bytes())
FRAMEWORKS = load_frameworks(ROOT / "registers" / FOLDER)


@dataclass(frozen=True)
class Shelved:
    """A store in memory: its runs, newest first, and what they left behind.

    The newest runs are looked for in the plainest way there is. A run without a bundle of its own
    has one that says what its tags say; ``None`` stands for one that is gone.
    """

    summaries: tuple = ()
    bundles: Mapping = field(default_factory=dict)

    def runs(self, *, limit=1000):
        return list(self.summaries)[:limit]

    def newest(self, *, risks, subjects):
        first = {}
        for run in self.summaries:
            for each in run.risks:
                ended = run.verdict and run.status == "FINISHED"
                if ended and run.subject in subjects and each in risks:
                    first.setdefault((each, run.subject), run.run_id)
        return [run for run in self.summaries if run.run_id in first.values()]

    def evidence(self, run):
        bundle = self.bundles.get(run.run_id, False)
        if bundle is None:
            raise Misconfigured(f"run {run.run_id} holds no evidence")
        return Evidence(run, bundle or bundle_of(run), ROOT, None, ())

    def page(self, run):
        return f"http://127.0.0.1/#/runs/{run.run_id}"


_VERDICTS = {"pass": Verdict.PASS, "block": Verdict.BLOCK, "not-evaluated": Verdict.NOT_EVALUATED}


def bundle_of(run, *, checks=()):
    """A bundle that says of each risk what the tags of a run say.

    Args:
        run: The run.
        checks: The risks that data checks judge; criteria of the thresholds judge the others.
    """
    by_checks = {risk for risk, word in run.risks.items() if word == "not-evaluated"} | {*checks}
    criteria = tuple(
        CriterionResult(
            f"check:{risk}" if risk in by_checks else f"T-{risk}", (risk,), _VERDICTS[word], "", ""
        )
        for risk, word in run.risks.items()
        if word in _VERDICTS
    )
    measured = tuple(risk for risk, word in run.risks.items() if word == "measured")
    result = CheckResult("rows", Severity.INFO, CheckStatus.PASSED, measured, "", "")
    subject = Subject(run.kind, run.subject, "sha256:bytes:aa")
    predicate = {
        "decision": plain(Decision(subject, Verdict.PASS, criteria)),
        "evaluations": [],
        "checks": [plain(CheckReport("rows", "", "rows", "", (result,)))],
        "thresholds": [
            {"id": each.criterion, "evaluation": "any", "metric": "any"}
            for each in criteria
            if not each.criterion.startswith("check:")
        ],
    }
    return Bundle({"predicate": predicate}, run.bundle_digest)


def run(subject="mlp", *, days=1, kind="model", batch="", **words):
    """A run of so many days ago; words by risk, ``R_EVA_01="pass"``."""
    risks = {name.replace("_", "-"): word for name, word in words.items()}
    return RunSummary(
        run_id=f"{subject}-{days}-{kind}-{'-'.join(risks.values())}",
        name="",
        status="FINISHED",
        verdict="PASS",
        kind=kind,
        subject=subject,
        version="",
        profile="quick",
        batch=batch,
        started=NOW - timedelta(days=days),
        bundle_digest="sha256:rfc8785:aa",
        signed_by="",
        risks=risks,
    )


def shelf_of(*summaries, bundles=None):
    """A store with some runs, in whatever order they are given."""
    ordered = sorted(summaries, key=lambda each: each.started, reverse=True)
    return Shelved(tuple(ordered), bundles or {})


def system(id_, *, risks=("R-EVA-01",), subjects=(), leaves_out=()):
    """A threat model with nothing in it but what coverage asks for."""
    return ThreatModel(
        id=id_,
        name=id_.replace("-", " "),
        description="For tests.",
        owner="security",
        review_date=date(2027, 1, 1),
        sensitivity="public",
        criticality="low",
        subjects=tuple(subjects),
        risks=tuple(risks),
        out_of_scope=tuple(Exclusion(each, "it has none") for each in leaves_out),
        **dict.fromkeys(
            (
                *("assets", "actors", "boundaries", "elements", "flows", "entry_points"),
                *("assumptions", "threats", "dismissed", "abuse_cases", "controls", "pasta"),
            ),
            (),
        ),
    )


def row(risk_id, evaluation, metric, *techniques):
    """A row of the matrix."""
    return MatrixRow(
        attack_surface="prediction-interface",
        attack="Search",
        atlas_ids=techniques,
        evaluation=evaluation,
        metric=metric,
        defensive_control="Adversarial training",
        risk_id=risk_id,
        line=2,
    )


def covered(*runs, models=(), registers=REGISTERS, shelf=None, at=NOW):
    """The coverage of the registers in miniature."""
    return cover(
        registers,
        FRAMEWORKS,
        {model.id: model for model in models},
        shelf or shelf_of(*runs),
        scoring=SCORING,
        at=at,
    )


def with_risk(id_, **changes):
    """The registers with another risk."""
    added = replace(risk(id_), **changes)
    return replace(REGISTERS, risks={**REGISTERS.risks, id_: added})
