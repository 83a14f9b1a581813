import numpy as np
import pytest

from seclab.errors import InvalidData, NotEvaluated
from seclab.measurement import Subject
from seclab.models import ModelSpec, Target, train


@pytest.fixture
def softmax(target):
    return target("softmax-regression")


@pytest.fixture
def rows(splits):
    return splits.test.features[:7]


def test_the_subject_is_pinned_by_the_digest_of_the_model_file(softmax, trained):
    digest = trained("softmax-regression").digest

    assert softmax.subject == Subject("model", "softmax-regression", str(digest))
    assert softmax.spec.name == "softmax-regression"


def test_every_row_answered_is_one_query(softmax, rows):
    softmax.predict(rows)
    softmax.predict_proba(rows[:3])

    assert (softmax.queries, softmax.gradient_queries) == (10, 0)


def test_gradients_are_counted_apart(softmax, rows, splits):
    softmax.loss_gradient(rows, splits.test.labels[:7])

    assert (softmax.queries, softmax.gradient_queries) == (0, 7)


def test_targets_of_one_model_count_by_themselves(target, rows):
    first, second = target("softmax-regression"), target("softmax-regression")
    first.predict(rows)

    assert (first.queries, second.queries) == (7, 0)


def test_labels_are_those_of_the_highest_probability(softmax, rows):
    probabilities = softmax.predict_proba(rows)

    assert probabilities.shape == (7, 10)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(7))
    assert np.array_equal(softmax.predict(rows), probabilities.argmax(axis=1))


@pytest.mark.parametrize("name", ["softmax-regression", "random-forest"])
def test_answers_are_those_of_the_pipeline_on_native_features(name, target, trained, rows):
    assert np.array_equal(target(name).predict(rows), trained(name).pipeline.predict(rows))


@pytest.mark.parametrize("shape", [(64,), (2, 63), (2, 65), (1, 8, 8), (0,)])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "loss_gradient"])
def test_rows_of_another_shape_are_refused_and_not_counted(softmax, shape, method):
    labels = (np.zeros(2, dtype=int),) if method == "loss_gradient" else ()

    with pytest.raises(InvalidData, match="softmax-regression takes rows of 64 features"):
        getattr(softmax, method)(np.zeros(shape), *labels)
    assert (softmax.queries, softmax.gradient_queries) == (0, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["softmax-regression", "random-forest"])
def test_features_that_are_not_finite_are_refused_and_not_counted(target, rows, name, value):
    model, broken = target(name), rows.copy()
    broken[6, 63] = value

    with pytest.raises(InvalidData, match="NaN or infinity"):
        model.predict(broken)
    assert model.queries == 0


def test_a_forest_has_no_gradient(target, rows, splits):
    forest = target("random-forest")

    assert not forest.has_gradient
    with pytest.raises(NotEvaluated, match="random-forest has no loss gradient"):
        forest.loss_gradient(rows, splits.test.labels[:7])


def test_a_network_whose_gradient_is_not_known_answers_without_one(splits, rows):
    smooth = ModelSpec("smooth", "mlp", {"activation": "tanh", "max_iter": 5})

    network = Target(train(smooth, splits.train, seed=0), splits)

    assert not network.has_gradient
    assert not network.has_affine_layers
    assert network.predict(rows).shape == (7,)


def test_asking_changes_neither_the_rows_nor_the_model(target, rows, splits):
    model, before = target("mlp"), rows.copy()
    first = model.predict_proba(rows)
    model.loss_gradient(rows, splits.test.labels[:7])

    assert np.array_equal(rows, before)
    assert np.array_equal(model.predict_proba(rows), first)


def test_a_retrained_model_learns_from_the_given_rows_and_counts_anew(softmax, rows, splits):
    softmax.predict(rows)
    constant = splits.train.with_rows(
        splits.train.features, (splits.train.labels + 1) % len(splits.train.class_names)
    )

    shifted = softmax.retrain(constant, seed=0)

    assert shifted.queries == 0
    answers = shifted.predict(splits.test.features)
    assert np.mean(answers == (splits.test.labels + 1) % 10) > 0.9
    assert softmax.queries == 7


def test_nothing_is_retrained_on_unusable_rows(softmax, splits):
    one_class = splits.train.with_rows(
        splits.train.features, np.zeros(len(splits.train), dtype=np.int64)
    )

    with pytest.raises(InvalidData, match="no rows of class"):
        softmax.retrain(one_class, seed=0)


@pytest.mark.parametrize("name", ["softmax-regression", "mlp", "random-forest"])
def test_a_target_says_what_it_is_made_of_and_gives_nothing_else(target, name):
    model = target(name)
    forest = name == "random-forest"

    assert (model.has_affine_layers, model.has_decision_trees) == (not forest, forest)
    if forest:
        assert model.decision_trees()
        with pytest.raises(NotEvaluated, match="is not made of affine layers"):
            model.affine_layers()
    else:
        assert model.affine_layers()
        with pytest.raises(NotEvaluated, match="is not made of decision trees"):
            model.decision_trees()
    assert (model.queries, model.gradient_queries) == (0, 0)
