"""A promotion that is killed between any two of its writes, and two promotions at once."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from mlflow.tracking._tracking_service import utils

from seclab import models, promotion, tracking
from seclab.errors import EvidenceMismatch, NotEvaluated, PromotionRefused, UntrustedModel
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import ledger_differences
from seclab.project import Project
from seclab.shelf.moves import open_intent
from seclab.shelf.records import CHAMPION, PREVIOUS
from tests.conftest import ROOT
from tests.runs import REGISTERS
from tests.unit.tracking.conftest import Recorder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# Promotes in a copy of the store for every write there is, and dies right before that write.
DYING = """
import os, sys
from dataclasses import replace
from pathlib import Path
from mlflow import MlflowClient
from tests.unit.tracking.test_journal import copied, parts_of, NOW
from seclab import promotion, tracking

base, run_id = Path(sys.argv[1]), sys.argv[2]
WRITES = ("log_param", "log_model_artifact", "set_registered_model_alias", "set_model_version_tag")

def dying_at(number):
    left = iter(range(number))
    for name in WRITES:
        def dying(*arguments, _write=getattr(MlflowClient, name), **keywords):
            if next(left, None) is None:
                os._exit(9)
            return _write(*arguments, **keywords)
        setattr(MlflowClient, name, dying)

for number in range(100):
    folder = base.parent / f"killed-{number}"
    copied(base, folder)
    child = os.fork()
    if not child:
        dying_at(number)
        parts = parts_of(folder)
        store = tracking.open_store(parts.settings)
        promotion.promote(parts, store, tracking.find_run(store, run_id), at=NOW, key=None)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(number)
"""


def parts_of(folder):
    """The project of a store, with the registers of the runs in miniature, and no keys."""
    from seclab.settings import Settings  # noqa: PLC0415 - also the killed process needs it

    settings = Settings(
        root=folder,
        evaluation_flow="",
        promotion_flow="",
        flow_server="",
        registers=folder,
        expectations=folder,
        store=folder,
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
        registered_model="digits",
        dataset="digits",
        keys=folder.parent / "keys",
    )
    return Project(settings, REGISTERS, {}, {}, Keyring({}), {})


def copied(source, target):
    """A copy of a store, with its addresses changed to where it is now."""
    shutil.copytree(source, target)
    # MLflow remembers where the files of a run are by its ID, which the copy has as well.
    utils._artifact_repos_cache.clear()
    columns = [("runs", "artifact_uri"), ("logged_models", "artifact_location")]
    columns += [("experiments", "artifact_location"), ("model_versions", "storage_location")]
    with sqlite3.connect(target / "mlflow.db") as database:
        for table, column in columns:
            database.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)",  # noqa: S608 - ours
                (str(source), str(target)),
            )


@pytest.fixture(scope="module")
def base(tmp_path_factory, trained, splits, empty_database):
    """A store with two versions, the first of them promoted; the run of the second."""
    folder = tmp_path_factory.mktemp("journal") / "base"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    parts = parts_of(folder)
    recorder = Recorder(tracking.open_store(parts.settings), tmp_path_factory.mktemp)
    softmax = trained("softmax-regression")
    first = recorder.run(softmax)
    second = recorder.run(models.train(softmax.spec, splits.train, seed=1), minute=1)
    promotion.promote(parts, recorder.store, first, at=NOW - timedelta(hours=1), key=None)
    return folder, first, second


@pytest.fixture
def lab(base, tmp_path):
    """A copy of that store for one test: its parts, its store, and the two runs."""
    folder, first, second = base
    copied(folder, tmp_path / "store")
    parts = parts_of(tmp_path / "store")
    return parts, tracking.open_store(parts.settings), first, second


def _number(store, alias):
    version = tracking.aliased(store, "digits", alias)
    return version and version.number


def test_killed_before_any_of_its_writes_it_is_done_or_not_begun_afterwards(base):
    folder, first, second = base
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(folder), second.run_id],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    writes = int(done.stdout)
    assert writes >= 8
    outcomes = []
    for number in range(writes + 1):
        parts = parts_of(folder.parent / f"killed-{number}")
        store = tracking.open_store(parts.settings)

        intent = tracking.reconcile(store, "digits", at=NOW)

        entries = tracking.read_ledger(store)
        assert ledger_differences(entries) == []
        assert open_intent(entries, "digits") is None
        newest = [e for e in entries if e.kind == "promotion"][-1]
        served = tracking.load_champion(
            parts.settings, keyring=parts.keyring, require_signature=False
        )
        assert served.champion.number == newest.about["version"] == _number(store, CHAMPION)
        outcomes.append((served.champion.run_id, _number(store, PREVIOUS), bool(intent)))
        assert tracking.reconcile(store, "digits", at=NOW) is None
    begun = [run != first.run_id for run, _, _ in outcomes]
    assert begun == sorted(begun)
    assert {False, True} == set(begun)
    assert {previous for run, previous, _ in outcomes if run == second.run_id} == {"1"}
    assert any(completed for _, _, completed in outcomes)
    assert outcomes[-1] == (second.run_id, "1", False)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(lab, monkeypatch):
    parts, store, first, second = lab
    complete = tracking.promotion._complete
    held, go_on = threading.Event(), threading.Event()

    def slow(*arguments, **keywords):
        held.set()
        assert go_on.wait(60)
        return complete(*arguments, **keywords)

    monkeypatch.setattr("seclab.tracking.promotion._complete", slow)
    winner = threading.Thread(
        target=lambda: promotion.promote(parts, store, second, at=NOW, key=None)
    )
    winner.start()
    assert held.wait(60)
    monkeypatch.setattr("seclab.tracking.promotion._complete", complete)
    try:
        with pytest.raises(PromotionRefused, match=f"under way since .*run {second.run_id}"):
            promotion.promote(parts, store, first, at=NOW, key=None)
    finally:
        go_on.set()
        winner.join(60)

    assert _number(store, CHAMPION) == "2"
    promotion.promote(parts, store, first, at=NOW, key=None)
    assert (_number(store, CHAMPION), _number(store, PREVIOUS)) == ("1", "2")


def test_a_process_that_was_taken_for_dead_does_not_undo_what_came_after(lab, monkeypatch):
    parts, store, first, second = lab
    complete = tracking.promotion._complete
    held, go_on = threading.Event(), threading.Event()

    def stalled(*arguments, **keywords):
        held.set()
        assert go_on.wait(60)
        return complete(*arguments, **keywords)

    monkeypatch.setattr("seclab.tracking.promotion._complete", stalled)
    sleeper = threading.Thread(
        target=lambda: promotion.promote(parts, store, second, at=NOW, key=None)
    )
    sleeper.start()
    assert held.wait(60)
    try:
        monkeypatch.setattr("seclab.tracking.promotion._complete", complete)
        monkeypatch.setattr("seclab.tracking.promotion.this_process", lambda: "elsewhere:1")
        assert tracking.reconcile(store, "digits", at=NOW + timedelta(minutes=14)) is None
        later = NOW + timedelta(minutes=16)
        assert tracking.reconcile(store, "digits", at=later).run == second.run_id
        promotion.promote(parts, store, first, at=later, key=None)
    finally:
        go_on.set()
        sleeper.join(60)

    assert (_number(store, CHAMPION), _number(store, PREVIOUS)) == ("1", "2")
    served = tracking.load_champion(parts.settings, keyring=parts.keyring, require_signature=False)
    assert served.champion.number == "1"


def test_an_intent_whose_record_is_gone_is_given_up(lab, monkeypatch):
    parts, store, _, second = lab

    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("seclab.tracking.promotion._complete", full)
        with pytest.raises(Exception, match="No space left"):
            promotion.promote(parts, store, second, at=NOW, key=None)
    for path in parts.settings.store.rglob("record-*.json"):
        if second.run_id in path.read_text():
            path.unlink()

    assert tracking.reconcile(store, "digits", at=NOW).run == second.run_id

    assert [e.kind for e in tracking.read_ledger(store)][-1] == "promotion-abandoned"
    assert _number(store, CHAMPION) == "1"


def test_an_alias_moved_by_hand_serves_nothing(lab):
    parts, store, _, _ = lab
    store.client.set_registered_model_alias("digits", CHAMPION, "2")

    with pytest.raises(EvidenceMismatch, match=r"points at digits v2, the ledger says v1.*by hand"):
        tracking.load_champion(parts.settings, keyring=parts.keyring, require_signature=False)


def test_a_champion_whose_file_was_exchanged_is_not_loaded(lab):
    parts, _, _, _ = lab
    for path in parts.settings.store.rglob("model.skops"):
        path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(UntrustedModel, match="the file of digits v1: expected sha256:bytes:"):
        tracking.load_champion(parts.settings, keyring=parts.keyring, require_signature=False)


def test_a_champion_whose_record_was_changed_is_not_loaded(lab):
    parts, _, _, _ = lab
    for path in parts.settings.store.rglob("record-*.json"):
        path.write_text(path.read_text().replace('"forced": ""', '"forced": "no"'))

    with pytest.raises(EvidenceMismatch, match=r"the record of digits v1: expected sha256"):
        tracking.load_champion(parts.settings, keyring=parts.keyring, require_signature=False)


def test_an_unsigned_record_is_refused_where_a_signature_is_needed(lab):
    parts, _, _, _ = lab

    with pytest.raises(EvidenceMismatch, match="it is unsigned"):
        tracking.load_champion(parts.settings, keyring=parts.keyring)


def test_without_a_champion_there_is_nothing_to_serve(lab):
    parts, store, _, _ = lab
    store.client.delete_registered_model_alias("digits", CHAMPION)

    with pytest.raises(NotEvaluated, match="digits has no champion"):
        tracking.load_champion(parts.settings, keyring=parts.keyring, require_signature=False)


def test_a_rollback_makes_the_previous_one_champion_again_with_its_reason(lab):
    parts, store, _, second = lab
    promotion.promote(parts, store, second, at=NOW, key=None)

    back = promotion.roll_back(parts, store, reason="it drifts", at=NOW, key=None)

    assert (back.number, _number(store, PREVIOUS)) == ("1", "2")
    served = tracking.load_champion(parts.settings, keyring=parts.keyring, require_signature=False)
    assert (served.record["move"], served.record["reason"]) == ("rollback", "it drifts")
    assert [e.kind for e in tracking.read_ledger(store)][-2:] == ["promotion-intent", "rollback"]


def test_a_previous_version_that_nobody_promoted_is_nothing_to_go_back_to(lab):
    parts, store, _, _ = lab
    store.client.set_registered_model_alias("digits", PREVIOUS, "2")

    with pytest.raises(EvidenceMismatch, match="v2 was never made champion by this tool"):
        promotion.roll_back(parts, store, reason="it drifts", at=NOW, key=None)

    assert _number(store, CHAMPION) == "1"
