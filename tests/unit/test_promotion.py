"""Promotions as people ask for them: by tier, forced, by the registers of today; a locked store."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

import tests.runs
from seclab import promotion
from seclab.errors import Misconfigured, StoreUnavailable
from seclab.registers import Waiver
from tests.laboratory import NOW
from tests.runs import REGISTERS
from tests.unit.promoting import CHANGED, record_of, refused
from tests.unit.tracking.conftest import impatient  # noqa: F401 - a fixture

# Tiers.


def test_signed_evidence_is_promoted_and_served_above_low(lab):
    lab = lab.under("moderate")

    champion = lab.promote("second")

    served = lab.serve()
    assert (champion.number, served.champion.number) == ("2", "2")
    assert served.signed_by == lab.key().keyid
    assert lab.findings() == []


def test_unsigned_evidence_is_for_the_lowest_tier(lab):
    (problem,) = refused(lab.under("moderate"), "trial")
    assert "E-SIG: it is not signed; tier moderate asks for it" in problem

    assert lab.promote("trial").number == "2"


def test_code_that_was_in_no_commit_is_for_the_lowest_tier(lab, record_in, softmax, monkeypatch):
    dirty = replace(tests.runs.ENVIRONMENT, git_clean=False)
    monkeypatch.setattr("tests.runs.ENVIRONMENT", dirty)
    lab = record_in(lab, "dirty", softmax)

    (problem,) = refused(lab.under("moderate"), "dirty")

    assert "E-TREE: the code had changes that are in no commit" in problem


# Force.


def test_forcing_needs_a_key(lab):
    with pytest.raises(Misconfigured, match="forcing a promotion needs a key of the role pipeline"):
        lab.promote("blocked", key=None, force="the demo is today")
    assert lab.champion() == "1"


def test_what_is_forced_says_so_wherever_it_is_read(lab):
    champion = lab.promote("blocked", force="the demo is today")

    assert champion.number == "2"
    predicate = record_of(lab)["record"]["predicate"]
    assert predicate["forced"] == "the demo is today"
    assert predicate["decision"]["verdict"] == "BLOCK"
    assert lab.serve().record["forced"] == "the demo is today"


def test_force_on_what_passes_anyway_forces_nothing(lab):
    lab.promote("second", force="to be sure")

    assert record_of(lab)["record"]["predicate"]["forced"] == ""


def test_a_tier_may_forbid_it(lab):
    problems = refused(lab.under("high"), "blocked", force="the demo is today")

    assert problems[-1].endswith("models of tier high may not be forced")
    assert any("T-EVA-01" in problem for problem in problems)


@pytest.mark.parametrize("part", CHANGED)
def test_evidence_that_was_changed_cannot_be_forced(lab, part):
    CHANGED[part](lab.files("second"))

    assert refused(lab, "second", force="the demo is today")


# Today's registers.


def _stricter(bound):
    return tuple(
        replace(threshold, bound=bound) if threshold.id == "T-EVA-01" else threshold
        for threshold in REGISTERS.thresholds
    )


def test_an_old_pass_does_not_pass_stricter_thresholds_of_today(lab):
    lab = lab.under("low", thresholds=_stricter(0.9))

    (problem,) = refused(lab, "second")

    assert "T-EVA-01: robust_accuracy" in problem
    assert "at least 0.9 is required" in problem


def _waived(until):
    return (
        Waiver(
            id="W-001",
            risk="R-EVA-01",
            criterion="T-EVA-01",
            model="softmax-regression",
            reason="People read it.",
            owner="ml-engineering",
            approver="security",
            until=until,
        ),
    )


def test_a_waived_block_is_promoted_with_the_waiver_counted(lab):
    lab = lab.under("low", waivers=_waived(NOW.date()))

    lab.promote("blocked")

    decision = record_of(lab)["record"]["predicate"]["decision"]
    waived = [c["criterion"] for c in decision["criteria"] if c["waiver"] == "W-001"]
    assert (decision["verdict"], waived) == ("PASS", ["T-EVA-01"])
    assert record_of(lab)["record"]["predicate"]["forced"] == ""


def test_a_waiver_that_ended_yesterday_opens_nothing(lab):
    lab = lab.under("low", waivers=_waived(NOW.date() - timedelta(days=1)))

    assert "W-001 expired on 2026-03-01" in refused(lab, "blocked")[0]


def test_evidence_older_than_its_tier_allows_is_stale(lab):
    (problem,) = refused(lab.under("moderate"), "second", at=NOW + timedelta(days=61))

    assert "E-AGE: the run is stale" in problem


# The disk and the database.


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_is_told_and_nothing_is_begun(lab):
    before = lab.ledger()
    run = lab.run("second")
    other = sqlite3.connect(lab.folder / "mlflow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="database is locked; another process is"):
            promotion.promote(lab.parts, lab.store, run, at=NOW, key=lab.key())
    finally:
        other.execute("ROLLBACK")
        other.close()

    assert lab.ledger() == before
    assert lab.promote("second").number == "2"
    assert lab.findings() == []
