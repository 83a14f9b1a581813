"""The state of a row follows from what was found and decided, and from nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from seclab.quarantine import State, hold
from tests.unit.quarantine.conftest import decision, digests, dots, found

ROWS = digests(dots())
CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["confirm", "release"]),
        st.lists(st.sampled_from(ROWS), unique=True),
        st.sampled_from(["", "the key was revoked"]),
    ),
    max_size=6,
)
STATES = {"confirm": State.CONFIRMED, "release": State.RELEASED}


@given(CHOICES)
def test_whatever_was_decided_before_the_last_decision_about_a_row_holds(made):
    decisions = [decision(choice, *rows, problem=problem) for choice, rows, problem in made]
    quarantine = hold("dots", [found(dots(), 1, 3)], decisions)

    assert quarantine.rows.keys() == {ROWS[1], ROWS[3]}
    for row, held in quarantine.rows.items():
        about = [(choice, problem) for choice, rows, problem in made if row in rows]
        last, problem = about[-1] if about else ("", "nobody decided")
        assert held.state == (State.SUSPECTED if problem else STATES[last])
        assert len(held.decisions) == len(about)


def test_a_decision_that_does_not_count_leaves_the_row_suspected_whatever_was_said_before():
    row = ROWS[1]
    decisions = [decision("release", row), decision("confirm", row, problem="it is unsigned")]

    [held] = hold("dots", [found(dots(), 1)], decisions).rows.values()

    assert (held.state, held.decision) == (State.SUSPECTED, None)


def test_runs_that_find_the_same_content_again_add_up():
    dataset = dots(copies_of_first=3)
    runs = [
        found(dataset, 6, 7, run="first"),
        found(dataset, 8, 2, run="second", minute=1, by=("expect_two",)),
    ]

    copied, other = hold("dots", runs, []).rows.values()

    assert (copied.copies, copied.runs) == (3, ("first", "second"))
    assert (copied.index, copied.flagged_by) == (6, ("expect_one", "expect_two"))
    assert copied.found == runs[0].at
    assert (other.index, other.copies, other.runs) == (2, 1, ("second",))
