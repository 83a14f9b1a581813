import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.registers.risks import MATRIX_COLUMNS, RISK_COLUMNS

RISKS, MATRIX = "risks.csv", "attack_defense_matrix.csv"
MAY_BE_EMPTY = {"evaluation", "metric"}
MANDATORY = [
    (file, column)
    for file, columns in ((RISKS, RISK_COLUMNS), (MATRIX, MATRIX_COLUMNS))
    for column in columns
    if column not in MAY_BE_EMPTY
]


def only(folder, file, line, column, *, words=""):
    """The findings about one cell; there must be some, with these words."""
    place = f"{file} line {line}, column {column}: "
    found = [problem for problem in folder.problems() if problem.startswith(place)]
    assert found, folder.problems()
    assert any(words in problem for problem in found), found
    return found


@pytest.mark.parametrize(("file", "column"), MANDATORY)
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_mandatory_cell_is_found(folder, file, column, blank):
    folder.set_cell(file, 2, column, blank)
    only(folder, file, 2, column, words="the cell is empty")


@pytest.mark.parametrize(
    ("file", "column", "value"),
    [
        (RISKS, "asset_class", "model"),
        (RISKS, "asset_class", "Training-Data"),
        (RISKS, "owner", "alice"),
        (RISKS, "status", "closed"),
        (RISKS, "likelihood", "0"),
        (RISKS, "likelihood", "6"),
        (RISKS, "impact", "2.5"),
        (RISKS, "impact", "high"),
        (RISKS, "impact", "٣"),
        (RISKS, "review_date", "2027-02-29"),
        (RISKS, "review_date", "20270331"),
        (RISKS, "review_date", "2027-W05-1"),
        (RISKS, "id", "R-EVA-1"),
        (RISKS, "id", "EVA-01"),
        (RISKS, "nist_id", "NISTAML.18"),
        (RISKS, "nist_id", "NIST AML.022"),
        (RISKS, "nist_id", "NISTAML.022;NISTAML.025"),
        (RISKS, "atlas_ids", "T1595"),
        (RISKS, "atlas_ids", "AML.T086"),
        (RISKS, "atlas_ids", "AML.T0051.0"),
        (RISKS, "atlas_ids", "AML.M0015"),
        (RISKS, "atlas_ids", "AML.T0015, AML.T0043"),
        (RISKS, "atlas_ids", "AML.T0015;"),
        (RISKS, "atlas_ids", "AML.T0015;none"),
        (RISKS, "owasp_ids", "LLM01"),
        (RISKS, "owasp_ids", "LLM11:2025"),
        (RISKS, "owasp_ids", "ML01"),
        (RISKS, "stride", "X"),
        (RISKS, "stride", "ST"),
        (RISKS, "stride", "none"),
        (RISKS, "evidence", "never tested"),
        (RISKS, "evidence", "data_checks"),
        (RISKS, "evidence", "Evasion"),
        (MATRIX, "attack_surface", "anywhere"),
        (MATRIX, "atlas_ids", "AML.T43"),
        (MATRIX, "atlas_ids", "AML.T0015, AML.T0043.000"),
        (MATRIX, "risk_id", "R-EVA-99"),
        (MATRIX, "evaluation", "Evasion Linf"),
        (MATRIX, "metric", "robust accuracy"),
    ],
)
def test_a_wrong_cell_is_found_at_its_place(folder, file, column, value):
    folder.set_cell(file, 2, column, value)
    only(folder, file, 2, column)


@pytest.mark.parametrize("column", ["atlas_ids", "owasp_ids", "stride"])
def test_an_item_named_twice_is_found(folder, column):
    value = folder.cell(RISKS, 3, column)
    folder.set_cell(RISKS, 3, column, f"{value};{value}")
    only(folder, RISKS, 3, column, words="more than once")


@pytest.mark.parametrize("value", [" Evasion", "Evasion ", "Eva\nsion", "Eva\u200bsion", "Eva\x07"])
def test_blanks_around_and_invisible_characters_are_found(folder, value):
    folder.set_cell(RISKS, 2, "title", value)
    only(folder, RISKS, 2, "title")


def test_the_line_is_right_below_a_cell_of_several_lines(folder):
    folder.set_cell(RISKS, 2, "title", "one\ntwo")
    folder.set_cell(RISKS, 3, "owner", "bob")
    only(folder, RISKS, 4, "owner", words="'bob'")


def test_a_duplicate_risk_id_is_found_in_its_second_row(folder):
    folder.set_cell(RISKS, 3, "id", "R-EVA-01")
    only(folder, RISKS, 3, "id", words="stands in line 2 already")


def test_a_repeated_matrix_row_is_found(folder):
    folder.set_cell(MATRIX, 3, "metric", "robust_accuracy")
    problem = "attack_defense_matrix.csv line 3: the same attack, metric and risk as line 2"
    assert folder.problems() == (problem,)


def test_an_evaluation_in_the_matrix_needs_a_metric(folder):
    folder.set_cell(MATRIX, 2, "metric", "")
    only(folder, MATRIX, 2, "metric", words="name the metric of evasion_linf")


@pytest.mark.parametrize("evaluation", ["", "data_checks"])
def test_a_metric_without_an_evaluation_is_found(folder, evaluation):
    folder.set_cell(MATRIX, 2, "evaluation", evaluation)
    only(folder, MATRIX, 2, "metric", words="has no evaluation")


def test_a_risk_without_a_matrix_row_is_found(folder):
    folder.set_cell(MATRIX, 6, "risk_id", "R-EVA-01")
    only(folder, RISKS, 4, "id", words="R-RAG-04 has no row in attack_defense_matrix.csv")


def test_register_and_matrix_must_name_the_same_evidence(folder):
    folder.set_cell(RISKS, 4, "evidence", "evasion_linf")
    only(folder, RISKS, 4, "evidence", words="rests on evasion_linf here and on nothing in")


@pytest.mark.parametrize("technique", ["AML.T0043", "AML.T0043.001", "AML.T0020"])
def test_an_attack_carries_out_techniques_of_its_risk_only(folder, technique):
    folder.set_cell(MATRIX, 2, "atlas_ids", f"AML.T0015;{technique}")
    words = f"{technique} is not among the atlas_ids of R-EVA-01"
    assert len(only(folder, MATRIX, 2, "atlas_ids", words=words)) == 1


def test_evidence_from_data_checks_names_the_suite(folder):
    folder.set_cell(RISKS, 3, "evidence", "data_checks;random_noise")
    only(folder, RISKS, 3, "evidence", words="neither an evaluation nor data_checks:<suite>")


@pytest.mark.parametrize("column", ["evaluation", "metric"])
def test_a_missing_matrix_column_is_no_reason_to_fault_its_neighbour(folder, column):
    rows = [line.split(",") for line in folder.read(MATRIX).splitlines()]
    at = rows[0].index(column)
    folder.write(MATRIX, "\n".join(",".join([*row[:at], *row[at + 1 :]]) for row in rows))
    missing = f"attack_defense_matrix.csv line 1, column {column}: the header lacks this column"
    assert missing in folder.problems()
    assert not any("is empty" in found or "has no ev" in found for found in folder.problems())


def test_a_missing_column_is_found_once_and_the_rest_still_read(folder):
    text = folder.read(MATRIX).splitlines()
    folder.write(MATRIX, "\n".join(line.rpartition(",")[0] for line in text))
    folder.set_cell(MATRIX, 2, "attack", "")
    assert folder.problems() == (
        "attack_defense_matrix.csv line 1, column risk_id: the header lacks this column",
        "attack_defense_matrix.csv line 2, column attack: the cell is empty",
    )


def test_an_unknown_column_is_found(folder):
    text = folder.read(MATRIX).splitlines()
    folder.write(MATRIX, "\n".join([text[0] + ",note", *(line + ",x" for line in text[1:])]))
    only(folder, MATRIX, 1, "note", words="no such column is known")
    assert len(folder.problems()) == 1


def test_a_duplicate_column_is_found(folder):
    text = folder.read(MATRIX).splitlines()
    folder.write(MATRIX, "\n".join([text[0] + ",attack", *(line + ",x" for line in text[1:])]))
    only(folder, MATRIX, 1, "attack", words="more than once")


def test_a_misspelled_column_is_both_unknown_and_missing(folder):
    folder.replace(RISKS, "residual_risk", "residual risk")
    only(folder, RISKS, 1, "residual risk", words="no such column is known")
    only(folder, RISKS, 1, "residual_risk", words="the header lacks")


def test_columns_in_another_order_are_found(folder):
    rows = [line.split(",") for line in folder.read(MATRIX).splitlines()]
    folder.write(MATRIX, "\n".join(",".join([row[1], row[0], *row[2:]]) for row in rows))
    (problem,) = folder.problems()
    assert problem.startswith("attack_defense_matrix.csv line 1: the header must have this order")


@pytest.mark.parametrize(("change", "cells"), [(",extra", 8), (None, 6)])
def test_a_ragged_row_is_found_and_causes_no_others(folder, change, cells):
    lines = folder.read(MATRIX).splitlines()
    lines[5] = lines[5] + change if change else lines[5].replace("None,", "")
    folder.write(MATRIX, "\n".join(lines))
    place = "attack_defense_matrix.csv line 6"
    assert folder.problems() == (f"{place}: {cells} cells where the header has 7",)


def test_a_ragged_risk_is_still_known_to_the_other_files(folder):
    folder.replace(RISKS, "Evasion,Labels", "Evasion")
    assert folder.problems() == ("risks.csv line 2: 19 cells where the header has 20",)


def test_an_unclosed_quote_is_found_at_its_line(folder):
    folder.replace(RISKS, '"Search, then send"', '"Search, then send')
    (problem,) = folder.problems()
    assert problem.startswith("risks.csv line 2: malformed CSV: ")


def test_a_header_without_rows_is_found(folder):
    folder.write(MATRIX, folder.read(MATRIX).splitlines()[0] + "\n")
    assert "attack_defense_matrix.csv: there is no row below the header" in folder.problems()


def test_blank_lines_are_no_rows_but_are_counted(folder):
    folder.replace(MATRIX, "training-data,Flipped", "\ntraining-data,Flipped")
    assert [row.line for row in folder.load().matrix] == [2, 3, 5, 6, 7]


ID_CELLS = [
    (file, line, column)
    for file, lines, columns in (
        (RISKS, (2, 3), ("id", "nist_id", "atlas_ids", "owasp_ids")),
        (MATRIX, (2, 4, 6), ("risk_id",)),
    )
    for line in lines
    for column in columns
]


@st.composite
def corruptions(draw, text):
    """The text with one character dropped, replaced, doubled or added, never a number for another.

    Another number would be another id of the right form. A dropped digit is no better where ids may
    be shorter, so digits stay.
    """
    other = st.characters(exclude_characters=string.digits + ";", codec="utf-8")
    if text == "none" or draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        return text[:at] + draw(other) + text[at:]
    at = draw(st.sampled_from([i for i, char in enumerate(text) if char not in string.digits]))
    return (
        text[:at] + draw(st.just("") | other.filter(lambda char: char != text[at])) + text[at + 1 :]
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_corruption_of_an_id_is_found_at_its_place(new_folder, data):
    file, line, column = data.draw(st.sampled_from(ID_CELLS))
    folder = new_folder()
    value = data.draw(corruptions(folder.cell(file, line, column)))
    folder.set_cell(file, line, column, value)
    only(folder, file, line, column)
