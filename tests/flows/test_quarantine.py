"""Rows that checks stop on are set aside, decided on by people, and left out or used again."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from seclab import audit, datasets, project, row_decisions, settings
from seclab.baselines import dump_baselines, record_baseline
from seclab.evidence import reports_of
from seclab.fingerprint import row_digests
from seclab.quarantine import SET_ASIDE_FILE, SUSPECTED_FILE, State
from seclab.row_decisions import Meant
from seclab.shelf import EmbeddedShelf
from seclab.shelf.row_decisions import read_quarantine

pytestmark = pytest.mark.flow

CHEAPLY = {"models": ["softmax-regression"], "evaluations": ["random_noise"]}
BASELINE, CONFLICT = "expect_rows_to_match_baseline", "expect_labels_to_be_consistent"
SOURCE = np.array([100, 500, 900])
PLANTED = (1797, 1798, 1799)


@pytest.fixture
def planted(monkeypatch):
    """Digits to which somebody has added three images of it under other labels."""
    genuine = datasets.digits()
    features = np.vstack([genuine.features, genuine.features[SOURCE]])
    labels = np.append(genuine.labels, (genuine.labels[SOURCE] + 1) % 10)
    changed = genuine.with_rows(features, labels)
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda: changed)
    return changed


def _decide(lab, choice, indexes, reason):
    parts = project.load(settings.find(lab.root, {}))
    row_decisions.decide(
        parts,
        lab.store,
        "digits",
        choice,
        meant=Meant([str(index) for index in indexes]),
        by="data owners",
        reason=reason,
        at=datetime.now(UTC),
    )


def _held(lab):
    found = settings.find(lab.root, {})
    keyring = project.load(found).keyring
    held = read_quarantine(EmbeddedShelf(found), "digits", keyring=keyring, signatures=False)
    return held.rows.values()


def _beside(lab, run, name):
    [path] = lab.root.glob(f"mlruns/artifacts/{run.run_id}/artifacts/{name}")
    return json.loads(path.read_text(encoding="utf-8"))


def _result(lab, run, expectation):
    report = reports_of(lab.bundle(run))[0]
    return next(result for result in report.results if result.expectation == expectation)


def _rows(lab, run):
    """How many rows the parts of the data have together."""
    return sum(part["rows"] for part in lab.bundle(run).predicate["datasets"])


def _whole(lab):
    parts = project.load(settings.find(lab.root, {}))
    found = audit.audit(
        EmbeddedShelf(parts.settings), keyring=parts.keyring, registered_model="digits"
    )
    return not [what for finding in found for what in finding.differences]


def test_rows_are_stopped_on_then_decided_about_and_then_left_out_or_used_again(lab, planted):
    # Blocked: the same sealed refusal that says why holds the rows.
    state = lab.evaluate(**CHEAPLY)

    assert state.message == "BLOCK digits"
    refusal = lab.runs(state)["digits"]
    suspects = _beside(lab, refusal, SUSPECTED_FILE)["rows"]
    indexes = {row["index"] for row in suspects}
    assert indexes >= {*SOURCE, *PLANTED}
    digests = row_digests(planted.features, planted.labels)
    assert all(row["row"] == digests[row["index"]] for row in suspects)
    assert SUSPECTED_FILE in lab.bundle(refusal).predicate["artifacts"]
    assert {held.state for held in _held(lab)} == {State.SUSPECTED}

    # Decided: what was planted is bad, the rest a false alarm. It trains on what is left.
    _decide(lab, "confirm", PLANTED, "relabelled copies of rows 100, 500 and 900")
    _decide(lab, "release", sorted(indexes - {*PLANTED}), "genuine: only their copies are bad")
    state = lab.evaluate(**CHEAPLY)

    run = lab.runs(state)["softmax-regression"]
    assert _rows(lab, run) == 1797
    aside = _beside(lab, run, SET_ASIDE_FILE)
    assert [row["index"] for row in aside["set_aside"]] == list(PLANTED)
    assert {row["decision"]["by"] for row in aside["set_aside"]} == {"data owners"}
    assert {row["state"] for row in aside["set_aside"]} == {"confirmed"}
    assert {row["index"] for row in aside["released"]} == indexes - {*PLANTED}
    assert SET_ASIDE_FILE in lab.bundle(run).predicate["artifacts"]
    assert _result(lab, run, BASELINE).observed.endswith(", without the 3 set aside")
    note = lab.store.client.get_run(run.run_id).data.tags["mlflow.note.content"]
    assert "3 of 1800 rows set aside (0 suspected, 3 confirmed)" in note

    # Thought over: used again, and the check that fails says who answers for that.
    _decide(lab, "release", PLANTED, "both readings are right")
    recorded = record_baseline(planted, recorded=datetime.now(UTC).date())
    (lab.root / "registers" / "baselines.yaml").write_text(
        dump_baselines([recorded]), encoding="utf-8"
    )
    state = lab.evaluate(**CHEAPLY)

    run = lab.runs(state)["softmax-regression"]
    assert _rows(lab, run) == 1800
    conflict = _result(lab, run, CONFLICT)
    assert (conflict.status, conflict.severity) == ("failed", "critical")
    assert "released by data owners on " in conflict.explanation
    assert "both readings are right" in conflict.explanation
    assert len(conflict.released) == 2
    warnings = lab.bundle(run).predicate["decision"]["warnings"]
    assert any(each.startswith(f"released: digits/{CONFLICT}: ") for each in warnings)
    assert _whole(lab)
