"""A target answers as its pipeline does, to the last bit, however it is asked."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from seclab import models
from seclab.models import Target
from seclab.models.answering import probabilities_of


@pytest.mark.parametrize("name", models.SPECS)
@pytest.mark.parametrize("rows", [1, 7, 360])
def test_every_model_of_the_lab_answers_as_its_pipeline(trained, splits, name, rows):
    x = np.random.default_rng(rows).uniform(-1.0, 17.0, (rows, 64))
    model = trained(name)

    assert np.array_equal(Target(model, splits).predict_proba(x), model.pipeline.predict_proba(x))


@pytest.mark.parametrize("labels", [[0, 1], [3, 7, 9]])
@pytest.mark.parametrize("depth", [1, None])
def test_any_forest_answers_as_it_would_itself(labels, depth):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.0, 5.0, (90, 4)), rng.choice(labels, 90)
    forest = RandomForestClassifier(13, max_depth=depth, random_state=0, class_weight="balanced")
    pipeline = Pipeline([("first", MinMaxScaler()), ("second", forest)]).fit(x, y)
    on_thresholds = np.round(rng.uniform(0.0, 5.0, (50, 4)), 1)

    ask = probabilities_of(pipeline, scale="first", classify="second")

    for asked in (x, on_thresholds):
        assert np.array_equal(ask(asked), pipeline.predict_proba(asked))
