import numpy as np
import pytest

from seclab import datasets
from seclab.datasets import Dataset, Provenance
from seclab.models import Target
from seclab.models.controlled import ControlledTarget
from seclab.models.output_controls import CONTROLS, control
from tests.fakes import guessing


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    features = rng.uniform(0.0, 1.0, (120, 4))
    return datasets.split(
        Dataset(
            name="squares",
            features=features,
            labels=(features[:, 0] > 0.5).astype(np.int64) + (features[:, 1] > 0.5),
            feature_names=("a", "b", "c", "d"),
            class_names=("x", "y", "z"),
            feature_range=(0.0, 1.0),
            image_shape=None,
            provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
        ),
        seed=0,
    )


@pytest.mark.parametrize("name", CONTROLS)
def test_the_label_is_the_models_own_and_every_row_is_one_query(data, name):
    model = guessing(data)
    service, x = ControlledTarget(model, control(name)), data.test.features
    truth = guessing(data).predict(x)

    labels, confidences = service.answers(x)

    assert np.array_equal(labels, truth)
    assert (confidences is None) == (name == "labels")
    assert service.queries == model.queries == len(x)
    assert np.array_equal(service.predict(x), truth)
    assert service.queries == 2 * len(x)


def test_who_serves_labels_never_computes_confidences_for_the_client():
    class LabelsOnly:
        queries = 0

        def predict(self, x):
            return np.zeros(len(x), dtype=int)

    labels, confidences = ControlledTarget(LabelsOnly(), control("labels")).answers(np.eye(3))

    assert labels.tolist() == [0, 0, 0]
    assert confidences is None


@pytest.mark.parametrize("name", CONTROLS)
def test_what_a_client_makes_of_it_is_a_distribution_led_by_the_label(data, name):
    x = data.test.features

    believed = ControlledTarget(guessing(data), control(name)).predict_proba(x)

    assert believed.min() >= 0.0
    assert believed.sum(axis=1) == pytest.approx(np.ones(len(x)))
    assert np.array_equal(believed.argmax(axis=1), guessing(data).predict(x))


def test_rounded_confidences_are_taken_as_they_are_served(data):
    x = data.test.features
    service = ControlledTarget(guessing(data), control("confidences_1_decimals"))
    served = np.round(guessing(data).predict_proba(x), 1)

    assert service.predict_proba(x) == pytest.approx(
        served / served.sum(axis=1, keepdims=True), abs=1e-8
    )


def test_what_is_withheld_is_spread_evenly(data):
    x = data.test.features[:5]
    served = guessing(data).predict_proba(x)
    rows, top = np.arange(5), served.argmax(axis=1)

    believed = ControlledTarget(guessing(data), control("top1")).predict_proba(x)

    rest = np.delete(believed, top + rows * 3).reshape(5, 2)
    assert believed[rows, top] == pytest.approx(served[rows, top])
    assert rest[:, 0] == pytest.approx(rest[:, 1])


def test_another_model_is_seen_as_this_one_is(data):
    x = data.test.features
    service = ControlledTarget(guessing(data), control("noisy"))

    assert np.array_equal(
        service.seen(x, guessing(data).predict_proba(x)), service.predict_proba(x)
    )


def test_gradient_and_structure_are_the_models_for_who_has_its_file(trained, splits):
    model = Target(trained("softmax-regression"), splits)
    service = ControlledTarget(model, control("labels"))
    x, y = splits.test.features[:4], splits.test.labels[:4]

    assert service.has_gradient
    assert service.has_affine_layers
    assert not service.has_decision_trees
    for one, other in zip(service.loss_gradient(x, y), model.loss_gradient(x, y), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(service.margin_gradient(x, y)[1], model.margin_gradient(x, y)[1])
    assert np.array_equal(service.affine_layers()[0].weights, model.affine_layers()[0].weights)
    assert service.gradient_queries == model.gradient_queries == 16
    assert service.queries == 0


def test_subject_data_and_retraining_are_the_models(data):
    model = guessing(data)
    service = ControlledTarget(model, control("top1"))

    again = service.retrain(data.train, seed=1)

    assert (service.subject, service.data) == (model.subject, model.data)
    assert again.control is service.control
    assert again.queries == 0
