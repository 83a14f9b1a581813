"""Recorded baselines: what is written is read back, and nothing half-read is used."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from seclab import baselines
from seclab.errors import InvalidData, Misconfigured

REGISTER = Path(__file__).parents[3] / "registers" / "baselines.yaml"
ZEROS, ONES = (f"sha256:rows-unordered/1:{digit * 64}" for digit in "01")
GOOD = f"""\
small:
  recorded: 2026-01-31
  rows: 4
  unordered: {ZEROS}
  classes:
    '0': {ZEROS}
    '1': {ONES}
"""


@pytest.fixture
def read(tmp_path):
    def of(text):
        path = tmp_path / "baselines.yaml"
        path.write_text(text)
        return baselines.load_baselines(path)

    return of


def test_the_register_holds_the_digits_as_they_are(digits):
    recorded = baselines.load_baselines(REGISTER)["digits"]

    assert baselines.record_baseline(digits, recorded=recorded.recorded) == recorded
    assert sorted(recorded.classes) == list(range(10))
    assert recorded.rows == 1797


def test_what_is_recorded_is_read_back(digits, read):
    half = digits.take(np.arange(900), name="digits/half")
    written = [
        baselines.record_baseline(digits, recorded=date(2026, 1, 31)),
        baselines.record_baseline(half, recorded=date(2026, 2, 1)),
    ]

    read_back = read(baselines.dump_baselines(written))

    assert read_back == {"digits": written[0], "digits/half": written[1]}


def test_a_broken_dataset_does_not_become_the_reference(digits):
    features = digits.features.copy()
    features[0, 0] = np.nan

    with pytest.raises(InvalidData, match="NaN"):
        baselines.record_baseline(
            digits.with_rows(features, digits.labels), recorded=date(2026, 1, 31)
        )


def test_a_file_is_read_in_full(read):
    small = read(GOOD)["small"]

    assert (small.dataset, small.rows, small.recorded) == ("small", 4, date(2026, 1, 31))
    assert str(small.unordered) == ZEROS
    assert {label: str(digest) for label, digest in small.classes.items()} == {0: ZEROS, 1: ONES}


# What is wrong -> (the file, what the problem says)
BROKEN = {
    "no YAML": ("small: ]", "baselines.yaml line 1: malformed YAML"),
    "object of Python": ("small: !!python/object/apply:os.getcwd []", "a tag (!) is not allowed"),
    "empty": ("", "baselines.yaml: the file is empty"),
    "no dataset": ("{}", "baselines.yaml line 1: the file: Dictionary should have at least 1"),
    "list": ("- small", "baselines.yaml line 1: the file: Input should be a valid dictionary"),
    "dataset twice": (GOOD + GOOD, "baselines.yaml line 8: the key small stands twice"),
    "key twice": (
        GOOD.replace("  rows: 4", "  rows: 4\n  rows: 5"),
        "baselines.yaml line 4: the key rows stands twice",
    ),
    "class twice": (
        GOOD.replace("    '1':", "    '0':"),
        "baselines.yaml line 7: the key 0 stands twice",
    ),
    "class twice, spelled otherwise": (
        GOOD.replace("    '1':", "    '00':"),
        "baselines.yaml line 7: small.classes.00.[key]: String should match",
    ),
    "class as number": (
        GOOD.replace("    '1':", "    1:"),
        "baselines.yaml line 7: the key 1 must be a text",
    ),
    "class by name": (
        GOOD.replace("    '1':", "    one:"),
        "baselines.yaml line 7: small.classes.one.[key]: String should match",
    ),
    "unknown key": (
        GOOD.replace("  rows: 4", "  rows: 4\n  colour: red"),
        "baselines.yaml line 4: small.colour: Extra inputs are not permitted",
    ),
    "key missing": (
        GOOD.replace("  rows: 4\n", ""),
        "baselines.yaml line 2: small.rows: Field required",
    ),
    "no rows": (
        GOOD.replace("rows: 4", "rows: 0"),
        "baselines.yaml line 3: small.rows: Input should be greater than 0",
    ),
    "rows as text": (
        GOOD.replace("rows: 4", "rows: '4'"),
        "baselines.yaml line 3: small.rows: Input should be a valid integer",
    ),
    "no classes": (
        GOOD.partition("  classes:")[0] + "  classes: {}\n",
        "baselines.yaml line 5: small.classes: Dictionary should have at least 1 item",
    ),
    "digest without recipe": (
        GOOD.replace(ZEROS, "a" * 64, 1),
        "baselines.yaml line 4: small.unordered: Value error, 'aaa",
    ),
    "digest cut short": (
        GOOD.replace(ONES, ONES[:-1]),
        "baselines.yaml line 7: small.classes.1: Value error, 'sha256:rows-unordered/1:111",
    ),
    "other hash": (
        GOOD.replace("sha256", "md5", 1),
        "baselines.yaml line 4: small.unordered: Value error, 'md5:",
    ),
    "no day": (
        GOOD.replace("2026-01-31", "yesterday"),
        "baselines.yaml line 2: small.recorded: Value error, Invalid isoformat",
    ),
    "impossible day": (
        GOOD.replace("01-31", "02-31"),
        "baselines.yaml line 2: small.recorded: Value error, day",
    ),
    "number for a day": (
        GOOD.replace("2026-01-31", "20260131"),
        "baselines.yaml line 2: small.recorded: Value error, 20260131 is no day",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_not_understood_in_full_is_refused(read, case):
    text, problem = BROKEN[case]

    with pytest.raises(Misconfigured) as caught:
        read(text)

    assert any(problem in line for line in caught.value.problems)


def test_all_problems_are_given_at_once(read):
    text = GOOD.replace("  rows: 4", "  rows: 0").replace("unordered", "ordered", 1)

    with pytest.raises(Misconfigured) as caught:
        read(text)

    said = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "line 3: small.rows" in said
    assert "line 4: small.ordered: Extra inputs" in said
    assert "line 2: small.unordered: Field required" in said


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read"):
        baselines.load_baselines(tmp_path / "absent.yaml")
