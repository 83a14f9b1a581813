"""Reading a suite fails closed: what is not understood in full is not a suite."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from seclab import data_checks
from seclab.data_checks.catalogue import expectation
from seclab.data_checks.table import Finding
from seclab.errors import Misconfigured
from seclab.measurement import Severity

EXPECTATIONS = Path(__file__).parents[3] / "expectations"
SUITE = {
    "name": "small",
    "expectations": [
        {
            "type": "expect_features_to_be_in_range",
            "kwargs": {"low": 0, "high": 16.5},
            "severity": "warning",
            "meta": {"risk_ids": ["R-POI-04", "R-POI-01"]},
            "notes": "What the sensor gives.",
        },
        {
            "type": "expect_rows_to_be_unique",
            "kwargs": {},
            "severity": "info",
            "meta": {"risk_ids": ["R-POI-02"]},
        },
    ],
}


@pytest.fixture
def read(tmp_path):
    def of(document):
        path = tmp_path / "small.json"
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_bytes(text.encode())
        return data_checks.load_suite(path)

    return of


def edited(*steps, value=None, remove=False):
    """The suite with one place changed."""
    document = deepcopy(SUITE)
    target = document
    for step in steps[:-1]:
        target = target[step]
    if remove:
        del target[steps[-1]]
    else:
        target[steps[-1]] = value
    return document


def test_a_suite_is_read_in_full(read):
    suite = read(SUITE)

    assert suite.name == "small"
    first, second = suite.expectations
    assert (first.type, first.severity) == ("expect_features_to_be_in_range", Severity.WARNING)
    assert first.kwargs == {"low": 0, "high": 16.5}
    assert first.risks == ("R-POI-04", "R-POI-01")
    assert (second.kwargs, second.severity, second.risks) == ({}, Severity.INFO, ("R-POI-02",))


def test_the_digest_ignores_layout_and_order_of_keys(read):
    document = {key: SUITE[key] for key in reversed(SUITE)}

    assert read(json.dumps(document, indent=8)).digest == read(SUITE).digest


@pytest.mark.parametrize(
    "steps",
    [
        ("name",),
        ("expectations", 0, "severity"),
        ("expectations", 0, "notes"),
        ("expectations", 0, "meta", "risk_ids", 0),
    ],
)
def test_the_digest_changes_with_every_word(read, steps):
    changed = edited(*steps, value="critical")

    assert read(changed).digest != read(SUITE).digest


def test_the_digest_changes_with_a_loosened_limit(read):
    loosened = edited("expectations", 0, "kwargs", "high", value=17)

    assert read(loosened).digest != read(SUITE).digest


# What is wrong -> (document, what the problem says)
BROKEN = {
    "unknown type": (
        edited("expectations", 1, "type", value="expect_nothing_bad"),
        "expectations[1]: unknown type 'expect_nothing_bad'; known: expect_changes_to_be_exp",
    ),
    "expectation of Great Expectations itself": (
        edited("expectations", 1, "type", value="expect_column_values_to_be_unique"),
        "expectations[1]: unknown type 'expect_column_values_to_be_unique'",
    ),
    "no type": (
        edited("expectations", 1, "type", remove=True),
        "expectations[1].type: Field required",
    ),
    "type is no text": (
        edited("expectations", 1, "type", value=["expect_rows_to_be_unique"]),
        "expectations[1].type: Input should be a valid string",
    ),
    "wrong keyword": (
        edited("expectations", 0, "kwargs", "lowest", value=0),
        "expectations[0].kwargs.lowest: Extra inputs are not permitted",
    ),
    "keyword left out": (
        edited("expectations", 0, "kwargs", "low", remove=True),
        "expectations[0].kwargs.low: Field required",
    ),
    "keyword of another type": (
        edited("expectations", 0, "kwargs", "low", value="0"),
        "expectations[0].kwargs.low: Input should be a valid number",
    ),
    "true for a number": (
        edited("expectations", 0, "kwargs", "low", value=True),
        "expectations[0].kwargs.low: Input should be a valid number",
    ),
    "no kwargs": (
        edited("expectations", 1, "kwargs", remove=True),
        "expectations[1].kwargs: Field required",
    ),
    "no severity": (
        edited("expectations", 0, "severity", remove=True),
        "expectations[0].severity: Field required",
    ),
    "unknown severity": (
        edited("expectations", 0, "severity", value="fatal"),
        "expectations[0].severity: Input should be 'critical', 'warning' or 'info'",
    ),
    "no meta": (
        edited("expectations", 0, "meta", remove=True),
        "expectations[0].meta: Field required",
    ),
    "no risk_ids": (
        edited("expectations", 0, "meta", value={}),
        "expectations[0].meta.risk_ids: Field required",
    ),
    "empty risk_ids": (
        edited("expectations", 0, "meta", "risk_ids", value=[]),
        "expectations[0].meta.risk_ids: List should have at least 1 item",
    ),
    "risk without a name": (
        edited("expectations", 0, "meta", "risk_ids", value=[""]),
        "expectations[0].meta.risk_ids[0]: String should have at least 1 character",
    ),
    "unknown key": (
        edited("expectations", 0, "mostly", value=0.9),
        "expectations[0].mostly: Extra inputs are not permitted",
    ),
    "unknown key of the suite": (
        edited("id", value="x"),
        "id: Extra inputs are not permitted",
    ),
    "empty suite": (
        edited("expectations", value=[]),
        "expectations: List should have at least 1 item",
    ),
    "no expectations": (
        edited("expectations", remove=True),
        "expectations: Field required",
    ),
    "expectations by name": (
        edited("expectations", value={"a": SUITE["expectations"][0]}),
        "expectations: Input should be a valid list",
    ),
    "expectation is no object": (
        edited("expectations", 1, value="expect_rows_to_be_unique"),
        "expectations[1]: Input should be a valid dictionary",
    ),
    "no name": (edited("name", value=""), "name: String should have at least 1 character"),
    "no object": ([SUITE], "the whole: Input should be a valid dictionary"),
    "same thing twice": (
        edited("expectations", 1, value={**SUITE["expectations"][0], "severity": "info"}),
        "expectations[1] repeats expectations[0]",
    ),
    "malformed": (json.dumps(SUITE)[:-1], "is not valid JSON: Expecting ',' delimiter: line 1"),
    "nothing": ("", "is not valid JSON: Expecting value: line 1 column 1"),
    "repeated key": (
        json.dumps(SUITE).replace('"kwargs": {}', '"kwargs": {}, "kwargs": {}'),
        "is not valid JSON: the key 'kwargs' is given twice in one object",
    ),
    "NaN": (
        json.dumps(edited("expectations", 0, "kwargs", "low", value=float("nan"))),
        "is not valid JSON: NaN is no JSON number",
    ),
    "infinite limit": (
        json.dumps(SUITE).replace("16.5", "1e999"),
        "expectations[0].kwargs.high: Input should be a finite number",
    ),
    "number beyond what JSON readers agree on": (
        edited("expectations", 0, "kwargs", "high", value=2**60),
        "holds what JSON cannot carry safely",
    ),
    "half a character": (
        json.dumps(SUITE).replace("What the sensor gives.", "\\ud800"),
        "small.json",
    ),
    "nested beyond reason": ("[" * 100_000, "is not valid JSON"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_suite_that_is_not_understood_in_full_is_refused(read, case):
    document, problem = BROKEN[case]

    with pytest.raises(Misconfigured) as caught:
        read(document)

    assert any(problem in line for line in caught.value.problems)
    assert all("small.json" in line for line in caught.value.problems)


def test_all_problems_are_given_at_once(read):
    document = edited("expectations", 0, "severity", remove=True)
    document["expectations"][0]["kwargs"]["high"] = None
    document["expectations"][1]["type"] = "expect_nothing_bad"
    document["surplus"] = 1

    with pytest.raises(Misconfigured) as caught:
        read(document)

    said = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    assert "expectations[0].severity" in said
    assert "expectations[0].kwargs.high" in said
    assert "expectations[1]: unknown type" in said
    assert "surplus" in said


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read"):
        data_checks.load_suite(tmp_path / "absent.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(Misconfigured, match="is not valid JSON"):
        data_checks.load_suite(tmp_path / "bytes.json")


@pytest.mark.parametrize(
    ("kind", "kwargs", "place"),
    [
        ("expect_labels_to_match_set", {"labels": []}, "labels"),
        ("expect_splits_to_hold_every_class", {"splits": [], "labels": [0]}, "splits"),
        ("expect_splits_to_hold_every_class", {"splits": ["train"], "labels": []}, "labels"),
        ("expect_splits_to_be_disjoint", {"splits": ["train"]}, "splits"),
        ("expect_classes_to_be_balanced", {"labels": [0], "max_relative_deviation": 1}, "max_"),
        ("expect_classes_to_be_balanced", {"labels": [0], "max_relative_deviation": -1}, "max_"),
    ],
)
def test_parameters_under_which_nothing_could_fail_are_refused(kind, kwargs, place):
    (problem,) = data_checks.types()[kind].problems(kwargs)

    assert problem.startswith(place)


def test_every_kind_says_what_it_expects_and_why():
    for kind in data_checks.types().values():
        assert kind.function.__doc__
        assert kind.why.endswith(".")


def test_an_expectation_may_not_hide_a_parameter_in_a_default():
    def expect_something(table, *, limit: float = 1.0) -> Finding:
        return Finding(len(table.labels) < limit, "a", "b")

    with pytest.raises(Misconfigured, match="limit has a default"):
        expectation(why="It matters.")(expect_something)
    assert "expect_something" not in data_checks.types()


def test_an_expectation_is_declared_once():
    def expect_rows_to_be_unique(table) -> Finding:
        return Finding(len(table.labels) > 0, "a", "b")

    with pytest.raises(Misconfigured, match="declared twice"):
        expectation(why="It matters.")(expect_rows_to_be_unique)


@pytest.mark.parametrize("name", ["digits", "splits"])
def test_the_delivered_suites_carry_their_name_and_only_known_risks(name):
    suite = data_checks.load_suite(EXPECTATIONS / f"{name}.json")

    assert suite.name == name
    risks = {risk for entry in suite.expectations for risk in entry.risks}
    assert risks <= {"R-POI-01", "R-POI-02", "R-POI-03", "R-POI-04"}


def test_suites_are_read_without_great_expectations():
    code = (
        "import sys; from pathlib import Path; from seclab import data_checks; "
        "data_checks.load_suite(Path(sys.argv[1])); "
        "print({'great_expectations', 'seclab.data_checks.engine'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, EXPECTATIONS / "digits.json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "set()\n", "")
