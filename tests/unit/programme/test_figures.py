"""Shares, waivers and trends of the programme, against known answers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from seclab.errors import EvidenceMismatch
from seclab.fingerprint import of_bytes
from seclab.programme import (
    MEASURES,
    Facts,
    Sighting,
    changes,
    compute,
    document_of,
    figures_of,
    numbers,
)
from seclab.programme.gathering import worth
from seclab.programme.history import Said
from seclab.programme.times import Made
from seclab.registers import Waiver
from tests.covering import covered
from tests.covering import run as run_of_days
from tests.programmes import modelled

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def waiver(id_, until):
    return Waiver(id_, "R-EVA-01", "T-EVA-01", "mlp", "It is.", "a", "b", until)


def facts(**changed):
    given = {
        "names": frozenset({"mlp", "digits", "agent"}),
        "models": {"service": modelled("service", subjects=("mlp",), threats={"T1": "R-EVA-01"})},
        "risks": {
            "R-EVA-01": "fresh",
            "R-EVA-02": "stale",
            "R-POI-01": "never-tested",
            "R-API-01": "never-tested",
            "R-RAG-01": "out-of-scope",
        },
        "versions": (),
        "history": (),
        "waivers": (),
    }
    return Facts(**given | changed)


def said(word, known):
    return Said("R-EVA-01", "mlp", "1", word, known, known, f"{known:%d%H}")


def test_a_name_that_no_threat_model_lists_is_without_one():
    found = compute(facts(), before=None, at=AT).models

    assert (found.having, found.lacking) == (("mlp",), ("agent", "digits"))
    assert found.share == pytest.approx(1 / 3)


def test_the_threat_model_of_something_unknown_adds_nothing():
    models = {"x": modelled("x", subjects=("nobody",))}

    assert compute(facts(models=models), before=None, at=AT).models.share == 0.0


def test_risks_are_counted_by_what_their_evidence_is_worth():
    found = compute(facts(), before=None, at=AT)

    assert found.risks["never-tested"] == ("R-POI-01", "R-API-01")
    assert found.risks["incomplete"] == ()
    assert (found.fresh.having, found.fresh.whole) == (("R-EVA-01",), 5)
    assert numbers(found)["risks_with_fresh_evidence"] == 0.2


def test_evidence_from_the_future_is_not_fresh_whatever_it_says():
    late = covered(run_of_days("mlp", days=-1, R_EVA_01="block")).risks["R-EVA-01"]

    assert (late.state, worth(late)) == ("failed", "stale")


def test_what_has_nothing_to_count_is_absent_and_not_zero():
    nothing = facts(names=frozenset(), models={}, risks={})

    found = numbers(compute(nothing, before=None, at=AT))

    assert found == {
        "risks_never_tested": 0,
        "threats_identified": 0,
        "failures_remediated": 0,
        "failures_open": 0,
        "waivers_active": 0,
        "waivers_expired": 0,
    }


def test_every_number_of_a_busy_programme():
    history = (said("block", AT - 9 * WEEK), said("pass", AT - 7 * WEEK), said("block", AT - WEEK))
    version = Made("1", frozenset({"mlp"}), AT - 10 * WEEK)
    given = facts(history=history, versions=(version,), waivers=(waiver("W-001", AT.date()),))
    before = compute(given, before=None, at=AT - 2 * WEEK)

    assert numbers(compute(given, before=before, at=AT)) == {
        "models_with_threat_model": pytest.approx(1 / 3),
        "risks_with_fresh_evidence": 0.2,
        "risks_never_tested": 2,
        "days_to_identify": 7,
        "threats_identified": 1,
        "days_to_remediate": 14,
        "failures_remediated": 1,
        "failures_open": 1,
        "oldest_open_failure_days": 7,
        "waivers_active": 1,
        "waivers_expired": 0,
        "waiver_age_days": 14,
        "oldest_waiver_days": 14,
    }


def test_a_waiver_counts_up_to_its_last_day():
    given = [waiver(f"W-00{n}", date(2026, 3, day)) for n, day in enumerate((9, 10, 11), start=1)]

    found = compute(facts(waivers=given), before=None, at=AT).waivers

    assert (found.active, found.expired) == (("W-002", "W-003"), ("W-001",))


def test_a_waiver_is_as_old_as_its_first_record_and_new_ones_have_no_age():
    old, new = waiver("W-001", date(2026, 12, 31)), waiver("W-002", date(2026, 12, 31))
    first = compute(facts(waivers=[old]), before=None, at=AT)
    second = compute(facts(waivers=[old, new]), before=first, at=AT + WEEK)
    third = compute(facts(waivers=[old, new]), before=second, at=AT + 3 * WEEK)

    assert first.waivers.ages is None
    assert (second.waivers.ages.n, second.waivers.ages.mean) == (1, 7)
    assert (third.waivers.ages.mean, third.waivers.ages.longest) == (17.5, 21)
    assert third.waived == {
        "W-001": Sighting(AT, earlier=True),
        "W-002": Sighting(AT + WEEK, earlier=False),
    }


def test_a_waiver_that_was_taken_out_and_put_back_is_no_younger():
    given = [waiver("W-001", date(2026, 12, 31))]
    first = compute(facts(waivers=given), before=None, at=AT)
    without = compute(facts(waivers=[]), before=first, at=AT + WEEK)
    again = compute(facts(waivers=given), before=without, at=AT + 2 * WEEK)

    assert (without.waivers.active, without.waivers.ages) == ((), None)
    assert again.waivers.ages.longest == 14


def test_a_threat_that_is_added_between_two_records_identifies_what_was_made_before():
    version = Made("1", frozenset({"mlp"}), AT - WEEK)
    first = compute(facts(versions=(version,)), before=None, at=AT)
    more = {"service": modelled("service", threats={"T1": "R-EVA-01", "T2": "R-PRV-01"})}
    second = compute(facts(versions=(version,), models=more), before=first, at=AT + WEEK)

    assert first.identified is None
    assert (second.identified.n, second.identified.mean) == (1, 14)


def test_a_trend_is_read_in_the_direction_that_is_better():
    before = compute(facts(), before=None, at=AT)
    risks = {**facts().risks, "R-POI-01": "fresh", "R-EVA-02": "fresh"}
    failing = (said("block", AT),)
    now = compute(facts(risks=risks, models={}, history=failing), before=before, at=AT + WEEK)

    trends = {change.measure.name: change.trend for change in changes(now, before)}

    assert trends["risks_with_fresh_evidence"] == trends["risks_never_tested"] == "better"
    assert trends["models_with_threat_model"] == trends["failures_open"] == "worse"
    assert trends["waivers_active"] == "same"
    assert trends["oldest_open_failure_days"] == trends["days_to_remediate"] == "unknown"
    assert {change.trend for change in changes(now, None)} == {"unknown"}


def test_a_count_that_is_neither_good_nor_bad_just_changed():
    before = compute(facts(), before=None, at=AT)
    gone = facts(waivers=[waiver("W-001", date(2026, 1, 1))])

    trends = {
        change.measure.name: change.trend
        for change in changes(compute(gone, before=before, at=AT), before)
    }

    assert trends["waivers_expired"] == "changed"


def test_every_measure_says_how_it_is_counted_and_has_a_name_of_its_own():
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert all(measure.counted.endswith(".") for measure in MEASURES)


@pytest.fixture
def document():
    history = (said("block", AT - 9 * WEEK), said("pass", AT - 7 * WEEK), said("block", AT - WEEK))
    found = compute(facts(history=history), before=None, at=AT)
    return found, document_of(found, registers={"risks.csv": of_bytes(b"r")}, ledger="sha256:x:ab")


def test_the_document_holds_the_same_figures(document):
    found, kept = document

    assert figures_of(kept, what="it") == found
    assert kept["predicate"]["ledger"] == "sha256:x:ab"
    assert [each["name"] for each in kept["subject"]] == ["ledger", "risks.csv"]


def test_a_document_of_another_kind_holds_no_figures(document):
    kept = document[1]

    with pytest.raises(EvidenceMismatch, match="expected figures"):
        figures_of(kept | {"predicateType": "urn:other"}, what="it")
    with pytest.raises(EvidenceMismatch, match="holds no figures"):
        figures_of(kept | {"predicate": {"figures": {"at": "now"}}}, what="it")
    changed = replace(document[0], at=AT + WEEK)
    assert figures_of(kept, what="it") != changed
