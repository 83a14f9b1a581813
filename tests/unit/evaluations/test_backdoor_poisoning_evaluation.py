from dataclasses import replace

import numpy as np
import pytest

from seclab import datasets, models
from seclab.artifacts import Chart, ImageGrid
from seclab.datasets import Splits
from seclab.errors import Misconfigured, NotEvaluated
from seclab.evaluations.backdoor_poisoning import backdoor_poisoning
from seclab.models import SPECS, Target

ACCURACY, SUCCESS = "clean_accuracy", "trigger_attack_success_rate"
BARS = {"source_class": 0, "target_class": 2}


@pytest.fixture(scope="module")
def digits():
    return datasets.split(datasets.load("digits"), seed=0)


@pytest.fixture(scope="module")
def softmax(digits):
    return models.train(models.spec("softmax-regression"), digits.train, seed=0)


@pytest.fixture(scope="module")
def sweep(softmax, digits):
    return _run(Target(softmax, digits), rates=(0.0, 0.01, 0.05))


class Scripted:
    """A target that answers by rule, learns a rule from poisoned rows, and keeps those."""

    def __init__(self, data, answer, retrained=None):
        self.data, self.answer, self.retrained = data, answer, retrained or answer
        self.trained_on, self.asked = [], []

    def predict(self, x):
        self.asked.append(x)
        return self.answer(x)

    def retrain(self, dataset, *, seed):
        self.trained_on.append((dataset, seed))
        return Scripted(self.data, self.retrained)


def _brightest_line(x):
    return x.reshape(-1, 4, 5)[:, :3, :3].sum(axis=2).argmax(axis=1)


def _follows_the_corner(x):
    triggered = (x.reshape(-1, 4, 5)[:, 2:, 3:] == 3.0).all(axis=(1, 2))
    return np.where(triggered, 2, _brightest_line(x))


def _run(target, *, seed=0, **parameters):
    parameters = {"repeats": 1} | parameters
    return backdoor_poisoning(target, rng=np.random.default_rng(seed), **parameters)


def _values(result, metric):
    return {
        reading.parameters["poison_rate"]: reading.estimate.value
        for reading in result.readings
        if reading.metric == metric
    }


def test_the_backdoor_grows_with_the_rate_while_clean_accuracy_stays(sweep):
    success, accuracy = _values(sweep, SUCCESS), _values(sweep, ACCURACY)

    assert success[0.0] < 0.05
    assert success[0.05] > 0.9 > success[0.01] > 0.2
    assert min(accuracy.values()) > 0.93


def test_without_poison_the_evaluated_model_itself_is_asked(bars):
    target = Scripted(bars, _brightest_line)
    _run(target, rates=(0.0,), **BARS)

    assert target.trained_on == []
    assert len(target.asked) == 1


def test_a_perfect_backdoor_and_no_backdoor_have_known_numbers(bars):
    result = _run(Scripted(bars, _brightest_line, _follows_the_corner), rates=(0.0, 0.1), **BARS)

    assert _values(result, SUCCESS) == {0.0: 0.0, 0.1: 1.0}
    assert _values(result, ACCURACY) == {0.0: 1.0, 0.1: 1.0}


def test_success_counts_only_rows_the_model_got_right_without_the_trigger(bars):
    held_out = np.vstack([p.features[p.labels == 0] for p in (bars.test, bars.population)])
    missed = {row.tobytes() for row in held_out[::2]}

    def misses_half(x):
        wrong = np.array([row.tobytes() in missed for row in x])
        return np.where(wrong, 2, _follows_the_corner(x))

    result = _run(Scripted(bars, misses_half), rates=(0.0,), **BARS)

    success = next(r.estimate for r in result.readings if r.metric == SUCCESS)
    assert success.n == len(held_out) - len(missed)
    assert success.value == 1.0


def test_where_nothing_can_be_attacked_there_is_no_rate_and_a_note(bars):
    result = _run(Scripted(bars, lambda x: np.ones(len(x), dtype=int)), rates=(0.0,), **BARS)

    assert [reading.metric for reading in result.readings] == [ACCURACY]
    assert result.tables[0].records()[0][SUCCESS] is None
    assert any("nothing to attack" in note for note in result.notes)


def test_retraining_gets_the_clean_rows_but_for_the_poisoned_ones(bars):
    target = Scripted(bars, _brightest_line)
    result = _run(target, rates=(0.05,), **BARS)

    (dataset, _), train = target.trained_on[0], bars.train
    changed = np.flatnonzero(dataset.labels != train.labels)
    assert len(changed) == result.tables[0].records()[0]["poisoned_rows"] == 6
    assert set(train.labels[changed]) == {0}
    assert set(dataset.labels[changed]) == {2}
    corner = dataset.features.reshape(-1, 4, 5)[changed, 2:, 3:]
    assert (corner == 3.0).all()
    untouched = np.setdiff1d(np.arange(len(train)), changed)
    assert np.array_equal(dataset.features[untouched], train.features[untouched])


def test_rates_share_seed_and_rows_so_that_only_the_amount_differs(bars):
    target = Scripted(bars, _brightest_line)
    _run(target, rates=(0.05, 0.2), **BARS)

    (few, first_seed), (many, second_seed) = target.trained_on
    poisoned = [set(np.flatnonzero(d.labels != bars.train.labels)) for d in (few, many)]
    assert first_seed == second_seed
    assert poisoned[0] < poisoned[1]


def test_repeats_poison_other_rows_and_train_from_other_seeds_the_same_at_every_rate(bars):
    target = Scripted(bars, _brightest_line, retrained=_follows_the_corner)
    result = _run(target, rates=(0.0, 0.05, 0.2), repeats=3, **BARS)

    seeds = [seed for _, seed in target.trained_on]
    poisoned = [
        frozenset(np.flatnonzero(d.labels != bars.train.labels)) for d, _ in target.trained_on
    ]
    assert len(target.asked) == 1
    assert len(set(seeds[:3])) == 3
    assert seeds[:3] == seeds[3:]
    assert len(set(poisoned[:3])) == 3
    assert all(few < many for few, many in zip(poisoned[:3], poisoned[3:], strict=True))
    assert [row["trainings"] for row in result.tables[0].records()] == [0, 3, 3]


def test_the_success_rate_is_the_mean_over_models_on_rows_that_all_of_them_read(bars):
    """The second model reacts to the trigger, the others do not; the third misreads one row."""
    clean = np.vstack([part.features[part.labels == 0] for part in (bars.test, bars.population)])
    answers = iter([_brightest_line, _follows_the_corner, _misreads(clean[0])])
    target = Scripted(bars, _brightest_line)
    target.retrain = lambda dataset, *, seed: Scripted(bars, next(answers))  # noqa: ARG005

    result = _run(target, rates=(0.05,), repeats=3, **BARS)

    (row,) = result.tables[0].records()
    assert row["eligible_rows"] == len(clean) - 1
    assert row[SUCCESS] == pytest.approx(1 / 3)
    assert (row[f"{SUCCESS}_least"], row[f"{SUCCESS}_most"]) == (0.0, 1.0)


def _misreads(row):
    def labels(x):
        return np.where((x == row).all(axis=1), 1, _brightest_line(x))

    return labels


def test_a_rate_beyond_the_source_class_is_capped_and_recorded(bars):
    target = Scripted(bars, _brightest_line)
    result = _run(target, rates=(0.5,), **BARS)

    available = int((bars.train.labels == 0).sum())
    assert result.tables[0].records()[0]["poisoned_rows"] == available - 1
    assert any(f"{available - 1} were poisoned" in note for note in result.notes)
    target.trained_on[0][0].require_usable()


def test_a_rate_of_less_than_half_a_row_poisons_nothing_and_says_so(bars):
    target = Scripted(bars, _brightest_line)
    result = _run(target, rates=(0.001,), **BARS)

    assert target.trained_on == []
    assert any("nothing was poisoned" in note for note in result.notes)


def test_the_table_starts_with_the_columns_of_the_report_and_agrees_with_the_readings(sweep):
    table = sweep.tables[0]

    assert table.columns[:4] == ("poison_rate", "poisoned_rows", ACCURACY, SUCCESS)
    rows = table.records()
    assert [row["poisoned_rows"] for row in rows] == [0, 9, 45]
    assert {row["poison_rate"]: row[ACCURACY] for row in rows} == _values(sweep, ACCURACY)
    assert {row["poison_rate"]: row[SUCCESS] for row in rows} == _values(sweep, SUCCESS)
    for row in rows:
        assert row[f"{SUCCESS}_low"] <= row[SUCCESS] <= row[f"{SUCCESS}_high"]
        assert row[f"{ACCURACY}_low"] <= row[ACCURACY] <= row[f"{ACCURACY}_high"]
        assert 50 < row["eligible_rows"] <= 73


def test_the_figures_show_the_sweep_and_the_trigger(sweep, digits):
    chart, grid = sweep.figures

    assert isinstance(chart, Chart)
    assert [line.x for line in chart.series] == [(0.0, 0.01, 0.05)] * 2
    assert isinstance(grid, ImageGrid)
    assert grid.images.shape == (2, 6, 8, 8)
    assert grid.images.min() >= 0.0
    assert grid.images.max() == 1.0
    first = digits.test.features[digits.test.labels == 1][0].reshape(8, 8) / 16.0
    assert np.array_equal(grid.images[0, 0], first)
    changed = np.any(grid.images[0] != grid.images[1], axis=0)
    assert (grid.images[1, :, 6:, 6:] == 1.0).all()
    assert not changed[:6].any()
    assert not changed[:, :6].any()
    assert len(grid.captions) == 12
    assert grid.captions[6] == "read as 7"


@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model_and_on_other_images(name, bars):
    target = Target(models.train(models.spec(name), bars.train, seed=0), bars)
    result = _run(target, rates=(0.0, 0.1), **BARS)

    assert _values(result, SUCCESS)[0.0] < 0.2
    assert _values(result, SUCCESS)[0.1] > 0.8
    assert _values(result, ACCURACY)[0.1] > 0.9


def test_equal_seeds_give_equal_numbers_and_others_do_not(softmax, digits):
    first, again, other = (
        _run(Target(softmax, digits), seed=seed, rates=(0.01,)).readings for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other


def test_rows_that_are_no_images_are_not_evaluated(bars):
    plain = Splits(
        **{name: replace(part, image_shape=None) for name, part in bars.parts().items()}, seed=0
    )

    with pytest.raises(NotEvaluated, match="stamps a patch on images"):
        _run(Scripted(plain, _brightest_line), **BARS)


def test_everything_wrong_is_said_at_once(bars):
    with pytest.raises(Misconfigured) as refused:
        _run(Scripted(bars, _brightest_line), rates=(0.1, 0.1, -1.0), source_class=7)

    problems = "\n".join(refused.value.problems)
    assert "got -1.0" in problems
    assert "each once" in problems
    assert "class 7 is none of the classes 0 to 2" in problems
    assert "both 7" in problems


def test_a_patch_larger_than_the_image_is_refused(bars):
    with pytest.raises(Misconfigured, match="does not lie inside an image of 4 x 5"):
        _run(Scripted(bars, _brightest_line), patch_size=5, **BARS)
