"""Threat lists of the Microsoft Threat Modeling Tool."""

import csv
import io

import pytest

from seclab.errors import Misconfigured
from seclab.exchange.placeholders import NEW_RISK, NOT_DESCRIBED
from seclab.exchange.tmt_csv import REQUIRED, from_tmt_csv
from seclab.threat_models import Dismissal

ROW = {
    "Id": "0",
    "Diagram": "Shop",
    "Changed By": "",
    "Last Modified": "Generated",
    "State": "Not Started",
    "Title": "Spoofed browser",
    "Category": "Spoofing",
    "Description": "Somebody pretends,\nand nobody looks.",
    "Justification": "",
    "Interaction": "Browser to Web server",
    "Priority": "High",
}


def table(*rows, columns=REQUIRED):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(ROW | row for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def test_threats_are_read_with_their_flows_and_the_ends_that_a_name_tells():
    model = from_tmt_csv(
        table({}, {"Interaction": "SQL", "Category": "Tampering"}), file="shop.csv"
    )

    assert model.name == "shop"
    first, second = model.threats
    assert (first.title, first.stride, first.status, first.severity, first.risk) == (
        "Spoofed browser",
        "S",
        "open",
        "high",
        NEW_RISK,
    )
    assert first.description == "Somebody pretends,\nand nobody looks."
    assert first.mitigation == NOT_DESCRIBED
    assert (first.target, second.target) == ("F1", "F2")
    names = {each.id: each.name for each in model.elements}
    ends = [(names[flow.source], names[flow.target]) for flow in model.flows]
    assert ends == [("Browser", "Web server"), ("Source of SQL", "Target of SQL")]


@pytest.mark.parametrize(
    ("category", "letter"),
    [
        ("Spoofing", "S"),
        ("Tampering", "T"),
        ("Repudiation", "R"),
        ("Information Disclosure", "I"),
        ("Denial Of Service", "D"),
        ("Elevation Of Privilege", "E"),
        ("Elevation of Privileges", "E"),
    ],
)
def test_categories_are_letters(category, letter):
    assert from_tmt_csv(table({"Category": category}), file="x.csv").threats[0].stride == letter


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("Not Started", "open"),
        ("Needs Investigation", "open"),
        ("Mitigation Implemented", "mitigated"),
    ],
)
def test_states_are_ours(state, status):
    assert from_tmt_csv(table({"State": state}), file="x.csv").threats[0].status == status


def test_what_does_not_apply_is_dismissed_unless_another_threat_of_its_kind_does():
    rows = (
        {"State": "Not Applicable", "Category": "Tampering", "Justification": "TLS"},
        {"State": "Not Applicable", "Justification": "No"},
        {},
    )
    model = from_tmt_csv(table(*rows), file="x.csv")

    assert model.dismissed == (Dismissal("F1", ("T",), "Spoofed browser: TLS"),)
    assert [(each.id, each.stride) for each in model.threats] == [("T1", "S")]


def test_one_name_in_two_diagrams_is_two_flows_between_the_same_elements():
    model = from_tmt_csv(table({}, {"Diagram": "Other"}), file="x.csv")
    assert [flow.id for flow in model.flows] == ["F1", "F2"]
    assert len(model.elements) == 2


def test_columns_of_microsofts_templates_are_known_in_any_order():
    columns = ("Priority", "Possible Mitigation(s)", *[c for c in REQUIRED if c != "Priority"])
    assert from_tmt_csv(table({}, columns=columns), file="x.csv").threats


def test_all_mistakes_are_told_at_once_with_their_places():
    columns = (*[c for c in REQUIRED if c != "Justification"], "Mood")
    rows = ({"State": "Done", "Mood": "good"}, {"Category": "Abuse", "Priority": "", "Title": " "})
    with pytest.raises(Misconfigured) as caught:
        from_tmt_csv(table(*rows, columns=columns), file="x.csv")

    told = "\n".join(caught.value.problems)
    assert "column Mood: no such column is known" in told
    assert "column Justification: the header lacks this column" in told
    assert told.count("Justification") == 1
    assert "x.csv line 2, column State: 'Done' is not one of" in told
    assert "column Category: 'Abuse'" in told
    assert "column Priority: ''" in told
    assert "column Title: the cell is empty" in told


def test_a_column_that_is_missing_is_told_once_and_not_for_every_row():
    columns = [column for column in REQUIRED if column != "State"]
    with pytest.raises(Misconfigured) as caught:
        from_tmt_csv(table({}, {}, columns=columns), file="x.csv")

    assert caught.value.problems == ("x.csv line 1, column State: the header lacks this column",)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_list_that_a_spreadsheet_saved_again_is_the_same_list(delimiter):
    text = io.StringIO()
    lines = list(csv.reader(io.StringIO(table({}, {}).decode("utf-8-sig"), newline="")))
    empty = [""] * len(REQUIRED)
    csv.writer(text, delimiter=delimiter).writerows([*lines, empty])

    saved = from_tmt_csv(text.getvalue().encode(), file="x.csv")
    assert saved == from_tmt_csv(table({}, {}), file="x.csv")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b'"open', b"a,b\n1,2\n", b"\n\n"])
def test_what_is_no_such_list_is_wrong_use(data):
    with pytest.raises(Misconfigured, match=r"x\.csv"):
        from_tmt_csv(data, file="x.csv")
