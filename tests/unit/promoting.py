"""Promotions that must be refused, evidence that was changed, and the record of a move."""

import shutil

import pytest

from seclab import tracking
from seclab.errors import EvidenceMismatch, PromotionRefused
from tests.laboratory import edited


def refused(lab, name, **how):
    """The problems of a promotion that must be refused, recorded, and move nothing."""
    before, entries = lab.champion(), len(lab.ledger())
    with pytest.raises((PromotionRefused, EvidenceMismatch)) as caught:
        lab.promote(name, **how)
    assert lab.champion() == before
    (entry,) = lab.ledger()[entries:]
    assert (entry.kind, entry.subject, entry.run) == (
        "promotion-refused",
        "digits",
        lab.runs[name],
    )
    record = tracking.load_record(lab.store, "digits", entry.about["version"], entry.digest)
    predicate = record["record"]["predicate"]
    assert predicate["move"] == "promotion-refused"
    assert all(
        problem.split(": ", 1)[-1] in predicate["reason"] for problem in caught.value.problems
    )
    return list(caught.value.problems)


def record_of(lab):
    """The newest record of a move, with its envelope."""
    entry = lab.ledger()[-1]
    return tracking.load_record(lab.store, "digits", entry.about["version"], entry.digest)


CHANGED = {
    "bundle": lambda files: edited(
        files / "evidence" / "bundle.json", lambda d: d["predicate"].update(seed=8)
    ),
    "table": lambda files: (files / "tables" / "evasion_linf.sweep.json").write_text("{}"),
    "report": lambda files: (files / "report.html").write_text("fine"),
    "signature": lambda files: edited(
        files / "evidence" / "bundle.dsse.json", lambda d: d["signatures"][0].update(sig="AA==")
    ),
    "no signature": lambda files: (files / "evidence" / "bundle.dsse.json").unlink(),
    "approvals": lambda files: shutil.rmtree(files / "approvals"),
}
