"""``seclab quarantine`` and the files of ``seclab check``: what a person sees, says and gets."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from seclab import datasets, settings, tracking
from seclab.data_files import read_dataset, write_dataset
from seclab.fingerprint import row_digests
from seclab.measurement import CheckStatus, Subject
from seclab.quarantine import SUSPECTED_FILE, find
from tests.runs import report
from tests.unit.tracking.conftest import Recorder

WHO = ("--by", "data owners", "--reason", "a smudge")


@pytest.fixture
def held(lab, empty_database, tmp_path_factory):
    """A project whose store holds a refusal of digits 3, 5 and 8."""
    digits = datasets.digits()
    pinned = str(digits.fingerprint().ordered)
    finding = find(
        digits,
        dict.fromkeys((3, 5, 8), ("expect_no_shared_patterns",)),
        places=range(len(digits)),
        acquired=pinned,
    )

    def folder(name):
        made = tmp_path_factory.mktemp(name)
        (made / "quarantine").mkdir()
        (made / SUSPECTED_FILE).write_text(finding.text(), encoding="utf-8")
        return made

    (lab.root / "mlruns").mkdir()
    shutil.copy(empty_database, lab.root / "mlruns")
    store = tracking.open_store(settings.find(lab.root, {}))
    subject = Subject("dataset", "digits", pinned)
    checks = replace(report(CheckStatus.FAILED), dataset="digits")
    Recorder(store, folder).run(subject=subject, outcomes=(), reports=(checks,))
    return lab


def _states(seclab, lab):
    shown = seclab(lab, "quarantine", "list", "--json").json["digits"]
    return {row["index"]: row["state"] for row in shown}


def test_rows_are_listed_decided_about_and_listed_with_what_was_said(seclab, held):
    digits = datasets.digits()
    row = row_digests(digits.features[5:6], digits.labels[5:6])[0]
    listed = seclab(held, "quarantine", "list")
    confirmed = seclab(held, "quarantine", "confirm", "3", *WHO)
    released = seclab(held, "quarantine", "release", row[:9], "8", *WHO)
    after = seclab(held, "quarantine", "list", "--rows")

    assert (listed.code, confirmed.code, released.code, after.code) == (0, 0, 0, 0)
    assert listed.out.startswith("digits: 3 suspected, 0 confirmed, 0 released\n")
    assert f"{row[:12]}  5      5      1       suspected  expect_no_shared_patterns" in listed.out
    assert "next: seclab quarantine confirm ROW... --reason WHY --by WHO" in listed.out
    assert "(index 3), until now suspected" in confirmed.out
    assert "signed    by nobody: UNSIGNED" in confirmed.out
    assert released.out.count("released  row ") == 2
    assert _states(seclab, held) == {3: "confirmed", 5: "released", 8: "released"}
    assert "confirmed by data owners on " in after.out
    assert ": a smudge" in after.out
    assert f"row {row[:12]}, label 5, released\n" in after.out
    assert after.out.count("█") > 20
    assert seclab(held, "verify", "--all").code == 0
    assert "suspected rows are named in " in seclab(held, "show", "latest").out


def test_a_wrong_decision_is_2_and_says_everything_that_is_wrong(seclab, held):
    assert seclab(held, "quarantine", "confirm", "3", *WHO).code == 0
    again = seclab(held, "quarantine", "confirm", "3", "--by", " ", "--reason", "")
    unknown = seclab(held, "quarantine", "release", "4", "3f", *WHO)
    nothing = seclab(held, "quarantine", "release", *WHO)
    unsigned = seclab(held, "quarantine", "release", "5", *WHO, "--role", "legal")
    nowhere = seclab(held, "quarantine", "list", "--dataset", "letters")

    for answer in (again, unknown, nothing, unsigned, nowhere):
        assert (answer.code, answer.out) == (2, "")
    for said in ("--reason is empty", "--by is empty", "(index 3) was confirmed by data owners"):
        assert said in again.text
    assert "row 4 of digits is not in quarantine" in unknown.text
    assert "row 3f of digits is not in quarantine" in unknown.text
    assert "name the rows: by index, by digest, or with --all or --run" in nothing.text
    assert "no usable key of the role legal here" in unsigned.text
    assert "models.yaml has no entry for 'letters'" in nowhere.text
    assert _states(seclab, held) == {3: "confirmed", 5: "suspected", 8: "suspected"}


def test_a_project_without_a_store_has_nothing_in_quarantine(seclab, lab):
    answer = seclab(lab, "quarantine", "list")

    assert (answer.code, answer.out) == (0, "no rows of any dataset were ever set aside\n")


@pytest.fixture
def conflicting(tmp_path):
    """A file of digits to which relabelled copies were added."""
    digits = datasets.digits()
    rows = np.array([100, 500, 900])
    planted = digits.with_rows(
        np.vstack([digits.features, digits.features[rows]]),
        np.append(digits.labels, (digits.labels[rows] + 1) % 10),
    )
    path = tmp_path / "planted.csv"
    write_dataset(path, planted)
    return path


def test_check_writes_what_it_stops_on_and_what_is_left_to_two_files(seclab, lab, conflicting):
    rest, aside = conflicting.with_name("rest.csv"), conflicting.with_name("aside.npz")
    asked = ("check", str(conflicting), "--rest", str(rest), "--aside", str(aside))

    answer = seclab(lab, *asked)

    assert answer.code == 1
    suspected = read_dataset(aside)
    assert f"written  {aside}: {len(suspected)} rows suspected" in answer.out
    assert len(read_dataset(rest)) == 1800 - len(suspected)
    found = set(row_digests(suspected.features, suspected.features[:, 0].astype(int)))
    planted = datasets.digits().features[[100, 500, 900]]
    assert found >= set(row_digests(planted, planted[:, 0].astype(int)))

    again = seclab(lab, *asked)
    assert again.code == 2
    assert f"{rest} is there already; it is not overwritten" in again.text
    assert f"{aside} is there already; it is not overwritten" in again.text
