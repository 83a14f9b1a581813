"""Malformed and hostile CSV files are refused, each place by its line."""

import pytest

from seclab.data_files import Limits, read_dataset
from seclab.errors import InvalidData

GOOD = "label,a,b\n0,1,2\n1,3,4\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("tail", ["", "\n", "\n\n \n"])
def test_line_ends_marks_and_empty_lines_at_the_end_do_not_matter(read, end, start, tail):
    found = read(start + (GOOD.rstrip("\n") + tail).replace("\n", end))

    assert found.features.tolist() == [[1, 2], [3, 4]]
    assert found.labels.tolist() == [0, 1]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_found_even_where_names_hold_another(read, mark):
    names = mark.join(['"a, or; b"', "c", "label"])
    found = read(f"{names}\n1{mark} 2 {mark}'x|y'\n3{mark}4{mark}z\n")

    assert found.feature_names == ("a, or; b", "c")
    assert found.class_names == ("'x|y'", "z")


def test_quoted_cells_are_read(read):
    found = read('"label","a"\n"x ""1"", y","1"\n"z",2\n')

    assert found.class_names == ('x "1", y', "z")
    assert found.features.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "label,a,b\n0,1\n1,3,4\n0,1,2,3\n",
            ["line 2: 2 cells, where the first line has 3", "line 4: 4 cells"],
        ),
        ("label,a\n0,1\n\n1,2\n", ["line 3: the line is empty"]),
        ("label,a\n0,1\nx\n", ["line 3: 1 cells"]),
        ('label,a\n0,"1\n1,2\n', ["line 2: broken quotes, or a line break in a cell"]),
        ('label,a\n0,"1"2\n1,2\n', ["line 2: broken quotes"]),
        ('label,a\n0,"1,2"\n1,2\n', ["line 2: the text '1,2' stands where a number"]),
        ("label,a\n0,1\r2\n1,2\n", ["line 2, column 'a': the text '1\\r2' stands where"]),
    ],
)
def test_ragged_lines_are_refused_by_line(refused, text, problems):
    found = refused(text)

    assert len(found) == len(problems)
    for problem, wanted in zip(found, problems, strict=True):
        assert problem.startswith(wanted)


@pytest.mark.parametrize(
    "cell",
    [
        *("=cmd|' /C calc'!A0", "=1+1", "+A1", "-A1", "@SUM(1)", "1_000", "0x10", "1,5", "abc"),
        *("1 2", "\u0661", "True", "--1", "1e", "x" * 500),
    ],
)
def test_texts_among_numbers_are_refused_by_place(refused, cell):
    (found,) = refused(f"label;a;b\n0;1;2\n1;3;{cell}\n")

    assert found.startswith("line 3, column 'b': the text ")
    assert len(found) < 120


@pytest.mark.parametrize("cell", ["+1", "-.5", "1.", "1e-3", "1E+5", " 7 ", "-inf", "Infinity"])
def test_numbers_in_any_spelling_are_numbers(read, cell):
    found = read(f"label,a\n0,{cell}\n1,\n", feature_range=(0, 1))

    assert found.features[0, 0] == float(cell)


@pytest.mark.parametrize(
    "label",
    ["=cmd|' /C calc'!A0", "+A1", "-A1", "@x", "=1", "\uff1dA1", "a\u202eb", "\x1b[2J", "x" * 201],
)
def test_labels_that_could_run_or_deceive_are_refused(refused, label):
    (found,) = refused(f"a,label\n1,{label}\n2,x\n")

    assert found.startswith("line 2: the label ")
    assert "is refused" in found
    assert found.isprintable()


@pytest.mark.parametrize("label", ["", " ", "NaN", "NA", "null"])
def test_rows_without_a_label_are_refused(refused, label):
    found = refused(f"a,label\n1,x\n2,{label}\n3,y\n4,{label}\n")

    assert [problem.partition(":")[0] for problem in found] == ["line 3", "line 5"]
    assert "the label is missing" in found[0]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("a,a,label", "the column name 'a' stands twice"),
        (",a,label", "column 0 has no name"),
        ("=A1,a,label", "the name of column 0, '=A1', is refused"),
        ("a\u200b,b,label", "holds control or invisible characters"),
    ],
)
def test_names_of_columns_are_unique_and_harmless(refused, names, problem):
    (found,) = refused(f"{names}\n1,2,0\n3,4,1\n")

    assert problem in found


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (GOOD.encode("utf-16"), "line 1: it is UTF-16; save it as UTF-8"),
        (GOOD.encode("utf-32"), "line 1: it is UTF-32; save it as UTF-8"),
        (GOOD.encode("utf-16-le"), "line 1: a NUL byte"),
        (b"label,a\n0,1\nk\xe4se,2\n", "line 3: not UTF-8; save the file as UTF-8"),
        (b"label,a\n0,1\nx,2\xe2\x82", "line 3: not UTF-8"),
        (b"label,a\n0,1\n\x00,2\n", "line 3: a NUL byte"),
        (b"label,a\n", "it holds a line of names and no rows"),
        (b"label,a", "it holds a line of names and no rows"),
        (b"label\n1\n2\n", "line 1: one column only"),
        (b"\n\n\n", "it holds no rows: the first two lines are empty"),
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "it holds no rows"),
        (b'"label,a\n0,1\n', "line 1: broken quotes"),
        (b"label,a\n\n\n", "it holds no rows"),
    ],
)
def test_what_is_no_csv_is_refused(refused, content, problem):
    (found,) = refused(content)

    assert found.startswith(problem)


def test_letters_across_blocks_are_read_and_lines_are_still_counted(read, refused, monkeypatch):
    monkeypatch.setattr("seclab.data_files.csv_survey._BLOCK", 3)
    text = "label,a\nk\u00e4se,1\nw\u20acin,2\n"

    assert read(text).class_names == ("k\u00e4se", "w\u20acin")
    (found,) = refused(text.encode() + b"x\xff,3\n")
    assert found.startswith("line 4: not UTF-8")
    (found,) = refused(text + "0123456789,12\n", limits=Limits(line_bytes=12))
    assert found.startswith("line 4: the line has more than 12 bytes")


def test_rows_across_blocks_keep_their_order_and_their_lines(read, refused, monkeypatch):
    monkeypatch.setattr("seclab.data_files.csv_rows._BLOCK", 10)
    rows = "".join(f"{i % 3},{i},{i * i}\n" for i in range(50))

    found = read("label,a,b\n" + rows)
    assert found.features[:, 0].tolist() == list(range(50))
    assert found.labels.tolist() == [i % 3 for i in range(50)]
    assert refused("label,a,b\n" + rows + "0,x,1\n")[0].startswith("line 52, column 'a'")


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"rows": 1}, "it holds more than 1 rows"),
        ({"columns": 1}, "it claims 2 columns of features, the limit is 1"),
        ({"cells": 3}, "it claims 4 cells, the limit is 3"),
        ({"expanded_bytes": 31}, "it claims 32 bytes as float64, the limit is 31"),
        ({"disk_bytes": 10}, "the file has 22 bytes, the limit is 10"),
        ({"classes": 1}, "line 3: the label column holds more than 1 different labels"),
        ({"line_bytes": 8}, "line 1: the line has more than 8 bytes"),
    ],
)
def test_every_limit_is_kept(read, refused, limits, problem):
    (found,) = refused(GOOD, limits=Limits(**limits))

    assert found.startswith(problem)
    ((name, value),) = limits.items()
    enough = {"disk_bytes": 12, "line_bytes": 1}.get(name, 1)
    read(GOOD, limits=Limits(**{name: value + enough}))


def test_many_classes_are_refused_by_default(refused):
    (found,) = refused("a,label\n" + "".join(f"1,c{i}\n" for i in range(1001)))

    assert found.startswith("line 1002: the label column holds more than 1000 different labels")


def test_all_problems_are_told_at_once_up_to_a_limit(refused):
    text = "label,a\n0,x\n=A1,2\n,1\n1,2,3\n"
    assert len(refused(text)) == 4

    found = refused("label,a\n" + "0,x\n" * 100, limits=Limits(problems=5))
    assert len(found) == 6
    assert found[-1] == "there may be more; reading stopped here"
    assert len(refused("label,a\n" + "0\n" * 100)) == 21


def test_a_file_of_four_gigabytes_of_nothing_is_refused_at_once(tmp_path):
    path = tmp_path / "data.csv"
    with path.open("wb") as stream:
        stream.write(b"label,a\n0,")
        stream.truncate(2**32 - 1)

    with pytest.raises(InvalidData, match="line 2: a NUL byte"):
        read_dataset(path)
