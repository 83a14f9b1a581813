import json
import os
import resource
import stat
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import SSlibKey

from seclab.errors import Misconfigured
from seclab.evidence import key_files
from seclab.evidence.keyring import KEYID, from_document, keyid_of, to_document
from seclab.evidence.keys import (
    ROLES,
    Keyring,
    create,
    load_keyring,
    load_signing_key,
    revoke,
    rotate,
)
from tests.strategies import json_values

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
# RFC 8032, 7.1, test 1
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


class Folders:
    """A place for both halves of keys, and the calls with it filled in."""

    def __init__(self, root):
        self.public, self.private = root / "registers" / "keys", root / "home" / "keys"

    def make(self, role="pipeline", *, owner="ml-platform", at=NOW, days=365):
        both = {"public_folder": self.public, "private_folder": self.private}
        return create(role, owner=owner, at=at, days=days, **both)

    def rotate(self, keyid, *, at):
        both = {"public_folder": self.public, "private_folder": self.private}
        return rotate(keyid, at=at, **both)

    def revoke(self, keyid, *, at=NOW, reason="laptop stolen"):
        return revoke(keyid, public_folder=self.public, at=at, reason=reason)

    def signing(self, role="pipeline", *, at=NOW):
        return load_signing_key(role, keyring=self.ring(), private_folder=self.private, at=at)

    def ring(self):
        return load_keyring(self.public)

    def public_file(self, key):
        return self.public / f"{key.keyid}.json"

    def private_file(self, key):
        return self.private / f"{key.keyid}.pem"

    def edit(self, key, **changes):
        path = self.public_file(key)
        path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")

    def files(self):
        return sorted(path.name for path in self.public.parents[1].rglob("*") if path.is_file())


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


def problems(call, *arguments, **options):
    with pytest.raises(Misconfigured) as caught:
        call(*arguments, **options)
    return caught.value.problems


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


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


# The folder of public keys, as somebody left it


def test_a_missing_folder_holds_no_keys(tmp_path):
    assert load_keyring(tmp_path / "none").keys == {}


def test_other_files_are_no_keys(folders):
    key = folders.make()
    (folders.public / "README.md").write_text("# Public keys")
    (folders.public / ".half.tmp").write_text("{")

    assert list(folders.ring().keys) == [key.keyid]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"public": PUBLIC}, f"keyid must be {keyid_of(PUBLIC)}, which follows from public"),
        ({"keyid": keyid_of(PUBLIC)}, "keyid must be"),
        ({"keyid": keyid_of(PUBLIC), "public": PUBLIC}, f"must be named {keyid_of(PUBLIC)}.json"),
        ({"public": PUBLIC.upper()}, "64 hexadecimal digits in lower case"),
        ({"public": PUBLIC[:-2]}, "64 hexadecimal digits"),
        ({"public": PUBLIC + "\n"}, "64 hexadecimal digits"),
        ({"public": 5}, "64 hexadecimal digits"),
        ({"role": "boss"}, "role must be one of"),
        ({"role": ["legal"]}, "role must be one of"),
        ({"role": None}, "role must be one of"),
        ({"owner": ""}, "owner must be a text"),
        ({"owner": "a\u202eb"}, "owner must be one line"),
        ({"owner": "\ud800"}, "owner must be one line"),
        ({"valid_from": "2026-03-01"}, "times with time zone"),
        ({"valid_from": "2026-03-01T12:00:00"}, "times with time zone"),
        ({"valid_from": 20260301}, "times with time zone"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "times with time zone"),
        ({"valid_until": NOW.isoformat()}, "the first before the other"),
        ({"valid_until": None}, "times with time zone"),
        ({"revoked": False}, "revoked must be null or have exactly the fields at, reason"),
        ({"revoked": {}}, "revoked must be null or have exactly"),
        ({"revoked": {"at": "soon", "reason": "x"}}, "revoked.at must be a time"),
        ({"revoked": {"at": NOW.isoformat(), "reason": ""}}, "revoked.reason must be a text"),
        ({"comment": "trust me"}, "must have exactly the fields keyid, role, owner, public"),
    ],
)
def test_a_public_file_that_was_edited_into_nonsense_is_refused(folders, changes, complaint):
    key = folders.make()
    folders.edit(key, **changes)

    (problem,) = problems(folders.ring)

    assert problem.startswith(str(folders.public_file(key)))
    assert complaint in problem
    assert problem.isprintable()


@pytest.mark.parametrize("name", ["keyid", "owner", "public", "revoked", "role", "valid_until"])
def test_a_public_file_without_a_field_is_refused(folders, name):
    key = folders.make()
    document = json.loads(folders.public_file(key).read_text())
    del document[name]
    folders.public_file(key).write_text(json.dumps(document))

    assert "must have exactly the fields" in problems(folders.ring)[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, '{"role": "legal"}'.encode("utf-16")],
)
def test_a_public_file_that_is_no_json_is_refused(folders, content):
    key = folders.make()
    folders.public_file(key).write_bytes(content)

    (problem,) = problems(folders.ring)

    assert f"{key.keyid}.json is not JSON" in problem


def test_a_field_that_stands_twice_is_refused(folders):
    key = folders.make()
    path = folders.public_file(key)
    path.write_text(path.read_text().replace("{", '{"role": "legal",', 1))

    assert "stands twice" in problems(folders.ring)[0]


def test_a_public_key_that_anybody_can_sign_for_is_refused(folders):
    everybodys = "01" + "00" * 31
    for sign in ("00", "80"):
        public = everybodys[:62] + sign
        # With this key R = the neutral point and S = 0 is a signature of any message.
        weak = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        if sign == "00":
            weak.verify(bytes.fromhex(everybodys) + bytes(32), b"anything")
        key = to_document(folders.make()) | {"public": public, "keyid": keyid_of(public)}

        assert "anybody can sign for" in problems(from_document, key)[0]


def test_every_mistake_of_every_file_is_told_at_once(folders):
    first, second, third = (folders.make() for _ in range(3))
    folders.edit(first, role="boss", owner="")
    folders.public_file(second).write_text("{")
    (folders.public / "mine.pem").write_text("-----BEGIN PRIVATE KEY-----")

    found = "\n".join(problems(folders.ring))

    assert all(words in found for words in ("role must", "owner must", "not JSON", "private key"))
    assert third.keyid not in found


def test_no_key_is_made_beside_public_files_with_mistakes(folders):
    folders.edit(folders.make(), role="boss")
    before = folders.files()

    problems(folders.make)

    assert folders.files() == before


def test_a_public_file_that_is_a_link_is_refused(folders, tmp_path):
    key = folders.make()
    elsewhere = tmp_path / "unreviewed.json"
    folders.public_file(key).rename(elsewhere)
    folders.public_file(key).symlink_to(elsewhere)

    assert "symbolic link" in problems(folders.ring)[0]


def test_a_folder_of_public_keys_that_is_a_link_is_refused(folders, tmp_path):
    folders.make()
    folders.public.rename(tmp_path / "unreviewed")
    folders.public.symlink_to(tmp_path / "unreviewed")

    assert "symbolic link" in problems(folders.ring)[0]


def test_what_cannot_be_read_as_a_file_is_refused_without_waiting(folders):
    key = folders.make()
    os.mkfifo(folders.public / f"{'0' * 64}.json")
    (folders.public / f"{'1' * 64}.json").mkdir()

    found = problems(folders.ring)

    assert [problem.partition(".json ")[2].split(":")[0] for problem in found] == [
        "cannot be read"
    ] * 2
    assert key.keyid not in "".join(found)


def test_a_file_in_the_place_of_the_folder_is_refused(folders):
    folders.public.parent.mkdir()
    folders.public.write_text("")

    assert "cannot be read: Not a directory" in problems(folders.ring)[0]


@given(json_values)
def test_no_content_of_a_public_file_does_more_than_be_refused(content):
    assert problems(from_document, content)


@given(st.sampled_from(ROLES), st.datetimes(datetime(1970, 1, 2), datetime(2900, 1, 1)))  # noqa: DTZ001
def test_a_key_survives_its_file(role, start):
    start = start.replace(tzinfo=UTC)
    document = {
        "keyid": keyid_of(PUBLIC),
        "role": role,
        "owner": "a team",
        "public": PUBLIC,
        "valid_from": start.isoformat(),
        "valid_until": (start + MOMENT).isoformat(),
        "revoked": {"at": start.isoformat(), "reason": "why not"},
    }

    assert to_document(from_document(document)) == document


# The folder of private keys, as somebody left it


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


# Writing, and what goes wrong in between


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


def test_what_is_no_private_key_file_is_not_counted_as_one(folders):
    key = folders.make()
    (folders.private / "notes.txt").write_text("")

    assert key_files.private_ids(folders.private) == {key.keyid}
    assert KEYID.fullmatch(key.keyid)
