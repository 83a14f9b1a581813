"""``seclab verify``, ``export``, ``export-ledger``: what was changed is named, wherever it is."""

import json
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

pytestmark = [pytest.mark.flow, pytest.mark.slow]


@pytest.fixture
def spoilt(promoted, tmp_path):
    """A store with signed evidence, approvals and a champion, to be spoilt."""
    return promoted.lab.copy(tmp_path / "project")


@pytest.fixture(scope="module")
def exported(promoted, tmp_path_factory):
    """The package of a run, and a folder with nothing else in it."""
    path = tmp_path_factory.mktemp("elsewhere") / "evidence.zip"
    answer = promoted.lab.run("export", promoted.softmax[:12], "-o", str(path))
    assert answer.code == 0, answer.text
    return path


def _listed(signed, run):
    return next(each for each in signed.listed if each["run_id"] == run)


# What is whole


def test_everything_in_a_store_is_verified_and_counted(promoted, seclab):
    answer = seclab(promoted.lab, "verify", "--all")
    findings = seclab(promoted.lab, "verify", "--all", "--json").json

    assert (answer.code, answer.err) == (0, "")
    assert "2 runs verified, 2 of them signed; nothing was changed" in answer.out
    for what in (promoted.softmax[:12], promoted.forest[:12], "ledger of 7 entries", "champion of"):
        assert f"\nwhole  {what}" in f"\n{answer.out}"
    assert [finding["differences"] for finding in findings] == [[]] * 4
    assert {finding["run_id"] for finding in findings} == {promoted.softmax, promoted.forest, ""}
    signers = {finding["signed_by"] for finding in findings if finding["run_id"]}
    assert signers == {each["signed_by"] for each in promoted.listed}


def test_unsigned_evidence_is_whole_too_and_counted_as_unsigned(evaluated, seclab):
    answer = seclab(evaluated.lab, "verify", "--all")

    assert (answer.code, answer.err) == (0, "")
    assert "3 runs verified, 0 of them signed; nothing was changed" in answer.out


def test_one_run_is_verified_by_its_id_or_the_beginning_of_it(promoted, seclab):
    whole = seclab(promoted.lab, "verify", promoted.softmax)
    [finding] = seclab(promoted.lab, "verify", promoted.softmax[:8], "--json").json

    assert (whole.code, whole.err) == (0, "")
    assert f"whole  {promoted.softmax[:12]} PASS softmax-regression v1" in whole.out
    assert (finding["run_id"], finding["differences"]) == (promoted.softmax, [])


# What was changed


def _bundle(lab, run):
    return lab.evidence(run) / "evidence" / "bundle.json"


def _a_number(lab, signed):
    path = _bundle(lab, signed.forest)
    document = json.loads(path.read_text())
    for outcome in document["predicate"]["evaluations"]:
        for measurement in outcome["measurements"]:
            if measurement["metric"] == "membership_auc":
                measurement["value"] = measurement["interval"]["high"] = 0.6
    path.write_text(json.dumps(document))
    return [
        f"{signed.forest[:12]} BLOCK random-forest",
        f"bundle: expected digest {_listed(signed, signed.forest)['bundle_digest']}, found ",
        "decision: criterion T-PRV-01: expected verdict PASS, found BLOCK",
        "signature: ",
    ]


def _a_table(lab, signed):
    table = min(lab.evidence(signed.softmax).glob("tables/*.json"))
    table.unlink()
    return [f"tables/{table.name}: expected sha256:", "found no file"]


def _the_report(lab, signed):
    report = lab.evidence(signed.forest) / "report.html"
    report.write_text(report.read_text().replace("BLOCK", "PASS"))
    return ["report: expected sha256:"]


def _the_signature(lab, signed):
    (lab.evidence(signed.softmax) / "evidence" / "bundle.dsse.json").unlink()
    key = _listed(signed, signed.softmax)["signed_by"]
    return [f"signature: the signature was removed: expected one by key {key}, found none"]


def _an_approval(lab, signed):
    min(lab.evidence(signed.softmax).glob("approvals/*.json")).unlink()
    return ["approval sha256:", "for ml-engineering: expected by the ledger, found nothing"]


def _two_bundles(lab, signed):
    folders = [lab.evidence(run) / "evidence" for run in (signed.softmax, signed.forest)]
    other = folders[0].with_name("other")
    folders[0].rename(other)
    folders[1].rename(folders[0])
    other.rename(folders[1])
    return [
        f"{run[:12]} {_listed(signed, run)['name']}: bundle: expected digest "
        f"{_listed(signed, run)['bundle_digest']}, found {_listed(signed, other)['bundle_digest']}"
        for run, other in ((signed.softmax, signed.forest), (signed.forest, signed.softmax))
    ]


def _a_run(lab, signed):
    lab.sql(f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{signed.forest}'")  # noqa: S608
    digest = _listed(signed, signed.forest)["bundle_digest"]
    return [f"bundle {digest} of run {signed.forest} (random-forest): expected by ledger entry 2"]


def _the_verdict_of_a_run(lab, signed):
    lab.sql(
        f"DELETE FROM tags WHERE key = 'seclab.verdict' AND run_uuid = '{signed.forest}'"  # noqa: S608
    )
    return ["tag seclab.verdict: expected BLOCK by the bundle, found none"]


def _a_verdict_for_a_better_one(lab, signed):
    lab.sql(
        f"UPDATE tags SET value = 'PASS' WHERE key = 'seclab.verdict' AND run_uuid = '{signed.forest}'"  # noqa: E501, S608
    )
    return ["tag seclab.verdict: expected BLOCK by the bundle, found PASS"]


def _the_newest_entry(lab, _signed):
    lab.sql("DELETE FROM params WHERE key = 'entry.00000007'")
    return ["champion of digits: the change to v1 that began at", "(ledger entry 6) is not comple"]


def _an_entry_in_the_middle(lab, signed):
    lab.sql("DELETE FROM params WHERE key = 'entry.00000002'")
    return [
        "ledger entry 2: expected sequence 2, found 3",
        f"bundle {_listed(signed, signed.forest)['bundle_digest']}: the ledger has no entry for it",
    ]


def _an_entry_of_another_text(lab, _signed):
    lab.sql(
        "UPDATE params SET value = replace(value, 'BLOCK', 'PASS') WHERE key = 'entry.00000002'"
    )
    return ["ledger entry 3: expected previous sha256:"]


def _the_whole_ledger(lab, signed):
    lab.sql(
        "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid IN "
        "(SELECT run_uuid FROM params WHERE key = 'entry.00000001')"
    )
    return [
        "ledger of 0 entries",
        *(f"bundle {each['bundle_digest']}: the ledger has no" for each in signed.listed),
    ]


def _the_champion(lab, _signed):
    lab.sql("UPDATE registered_model_aliases SET version = 2")
    return ["champion of digits: expected v1 by the ledger, found v2: the alias was moved by hand"]


@pytest.mark.parametrize(
    "change",
    [
        _a_number,
        _the_signature,
        _the_verdict_of_a_run,
        _the_newest_entry,
        _the_champion,
        *(
            pytest.param(change, marks=pytest.mark.exhaustive)
            for change in (
                _a_table,
                _the_report,
                _an_approval,
                _two_bundles,
                _a_run,
                _a_verdict_for_a_better_one,
                _an_entry_in_the_middle,
                _an_entry_of_another_text,
                _the_whole_ledger,
            )
        ),
    ],
    ids=lambda change: change.__name__.strip("_").replace("_", "-"),
)
def test_a_change_of_anything_in_the_store_is_named(change, promoted, spoilt, seclab):
    named = change(spoilt, promoted)

    answer = seclab(spoilt, "verify", "--all")
    document = seclab(spoilt, "verify", "--all", "--json")

    assert (answer.code, answer.out, document.code) == (1, "", 1)
    assert all(line.startswith("seclab: ") for line in answer.text.splitlines())
    for what in named:
        assert what in answer.text
    said = [
        f"seclab: {finding['what']}: {difference}"
        for finding in document.json
        for difference in finding["differences"]
    ]
    assert said == answer.err.splitlines()


def test_a_change_of_one_run_is_named_by_its_own_verification_and_not_by_that_of_another(
    promoted, spoilt, seclab
):
    named = _a_number(spoilt, promoted)

    changed = seclab(spoilt, "verify", promoted.forest)

    assert (changed.code, changed.out) == (1, "")
    assert all(what in changed.text for what in named)
    assert seclab(spoilt, "verify", promoted.softmax).code == 0


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
        "DELETE FROM params WHERE key GLOB 'entry.*' AND key >= 'entry.00000002'",
    )
    for approval in spoilt.evidence(promoted.softmax).glob("approvals/*.json"):
        approval.unlink()
    alone = seclab(spoilt, "verify", "--all")
    against = seclab(spoilt, "verify", "--all", "--ledger", str(path))

    assert alone.code == 0
    assert (against.code, against.out) == (1, "")
    lines = against.text.splitlines()
    assert len(lines) == 6
    for number, line in enumerate(lines, start=2):
        assert f"ledger entry {number}: expected sha256:rfc8785:" in line
        assert "as in the earlier export, found no entry" in line


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
    listed = _listed(promoted, promoted.softmax)
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
    assert document["bundle"] == _listed(promoted, promoted.softmax)["bundle_digest"]
    assert people.returncode == 0
    assert people.stdout == seclab(exported.parent, "verify", exported.name).out
    # Such a process finds nothing that it was not allowed.
    assert without.returncode != 0
    assert "No module named 'jsonschema'" in without.stderr


# Wrong use


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("verify",), "name a run or a file to verify, or give --all; not both, not neither"),
        (("verify", "latest", "--all"), "not both, not neither"),
        (("verify", "ffffffff"), "there is no run ffffffff"),
        (("verify", "missing.zip"), "missing.zip: there is no such file or folder"),
        (("verify", "missing/run"), "missing/run: there is no such file or folder"),
        (("verify", "--all", "--keys", "registers/keys"), "--keys is for files"),
        (("verify", "latest", "--keys", "registers/keys"), "--keys is for files"),
        (("verify", "latest", "--ledger", "pyproject.toml"), "--ledger is for files and for --all"),
        (("verify", "--all", "--ledger", "missing.jsonl"), "missing.jsonl cannot be read: "),
        (("verify", "registers", "--keys", "missing"), "missing is no folder"),
        (("export", "latest"), "Missing option '--out'"),
        (("export", "ffffffff", "-o", "evidence.zip"), "there is no run ffffffff"),
        (("export", "latest", "-o", "missing/evidence.zip"), "missing/evidence.zip"),
        (("export-ledger", "-o", "missing/ledger.jsonl"), "missing/ledger.jsonl cannot be written"),
    ],
)
def test_a_wrong_use_is_2(arguments, complaint, promoted, seclab):
    answer = seclab(promoted.lab, *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert complaint in answer.text


@pytest.mark.parametrize("name", ["missing.zip", "folder/bundle.json"])
def test_a_missing_file_outside_a_project_is_2_and_is_said_to_be_missing(name, seclab, tmp_path):
    answer = seclab(tmp_path, "verify", name)

    assert (answer.code, answer.out) == (2, "")
    assert f"{name}: there is no such file or folder" in answer.text


def test_a_file_that_is_no_evidence_is_1(seclab, tmp_path):
    for name, text in (("a.zip", "no zip"), ("b.json", "{}"), ("c.json", "[1")):
        (tmp_path / name).write_text(text)
        answer = seclab(tmp_path, "verify", name)

        assert (answer.code, answer.out) == (1, "")
        assert answer.text.startswith("seclab: ")


def test_a_project_without_runs_has_nothing_to_verify(lab, seclab, tmp_path):
    answer = seclab(lab, "verify", "--all")

    assert answer.code == 0
    assert "0 runs verified" in answer.out
    path = tmp_path / "ledger.jsonl"
    assert seclab(lab, "export-ledger", "-o", str(path)).code == 0
    assert path.read_text() == ""
    assert not (lab.root / "mlruns").exists()
