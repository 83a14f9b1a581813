"""Promotions as people ask for them: signed, by tier, forced, refused, compared; their faults."""

import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

import tests.runs
from seclab import models, promotion, tracking
from seclab.errors import EvidenceMismatch, Misconfigured, PromotionRefused, StoreUnavailable
from seclab.evidence import statements
from seclab.evidence.keys import revoke, rotate
from seclab.evidence.signing import sign
from seclab.registers import Waiver
from tests.laboratory import NOW, edited
from tests.runs import REGISTERS, ROBUST, STARTED
from tests.unit.tracking.conftest import Recorder, impatient  # noqa: F401 - a fixture

APPROVERS = ("security", "ml-engineering", "legal")


@pytest.fixture
def record_in(tmp_path_factory):
    """Record one more run in a lab and give the lab with it."""

    def of(lab, name, model, **changes):
        recorder = Recorder(lab.store, tmp_path_factory.mktemp)
        run = recorder.run(model, **{"minute": 10, "key": lab.key()} | changes)
        return replace(lab, runs={**lab.runs, name: run.run_id})

    return of


@pytest.fixture
def softmax(trained):
    return trained("softmax-regression")


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


def test_a_high_tier_opens_when_every_role_has_approved_with_a_key_of_its_own(lab):
    lab = lab.under("high")
    assert [problem.split(": ")[1] for problem in refused(lab, "second")] == [
        "E-APP-ml-engineering",
        "E-APP-legal",
    ]
    lab.approve("second", "ml-engineering")
    lab.approve("second", "legal")

    assert lab.promote("second").number == "2"
    assert lab.findings() == []


def test_approving_again_with_the_same_key_changes_nothing(lab):
    before = lab.ledger()

    lab.approve("second", "security", at=NOW + timedelta(minutes=1))

    assert lab.ledger() == before
    assert lab.findings() == []


def test_nobody_approves_evidence_that_was_changed(lab):
    (lab.files("second") / "tables" / "evasion_linf.sweep.json").unlink()

    with pytest.raises(EvidenceMismatch, match=r"sweep\.json: expected .*, found no file"):
        lab.approve("second", "legal")


def test_nobody_approves_without_a_key(lab):
    shutil.rmtree(lab.parts.settings.keys)

    with pytest.raises(Misconfigured, match="no usable key of the role legal here"):
        lab.approve("second", "legal")


def _keep(lab, name, envelope, role):
    """Put an approval where approvals are, and enter it as whoever may write the store can."""
    tracking.keep_approval(lab.store, lab.run(name), envelope, role=role, at=NOW)


def _approval(lab, name, role, by, **changes):
    run = lab.run(name)
    bundle = lab.shelf.evidence(run).bundle.digest
    given = {"subject": run.subject, "run": run.run_id, "role": role, "at": NOW} | changes
    return sign(statements.approval(given.pop("bundle", bundle), **given), lab.key(by))


def test_an_approval_by_the_pipelines_own_key_does_not_count(lab):
    lab = lab.under("high")
    for role in ("ml-engineering", "legal"):
        _keep(lab, "second", _approval(lab, "second", role, "pipeline"), role)

    problems = refused(lab, "second")

    assert all("by a key of pipeline" in problem for problem in problems)
    assert len(problems) == 2


def test_one_key_does_not_approve_for_two_roles(lab):
    lab = lab.under("high")
    for role in ("ml-engineering", "legal"):
        _keep(lab, "second", _approval(lab, "second", role, "legal"), role)

    (problem,) = refused(lab, "second")

    assert "it is given for ml-engineering by a key of legal" in problem


def test_an_approval_of_another_bundle_does_not_count(lab):
    lab = lab.under("high")
    lab.approve("second", "ml-engineering")
    other = lab.shelf.evidence(lab.run("first")).bundle.digest
    _keep(lab, "second", _approval(lab, "second", "legal", "legal", bundle=other), "legal")

    (problem,) = refused(lab, "second")

    assert f"approved another bundle, {other}" in problem
    assert any("it is about another bundle" in what for what in lab.findings())


def test_an_approval_file_that_was_put_there_is_found(lab):
    envelope = _approval(lab, "second", "legal", "legal")
    (lab.files("second") / "approvals" / "legal.dsse.json").write_text(json.dumps(envelope))

    (problem,) = refused(lab, "second")

    assert "the ledger has no entry for it" in problem


def test_an_approval_file_that_was_taken_away_is_found(lab):
    (path,) = (lab.files("second") / "approvals").iterdir()
    path.unlink()

    (problem,) = refused(lab, "second")

    assert "for security: expected by the ledger, found nothing" in problem


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


# The champion.


def _against_champion(loss):
    compared = replace(
        ROBUST, id="T-EVA-09", kind=None, bound=None, judged="value", worse_than_champion_by=loss
    )
    return (*REGISTERS.thresholds, compared)


@pytest.fixture
def worse(lab, record_in, softmax, splits):
    """A passing run of a third model that is a little worse than the champion."""
    third = models.train(softmax.spec, splits.train, seed=2)
    lab = record_in(lab, "worse", third, robust=0.72)
    return lab.under("low", thresholds=_against_champion(0.05))


def test_what_is_worse_than_the_champion_by_more_than_allowed_is_refused(worse):
    (problem,) = refused(worse, "worse")

    assert "T-EVA-09: robust_accuracy" in problem
    assert "is 0.08 worse than the champion's" in problem
    allowed = worse.under("low", thresholds=_against_champion(0.09))
    assert allowed.promote("worse").number == "3"


@pytest.mark.parametrize(
    "hide",
    [
        "DELETE FROM registered_model_aliases",
        "UPDATE registered_model_aliases SET version = 3",
        "DELETE FROM model_version_tags WHERE key = 'promotion.run'",
    ],
)
def test_hiding_the_champion_in_the_registry_spares_nobody_the_comparison(worse, hide):
    assert worse.sql(hide)

    assert any("worse than the champion's" in problem for problem in _problems(worse, "worse"))


def _problems(lab, name):
    with pytest.raises(PromotionRefused) as caught:
        lab.promote(name)
    return caught.value.problems


# Its signature is not looked at again: what is compared are the numbers of the bundle that the
# ledger names. The audit and the check before serving look at it.
@pytest.mark.parametrize("part", sorted(CHANGED.keys() - {"approvals", "signature"}))
def test_nothing_is_measured_against_a_champion_whose_evidence_was_changed(lab, part):
    CHANGED[part](lab.files("first"))

    problems = refused(lab, "second")

    assert all("the champion's evidence, run " + lab.runs["first"] in what for what in problems)


def test_a_champion_whose_run_was_deleted_is_told(lab):
    lab.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", lab.runs["first"])
    lab.sql("DELETE FROM tags WHERE run_uuid = ?", lab.runs["first"])

    with pytest.raises((EvidenceMismatch, Misconfigured)) as caught:
        lab.promote("second")

    assert lab.runs["first"] in str(caught.value)


def test_an_alias_that_was_moved_by_hand_is_no_place_to_go_back_to(lab):
    lab.store.client.set_registered_model_alias("digits", "champion", "2")

    lab.promote("second")

    assert str(lab.store.client.get_model_version_by_alias("digits", "previous").version) == "1"


def test_a_champion_that_changed_while_another_was_decided_on_is_not_overrun(lab, monkeypatch):
    judge = promotion.admission.judge

    def slowly(evidence, **how):
        admitted = judge(evidence, **how)
        monkeypatch.setattr(promotion.admission, "judge", judge)
        lab.promote("trial", at=NOW)
        return admitted

    monkeypatch.setattr(promotion.admission, "judge", slowly)

    with pytest.raises(PromotionRefused, match="was changed while this was decided"):
        lab.promote("first")

    assert lab.champion() == "2"
    assert [e.kind for e in lab.ledger()][-3:] == [
        "promotion-intent",
        "promotion",
        "promotion-refused",
    ]
    assert lab.findings() == []


# Keys and clocks.


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
