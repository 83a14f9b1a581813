import numpy as np
import pytest

from seclab.evasion.attempts import Attempt
from seclab.evasion.checks import masked, require_no_contradiction, unbroken


def _attempt(epsilon, *fooled, black_box=False):
    flags = np.array(fooled, dtype=bool)
    nothing = np.zeros(len(flags))
    return Attempt("some", epsilon, nothing[:, None], flags, nothing, black_box=black_box)


def test_masked_is_what_only_attacks_without_gradients_broke():
    attempts = [
        _attempt(0.2, 0, 0, 0, 1),
        _attempt(0.2, 1, 0, 0, 1, black_box=True),
        _attempt(0.1, 1, 0, 0, 0),
        _attempt(0.1, 0, 1, 0, 0),
        _attempt(0.1, 1, 1, 0, 1, black_box=True),
        _attempt(0.1, 0, 0, 1, 0, black_box=True),
    ]

    found = masked(attempts)

    assert list(found) == [0.1, 0.2]
    assert found[0.1].tolist() == [False, False, True, True]
    assert found[0.2].tolist() == [True, False, False, False]


@pytest.mark.parametrize("black_box", [True, False])
def test_where_only_one_kind_was_tried_nothing_can_be_said(black_box):
    assert masked([_attempt(0.1, 1, 0, black_box=black_box)]) == {}


def test_unbroken_is_what_no_attempt_broke():
    assert unbroken([_attempt(1.0, 1, 0, 0), _attempt(1.0, 0, 0, 1)]).tolist() == [
        False,
        True,
        False,
    ]


def test_a_broken_proof_is_an_error_that_names_the_images():
    certified = {0.1: np.array([True, True, False]), 0.2: np.array([False, True, False])}

    require_no_contradiction(certified, [_attempt(0.1, 0, 0, 1), _attempt(0.2, 1, 0, 1)])
    require_no_contradiction({}, [_attempt(0.1, 1, 1, 1)])
    with pytest.raises(
        ArithmeticError, match=r"epsilon 0\.2 images \[1\] are proven safe and brok"
    ):
        require_no_contradiction(certified, [_attempt(0.1, 0, 0, 1), _attempt(0.2, 1, 1, 1)])
