"""What is kept with the versions of a model, changed in one place at a time: the audit names it.

In the store the first version is a former champion, and the second, refused once, is the champion.
"""

# ruff: noqa: E501 - a table is read by the line

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from seclab import project, promotion, tracking
from seclab.audit import audit
from seclab.errors import SeclabError, StoreUnavailable
from seclab.evidence.signing import sign
from seclab.fingerprint import of_bytes, of_json
from seclab.shelf.decisions import record_name
from seclab.shelf.records import MODEL_FILE
from seclab.tracking import StoreShelf
from tests.laboratory import (
    CHAMPION,
    NOW,
    changed_entry,
    edited,
    entries,
    keys_in,
    parts_at,
    relinked,
    version_tag,
)

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def moved(lab):
    """A lab whose second version has been promoted since, with a note of what was decided."""
    lab.promote("second")
    run = lab.run("second")
    version = lab.store.client.get_model_version("digits", "2")
    known = tracking.Version("digits", "2", version.source.removeprefix("models:/"))
    tracking.note_decision(lab.store, known, run)
    return lab


def files(lab, number):
    """The folder of the files that are kept with a version."""
    version = lab.store.client.get_model_version("digits", number)
    logged = lab.store.client.get_logged_model(version.source.removeprefix("models:/"))
    return Path(unquote(urlsplit(logged.artifact_location).path))


def model_file(number, change):
    """Change the model file of a version; None removes it."""

    def spoil(lab):
        path = files(lab, number) / MODEL_FILE
        if change is None:
            path.unlink()
        else:
            path.write_bytes(change(path.read_bytes()))
        return 1

    return spoil


def exchanged_with_its_tag(lab):
    model_file("1", lambda _: b"another model")(lab)
    return version_tag("model.digest", str(of_bytes(b"another model")))(lab)


def record_path(lab, kind, number):
    entry = next(e for e in lab.ledger() if (e.kind, e.about.get("version")) == (kind, number))
    return files(lab, number) / "decisions" / record_name(entry.digest)


def record(kind, number, change):
    """Change the record of an entry as JSON; None removes it, bytes replace it."""

    def spoil(lab):
        path = record_path(lab, kind, number)
        if change is None:
            path.unlink()
        elif isinstance(change, bytes):
            path.write_bytes(change)
        else:
            edited(path, change)
        return 1

    return spoil


def swapped_records(lab):
    refusal, move = (record_path(lab, kind, "2") for kind in ("promotion-refused", "promotion"))
    kept = refusal.read_bytes(), move.read_bytes()
    move.write_bytes(kept[0])
    refusal.write_bytes(kept[1])
    return 1


def signed_by_a_stranger(lab):
    """The refusal, in other words, with a good signature of a key that nobody trusts."""
    place = lab.folder.parent / "stranger"
    place.mkdir()
    keys_in(place, roles=("pipeline",))
    key = project.signing_key(parts_at(place), "pipeline", at=NOW)
    return record("promotion-refused", "2", lambda d: d.update(envelope=sign(d["record"], key)))(
        lab
    )


def signed_by_another_role(lab):
    key = lab.key("legal")
    return record("promotion-refused", "2", lambda d: d.update(envelope=sign(d["record"], key)))(
        lab
    )


def record_under_another_name(lab):
    path = record_path(lab, "promotion", "1")
    return shutil.copy(path, path.with_name("record-0123456789abcdef.json"))


def record_of_another_version(lab):
    path = record_path(lab, "promotion", "2")
    return shutil.copy(path, files(lab, "1") / "decisions" / path.name)


def made_up_record(lab, **says):
    """A record that the ledger does not name, signed by the pipeline all the same."""
    kept = json.loads(record_path(lab, "promotion", "1").read_bytes())
    kept["record"]["predicate"].update(says)
    kept["envelope"] = sign(kept["record"], lab.key())
    name = record_name(str(of_json(kept["record"])))
    return (files(lab, "1") / "decisions" / name).write_text(json.dumps(kept))


def refusal_taken_from_the_end(lab):
    """Also what followed it: bundle of a trial, and the promotion that came after."""
    lab.store.client.delete_run(lab.runs["trial"])
    lab.store.client.set_registered_model_alias("digits", CHAMPION, "1")
    return entries(lambda e: e[:6])(lab)


def of_another_run(lab):
    """The ledger says of the refusal that it was about another run."""
    other = lab.runs["first"]
    return entries(lambda e: relinked([*e[:6], changed_entry(e[6], run=other), *e[7:]]))(lab)


def noted_verdict(lab):
    (path,) = files(lab, "2").rglob("decision-*.json")
    edited(path, lambda d: d["criteria"][0].update(verdict="BLOCK"))
    return 1


def other_file(lab):
    return (files(lab, "2") / "decisions" / "approved.txt").write_text("fine")


def deleted_version(lab):
    lab.store.client.delete_model_version("digits", "2")
    return 1


def deleted_model(lab):
    version = lab.store.client.get_model_version("digits", "2")
    lab.store.client.delete_logged_model(version.source.removeprefix("models:/"))
    return 1


def no_tag(lab):
    return lab.sql("DELETE FROM model_version_tags WHERE key = 'model.digest' AND version = 2")


REFUSAL = ("promotion-refused", "2")
FORMER = ("promotion", "1")
TAMPERED = {
    # Model files, and the tag of their digest.
    "model file": (model_file("2", lambda b: b + b"\0"),
                   r"digits v2: model\.skops: expected sha256:bytes:\w+, found sha256:bytes:\w+$"),
    "model file of a former champion": (model_file("1", lambda b: b[:-1]), r"digits v1: model\.skops: expected"),
    "model file removed": (model_file("2", None), r"digits v2: model\.skops: expected sha256:bytes:\w+, found no file$"),
    "all files removed": (lambda lab: shutil.rmtree(files(lab, "2")) or 1, r"digits v2: .*(found no file|No such)"),
    "model file exchanged with its tag": (
        exchanged_with_its_tag,
        r"digits v1: tag model\.digest: expected sha256:bytes:\w+ by the evidence of run \w{32}, found sha256:bytes"),
    "digest tag": (version_tag("model.digest", "sha256:bytes:" + "0" * 64),
                   r"digits v1: tag model\.digest: expected sha256:bytes:\w+ by the evidence of run \w{32}, found"),
    "digest tag removed": (no_tag, r"digits v2: tag model\.digest: expected sha256:bytes:\w+ by .*, found none"),
    # Versions.
    "version deleted": (deleted_version, "digits v2: expected in the registry by ledger entry 7, found no version"),
    "what it is kept with deleted": (deleted_model, r"digits v2: expected the logged model m-\w+, found none"),
    # Records that the ledger names.
    "refusal": (record(*REFUSAL, lambda d: d["record"]["predicate"].update(reason="none")),
                r"digits v2: the record of ledger entry 7: expected sha256:rfc8785:\w+, found sha256:rfc8785"),
    "refusal removed": (record(*REFUSAL, None), "the record of ledger entry 7 is missing or damaged: No such file"),
    "refusal no JSON": (record(*REFUSAL, b"{"), "the record of ledger entry 7 is missing or damaged: Expecting"),
    "refusal no object": (record(*REFUSAL, b"[1]"), "it must have exactly the fields envelope, record"),
    "refusal nested deeply": (record(*REFUSAL, b"[" * 100_000), "the record of ledger entry 7 is missing or damaged"),
    "refusal with a further field": (record(*REFUSAL, lambda d: d.update(note="fine")),
                                     "it must have exactly the fields envelope, record"),
    "refusal with a key twice": (record(*REFUSAL, b'{"record": 1, "record": 2, "envelope": null}'), "stands twice"),
    "refusal without its texts": (record(*REFUSAL, lambda d: d["record"]["predicate"].update(name=5)),
                                  "it has no text for name"),
    "refusal swapped with the promotion": (
        swapped_records,
        "the record of ledger entry 7 is that of a promotion, expected that of a promotion-refused"),
    "refusal signed by a stranger": (signed_by_a_stranger, "digits v2: the record of ledger entry 7: the key .* is not among"),
    "refusal signed by another role": (signed_by_another_role, "entry 7: the key .* has the role legal, needed is pipeline"),
    "no signature of a refusal": (record(*REFUSAL, lambda d: d.update(envelope=None)),
                                  "expected it signed by"),
    "no signature of a former champion": (record(*FORMER, lambda d: d.update(envelope=None)),
                                          "expected it signed by"),
    "signature of a refusal": (record(*REFUSAL, lambda d: d["envelope"]["signatures"][0].update(sig="AA==")),
                               "digits v2: the record of ledger entry 7: the signature is not one of the key"),
    "refusal of another run": (of_another_run, r"the record of ledger entry 7 is about run \w{32}, expected \w{32}"),
    "record of a former champion": (record(*FORMER, lambda d: d["record"]["predicate"].update(forced="no")),
                                    "digits v1: the record of ledger entry 2: expected sha256:rfc8785"),
    "signature of a forced record": (
        record(*FORMER, lambda d: d.update(envelope=None) or d["record"]["predicate"].update(forced="no")),
        "digits v1: the record of ledger entry 2: expected a signature, as it was forced, found none"),
    "record of another name": (record(*FORMER, lambda d: d["record"]["predicate"].update(version="9")),
                               "digits v1: the record of ledger entry 2 is about digits v9"),
    "record of another model": (record(*FORMER, lambda d: d["record"]["predicate"].update(model="sha256:bytes:0")),
                                "the record of ledger entry 2 is about a model of digest sha256:bytes:0, that of"),
    # What no entry names.
    "record under another name": (record_under_another_name, "expected the record that it is named after, found sha256"),
    "record of another version": (record_of_another_version, r"digits v1: decisions/record-\w{16}\.json is about digits v2"),
    "record of another ledger": (lambda lab: made_up_record(lab, ledger="sha256:rfc8785:0"),
                                 r"decisions/record-\w+\.json: it was decided upon ledger entry sha256:rfc8785:0, which is"),
    "record of no kind": (lambda lab: (files(lab, "1") / "decisions" / "record-1.json").write_text("{}"),
                          r"decisions/record-1\.json is missing or damaged"),
    "another file": (other_file, r"decisions/approved\.txt: expected decisions alone, found another file"),
    "decision of a run": (noted_verdict, r"decisions/decision-\w{32}\.json: expected the decision of that run, found sha256"),
    "refusal taken from the ledger": (refusal_taken_from_the_end,
                                      r"digits v2: tag promotion\.refused: expected a ledger entry about \w{32}, found none"),
    "promotion taken from the ledger": (refusal_taken_from_the_end, r"digits v2: tag promotion\.record: expected a ledger"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_whatever_is_changed_of_a_version_is_named_by_the_audit(moved, name):
    change, expected = TAMPERED[name]
    assert change(moved), "nothing was changed"

    found = moved.findings()

    assert [what for what in found if re.search(expected, what)], "\n".join(found) or "whole"


def _found(shelf, lab):
    findings = audit(shelf, keyring=lab.parts.keyring, registered_model="digits")
    return [f"{found.what}: {what}" for found in findings for what in found.differences]


@pytest.mark.parametrize(
    "name", ["model file", "model file removed", "version deleted", "what it is kept with deleted",
             "refusal", "refusal removed", "another file"]
)  # fmt: skip
def test_it_is_the_same_through_mlflow(moved, name):
    change, expected = TAMPERED[name]
    assert change(moved)

    found = _found(StoreShelf(moved.store), moved)

    assert found == moved.findings()
    assert [what for what in found if re.search(expected, what)]


def test_versions_that_were_moved_refused_and_gone_back_to_are_whole(moved):
    promotion.roll_back(moved.parts, moved.store, reason="it drifts", at=LATER, key=moved.key())
    moved.promote("first", at=LATER, key=None)
    with pytest.raises(SeclabError):
        moved.promote("blocked", at=LATER)

    assert moved.findings() == []
    assert _found(StoreShelf(moved.store), moved) == []
    whats = [
        found.what
        for found in audit(moved.shelf, keyring=moved.parts.keyring, registered_model="digits")
    ]
    assert whats[-4:-2] == ["digits v1", "digits v2"]


def test_a_promotion_that_ended_before_it_was_entered_leaves_nothing_to_complain_of(
    lab, monkeypatch
):
    def gone(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("seclab.tracking.promotion.append", gone)
        with pytest.raises(StoreUnavailable, match="free some space"):
            lab.promote("second", at=LATER)
    (folder,) = {path.parent for path in files(lab, "2").rglob("record-*.json")}
    (folder / ".artifact.uploading.x1").write_bytes(b"{")

    assert len(list(folder.glob("record-*"))) == 2
    assert len(lab.ledger()) == 8
    assert lab.findings() == []


def test_a_promotion_that_was_given_up_because_its_record_is_gone_is_told_by_the_ledger(
    lab, monkeypatch
):
    def gone(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("seclab.tracking.promotion._complete", gone)
        with pytest.raises(StoreUnavailable):
            lab.promote("second", at=LATER)
    record("promotion-intent", "2", None)(lab)
    assert any("the record of ledger entry 9 is missing" in what for what in lab.findings())

    tracking.reconcile(lab.store, "digits", at=LATER)

    assert lab.ledger()[-1].kind == "promotion-abandoned"
    assert lab.findings() == []


def test_a_version_that_was_only_evaluated_may_be_deleted(lab):
    lab.store.client.create_model_version("digits", "/elsewhere")
    assert [
        what for what in lab.findings() if "digits v3: expected the logged model /elsewhere" in what
    ]
    lab.store.client.delete_model_version("digits", "3")

    assert lab.findings() == []


def test_copies_of_what_is_kept_are_removed(lab):
    shelf = StoreShelf(lab.store)

    for version in shelf.versions("digits"):
        with shelf.kept(version) as folder:
            assert (folder / MODEL_FILE).read_bytes() == (
                files(lab, version.number) / MODEL_FILE
            ).read_bytes()
            assert folder != files(lab, version.number)
        assert not folder.exists()


def _names(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def test_versions_are_listed_the_same_however_they_are_read(moved):
    found = moved.shelf.versions("digits")

    server = StoreShelf(moved.store)
    assert found == server.versions("digits")
    assert moved.shelf.registered() == server.registered() == ["digits"]
    first = moved.runs["first"]
    assert _names(moved.shelf.files(first)) == _names(server.files(first))
    assert [version.number for version in found] == ["1", "2"]
    assert moved.shelf.versions("nothing") == StoreShelf(moved.store).versions("nothing") == []
