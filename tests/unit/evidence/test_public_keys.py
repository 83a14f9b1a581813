"""The folder of public keys, as somebody left it."""

import json
import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from seclab.evidence.keyring import from_document, keyid_of, to_document
from seclab.evidence.keys import ROLES, load_keyring
from tests.strategies import json_values
from tests.unit.evidence.key_folders import MOMENT, NOW, PUBLIC, problems


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
