"""Transfer of evasion: made on other models of the lab, without asking the one in question."""

import numpy as np
import pytest

from seclab import models
from seclab.errors import Misconfigured, NotEvaluated
from seclab.evaluations.transfer_evasion import transfer_evasion
from seclab.models import Target
from tests.fakes import guessing, perfect

ACCURACY, SUCCESS = "transfer_accuracy", "transfer_success_rate"
EASY = {
    "epsilons": (0.1, 0.2),
    "samples": 120,
    "steps": 5,
    "score_queries": 60,
    "sources": ("softmax-regression", "mlp", "random-forest"),
}


class Watched(Target):
    """A target that keeps what it was asked, and refuses to show its gradient."""

    def __init__(self, model, data):
        super().__init__(model, data)
        self.asked = []

    def predict(self, x):
        self.asked.append(x.copy())
        return super().predict(x)

    def loss_gradient(self, *_):
        raise AssertionError("the attacker does not know this model")

    margin_gradient = affine_layers = decision_trees = loss_gradient


@pytest.fixture(scope="module")
def mlp(trained, splits):
    """What is carried over to the MLP, and the target it was tried on."""
    target = Watched(trained("mlp"), splits)
    return transfer_evasion(target, rng=np.random.default_rng(0), **EASY), target


def _values(result, metric):
    return {
        (r.parameters["source"], r.parameters["epsilon"]): r.estimate
        for r in result.readings
        if r.metric == metric
    }


def _rows(result):
    return result.tables[0].records()


def test_the_target_is_asked_for_nothing_but_the_verdict_on_what_was_made(mlp):
    result, target = mlp
    changes = len(_rows(result)) - len(EASY["epsilons"])  # `any` asks nothing of its own

    assert target.gradient_queries == 0
    assert [len(rows) for rows in target.asked] == [120] * (1 + changes)


def test_the_changes_stay_in_ball_and_box(mlp, splits):
    _, target = mlp
    images, *changed = target.asked
    per_size = len(changed) // 2

    for number, rows in enumerate(changed):
        epsilon = EASY["epsilons"][number // per_size] * splits.test.scale
        assert np.abs(rows - images).max() <= epsilon + 1e-9
        assert rows.min() >= splits.test.feature_range[0]
        assert rows.max() <= splits.test.feature_range[1]


def test_sources_are_the_models_of_the_lab_to_the_last_bit_and_never_the_target(mlp, trained):
    digests = {row["source"]: row["source_digest"] for row in _rows(mlp[0])}

    assert set(digests) == {"softmax-regression", "random-forest", "any"}
    for name in ("softmax-regression", "random-forest"):
        assert digests[name] == str(trained(name).digest)


def test_what_is_carried_over_grows_with_the_ball(mlp):
    success = _values(mlp[0], SUCCESS)

    for source in ("softmax-regression", "random-forest", "any"):
        assert success[source, 0.2].value > success[source, 0.1].value
    assert success["softmax-regression", 0.2].value > 0.8


def test_the_chart_shows_what_the_readings_say(mlp):
    result, _ = mlp
    accuracy = _values(result, ACCURACY)

    lines = {line.label: line for line in result.figures[0].series}
    assert {(name, x) for name in lines for x in lines[name].x[1:]} == accuracy.keys()
    for (name, epsilon), estimate in accuracy.items():
        line = lines[name]
        assert line.y[line.x.index(epsilon)] == pytest.approx(estimate.value)


def test_any_is_the_worst_image_by_image(mlp):
    result, _ = mlp
    hits = {
        (r.parameters["source"], r.parameters["epsilon"]): np.array(list(r.per_sample.hits)) == "1"
        for r in result.readings
        if r.metric == ACCURACY
    }

    for epsilon in EASY["epsilons"]:
        both = hits["softmax-regression", epsilon] & hits["random-forest", epsilon]
        assert np.array_equal(hits["any", epsilon], both)


def test_success_is_counted_among_what_was_right_before(mlp, trained, splits):
    result, target = mlp
    answers = trained("mlp").pipeline.predict(target.asked[0])
    labels = {
        row.tobytes(): y for row, y in zip(splits.test.features, splits.test.labels, strict=True)
    }
    was_right = answers == [labels[row.tobytes()] for row in target.asked[0]]

    assert {e.n for e in _values(result, SUCCESS).values()} == {int(was_right.sum())}
    assert {e.n for e in _values(result, ACCURACY).values()} == {120}


def test_two_sources_with_a_gradient_make_an_ensemble(trained, splits):
    result = transfer_evasion(
        Target(trained("random-forest"), splits),
        rng=np.random.default_rng(0),
        **(EASY | {"epsilons": (0.2,), "samples": 60}),
    )
    success = _values(result, SUCCESS)

    assert {source for source, _ in success} == {"softmax-regression", "mlp", "ensemble", "any"}
    assert success["ensemble", 0.2].value > 0.5
    (row,) = [row for row in _rows(result) if row["source"] == "ensemble"]
    assert row["fooled_source"] is None
    assert row["source_digest"] is None


def test_what_must_fool_another_model_goes_on_after_it_fools_its_own(trained, splits):
    """A forest searched only until it is fooled gives changes that nobody else minds."""
    forest = {"sources": ("random-forest",), "epsilons": (0.2,), "score_queries": 200}
    result = transfer_evasion(
        Target(trained("softmax-regression"), splits),
        rng=np.random.default_rng(0),
        **(EASY | forest),
    )

    assert _values(result, SUCCESS)["random-forest", 0.2].value > 0.2


def test_a_model_that_knows_every_image_withstands_what_stays_near(splits):
    result = transfer_evasion(
        perfect(splits),
        rng=np.random.default_rng(0),
        **(EASY | {"epsilons": (0.05,), "sources": ("softmax-regression",), "samples": 60}),
    )

    assert _values(result, SUCCESS)["any", 0.05].value < 0.05


def test_who_is_never_right_has_nothing_to_lose(splits):
    class Wrong:
        def __getattr__(self, name):
            return getattr(guessing(splits), name)

        def predict(self, x):
            return np.full(len(x), -1)

    result = transfer_evasion(
        Wrong(),
        rng=np.random.default_rng(0),
        **(EASY | {"sources": ("softmax-regression",), "samples": 20}),
    )

    for line in result.figures[0].series:
        assert set(line.y) == {0.0}
    assert _values(result, SUCCESS) == {}
    assert {e.value for e in _values(result, ACCURACY).values()} == {0.0}


def test_without_another_model_there_is_no_number(trained, splits):
    target = Target(trained("softmax-regression"), splits)

    with pytest.raises(NotEvaluated, match="no other model"):
        transfer_evasion(target, rng=np.random.default_rng(0), sources=("softmax-regression",))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"epsilons": (0.1, 0.0)}, "above 0 and at most 1, got 0.0"),
        ({"epsilons": (1.5,)}, "above 0 and at most 1, got 1.5"),
        ({"epsilons": ()}, "at least one"),
        ({"samples": 0}, "samples is a number from 1 on, got 0"),
        ({"steps": 0}, "steps is a number from 1 on, got 0"),
        ({"score_queries": 0}, "score_queries is a number from 1 on, got 0"),
        ({"sources": ("resnet",)}, f"unknown source 'resnet'; known: {', '.join(models.SPECS)}"),
    ],
)
def test_what_cannot_be_is_refused(trained, splits, wrong, problem):
    target = Target(trained("softmax-regression"), splits)

    with pytest.raises(Misconfigured, match=problem):
        transfer_evasion(target, rng=np.random.default_rng(0), **(EASY | wrong))
