"""Rows that checks stop on are set aside, decided on by people, and left out or used again."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from seclab import audit, custody, datasets, project, row_decisions, settings
from seclab.custody import Acquisition, Declaration, Kind, Origin
from seclab.evidence import reports_of, traced
from seclab.fingerprint import of_bytes, row_digests
from seclab.quarantine import SET_ASIDE_FILE, SUSPECTED_FILE, State
from seclab.row_decisions import Meant
from seclab.shelf import EmbeddedShelf
from seclab.shelf.row_decisions import read_quarantine

pytestmark = pytest.mark.flow

CHEAPLY = {"models": ["softmax-regression"], "evaluations": ["random_noise"]}
UNEXPLAINED = "expect_changes_to_be_explained"
CONFLICT = "expect_labels_to_be_consistent"
SOURCE = np.array([100, 500, 900])
PLANTED = (1797, 1798, 1799)
ADDED = ((1797, 1799),)


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


def _record(lab, dataset):
    """Declare the planted rows as added, as the next version of the digits."""
    folder = lab.root / "registers" / custody.FOLDER
    history = custody.load_histories(folder)["digits"]
    manifest = custody.record_version(
        dataset,
        origin=Origin("the owners", "CC0-1.0", Acquisition(datetime.now(UTC).date(), "drawn")),
        parents=[history.newest],
        declarations=[Declaration("both readings", of_bytes(b"ticket"), {Kind.ADDED: ADDED})],
        history=history,
        rows=history.rows,
    )
    custody.save_version(manifest, custody.index_of(dataset), folder)


def _traced(lab, run):
    """Of how many rows the origin is known, and their versions from the oldest."""
    found = traced(lab.bundle(run).predicate)
    return sum(each.covered for each in found), found[0].steps


def _close_look(lab, labels):
    """A second suite, which the profile names: no row may have another label."""
    labelled = {
        "type": "expect_labels_to_match_set",
        "kwargs": {"labels": labels},
        "severity": "critical",
        "meta": {"risk_ids": ["R-POI-01"]},
    }
    suite = {"name": "close-look", "expectations": [labelled]}
    (lab.root / "expectations" / "close-look.json").write_text(json.dumps(suite), "utf-8")
    lab.rewrite(
        "profiles.yaml", lambda all_: all_ | {"quick": {**all_["quick"], "suites": ["close-look"]}}
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
    # All that is left is recorded, and nothing that is recorded is missing.
    assert _traced(lab, run)[0] == 1797
    aside = _beside(lab, run, SET_ASIDE_FILE)
    assert [row["index"] for row in aside["set_aside"]] == list(PLANTED)
    assert {row["decision"]["by"] for row in aside["set_aside"]} == {"data owners"}
    assert {row["state"] for row in aside["set_aside"]} == {"confirmed"}
    assert {row["index"] for row in aside["released"]} == indexes - {*PLANTED}
    assert SET_ASIDE_FILE in lab.bundle(run).predicate["artifacts"]
    assert _result(lab, run, UNEXPLAINED).observed.endswith(", without the 3 set aside")
    note = lab.store.client.get_run(run.run_id).data.tags["mlflow.note.content"]
    assert "3 of 1800 rows set aside (0 suspected, 3 confirmed)" in note

    # Thought over: used again, and the check that fails says who answers for that.
    _decide(lab, "release", PLANTED, "both readings are right")
    _record(lab, planted)
    state = lab.evaluate(**CHEAPLY)

    run = lab.runs(state)["softmax-regression"]
    assert _rows(lab, run) == 1800
    covered, (first, second, part) = _traced(lab, run)
    assert covered == 1800
    assert (", 1797 rows" in first, ", 1800 rows" in second) == (True, True)
    assert second.endswith("; both readings")
    assert part.endswith(": split: train")
    conflict = _result(lab, run, CONFLICT)
    assert (conflict.status, conflict.severity) == ("failed", "critical")
    assert "released by data owners on " in conflict.explanation
    assert "both readings are right" in conflict.explanation
    assert len(conflict.released) == 2
    warnings = lab.bundle(run).predicate["decision"]["warnings"]
    assert any(each.startswith(f"released: digits/{CONFLICT}: ") for each in warnings)
    assert _whole(lab)


def test_recorded_rows_that_are_set_aside_leave_a_chain_without_gap(lab, monkeypatch):
    """A label turned at the source: the row is suspected, and trained on is what is recorded."""
    genuine = datasets.digits()
    features, labels = genuine.features.copy(), genuine.labels.copy()
    features[SOURCE[0]] = features[SOURCE[1]]
    labels[SOURCE[0]] = (labels[SOURCE[1]] + 1) % 10
    changed = genuine.with_rows(features, labels)
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda: changed)
    refusal = lab.runs(lab.evaluate(**CHEAPLY))["digits"]
    assert _result(lab, refusal, UNEXPLAINED).rows == (SOURCE[0],)
    assert _traced(lab, refusal)[0] == 0
    suspects = {row["index"] for row in _beside(lab, refusal, SUSPECTED_FILE)["rows"]}
    assert suspects >= {*SOURCE[:2]}

    state = lab.evaluate(**CHEAPLY)

    run = lab.runs(state)["softmax-regression"]
    left = 1797 - len(suspects)
    assert _rows(lab, run) == left
    covered, (first, second, part) = _traced(lab, run)
    assert covered == left
    assert ", 1797 rows" in first
    assert second.endswith(f", {left} rows: set aside")
    assert part.endswith(": split: train")
    artifacts = lab.bundle(run).predicate["artifacts"]
    aside = lab.bundle(run).predicate["custody"]["manifests"][1]["transformations"][0]["digest"]
    assert artifacts[SET_ASIDE_FILE] == aside
    assert _whole(lab)


def test_what_a_suite_of_the_profile_stops_on_is_set_aside_too(lab):
    _close_look(lab, labels=list(range(9)))

    stopped = lab.evaluate(**CHEAPLY)

    assert (stopped.name, stopped.message) == ("GateFailed", "BLOCK digits")
    run = lab.runs(stopped)["digits"]
    own, besides = reports_of(lab.bundle(run))
    assert (own.suite, besides.suite) == ("digits", "close-look")
    assert own.stopping() == ()
    suspects = _beside(lab, run, SUSPECTED_FILE)["rows"]
    assert [each["index"] for each in suspects] == np.flatnonzero(
        datasets.digits().labels == 9
    ).tolist()
    assert {tuple(each["flagged_by"]) for each in suspects} == {("expect_labels_to_match_set",)}


def test_a_suite_of_the_profile_that_finds_nothing_is_evidence_beside_the_first(lab):
    _close_look(lab, labels=list(range(10)))

    state = lab.evaluate(**CHEAPLY)

    run = lab.runs(state)["softmax-regression"]
    suites = [report.suite for report in reports_of(lab.bundle(run))]
    assert suites == ["digits", "close-look", "splits"]
    children = {
        each.data.tags["seclab.evaluation"]
        for each in lab.everything()
        if each.data.tags.get("mlflow.parentRunId") == run.run_id
    }
    assert "data_checks.close-look" in children
