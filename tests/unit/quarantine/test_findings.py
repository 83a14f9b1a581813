"""The file of suspected rows is read back as it was written, and nothing else is."""

import json

import pytest

from seclab.errors import EvidenceMismatch
from seclab.quarantine import find, read_finding
from tests.unit.quarantine.conftest import dots, found

FINDING = found(dots(), 1, 4).finding


def test_a_finding_is_read_back_as_it_was_written():
    assert read_finding(FINDING.text()) == FINDING
    assert [(row.index, row.label) for row in FINDING.rows] == [(1, 1), (4, 0)]


def test_rows_of_what_is_left_are_named_by_their_place_in_the_set_as_acquired():
    left = dots().take([0, 2, 5])

    finding = find(left, {1: ("expect_one",)}, places=[0, 2, 5], acquired="sha256:x")

    assert [row.index for row in finding.rows] == [2]
    assert finding.rows[0].row == found(dots(), 2).finding.rows[0].row


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda document: document | {"type": "another"}, "of type 'another'"),
        (lambda document: document | {"recipe": "row/2"}, "recipe 'row/2'"),
        (lambda document: document | {"more": 1}, "more"),
        (lambda document: document | {"rows": [document["rows"][0] | {"row": "f"}]}, "rows.0.row"),
        (lambda document: document | {"rows": [document["rows"][0] | {"index": -1}]}, "index"),
        (lambda document: [document], "the file"),
    ],
)
def test_another_file_is_refused_with_what_is_wrong(change, said):
    text = json.dumps(change(json.loads(FINDING.text())))

    with pytest.raises(EvidenceMismatch, match=said):
        read_finding(text)


def test_what_is_no_json_is_refused():
    with pytest.raises(EvidenceMismatch, match="no list of suspected rows"):
        read_finding(b"\xff not json")
