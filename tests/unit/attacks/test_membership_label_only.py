import numpy as np
import pytest

from seclab.attacks.membership import NoiseProbe, label_only, noise_robustness

BOUNDS = (0.0, 16.0)


class Wall:
    """Label 1 from a value of the first feature on; gives labels and nothing else."""

    def __init__(self, at=8.0):
        self.at, self.queries, self.asked = at, 0, []

    def __call__(self, x):
        self.queries += len(x)
        self.asked.append(x)
        return (x[:, 0] >= self.at).astype(int)


def _run(wall, x, y, *, probe=None, seed=0):
    return noise_robustness(
        wall,
        x,
        y,
        bounds=BOUNDS,
        probe=probe or NoiseProbe(directions=40, sizes=16),
        rng=np.random.default_rng(seed),
    )


def test_rows_further_from_the_boundary_survive_more_noise():
    x = np.column_stack([np.linspace(8.0, 16.0, 5), np.full(5, 5.0)])
    probe = NoiseProbe(directions=400, sizes=16)

    scores = _run(Wall(), x, np.ones(5, dtype=int), probe=probe)

    assert (np.diff(scores) > 0.0).all()
    assert scores[0] < 0.6 < scores[-1] <= 1.0


def test_a_row_misclassified_without_noise_scores_zero_and_costs_one_query():
    wall = Wall()

    scores = _run(wall, np.array([[2.0, 2.0]]), np.array([1]))

    assert scores.tolist() == [0.0]
    assert wall.queries == 1


def test_a_row_that_nothing_changes_scores_one_and_costs_every_probe():
    wall = Wall(at=-1.0)

    scores = _run(wall, np.array([[2.0, 2.0], [3.0, 3.0]]), np.array([1, 1]))

    assert scores.tolist() == [1.0, 1.0]
    assert wall.queries == 2 * (1 + 40 * 16)


def test_queries_are_one_for_the_row_and_one_for_each_size_up_to_the_first_wrong_label():
    wall, probe = Wall(), NoiseProbe(directions=7, sizes=5)

    scores = _run(wall, np.array([[12.0, 5.0]] * 3), np.ones(3, dtype=int), probe=probe)

    survived = np.rint(scores * 6 * 7).astype(int)  # sizes that were survived, size 0 included
    sizes_survived = survived.sum() - 3 * 7
    died = wall.asked[1:]
    wrong = sum(int((rows[:, 0] < 8.0).sum()) for rows in died)
    assert wall.queries == 3 + sizes_survived + wrong
    assert len(wall.asked) <= 1 + 5


def test_the_score_is_the_crossing_counted_by_hand():
    probe, seed = NoiseProbe(directions=5, sizes=4), 3
    x = np.array([[12.0, 5.0]])
    noise = np.random.default_rng(seed).uniform(-16.0, 16.0, (1, 5, 2))[0, :, 0]

    [score] = _run(Wall(), x, np.array([1]), probe=probe, seed=seed)

    survived = []
    for direction in noise:
        sizes = [size for size in (1, 2, 3, 4) if 12.0 + size / 4 * direction < 8.0]
        survived.append(min(sizes, default=5) / 5)
    assert score == pytest.approx(np.mean(survived))


def test_what_is_asked_stays_in_range_and_the_rows_are_left_alone():
    wall = Wall()
    x = np.array([[0.0, 16.0], [16.0, 0.0]])
    before = x.copy()

    _run(wall, x, np.array([0, 1]))

    assert np.array_equal(x, before)
    everything = np.concatenate(wall.asked)
    assert everything.min() >= 0.0
    assert everything.max() <= 16.0


def test_equal_generators_give_equal_scores():
    x, y = np.array([[9.0, 5.0]]), np.array([1])
    first, again, other = (_run(Wall(), x, y, seed=seed) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_memory_does_not_grow_with_the_rows_and_the_scores_are_those_of_one_go(monkeypatch):
    x = np.random.default_rng(1).uniform(*BOUNDS, (50, 3))
    y, probe = (x[:, 0] >= 8.0).astype(int), NoiseProbe(directions=4, sizes=3)
    whole = _run(Wall(), x, y, probe=probe)

    monkeypatch.setattr(label_only, "_AT_ONCE", 7 * 4 * 3)
    wall = Wall()
    parts = _run(wall, x, y, probe=probe)

    assert np.array_equal(parts, whole)
    assert max(map(len, wall.asked[1:])) <= 7 * 4
