"""Promotions with lost, revoked and expired keys, and with clocks that were set back."""

import shutil
from datetime import timedelta

import pytest

from seclab.errors import EvidenceMismatch
from seclab.evidence.keys import revoke, rotate
from tests.laboratory import NOW
from tests.runs import STARTED
from tests.unit.promoting import refused


def test_without_its_private_key_evidence_stays_unsigned_and_is_refused_above_low(
    lab, record_in, softmax
):
    shutil.rmtree(lab.parts.settings.keys)
    assert lab.key() is None
    lab = record_in(lab, "lost", softmax)

    (problem,) = refused(lab.under("moderate"), "lost")

    assert "E-SIG: it is not signed" in problem
    assert lab.promote("lost", key=None).number == "1"
    with pytest.raises(EvidenceMismatch, match="it is unsigned"):
        lab.serve()


def test_a_revoked_key_has_signed_nothing(lab):
    public = lab.parts.settings.public_keys
    revoke(lab.key().keyid, public_folder=public, at=NOW, reason="it was stolen")
    lab = lab.reread()

    # Even the champion's evidence is worth nothing any more, and no key is left to sign with.
    assert lab.key() is None
    (problem,) = refused(lab, "second")
    assert "E-SIG: the signature is not good: the key" in problem
    assert "was revoked on 2026-03-02: it was stolen" in problem
    with pytest.raises(EvidenceMismatch, match="was revoked on 2026-03-02"):
        lab.serve()


def test_an_expired_key_signs_nothing_new_and_what_it_signed_stays_good(lab):
    settings = lab.parts.settings
    rotate(
        lab.key().keyid,
        public_folder=settings.public_keys,
        private_folder=settings.keys,
        at=NOW - timedelta(minutes=1),
    )
    old, lab = lab.key(), lab.reread()
    assert lab.key().keyid != old.keyid

    lab.promote("second")  # sealed before the old key ended
    assert lab.serve().signed_by == lab.key().keyid

    lab.promote("first", key=old)
    with pytest.raises(EvidenceMismatch, match=f"the key {old.keyid} expired at"):
        lab.serve()


def test_evidence_that_was_finished_in_the_future_is_refused(lab):
    (problem,) = refused(lab, "second", at=STARTED - timedelta(hours=12), key=None)

    assert "E-AGE: the run lies in the future" in problem
    assert "a clock was set back" in problem


def test_the_ledger_goes_by_numbers_where_clocks_go_backwards(lab):
    """Times are what the writers' clocks said. An order they do not make cannot be broken by them:
    a promotion with a clock that was set back is entered after what was there, and stays valid.
    """
    lab.promote("second", at=NOW - timedelta(hours=6))

    entries = lab.ledger()
    assert entries[-1].at < entries[2].at
    assert lab.findings() == []
    assert lab.serve().champion.number == "2"
