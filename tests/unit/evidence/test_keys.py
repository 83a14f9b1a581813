"""What a key is, whether it may have signed, and how it is replaced and withdrawn."""

import json
import os
from datetime import timedelta, timezone

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib.signer import SSlibKey

from seclab.evidence.keyring import keyid_of
from seclab.evidence.keys import ROLES, Keyring
from tests.unit.evidence.key_folders import DAY, MOMENT, NOW, PUBLIC, mode, problems

# What a key is


def test_the_id_is_the_one_that_the_signing_library_derives():
    theirs = SSlibKey.from_crypto(ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLIC)))

    assert keyid_of(PUBLIC) == theirs.keyid


def test_a_new_key_is_read_back_as_it_was_made(folders):
    key = folders.make("security", owner="security-team", days=30)

    assert folders.ring().keys == {key.keyid: key}
    assert (key.role, key.owner, key.revoked) == ("security", "security-team", None)
    assert (key.valid_from, key.valid_until) == (NOW, NOW + 30 * DAY)
    assert key.keyid == keyid_of(key.public)


def test_the_private_half_is_for_its_owner_alone(folders):
    before = os.umask(0)
    try:
        key = folders.make()
    finally:
        os.umask(before)

    assert mode(folders.private) == 0o700
    assert mode(folders.private_file(key)) == 0o600
    assert mode(folders.public_file(key)) == 0o644


def test_the_halves_belong_together_and_only_one_is_secret(folders):
    key = folders.make()
    pem = folders.private_file(key).read_bytes()

    private = serialization.load_pem_private_key(pem, None)

    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert private.public_key().public_bytes_raw().hex() == key.public
    assert private.private_bytes_raw().hex() not in folders.public_file(key).read_text()


def test_every_key_is_another(folders):
    assert len({folders.make().public for _ in range(5)}) == len(folders.ring().keys) == 5


def test_times_are_kept_in_utc(folders):
    key = folders.make(at=NOW.astimezone(timezone(timedelta(hours=5))))

    assert json.loads(folders.public_file(key).read_text())["valid_from"] == NOW.isoformat()


@pytest.mark.parametrize(
    ("wishes", "complaint"),
    [
        ({"role": "boss"}, "role must be one of pipeline, security, ml-engineering, legal"),
        ({"owner": " "}, "owner must be a text"),
        ({"owner": "a\x1b[2Jb"}, "owner must be one line"),
        ({"owner": "two\nlines"}, "owner must be one line"),
        ({"owner": "x" * 201}, "owner must be one line"),
        ({"days": 0}, "a key is valid for 1 to 3650 days, not 0"),
        ({"days": 10**10}, "a key is valid for 1 to 3650 days"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_before_anything_is_written(
    folders, wishes, complaint
):
    (problem,) = problems(folders.make, **wishes)

    assert complaint in problem
    assert folders.files() == []


def test_all_that_is_wrong_with_a_wish_is_told_at_once(folders):
    assert len(problems(folders.make, "boss", owner="", days=0)) == 3


# Whether a key may have signed


@pytest.mark.parametrize(
    ("at", "complaint"),
    [
        (NOW - MOMENT, "is not valid before 2026-03-01T12:00:00+00:00"),
        (NOW, ""),
        (NOW + 365 * DAY - MOMENT, ""),
        (NOW + 365 * DAY, "expired at 2027-03-01T12:00:00+00:00"),
        (NOW.replace(tzinfo=None), "has no time zone"),
    ],
)
def test_a_key_counts_within_its_period_and_at_no_other_moment(folders, at, complaint):
    key = folders.make()

    found = folders.ring().problem(key.keyid, role="pipeline", at=at)

    assert complaint in found
    assert bool(found) == bool(complaint)


@pytest.mark.parametrize("role", ROLES)
def test_a_key_counts_for_its_own_role_only(folders, role):
    key = folders.make("legal")

    found = folders.ring().problem(key.keyid, role=role, at=NOW)

    assert (found == "") == (role == "legal")
    assert role == "legal" or f"has the role legal, needed is {role}" in found


def test_a_key_of_any_role_will_do_where_none_is_asked_for(folders):
    key = folders.make("legal")

    assert folders.ring().problem(key.keyid, role=None, at=NOW) == ""


@pytest.mark.parametrize("keyid", ["0" * 64, "", "\x1b[2J" * 100])
def test_an_unknown_key_is_named_harmlessly(keyid):
    found = Keyring({}).problem(keyid, role=None, at=NOW)

    assert "is not among the public keys" in found
    assert found.isprintable()
    assert len(found) < 120


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 400])
def test_nothing_that_a_revoked_key_ever_signed_counts(folders, days):
    key = folders.make()
    folders.revoke(key.keyid, at=NOW + 10 * DAY)

    found = folders.ring().problem(key.keyid, role="pipeline", at=NOW + days * DAY)

    assert "was revoked on 2026-03-11: laptop stolen" in found


def test_everything_wrong_with_a_key_is_told(folders):
    key = folders.make()
    folders.revoke(key.keyid)

    found = folders.ring().problem(key.keyid, role="legal", at=NOW - DAY)

    assert all(words in found for words in ("revoked", "has the role pipeline", "not valid before"))


# Replacing and withdrawing


def test_after_a_rotation_the_new_key_signs_and_the_old_one_has_ended(folders):
    old = folders.make("security", owner="security-team")
    new = folders.rotate(old.keyid[:8], at=NOW + DAY)
    ring = folders.ring()

    assert (new.role, new.owner, new.valid_from) == ("security", "security-team", NOW + DAY)
    assert ring.problem(old.keyid, role="security", at=NOW + DAY - MOMENT) == ""
    assert "expired" in ring.problem(old.keyid, role="security", at=NOW + DAY)
    assert ring.problem(new.keyid, role="security", at=NOW + DAY) == ""
    assert folders.signing("security", at=NOW + DAY).keyid == new.keyid


def test_the_rotation_of_an_expired_key_does_not_make_it_valid_again(folders):
    old = folders.make(days=1)
    folders.rotate(old.keyid, at=NOW + 5 * DAY)

    assert folders.ring().keys[old.keyid].valid_until == NOW + DAY


def test_a_revoked_key_can_be_replaced_and_stays_revoked(folders):
    old = folders.revoke(folders.make().keyid)
    folders.rotate(old.keyid, at=NOW + DAY)

    assert folders.ring().keys[old.keyid].revoked == old.revoked
    assert folders.signing(at=NOW + DAY)


def test_a_key_that_is_not_yet_valid_is_not_rotated(folders):
    key = folders.make()

    (problem,) = problems(folders.rotate, key.keyid, at=NOW)

    assert "cannot end earlier" in problem
    assert list(folders.ring().keys) == [key.keyid]


def test_a_key_is_revoked_once(folders):
    key = folders.revoke(folders.make().keyid)

    (problem,) = problems(folders.revoke, key.keyid, reason="another")

    assert "is revoked since 2026-03-01T12:00:00+00:00: laptop stolen" in problem
    assert folders.ring().keys[key.keyid] == key


@pytest.mark.parametrize("reason", ["", "two\nlines"])
def test_a_revocation_needs_a_reason(folders, reason):
    key = folders.make()

    (problem,) = problems(folders.revoke, key.keyid, reason=reason)

    assert problem.startswith("reason must be")
    assert folders.ring().keys[key.keyid].revoked is None


def test_a_key_is_found_by_the_beginning_of_its_id(folders):
    keys = [folders.make() for _ in range(3)]

    assert [folders.ring().find(key.keyid[:12]) for key in keys] == keys


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("", "too short"),
        ("abcdef0", "too short"),
        ("x" * 64, "no public key begins with"),
        ("aaaaaaaa", "more than one key begins with"),
    ],
)
def test_what_does_not_mean_one_key_is_refused(folders, reference, complaint):
    key = folders.make()
    ring = Keyring({"a" * 63 + end: key for end in "bc"})

    (problem,) = problems(ring.find, reference)

    assert complaint in problem
