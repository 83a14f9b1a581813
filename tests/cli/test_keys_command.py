"""``seclab keys``: what an operator sees and what is then in the two folders."""

import json
import stat
from dataclasses import replace

import pytest


@pytest.fixture
def home(tmp_path_factory, monkeypatch):
    """A home folder of the test's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def keys(seclab, lab, home):  # noqa: ARG001 - the command looks for it
    """The command, and the public keys that it shows."""

    class Keys:
        def __call__(self, *arguments):
            return seclab(lab.root, "keys", *arguments)

        def init(self, role="pipeline"):
            before = {key["keyid"] for key in self.shown()["keys"]}
            assert self("init", "--role", role, "--owner", "ml platform").code == 0
            (key,) = (key for key in self.shown()["keys"] if key["keyid"] not in before)
            return key

        def shown(self):
            return self("show", "--json").json

    return Keys()


def test_a_project_begins_without_keys_and_says_how_to_make_one(keys, home):
    answer = keys("show")

    assert (answer.code, answer.err) == (0, "")
    assert "no keys yet: `seclab keys init --role pipeline --owner TEAM`" in answer.out
    assert keys.shown() == {"keys": [], "private_halves_without_public": []}
    assert list(home.iterdir()) == []


def test_init_makes_both_halves_and_says_where_they_are(keys, lab, home):
    answer = keys("init", "--role", "security", "--owner", "security team", "--days", "30")
    (key,) = keys.shown()["keys"]
    public = lab.root / "registers" / "keys" / f"{key['keyid']}.json"
    private = home / ".config" / "seclab" / "keys" / f"{key['keyid']}.pem"

    assert answer.code == 0
    assert f"{public}: commit it" in answer.out
    assert f"{private}: never commit it" in answer.out
    assert json.loads(public.read_text())["owner"] == "security team"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert (key["role"], key["problem"], key["private_half_here"]) == ("security", "", True)
    assert "PRIVATE KEY" not in answer.text


def test_rotate_ends_the_old_key_and_begins_a_new_one(keys):
    old = keys.init()["keyid"]

    answer = keys("rotate", old[:8])
    shown = {key["keyid"]: key for key in keys.shown()["keys"]}
    ended, new = shown.pop(old), *shown.values()

    assert answer.code == 0
    assert f"{old}.json: what it signed before stays good" in answer.out
    assert "expired" in ended["problem"]
    assert (new["problem"], new["owner"]) == ("", "ml platform")
    assert ended["valid_until"] == new["valid_from"]


def test_revoke_says_what_it_means_and_what_is_next(keys):
    keyid = keys.init()["keyid"]

    answer = keys("revoke", keyid, "--reason", "laptop stolen")
    listing = keys("show").out

    assert answer.code == 0
    assert "nothing it ever signed counts any more" in answer.out
    assert "seclab keys init --role pipeline --owner 'ml platform'" in answer.out
    assert ": laptop stolen" in listing
    assert "usable" not in listing
    assert keys("revoke", keyid, "--reason", "again").code == 2


def test_show_tells_which_halves_are_missing(keys, lab, home):
    lost, orphan = keys.init("pipeline")["keyid"], keys.init("legal")["keyid"]
    (home / ".config" / "seclab" / "keys" / f"{lost}.pem").unlink()
    (lab.root / "registers" / "keys" / f"{orphan}.json").unlink()

    shown, listing = keys.shown(), keys("show").out

    assert [key["private_half_here"] for key in shown["keys"]] == [False]
    assert shown["private_halves_without_public"] == [orphan]
    assert f"{orphan}.pem belongs to no public key of this project" in listing
    assert " here " not in listing.replace(" half ", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Commands"),
        (("init",), "Missing option"),
        (("init", "--role", "boss", "--owner", "team"), "'boss' is not one of"),
        (("init", "--role", "legal", "--owner", ""), "owner must be a text"),
        (("init", "--role", "legal", "--owner", "team", "--days", "0"), "Invalid value"),
        (("rotate", "0123"), "too short for a key"),
        (("rotate", "0123456789"), "no public key begins with '0123456789'"),
        (("revoke", "0123456789"), "Missing option"),
        (("revoke", "0123456789", "--reason", "x"), "`seclab keys show` lists them"),
    ],
)
def test_a_wrong_use_is_2_and_changes_nothing(keys, home, arguments, complaint):
    answer = keys(*arguments)

    assert answer.code == 2
    assert complaint in answer.text
    assert list(home.iterdir()) == []


def test_public_files_with_mistakes_are_2_and_all_named(keys, lab):
    first, second = keys.init()["keyid"], keys.init()["keyid"]
    lab.edit(f"registers/keys/{first}.json", lambda text: text.replace("pipeline", "boss"))
    lab.edit(f"registers/keys/{second}.json", lambda text: text[:-10])

    for arguments in (("show",), ("init", "--role", "legal", "--owner", "team")):
        answer = keys(*arguments)
        assert answer.code == 2
        assert f"{first}.json: role must be one of" in answer.text
        assert f"{second}.json is not JSON" in answer.text


def test_the_environment_moves_the_private_keys_but_never_into_the_project(lab, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "keys"
    make = ("keys", "init", "--role", "pipeline", "--owner", "ml platform")

    good = replace(lab, environment={"SECLAB_KEYS": str(elsewhere)}).run(*make)
    bad = replace(lab, environment={"SECLAB_KEYS": "registers/keys"}).run(*make)

    assert good.code == 0
    assert len(list(elsewhere.glob("*.pem"))) == 1
    assert bad.code == 2
    assert "is inside the project" in bad.text
    assert not list(lab.root.rglob("*.pem"))
