"""A store changed in one place: the champion is not served where its chain does not hold."""

import pytest

from seclab.errors import EvidenceMismatch, SeclabError, UntrustedModel
from seclab.evidence.ledger import following
from tests.laboratory import CHAMPION, NOW, changed_entry, edited, entries, relinked
from tests.unit.test_audit import moved_alias, no_key, other_role

RECORD_CHANGES = {
    "record changed": lambda d: d["record"]["predicate"].update(forced="no"),
    "signature removed": lambda d: d.update(envelope=None),
    "signature of nobody": lambda d: d["envelope"]["signatures"][0].update(sig="AA=="),
}
UNSERVED = {
    "record changed": "the record of digits v1: expected sha256",
    "signature removed": "it is unsigned",
    "signature of nobody": "the record of digits v1: .*signature",
}


@pytest.mark.parametrize("name", RECORD_CHANGES)
def test_a_changed_decision_record_serves_nothing(lab, name):
    newest = [e for e in lab.ledger() if e.kind == "promotion"][-1]
    (path,) = lab.folder.rglob(f"record-{newest.digest.rpartition(':')[2][:16]}.json")
    edited(path, RECORD_CHANGES[name])

    with pytest.raises(EvidenceMismatch, match=UNSERVED[name]):
        lab.serve()


def test_a_changed_model_file_serves_nothing_and_is_not_promoted(lab):
    for path in lab.folder.rglob("model.skops"):
        path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(UntrustedModel, match="the file of digits v1: expected sha256:bytes"):
        lab.serve()
    with pytest.raises(SeclabError, match="version 2 of digits holds a model of digest"):
        lab.promote("second")


@pytest.mark.parametrize("change", [moved_alias, other_role, no_key])
def test_serving_stops_where_the_audit_complains_of_the_champion(lab, change):
    assert change(lab)

    with pytest.raises(EvidenceMismatch):
        lab.reread().serve()


def test_a_signed_record_cannot_be_entered_a_second_time(lab):
    """Who can write the ledger, but has no key, cannot go back to a champion that was."""
    lab.promote("second")
    first = next(e for e in lab.ledger() if e.kind == "promotion")

    def again(ledger):
        intent = following(
            ledger, at=NOW.isoformat(), kind="promotion-intent", subject="digits", run=first.run,
            digest=first.digest,
            about={"move": "promotion", "version": "1", "former": "2", "process": "x:1"},
        )  # fmt: skip
        done = following(
            [*ledger, intent], at=NOW.isoformat(), kind="promotion", subject="digits",
            run=first.run, digest=first.digest,
            about={"intent": intent.sequence, "version": "1"},
        )  # fmt: skip
        return [*ledger, intent, done]

    assert entries(again)(lab)
    assert lab.sql("UPDATE registered_model_aliases SET version = 1 WHERE alias = ?", CHAMPION)

    with pytest.raises(EvidenceMismatch, match="decided before ledger entry 10, and entered again"):
        lab.serve()


def test_a_ledger_that_was_written_anew_before_a_promotion_serves_nothing(lab):
    assert entries(lambda e: relinked([changed_entry(e[0], at=NOW.isoformat()), *e[1:]]))(lab)

    with pytest.raises(EvidenceMismatch, match=r"decided upon ledger entry .*, which is not there"):
        lab.serve()
