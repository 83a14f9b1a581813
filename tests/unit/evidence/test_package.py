import shutil
import stat
import zipfile

import pytest

from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import archive
from seclab.evidence.archive import pack, unpack
from seclab.evidence.keys import Keyring
from seclab.evidence.package import read_package, verify_package, write_package
from tests.sealed import enter, proven, sealed


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proven(tmp_path_factory.mktemp("proof"))


def export(proof, path, **changes):
    parts = {
        "folder": proof.folder,
        "ledger": proof.ledger,
        "keys": proof.keys,
        "approvals": [proof.approval],
    }
    write_package(path, **parts | changes)
    return path


def test_a_package_holds_the_run_and_everything_that_proves_it(proof, tmp_path):
    names = zipfile.ZipFile(export(proof, tmp_path / "evidence.zip")).namelist()

    (approval,) = [name for name in names if name.startswith("approvals/")]
    assert set(names) == {
        "README.txt",
        approval,
        "evidence/bundle.dsse.json",
        "evidence/bundle.json",
        *(f"keys/{keyid}.json" for keyid in proof.keyring.keys),
        "ledger.jsonl",
        "report.html",
        "tables/evasion_linf.sweep.json",
    }
    assert names == sorted(names)


def test_equal_evidence_gives_equal_files_at_any_time(proof, tmp_path):
    first = export(proof, tmp_path / "a.zip").read_bytes()
    copied = shutil.copytree(proof.folder, tmp_path / "copied", copy_function=shutil.copyfile)

    assert export(proof, tmp_path / "b.zip", folder=copied).read_bytes() == first


def test_a_package_is_verified_with_keys_from_elsewhere(proof, tmp_path):
    found = verify_package(export(proof, tmp_path / "evidence.zip"), keyring=proof.keyring)

    assert (found.differences, found.notes) == ((), ())
    assert (found.run.bundle, found.run.signed.role) == (proof.bundle, "pipeline")
    assert [signed.role for signed in found.approvals.values()] == ["security"]


def test_keys_that_came_along_prove_nothing_about_who_signed(proof, tmp_path):
    found = verify_package(export(proof, tmp_path / "evidence.zip"), keyring=None)

    assert found.differences == ()
    assert found.notes[0].startswith("the public keys came with the package: they prove nothing")


def test_keys_of_others_do_not_do(proof, tmp_path):
    found = verify_package(export(proof, tmp_path / "evidence.zip"), keyring=Keyring({}))

    assert [d.partition(":")[0].partition("/")[0] for d in found.differences] == [
        "signature",
        "approvals",
    ]


def test_an_unpacked_package_is_verified_like_the_file(proof, tmp_path):
    zipfile.ZipFile(export(proof, tmp_path / "evidence.zip")).extractall(tmp_path / "by-hand")

    found = verify_package(tmp_path / "by-hand", keyring=proof.keyring)

    assert (found.differences, found.notes) == ((), ())


def test_a_ledger_without_the_end_of_an_earlier_export_is_told(proof, tmp_path):
    path = export(proof, tmp_path / "evidence.zip", ledger=proof.ledger[:2])

    assert verify_package(path, keyring=proof.keyring).differences == ()
    (difference,) = verify_package(path, keyring=proof.keyring, anchor=proof.ledger).differences
    assert difference.startswith("ledger entry 3: ")


def test_an_approval_that_the_ledger_knows_must_be_there(proof, tmp_path):
    path = export(proof, tmp_path / "evidence.zip", approvals=[])

    (difference,) = verify_package(path, keyring=proof.keyring).differences

    assert difference.startswith("approvals: expected the approval of ledger entry 3, by key ")


def test_an_approval_of_another_bundle_is_told(proof, tmp_path):
    (tmp_path / "run").mkdir()
    other = sealed(tmp_path / "run", robust=0.9)
    path = export(
        proof, tmp_path / "evidence.zip", folder=tmp_path / "run", ledger=enter([], other)
    )

    (difference,) = verify_package(path, keyring=proof.keyring).differences

    assert f"it approves bundle {proof.bundle.digest}, expected {other.digest}" in difference


def test_an_unsigned_run_is_no_difference_and_says_so(tmp_path):
    (tmp_path / "run").mkdir()
    bundle = sealed(tmp_path / "run")
    path = tmp_path / "evidence.zip"
    parts = {"keys": tmp_path / "none", "approvals": []}
    write_package(path, folder=tmp_path / "run", ledger=enter([], bundle), **parts)

    found = verify_package(path, keyring=None)

    assert (found.run.signed, found.differences) == (None, ())
    assert [note.partition(":")[0] for note in found.notes] == ["unsigned", "report.html"]


def test_a_report_that_the_ledger_pins_is_compared(proof, tmp_path):
    folder = shutil.copytree(proof.folder, tmp_path / "run")
    (folder / "report.html").write_text("<p>all is well</p>")

    found = verify_package(
        export(proof, tmp_path / "evidence.zip", folder=folder), keyring=proof.keyring
    )

    (difference,) = found.differences
    assert difference.startswith("report.html: expected sha256:bytes:")


def test_a_signature_that_the_ledger_knows_must_be_there(proof, tmp_path):
    folder = shutil.copytree(proof.folder, tmp_path / "run")
    (folder / "evidence" / "bundle.dsse.json").unlink()

    found = verify_package(
        export(proof, tmp_path / "evidence.zip", folder=folder), keyring=proof.keyring
    )

    (difference,) = found.differences
    assert difference.startswith("signature: expected one of key ")


def test_a_run_without_bundle_is_not_exported(proof, tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(EvidenceMismatch, match="holds no evidence/bundle"):
        export(proof, tmp_path / "evidence.zip", folder=tmp_path / "empty")
    assert not (tmp_path / "evidence.zip").exists()


@pytest.mark.parametrize("name", ["keys/mine.json", "ledger.jsonl", "README.txt"])
def test_a_file_of_the_run_cannot_stand_in_for_another_part(name, proof, tmp_path):
    folder = shutil.copytree(proof.folder, tmp_path / "run")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")

    with pytest.raises(EvidenceMismatch, match=f"{name}: a file of a run cannot have this name"):
        export(proof, tmp_path / "evidence.zip", folder=folder)


def test_a_private_key_is_never_exported(proof, tmp_path):
    keys = shutil.copytree(proof.keys, tmp_path / "keys")
    (private,) = list((proof.folder.parent / "private").iterdir())[:1]
    shutil.copy(private, keys / "mine.json")

    with pytest.raises(Misconfigured):
        export(proof, tmp_path / "evidence.zip", keys=keys)
    assert not (tmp_path / "evidence.zip").exists()


def test_what_cannot_be_written_leaves_nothing_behind(proof, tmp_path):
    (tmp_path / "taken").mkdir()

    with pytest.raises(Misconfigured, match="taken cannot be written"):
        export(proof, tmp_path / "taken")
    with pytest.raises(Misconfigured, match="cannot be written: No such file"):
        export(proof, tmp_path / "nowhere" / "evidence.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_package_is_replaced_at_once(proof, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_text("an older one")

    export(proof, path)

    assert verify_package(path, keyring=proof.keyring).differences == ()
    assert [found.name for found in tmp_path.iterdir()] == ["evidence.zip"]


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as made:
        for member, data in members:
            made.writestr(member, data)
    return path


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([("../outside", "x")], "leads out of the package"),
        ([("a/../../outside", "x")], "leads out of the package"),
        ([("/etc/outside", "x")], "leads out of the package"),
        ([("C:/outside", "x")], "leads out of the package"),
        ([("a\\..\\outside", "x")], "leads out of the package"),
        ([("./a", "x")], "leads out of the package"),
        ([("a//b", "x")], "leads out of the package"),
        ([("folder/", "")], "leads out of the package"),
        ([("a\nb", "x")], "leads out of the package"),
        ([("x" * 300, "x")], "leads out of the package"),
        ([("a", "x"), ("a", "y")], "stands twice"),
        ([("a", "x"), ("A", "y")], "stands twice"),
        ([("\u00e9", "x"), ("e\u0301", "y")], "stands twice"),
        ([("a", "x"), ("a/b", "y")], "it is below a file"),
        ([(link("a"), "/etc/passwd")], "neither a plain file"),
    ],
)
def test_a_package_made_to_do_harm_is_refused(members, problem, tmp_path):
    path = zipped(tmp_path / "evil.zip", members)
    (tmp_path / "target").mkdir()

    with pytest.raises(EvidenceMismatch, match=problem):
        unpack(path, tmp_path / "target")

    assert list((tmp_path / "target").iterdir()) == []
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_plain_ways_of_packing_are_read(method, tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", method) as made:
        made.writestr("a", "x")

    with pytest.raises(EvidenceMismatch, match="nor stored in a plain way"):
        unpack(tmp_path / "odd.zip", tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 10_000)
    pack(tmp_path / "bomb.zip", {"a": b"0" * 5_000, "b": b"0" * 5_001})

    with pytest.raises(EvidenceMismatch, match="10001 bytes unpacked, at most 10000 are read"):
        unpack(tmp_path / "bomb.zip", tmp_path)
    assert not (tmp_path / "a").exists()


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    pack(tmp_path / "many.zip", {"a": b"", "b": b"", "c": b""})

    with pytest.raises(EvidenceMismatch, match="3 files, at most 2 are read"):
        unpack(tmp_path / "many.zip", tmp_path)


def test_a_size_that_lies_is_found_out(tmp_path):
    path = tmp_path / "liar.zip"
    pack(path, {"a": b"0" * 5_000})
    data = path.read_bytes()
    assert data.count((5_000).to_bytes(4, "little")) == 2
    path.write_bytes(data.replace((5_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    (tmp_path / "target").mkdir()

    with pytest.raises(EvidenceMismatch, match="is damaged, or no package"):
        unpack(path, tmp_path / "target")


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 100, b'{"predicate": 1}'])
def test_what_is_no_package_is_refused(data, tmp_path):
    (tmp_path / "evidence.zip").write_bytes(data)

    with (
        pytest.raises(EvidenceMismatch, match=r"evidence\.zip is damaged, or no package"),
        read_package(tmp_path / "evidence.zip"),
    ):
        pass


def test_a_file_that_is_not_there_is_a_mistake_of_the_user(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        verify_package(tmp_path / "evidence.zip", keyring=None)
