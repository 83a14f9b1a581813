"""Keys as they are written, and what goes wrong in between."""

import os
import resource
import sys
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from seclab.errors import Misconfigured
from seclab.evidence import key_files
from seclab.evidence.keyring import keyid_of
from tests.unit.evidence.key_folders import DAY, MOMENT, NOW, mode, problems


@pytest.mark.parametrize("half", ["public", "private"])
def test_no_file_is_ever_overwritten(folders, half, monkeypatch):
    fixed = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    monkeypatch.setattr(ed25519.Ed25519PrivateKey, "generate", staticmethod(lambda: fixed))
    key = folders.make()
    kept = folders.public_file(key) if half == "public" else folders.private_file(key)
    (folders.private_file(key) if half == "public" else folders.public_file(key)).unlink()
    content = kept.read_bytes()

    (problem,) = problems(folders.make, at=NOW + DAY)

    assert problem == f"{kept} exists already; it is not overwritten"
    assert kept.read_bytes() == content
    assert folders.files() == [kept.name]


@contextmanager
def room_for(size):
    """A disk on which no file can grow beyond a number of bytes."""
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("size", "half"), [(0, "pem"), (150, "json")])
def test_on_a_full_disk_no_half_of_a_key_is_left(folders, size, half):
    with room_for(size):
        (problem,) = problems(folders.make)

    assert f".{half} cannot be written: " in problem
    assert folders.files() == []


def test_a_full_disk_leaves_the_old_public_file_as_it_was(folders):
    key = folders.make()
    before = folders.files()

    with room_for(100):
        problems(folders.revoke, key.keyid)
        problems(folders.rotate, key.keyid, at=NOW + DAY)

    assert folders.ring().keys == {key.keyid: key}
    assert folders.files() == before


def test_a_rotation_whose_last_write_fails_leaves_the_old_key_alone(folders, monkeypatch):
    key = folders.make()
    before = folders.files()

    def full(*_arguments):
        raise Misconfigured("no space left")

    monkeypatch.setattr(key_files, "replace_public", full)
    problems(folders.rotate, key.keyid, at=NOW + DAY)

    assert folders.ring().keys == {key.keyid: key}
    assert folders.files() == before


def changes(event, arguments, folder):
    """Whether an audit event is the announcement of a change below a folder."""
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in {"os.link", "os.mkdir", "os.remove", "os.rename"}:
        return str(arguments[0]).startswith(str(folder))
    return False


def killed_at(moment, folder, work):
    """Whether a process that does some work was killed before its change number ``moment``."""
    child = os.fork()
    if not child:
        left = moment

        def kill(event, arguments):
            nonlocal left
            if changes(event, arguments, folder):
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(kill)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def every_kill(folders, work):
    """Kill the work at every point, one after the other; each time, look at what is left."""
    moment = 0
    while killed_at(moment, folders.public.parents[1], work):
        assert moment < 50
        yield
        moment += 1
    assert moment > 2
    yield


def test_killed_at_any_point_a_new_key_has_both_halves_or_no_public_one(folders):
    for _ in every_kill(folders, folders.make):
        ring = folders.ring()
        here = key_files.private_ids(folders.private)
        assert ring.keys.keys() <= here
        for keyid in here:
            pem = (folders.private / f"{keyid}.pem").read_bytes()
            private = serialization.load_pem_private_key(pem, None)
            assert keyid_of(private.public_key().public_bytes_raw().hex()) == keyid
        left = folders.private.iterdir() if folders.private.is_dir() else ()
        assert {mode(path) for path in left} <= {0o600}
    assert folders.signing()


def test_killed_at_any_point_a_rotation_leaves_a_key_to_sign_with(folders):
    key, later = folders.make(), NOW + DAY
    for _ in every_kill(folders, lambda: folders.rotate(key.keyid, at=later)):
        ring = folders.ring()
        assert ring.problem(key.keyid, role="pipeline", at=later - MOMENT) == ""
        assert folders.signing(at=later)
    assert "expired" in folders.ring().problem(key.keyid, role="pipeline", at=later)


def test_killed_at_any_point_a_revocation_is_there_or_is_not(folders):
    key = folders.make()
    seen = set()
    for _ in every_kill(folders, lambda: folders.revoke(key.keyid)):
        seen.add(folders.ring().keys[key.keyid].revoked is None)
    assert seen == {True, False}
