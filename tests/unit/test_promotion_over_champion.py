"""Promotions beside a champion: compared with it, and refused where it is not what it was."""

from dataclasses import replace

import pytest

from seclab import models, promotion
from seclab.errors import EvidenceMismatch, Misconfigured, PromotionRefused
from tests.laboratory import NOW
from tests.runs import REGISTERS, ROBUST
from tests.unit.promoting import CHANGED, refused


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
