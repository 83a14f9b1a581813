import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlparse

import mlflow
import numpy as np
import pytest

from seclab import models, tracking
from seclab.errors import UntrustedModel
from seclab.fingerprint import of_bytes
from seclab.shelf.records import DIGEST_TAG, MODEL_FILE


@pytest.fixture
def register(store, open_recording):
    """Register a model in a run of its own, and give version and run ID."""

    def of(model):
        with open_recording() as recording:
            version = tracking.ensure_version(store, "digits", model, run_id=recording.run_id)
        return version, recording.run_id

    return of


@pytest.fixture
def softmax(trained):
    return trained("softmax-regression")


def test_a_new_model_file_is_a_new_version_with_everything_that_pins_it(store, register, softmax):
    version, run_id = register(softmax)

    found = store.client.get_model_version("digits", version.number)
    assert (version.name, version.number) == ("digits", "1")
    assert found.tags[DIGEST_TAG] == str(softmax.digest)
    assert found.tags["model.spec"] == "softmax-regression"
    assert found.tags["model.seed"] == "0"
    assert found.tags["dataset.train.digest"] == str(softmax.trained_on)
    assert found.run_id == run_id
    assert store.client.get_run(run_id).outputs.model_outputs[0].model_id == version.model_id


def test_the_same_file_is_the_same_version_however_often_it_is_evaluated(store, register, softmax):
    first, _ = register(softmax)
    again, run_id = register(softmax)

    assert again == first
    assert len(store.client.search_model_versions("name = 'digits'")) == 1
    assert len(store.client.search_logged_models([store.experiment_id])) == 1
    inputs = store.client.get_run(run_id).inputs.model_inputs
    assert [entry.model_id for entry in inputs] == [first.model_id]


def test_another_file_is_another_version(register, softmax, splits):
    other = models.train(softmax.spec, splits.train, seed=1)

    first, second = (register(model)[0] for model in (softmax, other))

    assert (first.number, second.number) == ("1", "2")
    assert first.model_id != second.model_id


def test_the_stored_file_is_the_one_that_was_digested(register, softmax, tmp_path):
    version, _ = register(softmax)

    uri = f"models:/{version.model_id}"
    folder = mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path))
    stored = (tmp_path / MODEL_FILE).read_bytes()

    assert folder.rstrip("/") == str(tmp_path)
    assert of_bytes(stored) == softmax.digest
    restored = models.restore(
        softmax.spec, stored, seed=0, digest=softmax.digest, trained_on=softmax.trained_on
    )
    assert restored.digest == softmax.digest


def test_mlflow_loads_the_version_with_its_own_means(register, softmax, splits):
    version, _ = register(softmax)

    loaded = mlflow.sklearn.load_model(f"models:/digits/{version.number}")

    rows = splits.test.features
    assert np.array_equal(loaded.predict(rows), softmax.pipeline.predict(rows))


def test_a_model_that_was_changed_in_the_store_is_not_restored(store, register, softmax):
    version, _ = register(softmax)
    logged = store.client.get_logged_model(version.model_id)
    stored = _file(logged)
    stored.write_bytes(stored.read_bytes() + b"\0")

    with pytest.raises(UntrustedModel, match="it was changed or belongs to another model"):
        models.restore(
            softmax.spec,
            stored.read_bytes(),
            seed=0,
            digest=softmax.digest,
            trained_on=softmax.trained_on,
        )


def _file(logged):
    return Path(unquote(urlparse(logged.artifact_location).path)) / MODEL_FILE


def test_the_logged_model_says_what_it_is(store, register, trained):
    version, _ = register(trained("mlp-hardened"))

    logged = store.client.get_logged_model(version.model_id)
    assert (logged.name, logged.model_type, str(logged.status)) == ("mlp-hardened", "mlp", "READY")
    assert logged.params["hidden_layer_sizes"] == "128"
    assert logged.params["seed"] == "0"
    assert "0.15" in logged.tags["adversarial_training"]
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [
        {"name": "digits", "version": int(version.number)}
    ]


def test_a_known_version_is_found_among_many(store, register, softmax):
    for suffix in range(3):
        padded = softmax.data + bytes(suffix + 1)
        register(replace(softmax, data=padded, digest=of_bytes(padded)))

    version, _ = register(softmax)

    assert version.number == "4"
    assert register(softmax)[0] == version
    assert store.client.get_model_version("digits", "4").tags[DIGEST_TAG] == str(softmax.digest)
