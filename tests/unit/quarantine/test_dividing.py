"""What is suspected or confirmed is set aside, what was released stays, and all of it is told."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.errors import InvalidData
from seclab.quarantine import divide, hold
from tests.unit.quarantine.conftest import decision, digests, dots, found


def test_a_set_of_which_nothing_is_held_is_the_very_same_set(held):
    dataset = dots()

    divided = divide(dataset, held(dataset))

    assert divided.left is dataset
    assert divided.words() == ""


def test_suspected_and_confirmed_rows_are_set_aside_and_released_ones_stay(held):
    dataset = dots()
    row = digests(dataset)
    decisions = [decision("confirm", row[2]), decision("release", row[4])]

    divided = divide(dataset, held(dataset, 0, 2, 4, decisions=decisions))

    assert divided.places.tolist() == [1, 3, 4, 5]
    np.testing.assert_array_equal(divided.left.features, dataset.features[[1, 3, 4, 5]])
    assert [(index, each.state) for index, each in divided.aside] == [
        (0, "suspected"),
        (2, "confirmed"),
    ]
    assert divided.decided() == {2: decisions[1]}
    assert divided.words() == (
        "2 of 6 rows set aside (1 suspected, 1 confirmed); 1 suspected rows released by people"
    )
    assert divided.left.provenance.sampling == f"all; {divided.words()}"


def test_rows_are_known_by_content_wherever_they_stand(held):
    dataset = dots()
    quarantine = held(dataset, 1)
    moved = dataset.take(np.array([5, 4, 3, 2, 1, 0]))

    assert [index for index, _ in divide(moved, quarantine).aside] == [4]


def test_a_row_that_was_relabelled_is_another_row(held):
    dataset = dots()
    quarantine = held(dataset, 1)
    relabelled = dataset.with_rows(dataset.features, 1 - dataset.labels)

    assert divide(relabelled, quarantine).left is relabelled


@pytest.mark.parametrize("decisions", [[], ["confirm"]])
def test_planted_copies_go_and_the_genuine_row_stays(held, decisions):
    dataset = dots(copies_of_first=2)
    made = [decision(choice, digests(dataset)[0]) for choice in decisions]

    divided = divide(dataset, held(dataset, 6, 7, decisions=made))

    assert [index for index, _ in divided.aside] == [6, 7]
    assert divided.left.fingerprint().unordered == dots().fingerprint().unordered


def test_a_set_of_which_nothing_would_be_left_is_refused(held):
    dataset = dots()

    with pytest.raises(InvalidData, match="dots: every row is in quarantine"):
        divide(dataset, held(dataset, *range(6)))


def test_the_file_says_which_rows_and_who_decided_what_and_why(held):
    dataset = dots()
    row = digests(dataset)
    decisions = [decision("confirm", row[2]), decision("release", row[4])]
    divided = divide(dataset, held(dataset, 0, 2, 4, decisions=decisions))

    document = json.loads(divided.text())

    assert document["acquired"] == str(dataset.fingerprint().ordered)
    assert document["left"] == str(divided.left.fingerprint().ordered)
    assert [(each["index"], each["row"]) for each in document["set_aside"]] == [
        (0, row[0]),
        (2, row[2]),
    ]
    assert document["set_aside"][0]["decision"] is None
    [released] = document["released"]
    assert (released["index"], released["row"], released["flagged_by"]) == (
        4,
        row[4],
        ["expect_one"],
    )
    assert released["decision"]["by"] == "a team"
    assert released["decision"]["reason"] == "looked at it"


@given(st.sets(st.integers(0, 8), max_size=8), st.sets(st.integers(0, 8)))
def test_no_row_is_lost_and_none_is_in_both_parts(suspected, released):
    dataset = dots(copies_of_first=3)
    row = digests(dataset)
    quarantine = hold(
        "dots",
        [found(dataset, *suspected)],
        [decision("release", *sorted({row[index] for index in released}))],
    )

    divided = divide(dataset, quarantine)

    aside = [index for index, _ in divided.aside]
    assert sorted([*aside, *divided.places.tolist()]) == list(range(len(dataset)))
    let_go = {row[index] for index in released}
    wanted = [row[index] for index in suspected if row[index] not in let_go]
    assert sorted(row[index] for index in aside) == sorted(wanted)
