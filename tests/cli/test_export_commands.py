"""``seclab export`` and ``export-ledger``: what was taken elsewhere proves itself there."""

import json
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.cli.projects import listing
from tests.conftest import ROOT

pytestmark = [pytest.mark.flow, pytest.mark.slow]


@pytest.fixture(scope="module")
def exported(promoted, tmp_path_factory):
    """The package of a run, and a folder with nothing else in it."""
    path = tmp_path_factory.mktemp("elsewhere") / "evidence.zip"
    answer = promoted.lab.run("export", promoted.softmax[:12], "-o", str(path))
    assert answer.code == 0, answer.text
    return path


# The end of the ledger


def test_an_end_that_was_cut_off_without_a_trace_shows_against_an_earlier_export(
    promoted, spoilt, seclab, tmp_path
):
    path = tmp_path / "ledger.jsonl"
    export = seclab(promoted.lab, "export-ledger", "-o", str(path))
    assert (export.code, export.err) == (0, "")
    assert f"{path}  7 entries" in export.out
    assert seclab(promoted.lab, "verify", "--all", "--ledger", str(path)).code == 0

    spoilt.sql(
        f"DELETE FROM tags WHERE run_uuid = '{promoted.forest}'",  # noqa: S608
        f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{promoted.forest}'",  # noqa: S608
        "DELETE FROM registered_model_aliases",
        "DELETE FROM model_version_tags WHERE key GLOB 'promotion.*'",
        "DELETE FROM params WHERE key GLOB 'entry.*' AND key >= 'entry.00000002'",
    )
    approvals = spoilt.evidence(promoted.softmax).glob("approvals/*.json")
    for path_of_proof in (*approvals, *(spoilt.root / "mlruns").rglob("record-*.json")):
        path_of_proof.unlink()
    alone = seclab(spoilt, "verify", "--all")
    against = seclab(spoilt, "verify", "--all", "--ledger", str(path))

    assert alone.code == 0
    assert (against.code, against.out) == (1, "")
    lines = against.text.splitlines()
    assert len(lines) == 6
    for number, line in enumerate(lines, start=2):
        assert f"ledger entry {number}: expected sha256:rfc8785:" in line
        assert "as in the earlier export, found no entry" in line


def test_an_earlier_ledger_is_never_overwritten(promoted, seclab, tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_text("what would prove a change")

    answer = seclab(promoted.lab, "export-ledger", "-o", str(path))

    assert (answer.code, answer.out) == (2, "")
    assert "is there already and is not overwritten" in answer.err
    assert path.read_text() == "what would prove a change"


def test_an_export_goes_on_where_an_earlier_one_ended(promoted, seclab, exported, tmp_path):
    path = tmp_path / "ledger.jsonl"
    seclab(promoted.lab, "export-ledger", "-o", str(path))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4]))
    assert seclab(tmp_path, "verify", str(exported), "--ledger", str(path)).code == 0

    path.write_text("".join([*lines, lines[-1]]))
    answer = seclab(tmp_path, "verify", str(exported), "--ledger", str(path))

    assert (answer.code, answer.out) == (1, "")
    assert "as in the earlier export, found no entry" in answer.text


# Taken elsewhere


def _unpacked(exported, tmp_path):
    with zipfile.ZipFile(exported) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_an_export_is_verified_where_there_is_no_project(promoted, exported, seclab, tmp_path):
    listed = listing(promoted, promoted.softmax)
    decision = seclab(promoted.lab, "show", promoted.softmax, "--json").json["predicate"][
        "decision"
    ]

    answer = seclab(tmp_path, "verify", str(exported))
    document = seclab(tmp_path, "verify", str(exported), "--json").json

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Verified: the decision follows from the measurements")
    assert "\nPASS  model softmax-regression\n" in answer.out
    assert f"signature  pipeline, platform, key {listed['signed_by']}" in answer.out
    assert answer.out.count("\napproval   ") == 2
    assert "note       the public keys came with the package" in answer.out
    assert document["bundle"] == listed["bundle_digest"]
    assert (document["verified"], document["decision"]) == (True, decision)


def test_keys_that_were_got_elsewhere_are_believed_and_others_are_not(
    promoted, exported, seclab, tmp_path
):
    good = seclab(
        tmp_path, "verify", str(exported), "--keys", str(promoted.lab.root / "registers" / "keys")
    )
    bad = seclab(tmp_path, "verify", str(exported), "--keys", str(tmp_path))

    assert good.code == 0
    assert "note" not in good.out
    assert (bad.code, bad.out) == (1, "")
    assert "signature: " in bad.text
    assert bad.text.count("approvals/") == 2


@pytest.mark.parametrize("what", [".", "evidence/bundle.json"])
def test_parts_of_an_export_are_verified_as_far_as_they_go(
    what, promoted, exported, seclab, tmp_path
):
    folder = _unpacked(exported, tmp_path)
    keys = str(promoted.lab.root / "registers" / "keys")

    answer = seclab(tmp_path, "verify", str(folder / what), "--keys", keys)

    assert (answer.code, answer.err) == (0, "")
    assert "PASS  model softmax-regression" in answer.out


@pytest.mark.parametrize(
    "name", ["evidence/bundle.json", "ledger.jsonl", "report.html", "evidence/bundle.dsse.json"]
)
def test_a_changed_file_of_an_export_is_named(name, exported, seclab, tmp_path):
    path = tmp_path / "changed.zip"
    with zipfile.ZipFile(exported) as before, zipfile.ZipFile(path, "w") as after:
        for item in before.infolist():
            data = before.read(item)
            changed = data.replace(b"1", b"2", 40) if item.filename == name else data
            after.writestr(item, changed)

    answer = seclab(tmp_path, "verify", str(path))
    document = seclab(tmp_path, "verify", str(path), "--json")

    assert (answer.code, answer.out) == (1, "")
    assert all(line.startswith("seclab: ") for line in answer.text.splitlines())
    assert document.code == 1


# An environment of its own

IMPORTS = """
import sys

ALLOWED = set({allowed!r})


class OnlyTheBase:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        # The description of the build has a name of its own on every platform.
        if top in ALLOWED or top in sys.stdlib_module_names or top.startswith("_sysconfigdata"):
            return None
        raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, OnlyTheBase())
from seclab.cli import main

main()
"""


def _base_distributions():
    """Names of the distributions that an installation without extras brings."""
    # What becomes Requires-Dist. That of an editable installation is as old as the installation.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, left = set(), [(Requirement(line), "") for line in project["dependencies"]]
    while left:
        requirement, extra = left.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            if (requirement.name, wanted) not in found:
                found.add((requirement.name, wanted))
                needs = metadata.requires(requirement.name) or ()
                left += [(Requirement(line), wanted) for line in needs]
    return {metadata.metadata(name)["Name"] for name, _ in found}


def _base_modules():
    base = _base_distributions()
    modules = metadata.packages_distributions()
    return {module for module, names in modules.items() if base & set(names)} | {"seclab"}


def test_the_base_dependencies_alone_come_to_the_same_decision(promoted, exported, seclab):
    modules = _base_modules()
    assert modules >= {"jsonschema", "numpy", "rfc8785", "securesystemslib", "sklearn", "typer"}
    assert not modules & {"flows", "jinja2", "matplotlib", "mlflow", "prefect", "tasks"}
    bundle = seclab(promoted.lab, "show", promoted.softmax, "--json").json

    def isolated(*arguments, without=()):
        allowed = sorted(modules - {*without})
        return subprocess.run(
            [sys.executable, "-c", IMPORTS.format(allowed=allowed), *arguments],
            cwd=exported.parent,
            env={"PATH": "", "HOME": str(exported.parent), "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    verified = isolated("verify", exported.name, "--json")
    people = isolated("verify", exported.name)
    without = isolated("verify", exported.name, without={"jsonschema"})

    assert (verified.returncode, verified.stderr) == (0, "")
    document = json.loads(verified.stdout)
    assert document["verified"]
    assert document["decision"] == bundle["predicate"]["decision"]
    assert document["bundle"] == listing(promoted, promoted.softmax)["bundle_digest"]
    assert people.returncode == 0
    assert people.stdout == seclab(exported.parent, "verify", exported.name).out
    # Such a process finds nothing that it was not allowed.
    assert without.returncode != 0
    assert "No module named 'jsonschema'" in without.stderr
