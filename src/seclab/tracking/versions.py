"""Model versions: one per model file, however often it is evaluated."""

import json
import tempfile
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelInput, LoggedModelOutput
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from seclab.shelf.records import DIGEST_TAG, MODEL_FILE, MODEL_SOURCE
from seclab.tracking.store import Store, Version, model_id, unavailable_means

if TYPE_CHECKING:
    # Reading the store must be quick; only writing a model needs scikit-learn.
    from seclab.models import TrainedModel


def ensure_version(store: Store, name: str, model: "TrainedModel", *, run_id: str) -> Version:
    """The version of this very model file, registered now if it is new.

    Args:
        store: The evidence store.
        name: Name of the registered model.
        model: The model; its file digest identifies the version.
        run_id: The run that evaluates it.

    Raises:
        StoreUnavailable: The store cannot be written.
    """
    client = store.client
    with unavailable_means(f"model {model.spec.name} cannot be registered as {name}"):
        known = _known(client, name, str(model.digest))
        if known is not None:
            client.log_inputs(run_id, models=[LoggedModelInput(known.model_id)])
            return known
        logged = _log(store, model, run_id)
        version: ModelVersion = client.create_model_version(
            name,
            source=f"{MODEL_SOURCE}{logged.model_id}",
            run_id=run_id,
            model_id=logged.model_id,
            tags={
                DIGEST_TAG: str(model.digest),
                "model.spec": model.spec.name,
                "model.seed": str(model.seed),
                "dataset.train.digest": str(model.trained_on),
            },
            description=f"{model.spec.name}, seed {model.seed}",
        )
        # MLflow's pages list the versions of a logged model by this tag.
        named = json.dumps([{"name": name, "version": version.version}])
        client.set_logged_model_tags(logged.model_id, {"mlflow.modelVersions": named})
        return Version(name, str(version.version), logged.model_id)


def _known(client: MlflowClient, name: str, digest: str) -> Version | None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = client.search_model_versions(
        f"name = '{name}' AND tags.`{DIGEST_TAG}` = '{digest}'", max_results=1
    )
    if not found:
        return None
    return Version(name, str(found[0].version), model_id(found[0]))


def _log(store: Store, model: "TrainedModel", run_id: str) -> LoggedModel:
    client = store.client
    spec = model.spec.describe()
    logged = client.create_logged_model(
        store.experiment_id,
        name=model.spec.name,
        source_run_id=run_id,
        model_type=model.spec.family,
        params={"seed": str(model.seed), **{k: str(v) for k, v in model.spec.parameters.items()}},
        tags={
            DIGEST_TAG: str(model.digest),
            "adversarial_training": str(spec["adversarial_training"]),
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        _write_files(Path(folder), model)
        client.log_model_artifacts(logged.model_id, folder)
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return logged


def _write_files(folder: Path, model: "TrainedModel") -> None:
    """The model file as it was digested, with what MLflow wants beside it.

    ``mlflow.sklearn.save_model`` would write other bytes than those that were digested.
    """
    # Imported here: together they take longer than everything that reads the store.
    import numpy as np  # noqa: PLC0415
    from mlflow import pyfunc  # noqa: PLC0415
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415
    from mlflow.types import Schema, TensorSpec  # noqa: PLC0415

    from seclab.models.persistence import TRUSTED_TYPES  # noqa: PLC0415

    (folder / MODEL_FILE).write_bytes(model.data)
    columns = model.pipeline.n_features_in_
    description = Model(
        signature=ModelSignature(
            Schema([TensorSpec(np.dtype("float64"), (-1, columns))]),
            Schema([TensorSpec(np.dtype("int64"), (-1,))]),
        ),
        model_size_bytes=len(model.data),
    )
    description.add_flavor(
        "sklearn",
        pickled_model=MODEL_FILE,
        serialization_format="skops",
        sklearn_version=installed("scikit-learn"),
        skops_trusted_types=list(TRUSTED_TYPES),
        code=None,
    )
    pyfunc.add_to_model(
        description, loader_module="mlflow.sklearn", model_path=MODEL_FILE, predict_fn="predict"
    )
    description.save(str(folder / "MLmodel"))
    libraries = ("mlflow", "numpy", "scikit-learn", "scipy", "skops")
    requirements = "".join(f"{library}=={installed(library)}\n" for library in libraries)
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
