"""``seclab verify``: what was changed in a store is named, wherever it is."""

import json

import pytest

from tests.cli.projects import listing

pytestmark = [pytest.mark.flow, pytest.mark.slow]

# What is whole


def test_everything_in_a_store_is_verified_and_counted(promoted, seclab):
    answer = seclab(promoted.lab, "verify", "--all")
    findings = seclab(promoted.lab, "verify", "--all", "--json").json

    assert (answer.code, answer.err) == (0, "")
    assert "2 runs verified, 2 of them signed; nothing was changed" in answer.out
    runs, versions = (promoted.softmax[:12], promoted.forest[:12]), ("digits v1", "digits v2")
    for what in (*runs, *versions, "ledger of 7 entries", "champion of"):
        assert f"\nwhole  {what}" in f"\n{answer.out}"
    assert [finding["differences"] for finding in findings] == [[]] * 6
    assert {finding["run_id"] for finding in findings} == {promoted.softmax, promoted.forest, ""}
    signers = {finding["signed_by"] for finding in findings if finding["run_id"]}
    assert signers == {each["signed_by"] for each in promoted.listed}


def test_unsigned_evidence_is_whole_too_and_counted_as_unsigned(evaluated, seclab):
    answer = seclab(evaluated.lab, "verify", "--all")

    assert (answer.code, answer.err) == (0, "")
    assert "4 runs verified, 0 of them signed; nothing was changed" in answer.out


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
        f"bundle: expected digest {listing(signed, signed.forest)['bundle_digest']}, found ",
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
    key = listing(signed, signed.softmax)["signed_by"]
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
        f"{run[:12]} {listing(signed, run)['name']}: bundle: expected digest "
        f"{listing(signed, run)['bundle_digest']}, found {listing(signed, other)['bundle_digest']}"
        for run, other in ((signed.softmax, signed.forest), (signed.forest, signed.softmax))
    ]


def _a_run(lab, signed):
    lab.sql(f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '{signed.forest}'")  # noqa: S608
    digest = listing(signed, signed.forest)["bundle_digest"]
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
        f"bundle {listing(signed, signed.forest)['bundle_digest']}: the ledger has no entry for it",
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
    assert "champion of digits: there is none" in answer.out
    assert "0 runs verified" in answer.out
    path = tmp_path / "ledger.jsonl"
    assert seclab(lab, "export-ledger", "-o", str(path)).code == 0
    assert path.read_text() == ""
    assert not (lab.root / "mlruns").exists()
