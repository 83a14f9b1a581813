"""Approvals: whose count, and what is found when they are changed or put there."""

import json
import shutil
from datetime import timedelta

import pytest

from seclab import tracking
from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import statements
from seclab.evidence.signing import sign
from tests.laboratory import NOW
from tests.unit.promoting import refused


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
