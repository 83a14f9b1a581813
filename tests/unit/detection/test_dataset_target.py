"""What an evaluation may ask of a dataset, and what it is asked for when it was poisoned."""

import numpy as np
import pytest

from seclab import datasets
from seclab.detection import DatasetTarget, poisoned_set
from seclab.errors import NotEvaluated
from tests.screens import Knowing


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def planted(digits):
    return poisoned_set(digits, kind="patch", rate=0.02, rng=np.random.default_rng(0))


def test_the_subject_is_the_dataset_by_its_rows(digits):
    subject = DatasetTarget(digits, Knowing(digits)).subject

    assert (subject.kind, subject.name) == ("dataset", "digits")
    assert subject.digest == str(digits.fingerprint().ordered)


def test_every_row_that_is_screened_is_a_query(digits):
    target = DatasetTarget(digits, Knowing(digits))

    target.screen(digits)
    target.screen(digits.take(np.arange(10)))

    assert target.queries == 1807


def test_a_set_that_was_poisoned_on_purpose_is_the_subject_and_all_there_is(digits, planted):
    target = DatasetTarget(digits, Knowing(digits), planted)

    assert target.subject.digest == str(planted.rows.fingerprint().ordered)
    assert target.poisoned_set("patch", 0.02, np.random.default_rng(9)) is planted
    for kind, rate in (("patch", 0.01), ("blended", 0.02)):
        with pytest.raises(NotEvaluated, match=r"was poisoned with patch at rate 0\.02"):
            target.poisoned_set(kind, rate, np.random.default_rng(9))


def test_clean_sets_are_of_the_clean_rows_even_then(digits, planted):
    target = DatasetTarget(digits, Knowing(digits), planted)

    made = target.clean_set(np.random.default_rng(1))

    assert not target.screen(made.rows).alarm
    assert target.screen(planted.rows).alarm
