"""Evidence that real runs left behind: today's verifier has to read it for as long as it is kept.

Each folder holds what one `seclab evaluate --profile quick` stored with a run, but for the report,
which is made of the bundle and pinned by nothing. A new format gets a folder of its own; what is
here is never made anew.
"""

import json
import shutil
from pathlib import Path

import pytest

from seclab.evidence import (
    decide_again,
    decision_of,
    examine,
    load_keyring,
    outcomes_of,
    read,
    reports_of,
    verify,
)
from seclab.gate import Verdict
from seclab.outcome import Evaluated
from seclab.registers import load_registers
from seclab.reports import render_html
from tests.conftest import ROOT

HERE = Path(__file__).parent
DIGESTS = {
    "2026-11-21/mlp-hardened": (
        "sha256:rfc8785:e733c5e6cce400ba76a2008d0c68f7d4828aab2149c7436063bd35ef6ec387b2"
    ),
    "2026-11-21/support-agent": (
        "sha256:rfc8785:facbfb97b8fef3342620f9bca2600f7de7b40fed69de977b3f9f3c643d5ba7ba"
    ),
    "2026-11-22/mlp-hardened": (
        "sha256:rfc8785:14c5b3c8c5c13876180839c3eea6a89b41eefa285af18d3dbaeb7417339ecc8c"
    ),
}
WITH_FILES = ["2026-11-21/mlp-hardened", "2026-11-22/mlp-hardened"]
SIGNED = ["2026-11-22/mlp-hardened"]


def _bundle(name, folder=HERE):
    return read((folder / name / "evidence" / "bundle.json").read_bytes())


def test_every_bundle_that_is_kept_is_tested():
    kept = {path.parents[1].relative_to(HERE).as_posix() for path in HERE.rglob("bundle.json")}

    assert kept == DIGESTS.keys()


@pytest.mark.parametrize("name", DIGESTS)
def test_an_old_bundle_still_verifies(name):
    assert verify(_bundle(name), expected_digest=DIGESTS[name]) == []


@pytest.mark.parametrize("name", WITH_FILES)
def test_the_files_of_an_old_run_still_verify(name):
    differences = verify(_bundle(name), expected_digest=DIGESTS[name], artifacts=HERE / name)

    assert differences == []


@pytest.mark.parametrize("name", SIGNED)
def test_the_signature_of_an_old_run_is_still_good(name):
    keyring = load_keyring(HERE / Path(name).parent / "keys")

    found = examine(HERE / name, keyring=keyring, expected_digest=DIGESTS[name])

    assert found.differences == ()
    assert (found.signed.role, found.signed.problem) == ("pipeline", "")


@pytest.mark.parametrize("name", DIGESTS)
def test_an_old_decision_still_follows_from_its_numbers(name):
    bundle = _bundle(name)

    assert decision_of(bundle).verdict is Verdict.PASS
    assert decide_again(bundle).verdict is Verdict.PASS
    assert all(isinstance(outcome, Evaluated) for outcome in outcomes_of(bundle))


def test_old_numbers_are_read_as_they_were_written():
    bundle = _bundle("2026-11-21/mlp-hardened")

    evasion = next(o for o in outcomes_of(bundle) if o.evaluation == "evasion_linf")
    values = {
        m.label(): (m.value, m.n) for m in evasion.measurements if m.metric != "attack_success_rate"
    }
    assert values["clean_accuracy"] == (355 / 360, 360)
    assert values["robust_accuracy (attack=strongest, epsilon=0.1)"] == (306 / 360, 360)
    assert [report.suite for report in reports_of(bundle)] == ["digits", "splits"]


@pytest.mark.parametrize("name", DIGESTS)
def test_old_numbers_can_be_judged_by_the_criteria_of_today(name):
    today = load_registers(ROOT / "registers")

    decision = decide_again(_bundle(name), today.thresholds)

    ours = {t.id for t in today.thresholds if t.subject == decision.subject.kind}
    assert ours <= {result.criterion for result in decision.criteria}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_report_can_still_be_made_of_an_old_bundle(name):
    risks = load_registers(ROOT / "registers").risks

    page = render_html(_bundle(name), folder=HERE / name, risks=risks, name="an old run")

    assert DIGESTS[name] in page
    assert page.count("<svg") == len(list((HERE / name).glob("figures/*.svg")))


@pytest.mark.parametrize("name", DIGESTS)
def test_a_forged_number_in_an_old_bundle_is_found(name, tmp_path):
    shutil.copytree(HERE / name, tmp_path / name)
    path = tmp_path / name / "evidence" / "bundle.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    measured = document["predicate"]["evaluations"][0]["measurements"][0]
    measured["value"] = round(measured["value"] - 0.01, 6)
    path.write_text(json.dumps(document), encoding="utf-8")

    assert verify(_bundle(name, tmp_path), expected_digest=DIGESTS[name])


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_forged_file_of_an_old_run_is_found(name, tmp_path):
    shutil.copytree(HERE / name, tmp_path / name)
    table = tmp_path / name / "tables" / "evasion_linf.evasion_sweep.json"
    table.write_text(table.read_text(encoding="utf-8").replace("0.", "1.", 1), encoding="utf-8")

    (difference,) = verify(
        _bundle(name, tmp_path), expected_digest=DIGESTS[name], artifacts=tmp_path / name
    )

    assert difference.startswith("tables/evasion_linf.evasion_sweep.json: expected sha256:bytes:")
