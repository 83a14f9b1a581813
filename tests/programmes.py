"""Runs and threat models in miniature, for figures that are computed from many."""

from datetime import UTC, date, datetime

from seclab.shelf import RunSummary
from seclab.threat_models.records import Element, Threat, ThreatModel

STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def run(
    run_id, *, started=STARTED, subject="mlp", kind="model", version="1", risks=None, measured=None
):
    """A run that was sealed; by default one that passes."""
    return RunSummary(
        run_id=run_id,
        name=f"PASS {subject}",
        status="FINISHED",
        verdict="PASS",
        kind=kind,
        subject=subject,
        version=version,
        profile="quick",
        batch="batch",
        started=started,
        bundle_digest=f"sha256:rfc8785:{run_id}",
        signed_by="",
        risks={"R-EVA-01": "pass"} if risks is None else risks,
        measured=measured or {},
    )


def modelled(id_, *, subjects=("mlp",), threats=None):
    """A threat model with nothing in it but one element and threats, by id with their risk."""
    risks = threats or {}
    return ThreatModel(
        id=id_,
        name=id_,
        description="For tests.",
        owner="security",
        review_date=date(2027, 3, 31),
        sensitivity="public",
        criticality="low",
        subjects=subjects,
        assets=(),
        actors=(),
        boundaries=(),
        elements=(Element("E1", "It", "process", "Answers.", ()),),
        flows=(),
        entry_points=(),
        assumptions=(),
        threats=tuple(
            Threat(each, each, "How.", "E1", "T", (), risk, "low", "open", "Nothing.")
            for each, risk in risks.items()
        ),
        dismissed=(),
        abuse_cases=(),
        controls=(),
        pasta=(),
        risks=tuple(dict.fromkeys(risks.values())),
        out_of_scope=(),
    )
