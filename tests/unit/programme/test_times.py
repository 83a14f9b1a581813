"""How long it takes to find what is wrong and to be rid of it, against known answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from seclab.evidence.ledger import following
from seclab.programme.history import Said, said
from seclab.programme.records import OpenFailure, Sighting, Spread, spread
from seclab.programme.times import Made, time_to_identify, time_to_remediate
from tests.programmes import modelled, run

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW = START + timedelta(days=30)


def day(number):
    return START + timedelta(days=number)


def event(word, known, *, risk="R-EVA-01", subject="mlp", version="1", made=None):
    """A verdict that became known on a day; it was measured then, unless said otherwise."""
    at = day(known)
    return Said(risk, subject, version, word, at, at if made is None else day(made), f"{known}")


def ledger(*given):
    entries = []
    for kind, each, at in given:
        entries.append(
            following(
                entries,
                at=at.isoformat(),
                kind=kind,
                subject=each.subject,
                run=each.run_id,
                digest=each.bundle_digest,
                about={},
            )
        )
    return entries


def test_durations_are_summed_up_and_nothing_is_none():
    days = [timedelta(days=each) for each in (1, 2, 6)]

    assert spread(days) == Spread(3, 3.0, 2.0, 1.0, 6.0)
    assert spread([]) is None


def test_a_failure_lasts_until_the_first_later_pass():
    history = [event("block", 1), event("block", 2), event("pass", 5), event("pass", 9)]

    assert time_to_remediate(history, at=NOW) == (Spread(1, 4.0, 4.0, 4.0, 4.0), ())


def test_one_that_fails_again_counts_again():
    history = [event("block", 1), event("pass", 3), event("block", 10), event("pass", 14)]

    assert time_to_remediate(history, at=NOW)[0] == Spread(2, 3.0, 3.0, 2.0, 4.0)


def test_what_is_open_has_an_age_and_is_in_no_mean():
    history = [event("block", 1), event("block", 7), event("block", 4, subject="agent")]

    closed, still = time_to_remediate(history, at=NOW)

    assert closed is None
    assert still == (
        OpenFailure("R-EVA-01", "mlp", "1", day(1), 29.0),
        OpenFailure("R-EVA-01", "agent", "4", day(4), 26.0),
    )


@pytest.mark.parametrize("word", ["measured", "not-evaluated", "stale", ""])
def test_only_a_pass_closes(word):
    closed, still = time_to_remediate([event("block", 1), event(word, 5)], at=NOW)

    assert (closed, len(still)) == (None, 1)


@pytest.mark.parametrize("other", [{"risk": "R-EVA-02"}, {"subject": "agent"}])
def test_a_pass_of_another_pair_closes_nothing(other):
    closed, still = time_to_remediate([event("block", 1), event("pass", 5, **other)], at=NOW)

    assert (closed, len(still)) == (None, 1)


def test_an_older_result_that_is_used_again_closes_nothing():
    reused, new = event("pass", 5, made=0), event("pass", 8)

    closed, still = time_to_remediate([event("block", 1), reused], at=NOW)
    assert (closed, len(still)) == (None, 1)
    assert time_to_remediate([event("block", 1), reused, new], at=NOW)[0].mean == 7.0


def test_a_result_older_than_the_last_of_several_failures_closes_nothing():
    history = [event("block", 1), event("block", 6), event("pass", 7, made=3)]

    assert time_to_remediate(history, at=NOW)[0] is None


VERSION = Made("1", frozenset({"mlp", "digits"}), START)
SYSTEM = modelled("service", subjects=("mlp",), threats={"T1": "R-EVA-01", "T2": "R-PRV-01"})
MODELS = {SYSTEM.id: SYSTEM}


def identified(*history, threats=None, versions=(VERSION,), models=MODELS):
    return time_to_identify(versions, history, models, threats or {})


def test_a_version_is_known_to_be_bad_by_its_first_failure():
    found = identified(event("block", 2), event("block", 9), event("block", 6, risk="R-PRV-01"))

    assert found == Spread(2, 4.0, 4.0, 2.0, 6.0)


def test_what_never_failed_is_no_pair():
    assert identified(event("pass", 2), event("not-evaluated", 3), event("measured", 3)) is None


def test_a_failure_of_another_version_or_of_what_is_no_model_is_none_of_this_one():
    assert identified(event("block", 2, version="2"), event("block", 2, version="")) is None
    # Where the registered model got another name, numbers begin anew.
    assert identified(event("block", 2, subject="random-forest")) is None


def test_a_failure_in_the_run_that_registers_the_version_took_no_time():
    sealed_before = replace(event("block", 0), known=START - timedelta(seconds=1))

    assert identified(sealed_before) == Spread(1, 0.0, 0.0, 0.0, 0.0)


def test_a_threat_that_was_recorded_later_identifies_what_has_not_failed_yet():
    threats = {"service/T1": Sighting(day(3), earlier=False)}

    assert identified(threats=threats) == Spread(1, 3.0, 3.0, 3.0, 3.0)
    assert identified(event("block", 1), threats=threats).mean == 1.0
    assert identified(event("block", 8), threats=threats).mean == 3.0


@pytest.mark.parametrize(
    "seen",
    [Sighting(day(3), earlier=True), Sighting(day(-1), earlier=False)],
    ids=["stood in the first figures", "was on record before the version"],
)
def test_a_threat_whose_record_says_nothing_of_this_version_identifies_nothing(seen):
    assert identified(threats={"service/T1": seen}) is None
    assert identified(event("block", 8), threats={"service/T1": seen}).mean == 8.0


def test_a_threat_to_another_system_identifies_nothing():
    other = replace(SYSTEM, subjects=("support-agent",))
    threats = {"service/T1": Sighting(day(3), earlier=False)}

    assert identified(threats=threats, models={"service": other}) is None


def test_what_a_run_said_is_known_when_its_bundle_was_sealed():
    first = run("a", started=day(1), risks={"R-EVA-01": "block"})
    used = run(
        "b", started=day(4), risks={"R-EVA-01": "pass"}, measured={"R-EVA-01": day(2)}, version=""
    )
    entries = ledger(("bundle", first, day(2)), ("bundle", used, day(5)))

    assert said([used, first], entries) == (
        Said("R-EVA-01", "mlp", "1", "block", day(2), day(1), "a"),
        Said("R-EVA-01", "mlp", "", "pass", day(5), day(2), "b"),
    )


def test_a_run_that_the_ledger_does_not_know_or_declares_void_said_nothing():
    sealed, void = run("a", started=day(1)), run("b", started=day(2))
    changed = replace(sealed, bundle_digest="sha256:rfc8785:other")
    entries = ledger(("bundle", sealed, day(1)), ("bundle", void, day(2)), ("void", void, day(3)))

    assert [each.run for each in said([sealed, void, run("c", started=day(3))], entries)] == ["a"]
    assert said([changed], entries) == ()


def test_of_two_in_the_same_moment_the_failure_stays_open():
    passed = run("b", started=day(1), risks={"R-EVA-01": "pass"})
    failed = run("a", started=day(1), risks={"R-EVA-01": "block"})
    entries = ledger(("bundle", failed, day(2)), ("bundle", passed, day(2)))

    assert [each.run for each in said([failed, passed], entries)] == ["b", "a"]
