"""What holds of the programme's figures whatever the evidence says."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from seclab.evidence.ledger import following
from seclab.programme.history import FAILED, Said, said
from seclab.programme.sightings import sightings
from seclab.programme.times import Made, time_to_identify, time_to_remediate
from tests.programmes import run

START = datetime(2026, 3, 1, tzinfo=UTC)
AT = START + timedelta(days=100)
DAYS = st.integers(0, 90).map(lambda days: START + timedelta(days=days))
WORDS = st.sampled_from(["pass", "block", "measured", "not-evaluated"])
RISKS = ("R-EVA-01", "R-PRV-01")


@st.composite
def sealed_runs(draw):
    """Runs, and a ledger in which each of them is sealed some time after it was measured."""
    runs, entries = [], []
    for number in range(draw(st.integers(0, 12))):
        started = draw(DAYS)
        each = run(
            f"{number:03d}",
            started=started,
            subject=draw(st.sampled_from(["mlp", "agent"])),
            version=draw(st.sampled_from(["1", "2", ""])),
            risks=draw(st.dictionaries(st.sampled_from(RISKS), WORDS)),
        )
        runs.append(each)
        entries.append(
            following(
                entries,
                at=(started + timedelta(hours=draw(st.integers(0, 40)))).isoformat(),
                kind="bundle",
                subject=each.subject,
                run=each.run_id,
                digest=each.bundle_digest,
                about={},
            )
        )
    return runs, entries


def failing(*, risk="R-NEW-01", known=AT):
    return Said(risk, "somebody", "", FAILED, known, known, "new")


@given(sealed_runs(), st.randoms())
def test_the_order_in_which_runs_are_read_changes_nothing(store, random):
    runs, entries = store
    shuffled = random.sample(runs, len(runs))

    assert said(shuffled, entries) == said(runs, entries)


@given(sealed_runs())
def test_a_new_open_failure_is_one_more_and_moves_no_mean(store):
    history = said(*store)
    closed, still = time_to_remediate(history, at=AT)

    assert time_to_remediate([*history, failing()], at=AT) == (
        closed,
        (*still, time_to_remediate([failing()], at=AT)[1][0]),
    )


@given(sealed_runs(), st.sampled_from(RISKS))
def test_a_pass_of_now_ends_what_is_open_of_its_pair_and_nothing_else(store, risk):
    history = said(*store)
    closed, still = time_to_remediate(history, at=AT)
    passed = Said(risk, "mlp", "1", "pass", AT, AT, "new")

    after, left = time_to_remediate([*history, passed], at=AT)

    assert left == tuple(each for each in still if (each.risk, each.subject) != (risk, "mlp"))
    counts = [each.n if each else 0 for each in (closed, after)]
    assert counts[1] - counts[0] == len(still) - len(left)


@given(sealed_runs())
def test_every_failure_is_open_or_closed_and_none_ends_before_it_begins(store):
    history = said(*store)
    closed, still = time_to_remediate(history, at=AT)
    failed = {(each.risk, each.subject) for each in history if each.word == FAILED}

    assert {(each.risk, each.subject) for each in still} <= failed
    assert all(each.age_days >= 0 for each in still)
    if closed:
        assert 0 <= closed.shortest <= closed.median <= closed.longest
        assert closed.shortest <= closed.mean + 1e-9
        assert closed.mean <= closed.longest + 1e-9
    assert (closed is not None) or (len(still) == len(failed))


@given(sealed_runs(), DAYS)
def test_a_later_failure_never_shortens_the_time_to_identify(store, created):
    history = said(*store)
    version = Made("1", frozenset({"mlp"}), created)
    before = time_to_identify([version], history, {}, {})
    again = [Said(risk, "mlp", "1", FAILED, AT, AT, "new") for risk in RISKS]

    after = time_to_identify([version], [*history, *again], {}, {})

    assert after.n == len(RISKS)
    assert before is None or (before.shortest, before.n) <= (after.shortest, after.n)


@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=6))
def test_the_first_record_of_what_stays_never_moves(weeks):
    before, history = None, []
    for number, names in enumerate(weeks):
        before = sightings(names, before, at=START + timedelta(days=7 * number))
        history.append(before)

    for name, seen in history[-1].items():
        week = (seen.since - START) // timedelta(days=7)
        assert all(name in each for each in history[week:])
        assert week == 0 or name not in history[week - 1]
        assert seen.earlier == (week == 0)
