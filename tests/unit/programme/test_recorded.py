"""Recorded figures are read as they were entered, or it is told what was changed."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seclab.errors import EvidenceMismatch
from seclab.evidence.keys import Keyring, create, load_keyring, load_signing_key
from seclab.evidence.ledger import following
from seclab.evidence.signing import sign, signer_of
from seclab.fingerprint import of_bytes, of_json
from seclab.programme import (
    Facts,
    compute,
    document_of,
    last_recorded,
    recorded_differences,
)
from seclab.shelf.decisions import record_name
from tests.programmes import modelled

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
FACTS = Facts(
    names=frozenset({"mlp"}),
    models={"service": modelled("service", threats={"T1": "R-EVA-01"})},
    risks={"R-EVA-01": "fresh"},
    versions=(),
    history=(),
    waivers=(),
)


@dataclass(frozen=True)
class Records:
    """A folder with recorded figures, the ledger that names them, and the trusted keys."""

    folder: Path
    entries: list
    keyring: Keyring

    def files(self, run_id):
        return self.folder / run_id

    def path(self, number=-1):
        entry = self.entries[number]
        return self.files(entry.run) / record_name(entry.digest)

    def differences(self, entries=None, entry=None):
        entries = self.entries if entries is None else entries
        entry = entry or entries[-1]
        return list(recorded_differences(self, entries, entry, keyring=self.keyring))


@pytest.fixture
def records(tmp_path):
    """Figures of two weeks, signed by the pipeline."""
    public, private = tmp_path / "keys", tmp_path / "private"
    create(
        "pipeline",
        owner="platform",
        public_folder=public,
        private_folder=private,
        at=AT - timedelta(days=1),
    )
    keyring = load_keyring(public)
    key = load_signing_key("pipeline", keyring=keyring, private_folder=private, at=AT)
    entries, before = [], None
    for week in range(2):
        at = AT + timedelta(days=7 * week)
        before = compute(FACTS, before=before, at=at)
        newest = entries[-1].digest_of_entry if entries else ""
        record = document_of(before, registers={"risks.csv": of_bytes(b"r")}, ledger=newest)
        digest, envelope = str(of_json(record)), sign(record, key)
        folder = tmp_path / f"run-{week}"
        folder.mkdir()
        kept = {"record": record, "envelope": envelope}
        (folder / record_name(digest)).write_text(json.dumps(kept))
        entry = following(
            entries,
            at=at.isoformat(),
            kind="programme",
            subject="programme",
            run=folder.name,
            digest=digest,
            about={"signed_by": signer_of(envelope)},
        )
        entries = [*entries, entry]
    return Records(tmp_path, entries, keyring)


def edit(path, change):
    kept = json.loads(path.read_bytes())
    change(kept)
    path.write_text(json.dumps(kept))


def test_the_last_figures_are_read_and_know_since_when_a_threat_is_on_record(records):
    found = last_recorded(records, records.entries)

    assert found.entry == records.entries[-1]
    assert found.figures.at == AT + timedelta(days=7)
    assert found.figures.threats["service/T1"].since == AT
    assert last_recorded(records, []) is None


def test_what_is_as_it_was_entered_has_no_differences(records):
    assert records.differences() == records.differences(entry=records.entries[0]) == []


def test_figures_that_were_changed_are_no_figures(records):
    edit(records.path(), lambda kept: kept["record"]["predicate"]["figures"].update(open=[1]))

    with pytest.raises(EvidenceMismatch, match="ledger entry 2: expected sha256:rfc8785"):
        last_recorded(records, records.entries)
    [said] = records.differences()
    assert said.startswith("the programme figures of ledger entry 2: expected sha256:rfc8785:")


def test_figures_that_are_gone_are_told(records):
    records.path().unlink()

    [said] = records.differences()
    assert "is missing or damaged" in said


def test_a_signature_that_was_taken_away_is_told(records):
    edit(records.path(), lambda kept: kept.update(envelope=None))

    [said] = records.differences()
    assert said.endswith("found nobody")


def test_a_signature_of_other_figures_is_told(records):
    other = json.loads(records.path(0).read_bytes())["envelope"]
    edit(records.path(), lambda kept: kept.update(envelope=other))

    assert "not the canonical form of this document" in "; ".join(records.differences())


def test_figures_that_were_entered_again_elsewhere_are_told(records):
    second = records.entries[1]
    alone = following(
        [],
        at=(AT + timedelta(days=8)).isoformat(),
        kind="programme",
        subject="programme",
        run=second.run,
        digest=second.digest,
        about=second.about,
    )

    said = records.differences([alone])
    assert any("expected figures of" in each for each in said)
    assert any("which is not there" in each for each in said)
