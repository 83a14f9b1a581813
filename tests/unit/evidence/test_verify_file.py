"""``seclab verify FILE``: what an auditor has is a file, and nothing of the pipeline."""

import json
import shutil
import subprocess
import sys
import zipfile

import pytest

from seclab.cli.verification import verify_file
from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence.ledger import to_lines
from seclab.evidence.package import write_package
from tests.conftest import ROOT
from tests.sealed import proven

GOLDEN = "tests/golden/2026-11-21/mlp-hardened"


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proven(tmp_path_factory.mktemp("proof"), noise=0.9)


@pytest.fixture(scope="module")
def package(proof, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "evidence.zip"
    parts = {"ledger": proof.ledger, "keys": proof.keys, "approvals": [proof.approval]}
    write_package(path, folder=proof.folder, **parts)
    return path


@pytest.fixture
def check(capsys):
    """Verify, and give what was printed."""

    def run(path, *, keys=None, ledger=None, as_json=False):
        try:
            verify_file(path, keys=keys, ledger=ledger, json=as_json)
        finally:
            out = capsys.readouterr().out
        return out

    return run


def test_a_package_is_verified_and_its_decision_is_told(proof, package, check):
    out = check(package, keys=proof.keys)

    assert out.startswith("Verified: the decision follows from the measurements and thresholds")
    assert "PASS with 1 waiver  model softmax-regression" in out
    assert f"bundle     {proof.bundle.digest}" in out
    assert "signature  pipeline, platform, key " in out
    assert "approval   security, security, key " in out
    assert "note" not in out


def test_with_the_keys_of_the_package_the_reader_is_warned(package, check):
    assert "note       the public keys came with the package: they prove nothing" in check(package)


def test_the_folder_of_a_run_and_a_bundle_alone_are_verified_too(proof, check, tmp_path):
    (tmp_path / "ledger.jsonl").write_text(to_lines(proof.ledger))
    parts = {"keys": proof.keys, "ledger": tmp_path / "ledger.jsonl"}

    whole = check(proof.folder, **parts)
    alone = check(proof.folder / "evidence" / "bundle.json", **parts)

    assert "signature  pipeline" in whole
    assert "signature  pipeline" in alone
    assert "note" not in whole
    assert "note       no other file was checked" in alone


def test_a_signature_without_keys_is_not_taken_for_a_good_one(proof, check):
    with pytest.raises(EvidenceMismatch, match="is not among the public keys"):
        check(proof.folder)


def test_differences_are_told_with_the_file(package, proof, check, tmp_path):
    path = tmp_path / "evidence.zip"
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"0.", b"1.") if name.startswith("tables/") else data)

    with pytest.raises(
        EvidenceMismatch, match=r"evidence\.zip: tables/evasion_linf\.sweep\.json: "
    ):
        check(path, keys=proof.keys)


def test_an_earlier_ledger_must_go_on_in_the_package(proof, package, check, tmp_path):
    other = tmp_path / "ledger.jsonl"
    other.write_text(to_lines(proof.ledger[:1]).replace("NOT_EVALUATED", "PASS"))

    with pytest.raises(EvidenceMismatch, match=r"ledger entry 1: expected .* as in the earlier"):
        check(package, keys=proof.keys, ledger=other)


def test_a_ledger_that_does_not_know_the_bundle_is_a_difference(proof, check, tmp_path):
    (tmp_path / "ledger.jsonl").write_text(to_lines(proof.ledger[:1]))

    with pytest.raises(EvidenceMismatch, match="the ledger has no entry for it"):
        check(proof.folder, keys=proof.keys, ledger=tmp_path / "ledger.jsonl")


def test_json_says_the_same_for_other_programs(proof, package, capsys):
    with pytest.raises(SystemExit) as ending:
        verify_file(package, keys=proof.keys, ledger=None, json=True)

    found = json.loads(capsys.readouterr().out)
    assert ending.value.code == 0
    assert (found["verified"], found["differences"], found["notes"]) == (True, [], [])
    assert found["bundle"] == str(proof.bundle.digest)
    assert found["decision"] == proof.bundle.predicate["decision"]
    assert found["signed"]["role"] == "pipeline"


def test_json_of_tampered_evidence_ends_with_1(proof, capsys, tmp_path):
    folder = shutil.copytree(proof.folder, tmp_path / "run")
    path = folder / "evidence" / "bundle.json"
    path.write_text(path.read_text().replace('"quick"', '"deep"'))

    with pytest.raises(SystemExit) as ending:
        verify_file(folder, keys=proof.keys, ledger=None, json=True)

    found = json.loads(capsys.readouterr().out)
    assert (ending.value.code, found["verified"]) == (1, False)
    assert '$.predicate.profile: expected "quick", found "deep"' in found["differences"]


@pytest.mark.parametrize("name", ["nowhere.zip", "nowhere", "nowhere.json"])
def test_what_is_not_there_is_a_mistake_of_the_user(name, check, tmp_path):
    with pytest.raises(Misconfigured, match="there is no such file or folder"):
        check(tmp_path / name)


def test_keys_and_ledger_that_are_not_there_are_mistakes_of_the_user(package, check, tmp_path):
    with pytest.raises(Misconfigured, match="--keys takes the folder of the public keys"):
        check(package, keys=tmp_path / "nowhere")
    with pytest.raises(Misconfigured, match=r"ledger\.jsonl cannot be read"):
        check(package, ledger=tmp_path / "ledger.jsonl")


@pytest.mark.parametrize("what", ["package", "golden"])
def test_no_pipeline_and_no_project_is_needed(what, proof, package, tmp_path):
    """In a process of its own, outside of any project: nothing but the base is imported."""
    path, keys = (package, proof.keys) if what == "package" else (ROOT / GOLDEN, None)
    code = (
        "import sys; from pathlib import Path\n"
        "from seclab.cli.verification import verify_file\n"
        "keys = Path(sys.argv[2]) if sys.argv[2] else None\n"
        "verify_file(Path(sys.argv[1]), keys=keys, ledger=None, json=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(keys or "")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("Verified: ")
    loaded = set(done.stderr.split())
    assert "jsonschema" in loaded
    assert not loaded & {
        "great_expectations",
        "jinja2",
        "matplotlib",
        "mlflow",
        "prefect",
        "sqlalchemy",
    }
