"""The folder of private keys, as somebody left it."""

import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from seclab.evidence import key_files
from seclab.evidence.keyring import KEYID
from tests.unit.evidence.key_folders import DAY, MOMENT, NOW, problems


def test_without_a_private_half_there_is_nothing_to_sign_with(folders):
    assert folders.signing() is None
    folders.private_file(folders.make()).unlink()
    assert folders.signing() is None


def test_of_two_keys_of_a_role_the_newest_signs(folders):
    folders.make(at=NOW - DAY)
    newest = folders.make(at=NOW)
    folders.make(at=NOW - 2 * DAY)

    assert folders.signing().keyid == newest.keyid


def test_a_key_whose_private_half_is_elsewhere_leaves_it_to_an_older_one(folders):
    older = folders.make(at=NOW - DAY)
    folders.private_file(folders.make(at=NOW)).unlink()

    assert folders.signing().keyid == older.keyid


@pytest.mark.parametrize("at", [NOW - MOMENT, NOW + 365 * DAY])
def test_a_key_outside_its_period_signs_nothing(folders, at):
    folders.make()

    assert folders.signing(at=at) is None


def test_a_revoked_key_and_one_of_another_role_sign_nothing(folders):
    folders.revoke(folders.make().keyid)
    folders.make("legal")

    assert folders.signing() is None


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_private_half_that_others_can_use_is_refused(folders, permissions):
    key = folders.make()
    folders.private_file(key).chmod(permissions)

    (problem,) = problems(folders.signing)

    assert f"has the mode {permissions:04o}" in problem
    assert "revoke it" in problem
    assert f"chmod 600 {folders.private_file(key)}" in problem


def test_a_damaged_newest_key_is_told_and_not_stepped_over(folders):
    folders.make(at=NOW - DAY)
    folders.private_file(folders.make()).chmod(0o644)

    assert problems(folders.signing)


def test_a_private_half_of_another_key_is_refused(folders):
    key, other = folders.make(at=NOW), folders.make(at=NOW - DAY)
    folders.private_file(other).replace(folders.private_file(key))

    (problem,) = problems(folders.signing)

    assert f"{key.keyid} in {folders.private} belongs to another public key" in problem


def pem_of(private, encryption=None):
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be used"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be used"),
        (
            pem_of(
                ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)),
                serialization.BestAvailableEncryption(b"secret"),
            ),
            "cannot be used",
        ),
        (pem_of(ec.derive_private_key(5, ec.SECP256R1())), "is no Ed25519 key"),
    ],
)
def test_a_private_file_that_is_no_key_for_this_is_refused(folders, content, complaint):
    path = folders.private_file(folders.make())
    path.write_bytes(content)

    (problem,) = problems(folders.signing)

    assert complaint in problem


def test_a_private_half_may_be_mounted_as_a_link_but_not_be_open_behind_it(folders, tmp_path):
    key = folders.make()
    mounted = tmp_path / "secret"
    folders.private_file(key).rename(mounted)
    folders.private_file(key).symlink_to(mounted)

    assert folders.signing().keyid == key.keyid
    mounted.chmod(0o644)
    assert "has the mode 0644" in problems(folders.signing)[0]


def test_a_private_half_that_cannot_be_read_as_a_file_is_told_without_waiting(folders):
    path = folders.private_file(folders.make())
    path.unlink()
    os.mkfifo(path, 0o600)
    assert "is no regular file" in problems(folders.signing)[0]

    path.unlink()
    path.mkdir(0o700)
    assert "cannot be read: Is a directory" in problems(folders.signing)[0]


def test_a_file_in_the_place_of_the_private_folder_is_told(folders):
    folders.private_file(folders.make()).unlink()
    folders.private.rmdir()
    folders.private.write_text("")

    for call in (folders.signing, lambda: key_files.private_ids(folders.private)):
        assert "cannot be read: Not a directory" in problems(call)[0]
    assert "cannot be written" in problems(folders.make)[0]


@pytest.mark.parametrize("permissions", [0o755, 0o710, 0o701])
def test_no_private_half_goes_into_a_folder_that_others_can_use(folders, permissions):
    folders.private.mkdir(parents=True)
    folders.private.chmod(permissions)

    (problem,) = problems(folders.make)

    assert f"run `chmod 700 {folders.private}`" in problem
    assert folders.files() == []


def test_the_secret_is_not_printed_with_the_key(folders):
    folders.make()

    assert "signer" not in repr(folders.signing())


def test_what_is_no_private_key_file_is_not_counted_as_one(folders):
    key = folders.make()
    (folders.private / "notes.txt").write_text("")

    assert key_files.private_ids(folders.private) == {key.keyid}
    assert KEYID.fullmatch(key.keyid)
