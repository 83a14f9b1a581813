import weakref
from dataclasses import replace

import numpy as np
import pytest

from seclab import models, registry
from seclab.attacks.corruptions import CORRUPTIONS
from seclab.datasets import Splits
from seclab.errors import Misconfigured, NotEvaluated
from seclab.evaluations.common_corruptions import common_corruptions
from seclab.models import SPECS, Target
from seclab.outcome import Missing
from tests.fakes import ScriptedTarget

FEW = ("gaussian_noise", "contrast", "translation")


def _run(target, *, seed=0, **parameters):
    return common_corruptions(target, rng=np.random.default_rng(seed), **parameters)


def _values(result, metric="corrupted_accuracy"):
    return {
        tuple(reading.parameters.values()): reading.estimate.value
        for reading in result.readings
        if reading.metric == metric
    }


def _answering(data, answer):
    """A target that answers with labels, a function of the rows."""
    return ScriptedTarget(data, lambda x: np.eye(10)[answer(x)])


def test_one_number_for_every_corruption_and_severity_and_a_mean_for_each_severity(target):
    model = target("softmax-regression")
    result = _run(model)

    assert set(_values(result)) == {(name, s) for name in CORRUPTIONS for s in (1, 3, 5)}
    assert set(_values(result, "mean_corrupted_accuracy")) == {(1,), (3,), (5,)}
    assert {reading.estimate.n for reading in result.readings} == {360}
    assert model.queries == (1 + 3 * len(CORRUPTIONS)) * 360


def test_a_model_that_is_always_right_scores_one_and_a_constant_one_its_class_share(splits):
    test = splits.test
    always = _run(_answering(splits, lambda _: test.labels), corruptions=FEW)
    constant = _run(_answering(splits, lambda x: np.zeros(len(x), dtype=int)), corruptions=FEW)

    share = float(np.mean(test.labels == 0))
    for metric in ("corrupted_accuracy", "mean_corrupted_accuracy"):
        assert set(_values(always, metric).values()) == {1.0}
        assert list(_values(constant, metric).values()) == pytest.approx(
            [share] * len(_values(constant, metric))
        )


def test_a_mean_counts_a_sample_with_the_share_of_corruptions_it_survives(splits):
    test, asked = splits.test, []

    def right_under_the_first_two_of_three(_):
        asked.append(1)
        return test.labels if len(asked) in (1, 2, 3) else (test.labels + 1) % 10

    target = _answering(splits, right_under_the_first_two_of_three)
    result = _run(target, severities=(2,), corruptions=FEW)

    (mean,) = (r.estimate for r in result.readings if r.metric == "mean_corrupted_accuracy")
    assert list(_values(result).values()) == [1.0, 1.0, 0.0]
    assert mean.value == pytest.approx(2 / 3)
    assert (mean.n, mean.interval.method) == (360, "wilson")
    assert mean.interval.high - mean.interval.low > 0.09  # as of 360, not of 1080


def test_rates_keep_the_answer_to_every_image(target, splits):
    model = target("softmax-regression")
    result = _run(model, severities=(3,), corruptions=("contrast",))

    reading = result.readings[0]
    assert reading.per_sample.samples == str(splits.test.fingerprint().ordered)
    assert reading.per_sample.gives(reading.estimate.value, 360)


def test_worse_severities_cost_more_accuracy(target):
    values = _values(_run(target("softmax-regression")), "mean_corrupted_accuracy")

    assert values[1,] > values[3,] + 0.05 > values[5,] + 0.1


def test_the_model_is_asked_about_images_in_range(bars):
    asked = []

    def answer(x):
        asked.append(x)
        return np.zeros(len(x), dtype=int)

    _run(_answering(bars, answer), severities=(5,))

    assert len(asked) == 1 + len(CORRUPTIONS)
    assert np.array_equal(asked[0], bars.test.features)
    for rows in asked[1:]:
        assert rows.shape == bars.test.features.shape
        assert rows.min() >= -1.0
        assert rows.max() <= 3.0
        assert not np.array_equal(rows, bars.test.features)


def test_spoiled_images_are_not_kept(splits):
    asked, at_once = [], []

    def watched(x):
        asked.append(weakref.ref(x if x.base is None else x.base))
        at_once.append(sum(each() is not None for each in asked[1:]))
        return np.eye(10)[np.zeros(len(x), dtype=int)]

    _run(ScriptedTarget(splits, watched), corruptions=FEW)

    assert len(at_once) == 1 + len(FEW) * 3
    assert max(at_once) <= 2


def test_another_corruption_or_severity_in_the_sweep_changes_no_number(target):
    alone = _values(_run(target("softmax-regression"), severities=(3,), corruptions=("elastic",)))
    swept = _values(
        _run(target("softmax-regression"), severities=(1, 3), corruptions=(*FEW, "elastic"))
    )

    assert alone.items() <= swept.items()


def test_equal_seeds_give_equal_numbers_and_others_do_not(target):
    first, again, other = (
        _values(
            _run(target("softmax-regression"), seed=seed, corruptions=("gaussian_noise", "elastic"))
        )
        for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other


@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model(name, bars):
    target = Target(models.train(models.spec(name), bars.train, seed=0), bars)
    values = _values(_run(target, severities=(1,)))

    assert values["brightness", 1] > 0.8
    assert all(0.0 <= value <= 1.0 for value in values.values())


def test_rows_that_are_no_images_are_not_evaluated_and_say_why(bars):
    parts = {name: replace(part, image_shape=None) for name, part in bars.parts().items()}
    target = ScriptedTarget(Splits(**parts, seed=0), lambda x: np.ones((len(x), 3)) / 3)

    with pytest.raises(NotEvaluated, match="holds no images"):
        _run(target)
    outcome = registry.run(
        registry.get("common_corruptions"), target, seed=0, dataset_digest="sha256:dd"
    )
    assert outcome.missing is Missing.SKIPPED
    assert "no image shape" in outcome.reason
    assert target.queries == 0


def test_table_and_chart_say_what_the_readings_say(target, splits):
    model = target("softmax-regression")
    clean = float(np.mean(model.predict(splits.test.features) == splits.test.labels))
    result = _run(model, severities=(4, 2), corruptions=FEW)

    values, rows = _values(result), result.tables[0].records()
    assert {(r["corruption"], r["severity"]): r["corrupted_accuracy"] for r in rows} == values
    assert all(r["low"] <= r["corrupted_accuracy"] <= r["high"] for r in rows)
    assert all(r["loss"] == pytest.approx(clean - r["corrupted_accuracy"]) for r in rows)
    assert {(r["severity"], r["strength"]) for r in rows if r["corruption"] == "contrast"} == {
        (2, 0.6),
        (4, 0.3),
    }
    chart = result.figures[0]
    assert [line.label for line in chart.series] == ["gaussian noise", "contrast", "translation"]
    assert chart.series[1].x == (0.0, 2.0, 4.0)
    assert chart.series[1].y == (clean, values["contrast", 2], values["contrast", 4])
    assert f"{clean:.3f}" in result.notes[0]


def test_the_pictures_are_one_image_under_everything(target, splits):
    grid = _run(target("softmax-regression"), severities=(1, 5), corruptions=FEW).figures[1]

    assert grid.images.shape == (2, 4, 8, 8)
    assert len(grid.captions) == 8
    assert grid.captions[:2] == ("clean", "gaussian noise 1")
    assert np.array_equal(grid.images[0, 0] * 16.0, splits.test.features[0].reshape(8, 8))
    assert np.array_equal(grid.images[0, 0], grid.images[1, 0])
    faded = grid.images[1, 2]
    assert faded.std() == pytest.approx(0.2 * grid.images[0, 0].std())


def test_everything_wrong_is_said_at_once(target):
    with pytest.raises(Misconfigured) as refused:
        _run(target("softmax-regression"), severities=(0, 1, 1, 6), corruptions=("fog",))

    assert len(refused.value.problems) == 4
    with pytest.raises(Misconfigured, match="corruptions must name at least one"):
        _run(target("softmax-regression"), corruptions=())
