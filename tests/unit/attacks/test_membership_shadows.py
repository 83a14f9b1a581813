import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.membership import ask_shadows, shadow_plan


@given(
    classes=st.lists(st.integers(2, 9), min_size=1, max_size=5),
    pairs=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_row_is_in_half_of_the_shadows_and_every_shadow_has_half_of_the_rows(
    classes, pairs, seed
):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(classes)), classes))

    plan = shadow_plan(labels, shadows=2 * pairs, rng=rng)

    assert plan.shape == (2 * pairs, labels.size)
    assert (plan.sum(axis=0) == pairs).all()
    assert np.abs(plan.sum(axis=1) - labels.size / 2).max() <= 0.5
    for label, rows in enumerate(classes):
        inside = plan[:, labels == label].sum(axis=1)
        assert np.abs(inside - rows / 2).max() <= 1.0
        assert inside.min() >= 1


def test_rows_meet_by_chance():
    plan = shadow_plan(np.zeros(200, dtype=int), shadows=200, rng=np.random.default_rng(0))

    together = np.corrcoef(plan[::2].T)[np.triu_indices(200, 1)]
    assert abs(together.mean()) < 0.02
    assert np.abs(together).max() < 0.6


def test_equal_generators_plan_alike_and_others_do_not():
    labels = np.arange(40) % 4
    first, again, other = (
        shadow_plan(labels, shadows=4, rng=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shadows", [-2, 0, 3])
def test_shadows_come_in_pairs(shadows):
    with pytest.raises(ValueError, match=f"got {shadows}"):
        shadow_plan(np.zeros(4, dtype=int), shadows=shadows, rng=np.random.default_rng(0))


def test_each_shadow_learns_its_rows_and_answers_for_all_that_are_asked():
    learned = []

    def fit(rows):
        learned.append(rows.tolist())
        return lambda x: x * len(learned)

    plan = np.array([[True, False, True], [False, True, False]])
    answers = ask_shadows(fit, plan, np.array([[1.0, 2.0], [3.0, 4.0]]))

    assert learned == [[0, 2], [1]]
    assert answers.tolist() == [[[1.0, 2.0], [3.0, 4.0]], [[2.0, 4.0], [6.0, 8.0]]]
