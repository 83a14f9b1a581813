"""What the gate says of a run whose evidence, ledger or registers are not what they were."""

from dataclasses import replace
from datetime import timedelta

import pytest

from seclab import admission
from seclab.errors import EvidenceMismatch
from seclab.evidence.ledger import following
from seclab.gate import Verdict
from tests.laboratory import NOW, edited
from tests.runs import REGISTERS


def judged(lab, name, *, at=NOW, ledger=None):
    return admission.judge(
        lab.shelf.evidence(lab.shelf.find(lab.runs[name])),
        registers=lab.parts.registers,
        keyring=lab.parts.keyring,
        ledger=lab.ledger() if ledger is None else ledger,
        champion=admission.compare_with(lab.shelf, "digits"),
        at=at,
    )


def criterion(admitted, name):
    (found,) = (c for c in admitted.decision.criteria if c.criterion == name)
    return found


def test_whole_evidence_is_admitted_with_its_signature_and_tier(lab):
    admitted = judged(lab.under("moderate"), "second")

    assert admitted.decision.verdict is Verdict.PASS
    assert (admitted.differences, admitted.tier) == ((), "moderate")
    assert (admitted.signed.keyid, admitted.signed.problem) == (lab.key().keyid, "")
    assert not any("registers:" in warning for warning in admitted.decision.warnings)


@pytest.mark.parametrize("tier", ["low", "moderate"])
def test_a_removed_signature_is_another_thing_than_none(lab, tier):
    lab = lab.under(tier)
    (lab.files("second") / "evidence" / "bundle.dsse.json").unlink()

    removed = criterion(judged(lab, "second"), "E-SIG")
    never = criterion(judged(lab, "trial"), "E-SIG")

    assert removed.verdict is Verdict.BLOCK
    assert f"the signature was removed: expected one by key {lab.key().keyid}" in removed.reason
    assert "it is not signed" in never.reason


def test_a_removed_signature_whose_tag_is_gone_too_is_known_to_the_ledger(lab):
    (lab.files("second") / "evidence" / "bundle.dsse.json").unlink()
    assert lab.sql("DELETE FROM tags WHERE key = 'seclab.signed'")

    admitted = judged(lab, "second")

    expected = f"signed_by: expected {lab.key().keyid} by the ledger, found none"
    assert expected in criterion(admitted, "E-LED").reason
    assert admitted.decision.verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("seclab.verdict", "PASS", "tag seclab.verdict: expected BLOCK by the bundle, found PASS"),
        ("risk.R-EVA-01", "pass", "tag risk.R-EVA-01: expected block by the bundle, found pass"),
        ("seclab.subject", "mlp", "tag seclab.subject: expected softmax-regression by the bundle"),
    ],
)
def test_a_tag_that_says_something_else_than_the_bundle_is_a_difference(lab, tag, value, said):
    assert lab.sql("UPDATE tags SET value = ? WHERE key = ?", value, tag)

    assert any(said in difference for difference in judged(lab, "blocked").differences)


def test_registers_that_changed_since_the_run_judge_and_are_told(lab):
    digests = REGISTERS.digests | {"thresholds.yaml": REGISTERS.digests["risks.csv"]}
    admitted = judged(lab.under("low", digests=digests), "second")

    (warning,) = (w for w in admitted.decision.warnings if w.startswith("registers:"))
    assert "thresholds.yaml was changed after this run" in warning
    assert str(REGISTERS.digests["thresholds.yaml"]) in warning
    assert admitted.decision.verdict is Verdict.PASS


def test_evidence_that_was_declared_void_opens_nothing(lab):
    ledger = lab.ledger()
    sealed = next(e for e in ledger if (e.kind, e.run) == ("bundle", lab.runs["second"]))
    void = following(
        ledger,
        at=NOW.isoformat(),
        kind="void",
        subject=sealed.subject,
        run=sealed.run,
        digest=sealed.digest,
        about={"reason": "its process died before the run was closed"},
    )

    admitted = judged(lab, "second", ledger=[*ledger, void])

    found = criterion(admitted, "E-LED")
    assert found.verdict is Verdict.BLOCK
    assert "ledger entry 9: the bundle was declared void" in found.reason


@pytest.mark.parametrize("kept", [0, 3])
def test_evidence_that_is_not_in_the_ledger_opens_nothing(lab, kept):
    admitted = judged(lab, "second", ledger=lab.ledger()[:kept])

    assert criterion(admitted, "E-LED").verdict is Verdict.BLOCK
    assert "the ledger has no entry for it" in criterion(admitted, "E-LED").reason


@pytest.mark.parametrize(("days", "verdict"), [(59, Verdict.PASS), (61, Verdict.NOT_EVALUATED)])
def test_the_age_that_its_tier_allows_counts_from_the_end_of_the_run(lab, days, verdict):
    lab = lab.under("moderate")

    assert judged(lab, "second", at=NOW + timedelta(days=days)).decision.verdict is verdict


def test_a_bundle_that_cannot_be_judged_is_no_verdict(lab):
    edited(lab.files("second") / "evidence" / "bundle.json", lambda d: d.update(predicate={}))

    with pytest.raises(EvidenceMismatch, match="bundle: expected digest"):
        judged(lab, "second")


def test_without_any_move_in_the_ledger_there_is_no_champion_to_compare_with(lab):
    assert admission.compare_with(lab.shelf, "digits").run == lab.runs["first"]
    assert admission.compare_with(lab.shelf, "another") is None


def test_a_run_under_another_id_is_not_the_one_that_was_entered(lab):
    evidence = lab.shelf.evidence(lab.shelf.find(lab.runs["second"]))
    copied = replace(evidence, run=replace(evidence.run, run_id="0" * 32))

    problems = admission.ledger_problems(copied, lab.ledger())

    assert any("the ledger has no entry of this run for bundle" in what for what in problems)
