"""What people decide about suspected rows is kept as evidence, and what is changed is found."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
import rfc8785
from mlflow import MlflowClient

from seclab import row_decisions, tracking
from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import statements
from seclab.evidence.keys import revoke
from seclab.evidence.ledger import following
from seclab.evidence.signing import sign
from seclab.measurement import CheckStatus, Subject
from seclab.quarantine import SUSPECTED_FILE, State
from seclab.row_decisions import Meant
from seclab.shelf.records import LEDGER_EXPERIMENT
from seclab.shelf.row_decisions import quarantined_datasets, read_quarantine
from tests.laboratory import NOW, Lab, edited, keys_in, lab_in, parts_at
from tests.runs import report
from tests.unit.quarantine.conftest import digests, dots, found
from tests.unit.tracking.conftest import Recorder

DATASET = dots()
ROW = digests(DATASET)
SUBJECT = Subject("dataset", "bars", str(DATASET.fingerprint().ordered))


def refused(lab, folders, *indexes, minute=0):
    """A sealed refusal that puts rows into quarantine."""
    finding = replace(found(DATASET, *indexes).finding, dataset="bars")

    def folder(name):
        made = folders(name)
        (made / SUSPECTED_FILE).parent.mkdir()
        (made / SUSPECTED_FILE).write_text(finding.text(), encoding="utf-8")
        return made

    return Recorder(lab.store, folder).run(
        subject=SUBJECT,
        minute=minute,
        outcomes=(),
        reports=(report(CheckStatus.FAILED),),
        key=lab.key(),
    )


@pytest.fixture(scope="session")
def quarantine_base(tmp_path_factory, empty_database):
    """The folder of a store with one refusal of three rows, and its run."""
    folder = tmp_path_factory.mktemp("quarantine") / "base"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    keys_in(folder)
    parts = parts_at(folder)
    lab = Lab(parts, tracking.open_store(parts.settings), {})
    return folder, {"refused": refused(lab, tmp_path_factory.mktemp, 1, 2, 4).run_id}


@pytest.fixture
def lab(quarantine_base, tmp_path):
    """A copy of it."""
    return lab_in(tmp_path / "store", *quarantine_base)


def decide(lab, choice, *rows, minute=0, role=None, by="data owners", reason="looked at it", **how):
    row_decisions.decide(
        lab.parts,
        lab.store,
        "bars",
        choice,
        meant=Meant(rows, **how),
        by=by,
        reason=reason,
        at=NOW + timedelta(minutes=minute),
        role=role,
    )


def read(lab, *, signatures=False):
    lab = lab.reread()
    return read_quarantine(lab.shelf, "bars", keyring=lab.parts.keyring, signatures=signatures).rows


def states(lab, **how):
    return {held.index: str(held.state) for held in read(lab, **how).values()}


def decision_files(lab):
    return sorted((lab.files("refused") / "row-decisions").glob("*.json"))


def test_a_sealed_refusal_puts_its_rows_into_quarantine_in_one_entry(lab):
    assert states(lab) == {1: "suspected", 2: "suspected", 4: "suspected"}
    assert set(read(lab)) == {ROW[1], ROW[2], ROW[4]}
    assert [held.runs for held in read(lab).values()] == [(lab.runs["refused"],)] * 3
    [entry] = lab.ledger()
    assert entry.kind == "bundle"
    assert quarantined_datasets(lab.ledger()) == ["bars"]
    assert lab.findings() == []


def test_a_decision_is_one_entry_however_many_rows_it_is_about_and_the_last_one_holds(lab):
    decide(lab, "confirm", everything=True, reason="a trigger")
    decide(lab, "release", "2", ROW[4][:10], minute=1, reason="no trigger")

    assert states(lab) == {1: "confirmed", 2: "released", 4: "released"}
    assert [entry.kind for entry in lab.ledger()] == ["bundle", "quarantine", "quarantine"]
    assert [d.reason for d in read(lab)[ROW[2]].decisions] == ["a trigger", "no trigger"]
    assert lab.ledger()[-1].about == {
        "choice": "release",
        "rows": 2,
        "by": "data owners",
        "signed_by": "",
    }
    assert lab.findings() == []


def test_through_mlflow_the_quarantine_is_the_same(lab):
    decide(lab, "release", "1", role="security")
    shelf = tracking.StoreShelf(lab.store)

    through = read_quarantine(shelf, "bars", keyring=lab.parts.keyring, signatures=True)

    assert through.rows == read(lab, signatures=True)
    assert through.rows[ROW[1]].state is State.RELEASED


def test_where_signatures_are_asked_for_an_unsigned_decision_is_refused_and_does_not_count(lab):
    decide(lab, "release", "1")
    decide(lab, "release", "2", minute=1, role="security")

    assert states(lab, signatures=True) == {1: "suspected", 2: "released", 4: "suspected"}
    with pytest.raises(Misconfigured, match="bars is in tier moderate, where only signed"):
        decide(lab.under("moderate"), "confirm", "4", minute=2)


def test_a_decision_of_a_revoked_key_does_not_count_and_is_found(lab):
    decide(lab, "confirm", "1")
    decide(lab, "release", "1", minute=1, role="legal")
    folder = lab.parts.settings.public_keys
    revoke(lab.key("legal").keyid, public_folder=folder, at=NOW, reason="stolen")

    assert states(lab)[1] == "suspected"
    [finding] = lab.reread().findings()
    assert "the decision of ledger entry 3: " in finding
    assert "revoked" in finding


def test_a_decision_signed_with_the_pipelines_own_key_does_not_count(lab):
    record = _record(lab, "release", ROW[1])
    tracking.keep_row_decision(lab.store, record, sign(record, lab.key("pipeline")))

    assert states(lab)[1] == "suspected"
    assert any("key of the pipeline" in what for what in lab.findings())


def test_nothing_is_kept_of_a_decision_that_is_refused(lab):
    decide(lab, "confirm", "1")
    before = lab.ledger()

    for how in ({"rows": ["1"]}, {"rows": ["77"]}, {"rows": ["2"], "reason": " "}):
        with pytest.raises(Misconfigured):
            decide(lab, "confirm", *how.pop("rows"), minute=1, **how)
    shutil.rmtree(lab.parts.settings.keys)
    with pytest.raises(Misconfigured, match="no usable key of the role legal here"):
        decide(lab, "confirm", "2", minute=1, role="legal")

    assert lab.ledger() == before
    assert len(decision_files(lab)) == 1


def _record(lab, choice, *rows, minute=0):
    ledger = lab.ledger()
    return statements.row_decision(
        choice,
        dataset="bars",
        rows=rows,
        by="somebody",
        reason="thinks so",
        run=lab.runs["refused"],
        at=NOW + timedelta(minutes=minute),
        ledger=ledger[-1].digest_of_entry,
    )


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(lab):
    second = _record(lab, "release", ROW[1], minute=1)
    decide(lab, "confirm", "1")

    with pytest.raises(Misconfigured, match="ledger entry 2, by data owners, decided about rows"):
        tracking.keep_row_decision(lab.store, second, None)

    assert states(lab)[1] == "confirmed"
    assert lab.findings() == []  # what is left of the second is no sign of tampering


def test_what_a_killed_process_leaves_decides_nothing_and_can_be_done_again(lab, monkeypatch):
    def killed(*_arguments, **_keywords):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_param", killed)
        with pytest.raises(KeyboardInterrupt):
            decide(lab, "release", "1")

    assert len(decision_files(lab)) == 1
    assert states(lab)[1] == "suspected"
    assert lab.findings() == []
    decide(lab, "release", "1", minute=1)
    assert states(lab)[1] == "released"
    assert lab.findings() == []


def test_a_repeated_attempt_enters_a_decision_once(lab):
    record = _record(lab, "release", ROW[1])

    entries = [tracking.keep_row_decision(lab.store, record, None) for _ in range(2)]

    assert entries[0] == entries[1]
    assert len(lab.ledger()) == 2


def test_a_refusal_whose_process_died_before_it_was_closed_puts_nothing_into_quarantine(lab):
    [sealed] = lab.ledger()
    tracking.append(
        lab.store,
        lambda entries: following(
            entries,
            at=NOW.isoformat(),
            kind="void",
            subject=sealed.subject,
            run=sealed.run,
            digest=sealed.digest,
            about={"reason": "its process died before the run was closed"},
        ),
    )

    assert states(lab) == {}
    assert quarantined_datasets(lab.ledger()) == []


def _another_row(lab):
    edited(
        lab.files("refused") / SUSPECTED_FILE,
        lambda document: document["rows"].pop(),
    )


def _no_rows(lab):
    (lab.files("refused") / SUSPECTED_FILE).unlink()


def _no_decision(lab):
    for path in decision_files(lab):
        path.unlink()


def _another_choice(lab):
    for path in decision_files(lab):
        edited(path, lambda kept: kept["record"]["predicate"].update(choice="release"))


def _no_signature(lab):
    for path in decision_files(lab):
        edited(path, lambda kept: kept.update(envelope=None))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_another_row, "the rows that run .* set aside .*: expected sha256:bytes:"),
        (_no_rows, "the rows that run .* cannot be read"),
        (_no_decision, "the decision of ledger entry 2 is missing or damaged"),
        (_another_choice, "the decision of ledger entry 2: expected sha256:rfc8785:"),
        (_no_signature, "expected it signed by [0-9a-f]{64}, found nobody"),
    ],
)
def test_what_was_changed_is_found_by_the_audit_and_stops_whoever_asks(lab, change, said):
    decide(lab, "confirm", everything=True, role="security")
    assert lab.findings() == []

    change(lab)

    with pytest.raises(EvidenceMismatch, match=said):
        read(lab)
    assert lab.findings() != []


def test_a_deleted_refusal_is_no_empty_quarantine(lab):
    lab.store.client.delete_run(lab.runs["refused"])

    with pytest.raises(EvidenceMismatch, match="the run is not in the store any more; restore it"):
        read(lab)


def test_an_old_decision_that_is_entered_once_more_is_found(lab):
    decide(lab, "release", "1", role="security")
    decide(lab, "confirm", "1", minute=1, role="security")
    old = lab.ledger()[1]
    again = json.loads(lab.sql_one("SELECT value FROM params WHERE key = 'entry.00000003'")) | {
        "sequence": 4,
        "previous": lab.ledger()[-1].digest_of_entry,
    }
    again |= {"at": old.at, "digest": old.digest, "about": dict(old.about)}
    lab.sql(
        "INSERT INTO params (key, value, run_uuid) SELECT 'entry.00000004', ?, run_uuid FROM runs "
        "JOIN experiments USING (experiment_id) WHERE experiments.name = ?",
        rfc8785.dumps(again).decode(),
        LEDGER_EXPERIMENT,
    )

    with pytest.raises(EvidenceMismatch, match="decided about rows of bars in between"):
        read(lab)
    assert any("in between" in what for what in lab.findings())


def test_a_decision_that_was_taken_out_of_the_ledger_is_found(lab, tmp_path_factory):
    decide(lab, "confirm", "1")
    refused(lab, tmp_path_factory.mktemp, 5, minute=5)
    lab.sql("DELETE FROM params WHERE key = 'entry.00000002'")

    with pytest.raises(EvidenceMismatch, match="what is set aside of bars: ledger entry 2"):
        read(lab)


def test_a_file_put_beside_the_decisions_is_found(lab):
    decide(lab, "confirm", "1")
    [path] = decision_files(lab)
    shutil.copy(path, path.with_name("record-0000000000000000.json"))

    [finding] = lab.findings()

    assert "expected a decision about rows of this run, found another" in finding


def test_a_second_refusal_adds_to_the_first_and_its_rows_can_be_named_by_its_run(
    lab, tmp_path_factory
):
    decide(lab, "release", "1")
    run = refused(lab, tmp_path_factory.mktemp, 2, 5, minute=5)

    decide(lab, "confirm", minute=2, run=run.run_id[:8])

    assert states(lab) == {1: "released", 2: "confirmed", 4: "suspected", 5: "confirmed"}
    assert read(lab)[ROW[2]].copies == 2
    assert lab.findings() == []
