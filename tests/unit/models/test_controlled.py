import numpy as np
import pytest

from seclab import datasets
from seclab.datasets import Dataset, Provenance
from seclab.errors import NotEvaluated
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


def test_confidences_are_those_of_the_control(data):
    x = data.test.features
    service = ControlledTarget(guessing(data), control("confidences_1_decimals"))

    assert np.array_equal(service.predict_proba(x), np.round(guessing(data).predict_proba(x), 1))


@pytest.mark.parametrize("name", ["labels", "top1"])
def test_confidences_that_are_withheld_cannot_be_asked_for(data, name):
    service = ControlledTarget(guessing(data), control(name))

    with pytest.raises(NotEvaluated, match=f"only {name} is served of guessing"):
        service.predict_proba(data.test.features)


def test_what_the_model_is_made_of_stays_hidden(data):
    service = ControlledTarget(guessing(data), control("confidences"))

    assert service.has_gradient is False
    for hidden in ("loss_gradient", "affine_layers", "decision_trees"):
        assert not hasattr(service, hidden)


def test_subject_data_and_retraining_are_the_models(data):
    model = guessing(data)
    service = ControlledTarget(model, control("top1"))

    again = service.retrain(data.train, seed=1)

    assert (service.subject, service.data) == (model.subject, model.data)
    assert again.control is service.control
    assert again.queries == 0
