"""What is set aside is accounted for, and nothing else is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seclab.custody import Kind, Rows, Undeclared, standing
from tests.unit.custody.conftest import relabelled, rows_of


def left_over(recorded, acquired, aside):
    kept = np.setdiff1d(np.arange(len(acquired)), aside)
    return standing(Rows.of(recorded), Rows.of(acquired), Rows.of(acquired.take(kept)))


def test_a_relabelled_row_stands_until_it_is_set_aside():
    recorded = rows_of(8)
    acquired = relabelled(relabelled(recorded, 2), 5)

    assert left_over(recorded, acquired, []) == (
        Undeclared(Kind.RELABELLED, 2, "a", "b"),
        Undeclared(Kind.RELABELLED, 5, "b", "a"),
    )
    # Its position is that in what is left.
    assert left_over(recorded, acquired, [2]) == (Undeclared(Kind.RELABELLED, 4, "b", "a"),)
    assert left_over(recorded, acquired, [2, 5]) == ()
    assert left_over(recorded, acquired, [2, 5, 7]) == ()


def test_of_a_planted_copy_and_the_genuine_row_either_may_be_set_aside():
    recorded = rows_of(5)
    acquired = recorded.take(np.array([0, 1, 2, 3, 4, 1]))

    assert left_over(recorded, acquired, []) == (Undeclared(Kind.ADDED, 5, "", "b"),)
    assert left_over(recorded, acquired, [5]) == ()
    assert left_over(recorded, acquired, [1]) == ()
    assert [each.kind for each in left_over(recorded, acquired, [2])] == [Kind.ADDED]


def test_a_row_that_did_not_come_with_the_set_is_accounted_for_by_nothing():
    recorded = rows_of(5)
    stranger = relabelled(recorded, 1)

    (found,) = standing(Rows.of(recorded), Rows.of(recorded), Rows.of(stranger))

    assert found == Undeclared(Kind.RELABELLED, 1, "b", "a")


@given(
    came=st.lists(st.integers(0, 11), min_size=1, max_size=10),
    flipped=st.sets(st.integers(0, 9)),
    aside=st.sets(st.integers(0, 9)),
)
def test_nothing_stands_only_if_all_that_is_used_is_recorded_and_nothing_is_gone(
    came, flipped, aside
):
    whole = rows_of(12)
    recorded = whole.take(np.arange(6))
    acquired = whole.take(np.array(came))
    labels = np.where(
        np.isin(np.arange(len(came)), sorted(flipped)), 1 - acquired.labels, acquired.labels
    )
    acquired = acquired.with_rows(acquired.features, labels)
    kept = [row for row in range(len(came)) if row not in aside]
    if not kept:
        return

    found = left_over(recorded, acquired, sorted(aside))

    known = list(Rows.of(recorded).contents())
    foreign = []
    for row, content in enumerate(Rows.of(acquired.take(np.array(kept))).contents()):
        if content in known:
            known.remove(content)
        else:
            foreign.append(row)
    here = [each.row for each in found if each.kind is not Kind.REMOVED]
    assert len(here) == len(foreign)
    assert len(set(here)) == len(here)
