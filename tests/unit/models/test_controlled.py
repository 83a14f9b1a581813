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


def _imitated(service, x, probabilities, seed=0):
    return service.imitated(x, probabilities, np.random.default_rng(seed))


@pytest.mark.parametrize("name", sorted(set(CONTROLS) - {"noisy"}))
def test_the_attackers_copy_of_a_control_without_a_secret_is_the_control(data, name):
    x = data.test.features
    service = ControlledTarget(guessing(data), control(name))

    found = _imitated(service, x, guessing(data).predict_proba(x))

    assert np.array_equal(found, service.predict_proba(x))


def test_the_attackers_copy_of_a_control_with_a_secret_adds_noise_of_its_own(data):
    x = data.test.features
    service = ControlledTarget(guessing(data), control("noisy"))
    truth = guessing(data).predict_proba(x)

    served = service.predict_proba(x) - truth
    copies = [_imitated(service, x, truth, seed) - truth for seed in (0, 1)]

    for copy in copies:
        assert np.abs(copy).mean() == pytest.approx(np.abs(served).mean(), rel=0.3)
        # The very noise of the service would be gone from every comparison with it.
        assert abs(np.corrcoef(copy.ravel(), served.ravel())[0, 1]) < 0.3
    assert np.array_equal(copies[0], _imitated(service, x, truth, 0) - truth)
    assert not np.array_equal(*copies)


def test_what_needs_no_secret_to_be_taken_back_hides_nothing_from_who_knows_the_control(data):
    x = data.test.features
    service = ControlledTarget(guessing(data), control("tempered"))
    truth = guessing(data).predict_proba(x)

    np.testing.assert_allclose(service.predict_proba(x), truth, atol=1e-6)
    np.testing.assert_allclose(_imitated(service, x, truth), truth, atol=1e-6)
    _, served = service.answers(x)
    assert np.abs(service.taken_for_truth(x, truth) - served).max() < 1e-6
    assert np.abs(served - truth).mean() > 0.05


@pytest.mark.parametrize("inner", CONTROLS)
@pytest.mark.parametrize("outer", CONTROLS)
def test_of_two_controls_neither_gives_what_the_other_withholds(data, inner, outer):
    x, model = data.test.features, guessing(data)
    below = ControlledTarget(model, control(inner))
    service = ControlledTarget(below, control(outer))

    labels, confidences = service.answers(x)

    assert np.array_equal(labels, guessing(data).predict(x))
    assert model.queries == len(x)
    assert (confidences is None) == ("labels" in (inner, outer))
    if confidences is not None:
        hidden = np.isnan(confidences).sum(axis=1)
        assert set(hidden) == {2 if "top1" in (inner, outer) else 0}
    assert service.uncontrolled is model
    assert service.resolution == max(control(inner).resolution, control(outer).resolution)


def test_a_control_on_rounded_confidences_starts_from_these(data):
    x = data.test.features
    below = ControlledTarget(guessing(data), control("confidences_1_decimals"))
    for name in ("confidences", "confidences_3_decimals"):
        _, served = ControlledTarget(below, control(name)).answers(x)
        assert served == pytest.approx(below.predict_proba(x), abs=1e-3)


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
