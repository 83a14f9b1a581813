"""One table of risks and attacks for spreadsheets: what it says, what it refuses, and back."""

import csv
import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.exchange.register_csv import (
    COLUMNS,
    SEED_COLUMNS,
    RegisterRows,
    from_register_csv,
    to_register_csv,
)
from seclab.exchange.register_merge import merge, register_rows
from seclab.registers.risks import MATRIX_COLUMNS, RISK_COLUMNS
from tests.conftest import ROOT

RISKS = (ROOT / "registers" / "risks.csv").read_bytes()
ATTACKS = (ROOT / "registers" / "attack_defense_matrix.csv").read_bytes()
SEED = b"""Asset,Attacker goal,Attack pattern,Control,Evidence,Residual risk
Chat history,Read what others wrote,Ask for it,,none: never tested,Everything
"""
FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")

cells = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from(
        ["=1+1", "-1", "+1", "@x", "\tx", "'=1", "''-", "'", "'quoted'", "\uff1d1", "a;b", 'a"b,c']
    )
    | st.text("'\";\t\r\n=-a", max_size=6)
)


def _rows(columns, least=1):
    # A few cells over and over: drawing each of twenty would take most of the time.
    values = st.lists(cells, min_size=1, max_size=4).map(
        lambda drawn: dict(zip(columns, itertools.cycle(drawn), strict=False))
    )
    return st.lists(values, min_size=least, max_size=3).map(tuple)


registers = st.builds(
    RegisterRows, risks=_rows(RISK_COLUMNS), attacks=_rows(MATRIX_COLUMNS, least=0)
)


def table(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@given(registers)
def test_the_rows_come_back_whatever_their_cells_hold(rows):
    assert from_register_csv(to_register_csv(rows), file="t.csv") == rows


@given(registers)
def test_no_cell_begins_as_a_formula_does(rows):
    text = to_register_csv(rows).decode("utf-8-sig")

    for line in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(FORMULAS) for cell in line)


@given(registers)
def test_no_cell_begins_as_a_formula_does_where_other_settings_part_it_in_two(rows):
    text = to_register_csv(rows).decode("utf-8-sig")

    for part in re.split("[;\t\r\n]", text):
        # Elsewhere a quote at the beginning of a cell is no part of it.
        assert not part.lstrip('"').startswith(FORMULAS)


@pytest.mark.parametrize("words", ["AML.T0043;AML.T0015", "tab\there", "1\n2"])
def test_cells_that_another_delimiter_would_part_are_quoted(words):
    data = to_register_csv(RegisterRows(({"title": words},), ()))

    assert f'"{words}"'.encode() in data


@given(registers)
def test_read_into_an_empty_register_they_are_its_rows(rows):
    merged = merge(None, None, rows)

    assert register_rows(merged.risks, merged.attacks or ATTACKS).risks == rows.risks
    if rows.attacks:
        assert register_rows(merged.risks, merged.attacks).attacks == rows.attacks


def test_the_shipped_register_comes_back_byte_by_byte():
    rows = from_register_csv(to_register_csv(register_rows(RISKS, ATTACKS)), file="t.csv")

    merged = merge(RISKS, ATTACKS, rows)

    assert (merged.risks, merged.attacks) == (RISKS, ATTACKS)
    assert (merged.changed, merged.added) == ((), 0)
    assert (merged.attacks_added, merged.attacks_removed) == (0, 0)


def test_the_seed_format_comes_first_and_every_column_is_there():
    data = to_register_csv(register_rows(RISKS, ATTACKS))

    lines = table(data)
    assert data.startswith(b"\xef\xbb\xbfasset,attacker goal,attack pattern,control,evidence,")
    assert list(lines[0])[:6] == [name.replace("_", " ") for name in SEED_COLUMNS]
    assert {name.replace(" ", "_") for name in lines[0]} == {*COLUMNS}
    assert (lines[0]["id"], lines[0]["record"], lines[0]["attack"]) == ("R-EVA-01", "risk", "")
    attack = next(line for line in lines if line["record"] == "attack")
    assert (attack["risk id"], attack["asset"]) == ("R-EVA-01", "")


def test_six_columns_make_a_row_with_the_rest_to_be_filled_in():
    rows = from_register_csv(SEED, file="seed.csv")
    merged = merge(RISKS, ATTACKS, rows)

    added = register_rows(merged.risks, ATTACKS).risks[-1]
    assert merged.risks.startswith(RISKS)
    assert (merged.added, merged.changed, merged.attacks) == (1, (), None)
    assert added == dict.fromkeys(RISK_COLUMNS, "") | {
        "asset": "Chat history",
        "attacker_goal": "Read what others wrote",
        "attack_pattern": "Ask for it",
        "evidence": "none: never tested",
        "residual_risk": "Everything",
    }


def test_the_same_six_columns_add_nothing_a_second_time():
    rows = from_register_csv(SEED, file="seed.csv")
    once = merge(RISKS, ATTACKS, rows)

    twice = merge(once.risks, ATTACKS, rows)

    assert (twice.risks, twice.added, twice.changed) == (once.risks, 0, ())


def test_a_row_with_a_known_id_changes_what_it_says_and_no_other_byte():
    data = b"ID;Residual risk\nR-EVA-02;Less than before\n"

    merged = merge(RISKS, ATTACKS, from_register_csv(data, file="some.csv"))

    before, after = RISKS.splitlines(), merged.risks.splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert (merged.changed, merged.added, merged.attacks) == (("R-EVA-02",), 0, None)
    assert [line[:9] for line in changed] == [b"R-EVA-02,"]
    row = register_rows(merged.risks, ATTACKS).risks[1]
    assert row == register_rows(RISKS, ATTACKS).risks[1] | {"residual_risk": "Less than before"}


def test_attacks_take_the_place_of_the_whole_matrix_and_are_counted():
    rows = register_rows(RISKS, ATTACKS)
    other = {**rows.attacks[0], "attack": "Another attack"}

    merged = merge(RISKS, ATTACKS, RegisterRows((), (*rows.attacks[1:], other)))

    assert merged.risks == RISKS
    assert (merged.attacks_added, merged.attacks_removed) == (1, 1)
    assert register_rows(RISKS, merged.attacks).attacks == (*rows.attacks[1:], other)


def test_every_mistake_is_named_at_once():
    data = (
        b"record,Asset,asset,colour,attack,risk id\n"
        b"risk,a,a,red,,\nboth,a,,,,\nattack,,,,An attack,R-EVA-01\nrisk,a,,,An attack,\n"
    )

    with pytest.raises(Misconfigured) as caught:
        from_register_csv(data, file="t.csv")

    text = "\n".join(caught.value.problems)
    assert "column colour: no such column is known; these are: asset, attacker goal" in text
    assert "column asset: 'Asset' and 'asset' are one column" in text
    assert "t.csv line 3, column record: 'both' is neither risk nor attack" in text
    assert "t.csv line 5, column attack: a line of the kind risk has no such cell" in text
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"asset,control\n", "there is no row below the header"),
        (b"asset,control\na\n", "line 2: 1 cells where the header has 2"),
        (b'asset,control\n"a,b\n', "line 2: malformed CSV"),
        (b"asset,control\n\xff,b\n", "line 2: not UTF-8"),
        (b"asset,asset\na,b\n", "column asset: the header names this column more than once"),
        (b"asset,control\n" + b"x" * 200_000 + b",b\n", "malformed CSV: field larger"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(data, said):
    with pytest.raises(Misconfigured) as caught:
        from_register_csv(data, file="t.csv")

    assert said in "\n".join(caught.value.problems)


def test_a_file_of_the_register_whose_rows_cannot_be_told_apart_is_left_alone():
    rows = from_register_csv(SEED, file="seed.csv")

    with pytest.raises(Misconfigured) as caught:
        merge(b"id,title\nR-EVA-01,a\n", b"attack\n\xff", rows)

    text = "\n".join(caught.value.problems)
    assert "risks.csv line 1, column asset: the header lacks this column" in text
    assert "attack_defense_matrix.csv line 2: not UTF-8" in text


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_what_a_spreadsheet_makes_of_a_table_is_the_same_table(delimiter, end):
    data = SEED.replace(b",", delimiter).replace(b"\n", end)

    assert from_register_csv(b"\xef\xbb\xbf" + data, file="t.csv") == from_register_csv(
        SEED, file="t.csv"
    )


def test_columns_without_a_name_are_told_by_their_place():
    with pytest.raises(Misconfigured) as caught:
        from_register_csv(SEED.replace(b"\n", b",,\n"), file="t.csv")

    assert caught.value.problems == (
        "t.csv line 1: no name stands over column 7, 8; remove or name it",
    )


def test_lines_of_empty_cells_as_spreadsheets_leave_them_are_passed_over():
    assert from_register_csv(SEED + b",,,,,\r\n,,,,,\n", file="t.csv") == from_register_csv(
        SEED, file="t.csv"
    )


def test_half_a_character_is_refused():
    with pytest.raises(Misconfigured, match="surrogate"):
        to_register_csv(RegisterRows(({"id": "\ud800"},), ()))
