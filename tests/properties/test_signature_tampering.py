"""The evidence signed anew with a wrong key, and every field of its signed form changed."""

import copy
import json
import re
import shutil
from datetime import timedelta

from seclab.evidence.keys import create, load_keyring, load_signing_key, revoke
from seclab.evidence.ledger import place_differences
from seclab.evidence.signing import sign
from seclab.evidence.verification import examine
from tests.properties.tampering import resealed, tampered
from tests.runs import STARTED
from tests.sealed import FINISHED, sealed


def own_key(place, role, *, folder="keys"):
    """A key pair of somebody else."""
    folders = {"public_folder": place / folder, "private_folder": place / "own"}
    made = create(role, owner="mallory", at=STARTED - timedelta(days=1), **folders)
    keyring = load_keyring(place / folder)
    key = load_signing_key(role, keyring=keyring, private_folder=place / "own", at=FINISHED)
    assert key.keyid == made.keyid
    return key


def resign(proof, folder, key):
    """Change a number and sign the whole anew."""
    document = copy.deepcopy(proof.bundle.document)
    document["predicate"]["profile"] = "deep"
    (folder / "evidence" / "bundle.json").write_text(resealed(document).text())
    (folder / "evidence" / "bundle.dsse.json").write_text(json.dumps(sign(document, key)))


def test_a_key_that_nobody_knows_signs_nothing(proof, folder, tmp_path):
    resign(proof, folder, own_key(tmp_path, "pipeline"))

    (difference,) = examine(folder, keyring=proof.keyring, expected_digest=None).differences

    assert re.match(r"signature: the key '?[0-9a-f]{64}'? is not among the public keys", difference)


def test_a_key_of_another_role_signs_no_bundle(proof, folder, tmp_path):
    shutil.copytree(proof.keys, tmp_path / "keys")
    resign(proof, folder, own_key(tmp_path, "security"))

    found = examine(folder, keyring=load_keyring(tmp_path / "keys"), expected_digest=None)

    assert "has the role security, needed is pipeline" in found.differences[0]


def test_a_revoked_key_signs_nothing_and_never_did(proof, tmp_path):
    shutil.copytree(proof.keys, tmp_path / "keys")
    signed = examine(proof.folder, keyring=proof.keyring, expected_digest=None).signed
    revoke(signed.keyid, public_folder=tmp_path / "keys", at=FINISHED, reason="it was stolen")

    found = examine(proof.folder, keyring=load_keyring(tmp_path / "keys"), expected_digest=None)

    assert "was revoked on 2026-03-01: it was stolen" in found.differences[0]


def test_a_trusted_key_that_was_stolen_still_meets_the_ledger(proof, folder, tmp_path):
    """The signature is good then; the record of the digest is not."""
    shutil.copytree(proof.keys, tmp_path / "keys")
    key = own_key(tmp_path, "pipeline")
    resign(proof, folder, key)

    found = examine(folder, keyring=load_keyring(tmp_path / "keys"), expected_digest=None)

    assert found.differences == ()
    assert place_differences(proof.ledger, found.bundle) == [
        f"bundle {found.bundle.digest}: the ledger has no entry for it"
    ]


def test_the_signed_form_of_another_run_is_no_signature_of_this_one(proof, folder, tmp_path):
    """Signed by the very same key."""
    (tmp_path / "other").mkdir()
    other = sealed(tmp_path / "other", robust=0.9)
    private = proof.folder.parent / "private"
    key = load_signing_key("pipeline", keyring=proof.keyring, private_folder=private, at=FINISHED)
    (folder / "evidence" / "bundle.dsse.json").write_text(json.dumps(sign(other.document, key)))

    found = examine(folder, keyring=proof.keyring, expected_digest=None)

    assert found.signed.keyid == key.keyid
    assert "is not the canonical form of this document" in found.signed.problem


def test_every_change_of_the_signed_form_is_found(proof, folder):
    path = folder / "evidence" / "bundle.dsse.json"
    envelope = json.loads(path.read_text())

    for how, where, changed in tampered(envelope):
        path.write_text(json.dumps(changed))
        found = examine(folder, keyring=proof.keyring, expected_digest=None)
        assert any(d.startswith("signature: ") for d in found.differences), (how, where)
