"""Hostile Parquet files are refused before they are unpacked."""

import builtins
import datetime as dt
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seclab.data_files import Limits


def parquet(columns, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **options)
    return buffer.getvalue()


GOOD = parquet({"a": [1.0, 2.0, 3.0], "b": [1, None, 3], "label": ["x", "y", "x"]})


@pytest.fixture
def bad(refused):
    return lambda content, **options: refused(content, name="data.parquet", **options)


def test_missing_values_are_nan_and_batches_keep_their_order(read, monkeypatch):
    monkeypatch.setattr("seclab.data_files.parquet_rows._CELLS_AT_ONCE", 21)
    rows = 100
    content = parquet(
        {
            "a": list(range(rows)),
            "yes": [i % 2 == 0 for i in range(rows)],
            "label": [f"c{i % 3}" for i in range(rows)],
        },
        row_group_size=16,
    )
    found = read(content, name="data.parquet")

    assert found.features[:, 0].tolist() == list(range(rows))
    assert found.features[:, 1].tolist() == [1, 0] * 50
    assert found.labels.tolist() == [i % 3 for i in range(rows)]
    assert np.isnan(read(GOOD, name="data.parquet").features[1, 1])


def test_the_index_of_a_data_frame_is_no_feature(read):
    found = read(
        parquet({"a": [1.0, 2.0], "label": [0, 1], "__index_level_0__": [7, 3]}), name="d.parquet"
    )

    assert found.feature_names == ("a",)
    assert "the index column left out" in found.provenance.obtained


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"a": ["1", "=A1"], "label": [0, 1]}, "column 'a' holds string, not numbers"),
        ({"a": [[1.0], [2.0]], "label": [0, 1]}, "column 'a' holds list<"),
        ({"a": [{"b": 1}, {"b": 2}], "label": [0, 1]}, "column 'a' holds struct<b: int64>"),
        ({"a": [b"x", b"y"], "label": [0, 1]}, "column 'a' holds binary"),
        ({"a": [dt.date(2026, 1, 1)] * 2, "label": [0, 1]}, "column 'a' holds date32"),
        ({"a": [1.0, 2.0], "label": [[0], [1]]}, "column 'label' holds list<"),
        ({"a": [1.0, 2.0], "label": ["x", None]}, "row 1: the label is missing"),
        ({"a": [1.0, 2.0], "label": [1, None]}, "row 1: the label is missing"),
        ({"a": [1.0, 2.0], "label": ["x", "=A1"]}, "row 1: the label '=A1' is refused"),
        ({"a": [1.0, 2.0], "label": ["x", "y" * 5000]}, "a label of 5000 bytes"),
        ({"a": [2**53 + 1, 0], "label": [0, 1]}, "column 'a' holds whole numbers that float64"),
        ({"=A1": [1.0, 2.0], "label": [0, 1]}, "the name of column 0, '=A1', is refused"),
        ({"label": [0, 1]}, "one column only; rows need features and a label"),
        ({"a": pa.array([], pa.float64()), "label": pa.array([], pa.int64())}, "it holds no rows"),
    ],
)
def test_columns_that_are_no_features_are_refused(bad, columns, problem):
    (found,) = bad(parquet(columns))

    assert found.startswith(problem)


def test_repeated_columns_are_refused(bad):
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0]), pa.array([0])], ["a", "a", "y"])
    buffer = io.BytesIO()
    pq.write_table(table, buffer)

    assert bad(buffer.getvalue()) == ["the column name 'a' stands twice"]


def test_a_long_text_repeated_a_million_times_is_refused(bad):
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), ["x" * 100_000])
    content = parquet({"a": np.zeros(100_000), "label": texts})

    assert len(content) < 200_000
    assert bad(content) == ["a label of 100000 bytes, the limit is 4096"]


def test_billions_of_rows_that_are_not_there_are_refused_by_the_footer(bad):
    found = bad(claiming_rows(3_000_000_000))

    assert found[0] == "it claims 3000000000 rows, the limit is 10000000"


@pytest.mark.parametrize(("rows", "what"), [(1, "claims 1 rows and holds more"), (9000, "holds 3")])
def test_rows_are_counted_while_they_are_read(bad, rows, what):
    (found,) = bad(claiming_rows(rows))

    assert what in found or found.startswith("damaged")


def claiming_rows(rows):
    """The good file, its footer claiming any number of rows for the whole."""
    content = bytearray(GOOD)
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length : -8]
    # Thrift's compact protocol: field 3 of the file is the number of rows, a zigzag varint.
    at = footer.index(b"\x16\x06\x19")
    footer[at + 1 : at + 2] = varint(2 * rows)
    return (
        bytes(content[: -8 - length]) + bytes(footer) + len(footer).to_bytes(4, "little") + b"PAR1"
    )


def varint(value):
    parts = []
    while value >= 128:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"rows": 2}, "it claims 3 rows"),
        ({"columns": 1}, "it claims 2 columns"),
        ({"cells": 5}, "it claims 6 cells"),
        ({"expanded_bytes": 47}, "it claims 48 bytes as float64"),
        ({"index_bytes": 100}, "the footer has "),
        ({"classes": 1}, "row 1: the label column holds more than 1"),
    ],
)
def test_every_limit_is_kept(bad, limits, problem):
    assert bad(GOOD, limits=Limits(**limits))[0].startswith(problem)


def test_what_the_columns_claim_to_hold_is_bounded(bad):
    content = parquet({"a": np.arange(20_000.0), "label": np.arange(20_000) % 2})
    problems = bad(content, limits=Limits(expanded_bytes=160_000))

    assert problems[0].endswith("bytes unpacked, the limit is 160000")


def test_a_file_that_is_cut_off_is_refused_everywhere(bad):
    for length in range(4, len(GOOD), 11):
        bad(GOOD[:length])


def test_damage_anywhere_ends_in_a_sentence_or_in_rows(read):
    from seclab.errors import InvalidData  # noqa: PLC0415

    rng = np.random.default_rng(0)
    refusals = 0
    for at in rng.integers(4, len(GOOD) - 8, 150):
        changed = bytearray(GOOD)
        changed[at] ^= 1 << int(rng.integers(8))
        try:
            read(bytes(changed), name="data.parquet")
        except InvalidData:
            refusals += 1
    assert refusals > 50


def test_without_pyarrow_it_is_said_what_to_do(bad, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    (found,) = bad(GOOD)

    assert "install the project with its extra 'pipeline'" in found
