import json

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from seclab.errors import Misconfigured
from seclab.models import SPECS, spec


def test_a_model_is_known_by_the_name_of_its_spec():
    assert {name: entry.name for name, entry in SPECS.items()} == {name: name for name in SPECS}
    assert spec("mlp") is SPECS["mlp"]


def test_an_unknown_model_is_told_with_the_known_ones():
    with pytest.raises(
        Misconfigured, match="unknown model 'resnet'; known: softmax-regression, mlp"
    ):
        spec("resnet")


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_recorded_with_everything_that_decides_the_model(name):
    described = json.loads(json.dumps(spec(name).describe()))

    assert described["name"] == name
    assert described["family"] == spec(name).family
    assert described["parameters"] == spec(name).parameters
    assert (described["adversarial_training"] is None) is (spec(name).hardening is None)


def test_the_budget_of_the_hardening_is_recorded():
    assert spec("mlp-hardened").describe()["adversarial_training"] == {
        "epsilon": 0.15,
        "epochs": 60,
        "steps": 5,
    }


def test_the_estimator_gets_the_parameters_and_the_seed_of_its_spec():
    softmax, mlp = (spec(name).estimator(seed=7) for name in ("softmax-regression", "mlp"))

    assert isinstance(softmax, LogisticRegression)
    assert isinstance(mlp, MLPClassifier)
    assert softmax.random_state == mlp.random_state == 7
    assert (softmax.C, mlp.hidden_layer_sizes) == (1.0, 100)
