"""The decisions kept with a model's versions: verdicts, and the records of promotions."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from seclab.errors import EvidenceMismatch
from seclab.evidence import decision_of, plain
from seclab.fingerprint import of_json
from seclab.gate import explain
from seclab.shelf.decisions import read_record, record_name
from seclab.shelf.records import DECISIONS, DIGEST_TAG, MODEL_FILE, RunSummary
from seclab.tracking.reading import load_bundle
from seclab.tracking.store import Store, Version, model_id, unavailable_means

_NO_SUCH = "RESOURCE_DOES_NOT_EXIST"


def note_decision(store: Store, version: Version, run: RunSummary) -> None:
    """Write the verdict of a run on the version it judged, passing or not.

    Raises:
        StoreUnavailable: The store cannot be written.
    """
    bundle, _ = load_bundle(store, run)
    decision = decision_of(bundle)
    tags = {
        "gate.verdict": decision.verdict,
        "gate.run": run.run_id,
        "gate.bundle": run.bundle_digest,
    }
    with unavailable_means(f"version {version.number} of {version.name} cannot be written"):
        tag(store, version.name, version.number, tags)
        text = f"{run.name}\n\n```\n{explain(decision)}\n```"
        store.client.update_model_version(version.name, version.number, text)
        _keep(store, version.model_id, f"decision-{run.run_id}.json", plain(decision))


def load_record(store: Store, name: str, number: str, digest: str) -> dict[str, Any]:
    """The record of a decision, as its parts: ``record``, and ``envelope`` where it is signed.

    Raises:
        EvidenceMismatch: It is missing or not the one of this digest.
    """
    what = f"the record of {name} v{number}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            uri = f"{_location(store, name, number)}/{DECISIONS}/{record_name(digest)}"
            path = Path(download_artifacts(artifact_uri=uri, dst_path=folder))
        except (MlflowException, OSError) as error:
            if isinstance(error, MlflowException) and error.error_code != _NO_SUCH:
                raise
            raise EvidenceMismatch(f"{what} is missing or damaged: {error}") from error
        kept, found = read_record(path, what=what)
    if found != digest:
        raise EvidenceMismatch(f"{what}: expected {digest}, found {found}")
    return kept


def model_file(store: Store, name: str, number: str) -> bytes:
    """The model file of a version, as it is now.

    Raises:
        StoreUnavailable: It cannot be read.
    """
    with (
        unavailable_means(f"the model file of {name} v{number} cannot be read"),
        tempfile.TemporaryDirectory() as folder,
    ):
        uri = f"{_location(store, name, number)}/{MODEL_FILE}"
        return Path(download_artifacts(artifact_uri=uri, dst_path=folder)).read_bytes()


def version_digest(store: Store, name: str, number: str) -> str:
    """Digest that a version is registered with, empty without one.

    Raises:
        StoreUnavailable: It cannot be read.
    """
    with unavailable_means(f"version {number} of {name} cannot be read"):
        return str(store.client.get_model_version(name, number).tags.get(DIGEST_TAG, ""))


def keep_record(
    store: Store,
    name: str,
    number: str,
    *,
    record: Mapping[str, Any],
    envelope: Mapping[str, Any] | None,
) -> None:
    """Keep the record of a decision with the version it is about, under its digest."""
    version = store.client.get_model_version(name, number)
    kept = {"record": record, "envelope": envelope}
    _keep(store, model_id(version), record_name(str(of_json(record))), kept)


def _keep(store: Store, of: str, name: str, document: Any) -> None:
    """Keep a document with a logged model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        store.client.log_model_artifact(of, str(path), DECISIONS)


def _location(store: Store, name: str, number: str) -> str:
    version: ModelVersion = store.client.get_model_version(name, number)
    return str(store.client.get_logged_model(model_id(version)).artifact_location)


def tag(store: Store, name: str, number: str, tags: Mapping[str, str]) -> None:
    """Write tags of a version."""
    for key, value in tags.items():
        store.client.set_model_version_tag(name, number, key, value)
