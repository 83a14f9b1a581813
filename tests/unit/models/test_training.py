import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from seclab import models
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.errors import InvalidData, Misconfigured
from seclab.models import AdversarialTraining, Target
from seclab.models.training import CLASSIFY, SCALE

QUICK = {
    **models.SPECS,
    # The same code with fewer passes: what is shown does not depend on their number.
    "mlp": replace(models.SPECS["mlp"], parameters={"hidden_layer_sizes": 20, "max_iter": 8}),
    "random-forest": replace(models.SPECS["random-forest"], parameters={"n_estimators": 5}),
    "mlp-hardened": replace(
        models.SPECS["mlp-hardened"], hardening=AdversarialTraining(epsilon=0.15, epochs=3, steps=2)
    ),
}

PROGRAM = """
import json, sys
from dataclasses import replace
from seclab import datasets, models
rows = datasets.split(datasets.load("digits"), seed=0).train
print(json.dumps({
    name: str(models.train(models.spec(name), rows, seed=0).digest) for name in sys.argv[1:]
}))
"""


def test_equal_seeds_give_equal_digests_in_another_process(trained):
    """Also with another hash seed and another number of threads."""
    names = ["softmax-regression", "random-forest", "mlp"]
    environment = os.environ | {"PYTHONHASHSEED": "77", "OPENBLAS_NUM_THREADS": "2"}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == {name: str(trained(name).digest) for name in names}


@pytest.mark.parametrize("name", QUICK)
def test_equal_seeds_give_equal_models_and_others_do_not(name, splits):
    first, again, other = (models.train(QUICK[name], splits.train, seed=s) for s in (3, 3, 4))

    assert first.digest == again.digest
    assert first.data == again.data
    assert first.digest != other.digest


@pytest.mark.parametrize("name", ["mlp", "mlp-hardened"])
def test_the_number_of_threads_changes_nothing(name, splits):
    with threadpool_limits(limits=2):
        many = models.train(QUICK[name], splits.train, seed=0)

    assert many.digest == models.train(QUICK[name], splits.train, seed=0).digest


def test_another_row_gives_another_model_and_another_training_digest(splits):
    rows = splits.train
    features = rows.features.copy()
    features[0, 20] = 16.0 - features[0, 20]
    spec = models.spec("softmax-regression")

    before, after = (
        models.train(spec, rows, seed=0),
        models.train(spec, rows.with_rows(features, rows.labels), seed=0),
    )

    assert after.digest != before.digest
    assert after.trained_on != before.trained_on
    assert before.trained_on == rows.fingerprint().ordered


def test_a_model_remembers_what_it_is(trained):
    model = trained("mlp")

    assert (model.spec, model.seed) == (models.spec("mlp"), 0)


@pytest.mark.parametrize(
    ("name", "accuracy"),
    [("softmax-regression", 0.93), ("mlp", 0.95), ("random-forest", 0.94), ("mlp-hardened", 0.94)],
)
def test_every_model_of_the_lab_learns_the_digits(name, accuracy, trained, splits):
    answers = Target(trained(name), splits).predict(splits.test.features)

    assert np.mean(answers == splits.test.labels) > accuracy


def test_rows_are_scaled_by_the_declared_range_and_not_by_what_they_hold(splits):
    halved = splits.train.with_rows(splits.train.features / 2 + 1.0, splits.train.labels)

    pipeline = models.fit(models.spec("softmax-regression"), halved, seed=0)

    ends = np.repeat([[0.0], [16.0]], 64, axis=1)
    assert np.array_equal(pipeline[SCALE].transform(ends), np.repeat([[0.0], [1.0]], 64, axis=1))


def test_training_says_nothing(splits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.train(QUICK["mlp"], splits.train, seed=0)


def test_unusable_rows_train_nothing(splits):
    features = splits.train.features.copy()
    features[5, 5] = np.nan

    with pytest.raises(InvalidData, match="NaN"):
        models.train(
            models.spec("mlp"), splits.train.with_rows(features, splits.train.labels), seed=0
        )


def test_only_a_network_can_be_hardened(splits):
    hardened = replace(
        models.spec("random-forest"), hardening=AdversarialTraining(epsilon=0.1, epochs=1, steps=1)
    )

    with pytest.raises(Misconfigured, match="random-forest: adversarial training needs an MLP"):
        models.train(hardened, splits.train, seed=0)


def test_a_network_of_two_classes_can_be_hardened(splits):
    few = splits.train.labels < 2
    two = replace(splits.train.take(few), class_names=splits.train.class_names[:2])
    hardened = replace(QUICK["mlp"], hardening=AdversarialTraining(epsilon=0.1, epochs=20, steps=2))

    model = models.train(hardened, two, seed=0)

    assert (model.pipeline.predict(two.features) == two.labels).mean() > 0.95


def test_hardening_buys_robustness_far_beyond_the_intervals(target, splits):
    test = splits.test

    def survivors(name):
        model = target(name)
        attacked = projected_gradient_descent(
            [Loss.cross_entropy(model.loss_gradient)],
            model.predict,
            test.features,
            test.labels,
            norm="linf",
            epsilon=0.1 * test.scale,
            bounds=test.feature_range,
            ascent=Ascent(steps=10, restarts=1),
            rng=np.random.default_rng(0),
        )
        return np.mean(model.predict(attacked) == test.labels)

    assert survivors("mlp-hardened") > survivors("mlp") + 0.2


def test_a_restored_model_is_the_one_that_was_trained(trained, splits):
    model = trained("softmax-regression")

    restored = models.restore(
        model.spec, model.data, seed=0, digest=model.digest, trained_on=model.trained_on
    )

    rows = splits.test.features
    assert (restored.digest, restored.trained_on, restored.data) == (
        model.digest,
        model.trained_on,
        model.data,
    )
    assert np.array_equal(restored.pipeline[CLASSIFY].coef_, model.pipeline[CLASSIFY].coef_)
    assert np.array_equal(
        Target(restored, splits).predict_proba(rows), Target(model, splits).predict_proba(rows)
    )
