import numpy as np
import pytest

from seclab.evasion.geometry import L2, LINF

CHANGES = np.array([[3.0, -4.0], [0.0, 0.0], [0.3, 0.4]])


def test_lengths():
    assert LINF.lengths(CHANGES).tolist() == [4.0, 0.0, 0.4]
    assert L2.lengths(CHANGES) == pytest.approx([5.0, 0.0, 0.5])


def test_changes_are_cut_to_a_length_and_never_stretched():
    limits = np.array([1.0, 1.0, 1.0])

    assert LINF.shortened(CHANGES, limits).tolist() == [[1.0, -1.0], [0.0, 0.0], [0.3, 0.4]]
    assert L2.shortened(CHANGES, limits) == pytest.approx(
        np.array([[0.6, -0.8], [0.0, 0.0], [0.3, 0.4]])
    )


def test_the_diameter_is_that_of_the_unit_cube():
    corners = np.array([[1.0] * 9])

    for geometry in (LINF, L2):
        assert geometry.diameter(9) == geometry.lengths(corners)[0]
