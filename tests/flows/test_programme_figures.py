"""The figures on a schedule: a run of its own, a document with a digest, a ledger entry."""

import json
from datetime import UTC, datetime

import pytest

from seclab import programme, settings
from seclab.errors import Misconfigured
from seclab.fingerprint import of_json
from seclab.shelf import EmbeddedShelf

pytestmark = pytest.mark.flow


def _runs(lab):
    client = lab.store.client
    experiment = client.get_experiment_by_name("security-programme")
    return client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])


def _document(lab, run):
    [path] = (lab.root / "mlruns" / "artifacts" / run.info.run_id / "artifacts").glob("record-*")
    return path, json.loads(path.read_bytes())


def test_figures_are_recorded_like_evidence_and_a_changed_one_is_found(lab, ask):
    from seclab import tracking  # noqa: PLC0415 - the server goes before

    first, second = lab.figures(), lab.figures()

    assert {state.type.value for state in (first, second)} == {"COMPLETED"}
    runs = _runs(lab)
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
    entries = [entry for entry in lab.ledger() if entry.kind == "programme"]
    assert [entry.run for entry in entries] == [run.info.run_id for run in runs]
    for run, entry in zip(runs, entries, strict=True):
        _, kept = _document(lab, run)
        figures = programme.figures_of(kept["record"], what="it")
        assert run.data.tags["figures.digest"] == entry.digest == str(of_json(kept["record"]))
        numbers = programme.numbers(figures)
        assert {f"programme/{name}": each for name, each in numbers.items()} == run.data.metrics
        assert numbers["risks_with_fresh_evidence"] == 0.0
        assert figures.at <= datetime.now(UTC)
    assert "nothing was recorded before" in runs[0].data.tags["mlflow.note.content"]
    assert "trend since" in runs[1].data.tags["mlflow.note.content"]
    [artifact] = ask(
        "artifacts/filter",
        artifacts={"flow_run_id": {"any_": [str(second.state_details.flow_run_id)]}},
    )
    assert "risks_with_fresh_evidence" in artifact["data"]
    assert lab.audit().message == "4 things verified, none was changed"

    for shelf in (EmbeddedShelf(settings.find(lab.root, {})), tracking.StoreShelf(lab.store)):
        with pytest.raises(Misconfigured, match="`seclab programme` shows them"):
            shelf.find(runs[0].info.run_id)

    path, kept = _document(lab, runs[0])
    kept["record"]["predicate"]["figures"]["risks"]["never-tested"] = []
    path.write_text(json.dumps(kept))
    found = lab.audit()

    assert found.name == "EvidenceChanged"
    assert found.message.startswith(f"programme figures {runs[0].info.run_id[:12]} of ")
