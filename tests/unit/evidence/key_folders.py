"""Keys in folders of their own, for the tests of keys."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from seclab.errors import Misconfigured
from seclab.evidence.keys import create, load_keyring, load_signing_key, revoke, rotate

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


def problems(call, *arguments, **options):
    with pytest.raises(Misconfigured) as caught:
        call(*arguments, **options)
    return caught.value.problems


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)
