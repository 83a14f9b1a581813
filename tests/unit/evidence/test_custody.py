"""Where the data comes from is in the bundle, and a bundle that says otherwise is found out."""

import copy
from dataclasses import replace

import pytest

from seclab.evidence import Bundle, reports_of, traced, verify
from seclab.evidence.custody import custody_document
from seclab.fingerprint import of_json
from tests.runs import MANIFESTS, ROWS, finished


@pytest.fixture(scope="module")
def predicate(run):
    return run.bundle.predicate


def found(document, change):
    changed = copy.deepcopy(document)
    change(changed["predicate"]["custody"])
    bundle = Bundle(changed, of_json(changed))
    return [d for d in verify(bundle, expected_digest=None) if d.startswith("custody: ")]


def test_the_evidence_holds_the_chain_of_every_dataset_and_what_it_covers(predicate):
    first, second = MANIFESTS.values()

    assert predicate["custody"] == {
        "manifests": [first.document(), second.document()],
        "coverage": [
            {
                "dataset": "bars/test",
                "manifest": str(second.digest),
                "rows": 3,
                "covered": 3,
                "gaps": [],
            }
        ],
    }
    (each,) = traced(predicate)
    assert each.share == 1.0
    assert each.steps == (
        f"{first.title}, 4 rows: acquired 2026-02-28: copied; a shelf; CC0-1.0",
        f"{second.title}, 3 rows: split: test",
    )


def test_data_that_nobody_recorded_is_not_covered(tmp_path):
    run = finished(tmp_path / "run", manifests={})
    (each,) = traced(run.bundle.predicate)

    assert (each.covered, each.rows, each.share, each.steps) == (0, 3, 0.0, ())
    assert each.gaps == ("no manifest describes these rows",)
    assert verify(run.bundle, expected_digest=None) == []
    assert reports_of(run.bundle)


def test_a_chain_without_its_beginning_is_not_covered_and_that_is_no_difference(tmp_path):
    second = list(MANIFESTS.values())[1]
    run = finished(tmp_path / "run", manifests={second.digest: second})
    (each,) = traced(run.bundle.predicate)

    assert each.covered == 0
    assert each.gaps[0].endswith("is missing")
    assert verify(run.bundle, expected_digest=None) == []


def test_a_manifest_that_was_changed_breaks_the_chain(document):
    def licence(custody):
        custody["manifests"][0]["licence"] = "MIT"

    differences = found(document, licence)

    assert "custody: bars/test: expected covered 0, found 3" in differences
    assert any("belongs to no dataset here" in difference for difference in differences)


def test_a_manifest_that_is_missing_is_found(document):
    def last(custody):
        del custody["manifests"][1]

    assert any("is missing or was changed" in difference for difference in found(document, last))


def test_another_coverage_than_the_manifests_give_is_found(document):
    def more(custody):
        custody["coverage"][0]["covered"] = 2

    assert found(document, more) == ["custody: bars/test: expected covered 3, found 2"]


def test_the_manifest_of_other_rows_is_found(document):
    def other(custody):
        custody["coverage"][0]["manifest"] = str(next(iter(MANIFESTS)))

    differences = found(document, other)

    assert any("expected rows 4 by its manifest, found 3" in d for d in differences)
    assert any("expected ordered " in d for d in differences)


def test_a_dataset_without_an_entry_is_found(document):
    def none(custody):
        custody["coverage"].clear()

    assert found(document, none) == ["custody: expected the datasets ['bars/test'], found []"]


def test_a_malformed_manifest_is_a_difference_and_no_exception(document):
    def odd(custody):
        custody["manifests"][1]["transformations"][0]["effects"][0]["rows"] = "3-1"

    changed = copy.deepcopy(document)
    odd(changed["predicate"]["custody"])
    differences = verify(Bundle(changed, of_json(changed)), expected_digest=None)

    assert any("must be ascending and apart" in difference for difference in differences)


def test_of_several_manifests_of_the_same_rows_the_one_that_covers_most_is_kept():
    first, second = MANIFESTS.values()
    stray = replace(second, parents=(), transformations=())
    known = {stray.digest: stray, **MANIFESTS}

    document = custody_document([ROWS], known)

    assert document["coverage"][0]["manifest"] == str(second.digest)
    assert document["manifests"] == [first.document(), second.document()]
