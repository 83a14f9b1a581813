import numpy as np
import pytest

from seclab.attacks.linf_gradient import linf_fast_gradient_sign
from tests.fakes import Linear

WIDE = (-100.0, 100.0)


def _fgsm(model, x, y, *, epsilon, bounds=WIDE):
    return linf_fast_gradient_sign(model.loss_gradient, x, y, epsilon=epsilon, bounds=bounds)


@pytest.fixture(scope="module")
def line():
    """Two classes on either side of 2a - b = 0, where the worst case has a closed form."""
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 2))
    return model, x, (x @ [2.0, -1.0] < 0.0).astype(int)


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 1.0])
def test_on_a_line_it_breaks_exactly_what_can_be_broken(line, epsilon):
    model, x, y = line
    breakable = np.abs(x @ [2.0, -1.0]) < 3.0 * epsilon  # the margin, and the L1 norm of the slope

    attacked = _fgsm(model, x, y, epsilon=epsilon)

    assert np.array_equal(model.predict(attacked) != y, breakable)


def test_one_step_goes_the_whole_way_up_the_loss():
    model = Linear([[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0]], [0.0, 0.0])

    attacked = _fgsm(model, np.array([[5.0, 5.0, 5.0]]), np.array([0]), epsilon=0.5)

    # The third feature has no slope and stays.
    assert attacked.tolist() == [[4.5, 5.5, 5.0]]


def test_it_stops_at_the_edge_of_the_box():
    model = Linear([[1.0, -1.0], [-1.0, 1.0]], [0.0, 0.0])
    x = np.array([[0.1, 0.9]])

    towards = _fgsm(model, x, np.array([1]), epsilon=0.3, bounds=(0.0, 1.0))
    away = _fgsm(model, x, np.array([0]), epsilon=0.3, bounds=(0.0, 1.0))

    assert towards == pytest.approx(np.array([[0.4, 0.6]]))
    assert away.tolist() == [[0.0, 1.0]]


def test_without_a_budget_nothing_changes(line):
    model, x, y = line

    assert np.array_equal(_fgsm(model, x, y, epsilon=0.0), x)


def test_it_does_not_modify_its_input(line):
    model, x, y = line
    before = x.copy(), y.copy()

    attacked = _fgsm(model, x, y, epsilon=0.5)
    attacked += 1.0  # nor is the answer the input under another name

    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
