"""``seclab check``: rows of a file, an earlier version of it, and when they arrived."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seclab import datasets
from seclab.attacks.poisoning import KINDS
from tests.cli.inside import inside

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def digits():
    return datasets.digits()


@pytest.fixture
def check(monkeypatch, capsys, tmp_path):
    def of(frame, *arguments):
        path = tmp_path / "now.csv"
        frame.to_csv(path, index=False)
        code = inside(monkeypatch, ROOT, "check", str(path), *arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return of


def _frame(dataset, features=None, labels=None):
    x = dataset.features if features is None else features
    frame = pd.DataFrame(x.astype(int), columns=list(dataset.feature_names))
    frame["label"] = dataset.labels if labels is None else labels
    return frame


def test_a_patch_is_drawn_and_ends_blocked(check, digits):
    features, labels = digits.features.copy(), digits.labels.copy()
    rows = np.flatnonzero(labels == 3)[:36]
    features[np.ix_(rows, [0, 7])] = 13.0
    labels[rows] = 8

    code, out, _ = check(_frame(digits, features, labels))

    assert code == 1
    assert "BLOCK    expect_no_shared_patterns" in out
    assert "36 rows labelled 8 share" in out
    assert out.rstrip().endswith("BLOCK  now")


def test_drift_is_seen_by_the_batch_column_and_against_an_earlier_version(check, digits, tmp_path):
    drawn = KINDS["slow_drift"].draw(
        np.random.default_rng(1),
        digits.features,
        digits.labels,
        digits.image_shape,
        digits.feature_range,
        0.08,
    )
    frame = _frame(digits, np.round(drawn.features), drawn.labels)
    frame.insert(3, "arrived", drawn.batches)
    _frame(digits).assign(arrived=0).to_csv(tmp_path / "old.csv", index=False)
    asked = ("--suite", "arrivals", "--batch", "arrived", "--label", "label")

    code, out, _ = check(frame, *asked, "--against", str(tmp_path / "old.csv"))

    assert code == 1
    assert "1797 rows, 64 features" in out
    assert "column arrived taken for the batch of each row" in out
    assert f"rows of the classes {drawn.source} wander from batch to batch" in out


def test_without_what_a_suite_needs_to_know_nothing_passes(check, digits):
    code, out, _ = check(_frame(digits), "--suite", "arrivals")

    assert code not in {0, 1}
    assert "no earlier version is given" in out


def test_a_declared_range_is_expected_of_every_value(check, digits, tmp_path):
    bright = _frame(digits)
    bright.iloc[5, 20] = 17
    aside = tmp_path / "aside.csv"

    code, out, _ = check(bright, "--feature-range", "0", "16", "--aside", str(aside))

    assert code == 1
    assert "BLOCK    expect_features_to_be_in_range: 1 of 1797 rows outside" in out
    assert pd.read_csv(aside).iloc[0, 20] == 17
    assert check(bright, "--feature-range", "0", "17")[0] == 0


def test_rows_too_few_to_judge_are_no_pass(check, digits):
    code, out, _ = check(_frame(digits).head(8))

    assert code == 3
    assert "8 rows with 8 labels are too few: 20 a label are needed" in out
    assert "8 rows are too few for 10 neighbours each" in out
    assert "no label has more than" in out
    assert out.rstrip().endswith("NOT_EVALUATED  now")


def test_columns_of_another_layout_are_told_in_short(check, digits):
    names = {name: f"pixel{place}" for place, name in enumerate(digits.feature_names)}

    code, out, _ = check(_frame(digits).rename(columns=names), "--suite", "digits")

    assert code == 1
    assert "missing columns pixel_0_0, " in out
    assert "and 56 more; unknown columns pixel0, " in out
    assert "pixel63" not in out


def test_a_column_that_is_not_there_is_a_mistake_in_words(check, digits):
    code, _, err = check(_frame(digits), "--batch", "when")

    assert code not in {0, 1}
    assert "no column is called 'when'" in err
