"""The scale, the rule, and the file they are written in."""

from dataclasses import replace

import pytest
import yaml

from seclab.errors import Misconfigured
from seclab.registers import TIERS, load_registers
from seclab.scoring import BANDS, SCALE, STRENGTHS, load_scoring, residual, score, strictest
from tests.conftest import ROOT
from tests.runs import risk

SHIPPED = (ROOT / "registers" / "scoring.yaml").read_bytes()
SCORING = load_scoring(SHIPPED)
RISK = replace(risk("R-EVA-01"), likelihood=4, impact=3)


def _changed(change):
    document = yaml.safe_load(SHIPPED)
    change(document)
    return yaml.safe_dump(document, sort_keys=False).encode()


@pytest.mark.parametrize(("strength", "lowered"), [("thresholds", 2), ("checks", 3), ("none", 4)])
def test_evidence_lowers_likelihood_by_the_steps_of_the_file_and_never_impact(strength, lowered):
    found = score(RISK, strength, SCORING, tier="low")

    assert (found.inherent, found.residual, found.target) == (12, lowered * 3, 12)
    assert (found.likelihood, found.residual_likelihood, found.impact) == (4, lowered, 3)
    assert found.residual == residual(RISK, strength, SCORING)
    assert found.met
    assert f"likelihood 4 becomes {lowered}; tier low bears 12 at most" in found.why


def test_likelihood_never_falls_below_one():
    assert residual(replace(RISK, likelihood=1), "thresholds", SCORING) == RISK.impact
    assert residual(replace(RISK, likelihood=2), "thresholds", SCORING) == RISK.impact


def test_a_residual_score_above_that_of_the_tier_is_not_met():
    assert not score(RISK, "none", SCORING, tier="critical").met
    assert score(RISK, "none", SCORING, tier="critical").target == 4


@pytest.mark.parametrize(
    ("number", "band"),
    [
        *((1, "low"), (4, "low"), (5, "moderate"), (9, "moderate")),
        *((10, "high"), (16, "high"), (17, "critical"), (25, "critical")),
    ],
)
def test_every_score_is_in_one_band(number, band):
    assert SCORING.band_of(number) == band


def test_of_no_tier_the_strictest_counts():
    assert strictest(["low", "high", "moderate"]) == "high"
    assert strictest([]) == "critical"


def test_the_shipped_file_words_every_number_and_scores_every_shipped_risk():
    assert set(SCORING.likelihood) == set(SCORING.impact) == set(SCALE)
    assert set(SCORING.bands) == set(BANDS)
    assert set(SCORING.strength) == set(STRENGTHS)
    for each in load_registers(ROOT / "registers").risks.values():
        scores = [residual(each, strength, SCORING) for strength in STRENGTHS]
        assert scores == sorted(scores)
        assert scores[-1] == each.likelihood * each.impact


def _nothing(document):
    document.clear()


MISTAKES = {
    "part": (lambda d: d.pop("bands"), "column bands: this key is missing"),
    "unknown": (lambda d: d.update(colour="red"), "column colour: unknown key"),
    "words": (lambda d: d["likelihood"].pop("3"), "column 3: this key is missing"),
    "no words": (lambda d: d["impact"].update({"3": " "}), "column 3: a text is needed"),
    "sixth": (lambda d: d["impact"].update({"6": "more"}), "column 6: unknown key"),
    "no mapping": (lambda d: d.update(impact=[]), "column impact: a mapping is needed"),
    "first band": (lambda d: d["bands"].update(low=2), "low has to begin at 1"),
    "equal bands": (lambda d: d["bands"].update(high=5), "high has to begin above moderate"),
    "high band": (lambda d: d["bands"].update(critical=26), "26 is more than a score can be"),
    "fraction": (lambda d: d["bands"].update(high=9.5), "9.5 is not a whole number from 1 on"),
    "targets": (lambda d: d["targets"].update(high=10), "high bears more than moderate"),
    "steps": (lambda d: d["strength"]["checks"].update(steps=3), "what counts more stands first"),
    "many": (lambda d: d["strength"]["thresholds"].update(steps=5), "fall by more than 4"),
    "no evidence": (lambda d: d["strength"]["none"].update(steps=1), "steps has to be 0"),
    "effect": (lambda d: d["strength"]["none"].pop("means"), "column means: this key is missing"),
    "nothing": (_nothing, "column targets: this key is missing"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake):
    change, said = MISTAKES[mistake]

    with pytest.raises(Misconfigured) as refused:
        load_scoring(_changed(change))

    assert said in str(refused.value)
    assert all(each.startswith("scoring.yaml") for each in refused.value.problems)


def test_all_mistakes_are_told_at_once():
    def spoil(document):
        for name in ("sixth", "first band", "targets", "steps"):
            MISTAKES[name][0](document)

    with pytest.raises(Misconfigured) as refused:
        load_scoring(_changed(spoil))

    assert len(refused.value.problems) == 4


def test_one_mistake_hides_no_other_and_is_told_once():
    def spoil(document):
        document["bands"].update(low=2, moderate=12, critical=26)
        document["targets"].pop("moderate")
        document["targets"].update(high=20)
        document["strength"]["thresholds"].update(steps=-1)

    with pytest.raises(Misconfigured) as refused:
        load_scoring(_changed(spoil))

    told = "\n".join(refused.value.problems)
    for said in (
        "26 is more than a score can be",
        "low has to begin at 1",
        "high has to begin above moderate",
        "column moderate: this key is missing",
        "high bears more than low",
        "-1 is not a whole number from 0 on",
    ):
        assert told.count(said) == 1
    assert len(refused.value.problems) == 6


@pytest.mark.parametrize("data", [b"", b"[]", b"a: [", b"\xff"])
def test_what_is_no_mapping_is_told(data):
    with pytest.raises(Misconfigured, match=r"scoring\.yaml"):
        load_scoring(data)


def test_a_stricter_tier_never_bears_more():
    targets = [SCORING.targets[tier] for tier in TIERS]
    assert targets == sorted(targets, reverse=True)
