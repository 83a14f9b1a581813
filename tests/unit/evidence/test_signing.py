import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from seclab.evidence.keys import Keyring, create, load_keyring, load_signing_key, revoke
from seclab.evidence.signing import PAYLOAD_TYPE, Signed, check, sign
from tests.strategies import json_values, names

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOCUMENT = {"b": [1, 2.5, None], "a": {"verdict": "pass", "name": "größer"}}

documents = st.dictionaries(names, json_values, max_size=4)


class Place:
    """Folders with a key of two roles, and the calls with them filled in."""

    def __init__(self, root):
        self.public, self.private = root / "public", root / "private"
        self.keys = {}
        for role in ("pipeline", "security"):
            self.keys[role] = create(
                role,
                owner=f"{role}-team",
                public_folder=self.public,
                private_folder=self.private,
                at=NOW,
            )
        self.ring = load_keyring(self.public)
        self.signers = {
            role: load_signing_key(role, keyring=self.ring, private_folder=self.private, at=NOW)
            for role in self.keys
        }

    def sign(self, document=DOCUMENT, role="pipeline"):
        return sign(document, self.signers[role])

    def check(self, envelope, document=DOCUMENT, *, role="pipeline", at=NOW, ring=None):
        return check(envelope, document, keyring=ring or self.ring, role=role, at=at)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("keys"))


def encoded(data):
    return base64.b64encode(data).decode()


def test_a_signed_document_is_good_and_says_who_signed(place):
    key = place.keys["pipeline"]

    found = place.check(place.sign())

    assert found == Signed(key.keyid, "pipeline", "pipeline-team", "")


def test_the_envelope_is_what_dsse_says_without_our_help(place):
    envelope = json.loads(json.dumps(place.sign()))
    key = place.keys["pipeline"]
    payload = base64.b64decode(envelope["payload"])
    kind = b"application/vnd.in-toto+json"
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    (signature,) = envelope["signatures"]

    public = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
    public.verify(base64.b64decode(signature["sig"]), signed)

    assert payload == rfc8785.dumps(DOCUMENT)
    assert envelope["payloadType"] == kind.decode() == PAYLOAD_TYPE
    assert signature["keyid"] == key.keyid
    assert set(envelope) == {"payload", "payloadType", "signatures"}


def test_the_same_document_gives_the_same_envelope_whatever_its_order(place):
    assert place.sign(dict(reversed(DOCUMENT.items()))) == place.sign()


def test_a_check_changes_nothing_that_it_looks_at(place):
    envelope = place.sign()
    before = json.dumps(envelope)

    assert place.check(envelope) == place.check(envelope)
    assert json.dumps(envelope) == before


@given(documents)
def test_every_document_can_be_signed_and_checked(place, document):
    assert place.check(place.sign(document), document).problem == ""


@given(documents, documents)
def test_a_signature_is_about_its_own_document_only(place, signed, shown):
    problem = place.check(place.sign(signed), shown).problem

    assert bool(problem) == (rfc8785.dumps(signed) != rfc8785.dumps(shown))


def test_a_document_that_was_changed_is_told_with_both_digests(place):
    problem = place.check(place.sign(), {**DOCUMENT, "a": "pass"}).problem

    assert "the signed payload is not the canonical form of this document" in problem
    assert problem.count("sha256:bytes:") == 2
    assert "the signature is not" not in problem


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(DOCUMENT).encode(),
        rfc8785.dumps(DOCUMENT) + b"\n",
        rfc8785.dumps(DOCUMENT).replace(b"2.5", b"2.50"),
        b"",
    ],
)
def test_a_payload_in_another_form_is_no_payload_of_ours_even_when_signed(place, payload):
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - signs what `sign` would not

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(place.signers["pipeline"].signer)

    problem = place.check(envelope.to_dict()).problem

    assert "is not the canonical form" in problem
    assert "the signature is not" not in problem


@given(st.integers(0, 511))
def test_no_bit_of_a_signature_can_be_flipped(place, bit):
    envelope = place.sign()
    (signature,) = envelope["signatures"]
    flipped = bytearray(base64.b64decode(signature["sig"]))
    flipped[bit // 8] ^= 1 << bit % 8
    signature["sig"] = encoded(bytes(flipped))

    assert "the signature is not one of the key" in place.check(envelope).problem


@given(st.data())
def test_no_character_of_an_envelope_can_be_changed(place, data):
    envelope = place.sign()
    text = json.dumps(envelope)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda each: each != text[at]))
    try:
        changed = json.loads(text[:at] + other + text[at + 1 :])
    except ValueError:
        return

    assert changed == envelope or place.check(changed).problem


def with_signature(envelope, **changes):
    return {**envelope, "signatures": [{**envelope["signatures"][0], **changes}]}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda e: [e], "must have exactly the fields payload, payloadType, signatures"),
        (lambda _: None, "must have exactly the fields"),
        (lambda e: {**e, "comment": "trust me"}, "must have exactly the fields"),
        (lambda e: {"payload": e["payload"]}, "must have exactly the fields"),
        (lambda e: {**e, "signatures": []}, "exactly one signature"),
        (lambda e: {**e, "signatures": e["signatures"] * 2}, "exactly one signature"),
        (lambda e: {**e, "signatures": e["signatures"][0]}, "exactly one signature"),
        (lambda e: {**e, "signatures": ["x"]}, "exactly the fields keyid, sig"),
        (lambda e: with_signature(e, cert="x"), "exactly the fields keyid, sig"),
        (lambda e: with_signature(e, keyid=5), "keyid of the signature must be"),
        (lambda e: with_signature(e, keyid="\x1b[2J"), "keyid of the signature must be"),
        (lambda e: with_signature(e, keyid=""), "keyid of the signature must be"),
        (lambda e: with_signature(e, sig=5), "sig of the envelope is not base64"),
        (lambda e: with_signature(e, sig="%%%"), "sig of the envelope is not base64"),
        (lambda e: with_signature(e, sig="é"), "sig of the envelope is not base64"),
        (lambda e: with_signature(e, sig=""), "the signature is not one of the key"),
        (lambda e: {**e, "payload": None}, "payload of the envelope is not base64"),
        (lambda e: {**e, "payload": e["payload"] + "\n"}, "payload of the envelope is not base64"),
        (lambda e: {**e, "payload": "YR=="}, "payload of the envelope is not base64"),
        (lambda e: {**e, "payload": "_-8="}, "payload of the envelope is not base64"),
        (lambda e: {**e, "payloadType": "text/plain"}, "is of type 'text/plain', expected"),
        (lambda e: {**e, "payloadType": ["x"]}, "is of type ['x'], expected"),
    ],
)
def test_an_envelope_of_another_shape_is_told(place, change, complaint):
    found = place.check(change(place.sign()))

    assert complaint in found.problem
    assert found.problem.isprintable()


@given(json_values, json_values)
def test_whatever_stands_in_the_files_a_check_ends_with_a_problem(place, envelope, document):
    assert place.check(envelope, document).problem
    assert place.check({"payload": "", "payloadType": "", "signatures": envelope}, document).problem


@given(json_values)
def test_whatever_stands_in_place_of_the_document_is_not_the_signed_one(place, document):
    if document != DOCUMENT:
        assert place.check(place.sign(), document).problem


def test_a_document_without_canonical_form_is_a_problem(place):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (float("nan"), 2**60, "\ud800", deep):
        problem = place.check(place.sign(), {"a": value}).problem
        assert "the document has no canonical form" in problem


def test_a_signature_by_a_key_of_another_role_is_told(place):
    found = place.check(place.sign(role="security"))

    assert "has the role security, needed is pipeline" in found.problem
    assert found.role == "security"
    assert place.check(place.sign(role="security"), role=None).problem == ""


def test_another_key_cannot_be_named_as_the_signer(place):
    envelope = place.sign(role="security")
    envelope["signatures"][0]["keyid"] = place.keys["pipeline"].keyid

    assert "the signature is not one of the key" in place.check(envelope).problem


def test_an_unknown_key_is_told_and_has_no_owner(place):
    envelope = place.sign()

    found = check(envelope, DOCUMENT, keyring=Keyring({}), role=None, at=NOW)

    assert "is not among the public keys" in found.problem
    assert (found.role, found.owner) == ("", "")
    assert found.keyid == place.keys["pipeline"].keyid


@pytest.mark.parametrize(
    ("at", "complaint"),
    [
        (NOW - timedelta(seconds=1), "is not valid before"),
        (NOW + timedelta(days=365), "expired at"),
        (NOW.replace(tzinfo=None), "has no time zone"),
    ],
)
def test_a_key_outside_its_period_is_told(place, at, complaint):
    assert complaint in place.check(place.sign(), at=at).problem


def test_a_signature_of_a_key_that_is_revoked_later_is_good_no_more(tmp_path):
    place = Place(tmp_path)
    envelope = place.sign()
    assert place.check(envelope).problem == ""

    keyid = place.keys["pipeline"].keyid
    revoke(keyid, public_folder=place.public, at=NOW + timedelta(days=9), reason="laptop stolen")

    problem = place.check(envelope, ring=load_keyring(place.public)).problem
    assert problem == f"the key {keyid} was revoked on 2026-03-10: laptop stolen"


def test_everything_wrong_is_told_at_once(place):
    envelope = with_signature(place.sign(role="security"), sig=encoded(bytes(64)))

    problem = place.check(envelope, {}, at=NOW - timedelta(days=1)).problem

    for words in ("canonical form", "the role security", "not valid before", "signature is not"):
        assert words in problem
