"""A sealed run with everything in it that a bundle of today can hold, and all its files."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from seclab.evidence import Bundle, Facts, artifact_digests, seal
from seclab.evidence.keys import Keyring, create, load_keyring, load_signing_key
from seclab.evidence.ledger import Entry, following
from seclab.evidence.signing import sign
from seclab.evidence.statements import approval
from seclab.fingerprint import of_bytes, of_json
from seclab.gate import Comparison, decide
from seclab.measurement import PerSample, Subject
from seclab.registers import Waiver
from seclab.reports import write_files
from tests.runs import (
    ENVIRONMENT,
    MANIFESTS,
    MODEL,
    REGISTERS,
    ROBUST,
    ROWS,
    STARTED,
    outcomes_for,
    report,
)

FINISHED = STARTED + timedelta(seconds=30)
RUN = "0" * 31 + "1"


def _with_samples(measurement):
    """A rate that keeps the answer for each of its samples."""
    hits = round(measurement.value * measurement.n)
    per_sample = PerSample(str(ROWS.fingerprint().ordered), "1" * hits + "0" * (100 - hits))
    return replace(measurement, value=hits / measurement.n, per_sample=per_sample)


CHAMPION = Comparison(
    run="0" * 31 + "2",
    bundle=str(of_json("the champion's evidence")),
    version="3",
    measurements=tuple(
        _with_samples(measurement)
        for measurement in outcomes_for(Subject("model", "champion", str(of_bytes(b"it"))))[
            0
        ].measurements[1:3]
    ),
)
WAIVER = Waiver(
    id="W-001",
    risk="R-EVA-01",
    criterion="T-EVA-04",
    model=MODEL.name,
    reason="It is read by people only.",
    owner="ml-engineering",
    approver="security",
    until=date(2026, 12, 31),
)
THRESHOLDS = (
    replace(ROBUST, least_n=10, effort={"samples": 50, "epsilons.count": 2}, oldest_days=30),
    replace(ROBUST, id="T-EVA-02", metric="clean_accuracy", parameters={}),
    replace(ROBUST, id="T-EVA-03", risk="R-EVA-02", evaluation="random_noise", bound=0.5),
    replace(ROBUST, id="T-EVA-04", bound=0.99),
    replace(ROBUST, id="T-EVA-05", kind=None, bound=None, worse_than_champion_by=0.2),
    replace(ROBUST, id="T-RAG-01", subject="agent"),
)


def sealed(folder, *, previous=None, noise=None, robust=0.8):
    """Seal a run into a folder: one criterion waived, one against the champion.

    Without noise, its evaluation broke and nothing can be said; with it, the run passes.
    """
    evasion, other = outcomes_for(MODEL, noise=noise, robust=robust)
    kept = tuple(_with_samples(measurement) for measurement in evasion.measurements)
    outcomes = (replace(evasion, measurements=kept), other)
    write_files(folder, outcomes)
    facts = Facts(
        subject=MODEL,
        profile="quick",
        seed=7,
        started=STARTED,
        finished=FINISHED,
        description={"seed": 7, "digest": MODEL.digest},
        datasets=(ROWS,),
        registers=REGISTERS.digests,
        environment=ENVIRONMENT,
        previous=previous,
        tier="moderate",
        manifests=MANIFESTS,
    )
    judged = {"required": ("evasion_linf",), "waivers": (WAIVER,), "champion": CHAMPION}
    decision = decide(MODEL, outcomes, (report(),), THRESHOLDS, **judged, at=FINISHED)
    bundle = seal(
        facts,
        outcomes=outcomes,
        reports=(report(),),
        thresholds=THRESHOLDS,
        decision=decision,
        artifacts=artifact_digests(folder),
        **judged,
    )
    (folder / "evidence").mkdir()
    (folder / "evidence" / "bundle.json").write_text(bundle.text(), encoding="utf-8")
    (folder / "report.html").write_text("<p>made of the bundle</p>")
    return bundle


def enter(entries, bundle, *, run=RUN, **about):
    """The ledger with a bundle in it."""
    entry = following(
        entries,
        at=FINISHED.isoformat(),
        kind="bundle",
        subject=bundle.predicate["subject"]["name"],
        run=run,
        digest=str(bundle.digest),
        about={"kind": "model", "verdict": bundle.predicate["decision"]["verdict"]} | about,
    )
    return [*entries, entry]


@dataclass(frozen=True)
class Proof:
    """A signed run, its public keys, its approval, and the ledger that knows both."""

    folder: Path
    bundle: Bundle
    keys: Path
    keyring: Keyring
    approval: dict
    ledger: list[Entry]


def proven(place, **changes):
    """A run with everything that can prove it, in folders of a place."""
    keys, private, folder = (place / name for name in ("keys", "private", "run"))
    for role, owner in (("pipeline", "platform"), ("security", "security")):
        create(
            role,
            owner=owner,
            public_folder=keys,
            private_folder=private,
            at=STARTED - timedelta(days=1),
        )
    keyring = load_keyring(keys)

    def signed(document, role):
        key = load_signing_key(role, keyring=keyring, private_folder=private, at=FINISHED)
        return sign(document, key)

    first = sealed(place / "first")
    bundle = sealed(folder, previous=str(first.digest), **changes)
    envelope = signed(bundle.document, "pipeline")
    (folder / "evidence" / "bundle.dsse.json").write_text(json.dumps(envelope))
    statement = approval(bundle.digest, subject=MODEL.name, run=RUN, role="security", at=FINISHED)
    approved = signed(statement, "security")
    signer = envelope["signatures"][0]["keyid"]
    page = str(of_bytes((folder / "report.html").read_bytes()))
    ledger = enter(enter([], first, run="0" * 32), bundle, report=page, signed_by=signer)
    entry = following(
        ledger,
        at=FINISHED.isoformat(),
        kind="approval",
        subject=MODEL.name,
        run=RUN,
        digest=str(of_json(statement)),
        about={"role": "security", "keyid": approved["signatures"][0]["keyid"]},
    )
    return Proof(folder, bundle, keys, keyring, approved, [*ledger, entry])
