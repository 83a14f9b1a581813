"""A run verified with all its files, and each of them changed, missing or too much."""

import pytest

from seclab.errors import EvidenceMismatch
from seclab.evidence import Bundle, verify
from seclab.evidence.bundle import statement_subjects
from seclab.evidence.keys import Keyring
from seclab.evidence.verification import examine
from seclab.fingerprint import of_bytes, of_json
from seclab.gate import Verdict
from tests.runs import finished
from tests.sealed import sealed


def _verify(run, *, folder=None):
    return verify(run.bundle, expected_digest=str(run.bundle.digest), artifacts=folder)


def test_a_sealed_run_verifies(run):
    assert _verify(run) == []
    assert _verify(run, folder=run.folder) == []


@pytest.mark.parametrize("broken", [{"noise": None}, {"robust": 0.3}, {"reports": ()}])
def test_a_refusal_verifies_too(broken, tmp_path):
    run = finished(tmp_path, **broken)

    assert run.assessment.decision.verdict is not Verdict.PASS
    assert _verify(run, folder=tmp_path) == []


@pytest.mark.parametrize(
    "name", ["figures/evasion_linf.curve.svg", "tables/evasion_linf.sweep.json"]
)
def test_a_changed_file_is_told_with_both_digests(run, folder, name):
    expected = of_bytes((folder / name).read_bytes())
    (folder / name).write_text("changed")

    assert _verify(run, folder=folder) == [
        f"{name}: expected {expected}, found {of_bytes(b'changed')}"
    ]


def test_a_missing_file_is_told(run, folder):
    name = "tables/evasion_linf.sweep.json"
    expected = of_bytes((folder / name).read_bytes())
    (folder / name).unlink()

    assert _verify(run, folder=folder) == [f"{name}: expected {expected}, found no file"]


def test_a_file_that_nobody_sealed_is_told(run, folder):
    (folder / "figures" / "made-up.svg").write_text("<svg/>")

    assert _verify(run, folder=folder) == [
        f"figures/made-up.svg: expected no file, found {of_bytes(b'<svg/>')}"
    ]


def test_all_differences_are_told_at_once(run, folder):
    (folder / "figures" / "evasion_linf.curve.svg").unlink()
    (folder / "tables" / "evasion_linf.sweep.json").write_text("{}")
    (folder / "extra").write_text("")

    differences = verify(run.bundle, expected_digest="sha256:rfc8785:00", artifacts=folder)

    assert [difference.partition(":")[0] for difference in differences] == [
        "bundle",
        "extra",
        "figures/evasion_linf.curve.svg",
        "tables/evasion_linf.sweep.json",
    ]


def test_what_is_made_from_the_bundle_afterwards_is_no_difference(run, folder):
    (folder / "report.html").write_text("another page")
    (folder / "evidence").mkdir()
    (folder / "evidence" / "bundle.json").write_text(run.bundle.text())

    assert _verify(run, folder=folder) == []


def _pin(document, name, digest):
    """What a forger adds to both lists of a bundle."""
    document["predicate"]["artifacts"][name] = str(digest)
    document["subject"] = statement_subjects(document["predicate"])
    return Bundle(document, of_json(document))


def test_a_report_that_the_bundle_does_pin_is_compared(folder, document):
    bundle = _pin(document, "report.html", of_bytes(b"another page"))

    differences = verify(bundle, expected_digest=str(bundle.digest), artifacts=folder)

    assert [difference.partition(":")[0] for difference in differences] == ["report.html"]


def test_a_name_that_leads_out_of_the_folder_is_not_followed(folder, document):
    (folder.parent / "outside").write_text("secret")
    bundle = _pin(document, "../outside", of_bytes(b"secret"))

    differences = verify(bundle, expected_digest=str(bundle.digest), artifacts=folder)

    assert differences == [f"../outside: expected {of_bytes(b'secret')}, found no file"]


def test_approvals_come_after_sealing_and_are_no_difference(run, folder):
    (folder / "approvals").mkdir()
    (folder / "approvals" / "security.json").write_text("{}")

    assert _verify(run, folder=folder) == []


def test_files_beside_the_run_are_left_alone_only_when_they_are_named(run, folder):
    (folder / "keys").mkdir()
    (folder / "keys" / "a.json").write_text("{}")
    parts = {"expected_digest": str(run.bundle.digest), "artifacts": folder}

    assert verify(run.bundle, **parts, beside=("keys",)) == []
    assert [d.partition(":")[0] for d in verify(run.bundle, **parts)] == ["keys/a.json"]


def test_a_run_is_examined_from_its_files_alone(tmp_path):
    bundle = sealed(tmp_path)

    found = examine(tmp_path, keyring=Keyring({}), expected_digest=str(bundle.digest))

    assert (found.bundle, found.signed, found.differences) == (bundle, None, ())


def test_a_run_without_bundle_cannot_be_examined(tmp_path):
    with pytest.raises(EvidenceMismatch, match=r"bundle\.json: the bundle cannot be read: No such"):
        examine(tmp_path, keyring=Keyring({}), expected_digest=None)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"payload": 1}', "[" * 100_000])
def test_a_signed_form_that_is_none_is_a_difference(text, tmp_path):
    sealed(tmp_path)
    (tmp_path / "evidence" / "bundle.dsse.json").write_text(text)

    found = examine(tmp_path, keyring=Keyring({}), expected_digest=None)

    assert found.signed.problem
    assert [d.partition(":")[0] for d in found.differences] == ["signature"]


def test_a_folder_that_is_not_there_has_none_of_the_files(run, tmp_path):
    differences = _verify(run, folder=tmp_path / "nowhere")

    assert len(differences) == 3
    assert all(difference.endswith("found no file") for difference in differences)
