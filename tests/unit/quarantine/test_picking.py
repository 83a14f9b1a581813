"""Rows are named by index or digest, and decisions that say nothing are refused, all at once."""

import pytest

from seclab.errors import Misconfigured
from seclab.quarantine import decidable, hold, pick
from tests.unit.quarantine.conftest import decision, digests, dots, found

DATASET = dots(12)
ROW = digests(DATASET)
QUARANTINE = hold(
    "dots",
    [
        found(DATASET, 1, 3, 11, run="aa11"),
        found(dots(14), 12, run="bb22", minute=1),
        # An older version of the set, in which another row stood at index 3.
        found(DATASET.take([0, 1, 2, 5]), 3, run="cc33", minute=2),
    ],
    [decision("confirm", ROW[1])],
)


def _indexes(*references, **how):
    return [held.row for held in pick(QUARANTINE, references, **how)]


def test_a_row_is_named_by_its_index_or_by_the_beginning_of_its_digest():
    assert _indexes("1", ROW[11][:8], ROW[11].upper(), "11") == [ROW[1], ROW[11]]


def test_all_means_every_row_that_is_still_suspected():
    assert set(_indexes(everything=True)) == set(QUARANTINE.rows) - {ROW[1]}


def test_a_run_means_what_it_found_and_is_still_suspected_or_narrows_what_an_index_means():
    assert _indexes(run="aa") == [ROW[3], ROW[11]]
    assert _indexes("3", run="cc") == [ROW[5]]
    assert _indexes("1", run="aa11") == [ROW[1]]


def test_everything_wrong_with_what_is_named_is_said_at_once():
    with pytest.raises(Misconfigured) as error:
        pick(QUARANTINE, ["2", "3", "ffffffff", "abc", "nonsense"])

    unknown, several, no_digest, short, nonsense = error.value.problems
    assert unknown.startswith("row 2 of dots is not in quarantine: give an index or at least 6")
    assert several == (
        f"row 3 of dots could be {ROW[3][:12]}, {ROW[5][:12]}; give more of the digest"
    )
    assert "row ffffffff of dots is not in quarantine" in no_digest
    assert "row abc of dots is not in quarantine" in short
    assert "row nonsense of dots is not in quarantine" in nonsense


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "name the rows: by index, by digest, or with --all or --run"),
        ({"references": ["1"], "everything": True}, "name rows or give --all, not both"),
        ({"run": "dd"}, "no run dd has put rows of dots into quarantine"),
    ],
)
def test_nothing_named_or_two_ways_at_once_is_refused(how, said):
    with pytest.raises(Misconfigured) as error:
        pick(QUARANTINE, **{"references": []} | how)

    assert error.value.problems == (said,)


def test_all_of_nothing_is_refused():
    decided = hold("dots", [found(DATASET, 1)], [decision("release", ROW[1])])

    with pytest.raises(Misconfigured, match="no row of dots is still suspected"):
        pick(decided, [], everything=True)


def test_a_decision_needs_somebody_and_a_reason_and_has_to_be_a_new_one():
    rows = pick(QUARANTINE, ["1", "11"])
    with pytest.raises(Misconfigured) as error:
        decidable(rows, "confirm", by=" ", reason="")

    reason, by, already = error.value.problems
    assert reason.startswith("--reason is empty")
    assert by.startswith("--by is empty")
    assert already == (
        f"row {ROW[1][:12]} (index 1) was confirmed by a team on 2026-03-01: looked at it already"
    )


def test_a_decision_may_be_changed_by_the_other_one():
    decidable(pick(QUARANTINE, ["1"]), "release", by="a team", reason="looked again")


@pytest.mark.parametrize("reason", ["x" * 2001, "two\nlines", "a\x1b[31mcolour"])
def test_a_reason_is_one_line_of_readable_text_that_fits(reason):
    with pytest.raises(Misconfigured, match="--reason"):
        decidable([], "release", by="a team", reason=reason)
