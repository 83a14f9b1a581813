import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.yaml_files import decode, parse


def read(text):
    return parse(text.encode(), file="f.yaml")


def problems(text):
    with pytest.raises(Misconfigured) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), file="f.yaml")
    return caught.value.problems


@pytest.mark.parametrize("text", ["on", "off", "yes", "No", "2027-03-31", "1:30", "0x10", "1_000"])
def test_what_json_does_not_know_stays_a_text(text):
    assert read(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1'", "1"),
    ],
)
def test_numbers_truth_values_and_null_are_read(text, value):
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_read_as_what_it_is():
    assert math.isnan(read("a: .NaN")["a"])


def test_mappings_know_the_lines_of_their_keys():
    found = read("# comment\na: 1\nb:\n  - c: 2\n    d: 3\n")
    assert (found.line_of("a"), found.line_of("b")) == (2, 3)
    assert (found["b"][0].line, found["b"][0].line_of("d")) == (4, 5)
    assert found.line_of("absent") == 2


def test_every_duplicate_key_is_reported():
    assert problems("a: 1\nb: {c: 1, c: 2}\na: 2\n") == (
        "f.yaml line 2: the key c stands twice, first in line 2",
        "f.yaml line 3: the key a stands twice, first in line 1",
    )


@pytest.mark.parametrize("key", ["1", "true", "~", "[a]", "{a: 1}"])
def test_keys_are_texts(key):
    (problem,) = problems(f"a: 1\n? {key}\n: 2\n")
    assert problem.startswith("f.yaml line 2: the key ")
    assert "must be a text" in problem


def test_aliases_and_tags_are_refused_each_with_its_line():
    assert problems("a: &x 1\nb: *x\nc: !!python/object:os.system 3\n") == (
        "f.yaml line 2: the alias *x is not allowed; write the value out",
        "f.yaml line 3: a tag (!) is not allowed; write the plain value",
    )


def test_a_merge_key_is_an_ordinary_key():
    assert read("<<: 1") == {"<<": 1}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_document_is_refused(text):
    assert problems(text) == ("f.yaml: the file is empty",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 'x", 1),
        ("a: 1\nb: [1, 2\nc: 3\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: é\nb: \x01\n", 2),
        ("a: 1\nb: " + "9" * 5000, 2),
    ],
)
def test_malformed_yaml_is_refused_with_its_line(text, line):
    (problem,) = problems(text)
    assert problem.startswith(f"f.yaml line {line}: malformed YAML: ")


@pytest.mark.parametrize(
    "text", ["[" * 60_000 + "]" * 60_000, "{a: " * 60_000, "- " * 60_000 + "a"]
)
def test_absurd_nesting_is_refused_and_does_not_end_the_process(text):
    assert problems(text) == ("f.yaml line 1: malformed YAML: nested more than 20 deep",)


def test_nesting_that_people_write_is_read():
    assert read("[" * 20 + "]" * 20)


def test_another_encoding_is_refused_with_the_line():
    assert problems(b"a: 1\nb: \xfc\n") == ("f.yaml line 2: not UTF-8; save the file as UTF-8",)
    assert len(problems("a: 1".encode("utf-16"))) == 1


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert decode(b"\xef\xbb\xbfid", file="f.csv") == "id"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES.filter(lambda value: value is not None))
def test_json_is_read_as_json(value):
    assert read(json.dumps(value)) == value


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_input_ends_in_another_error(data):
    with suppress(Misconfigured):
        parse(data, file="f.yaml")
