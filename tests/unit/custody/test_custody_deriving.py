"""What a run makes of a version has manifests that lead back to it."""

from dataclasses import replace

import numpy as np
import pytest

from seclab import datasets
from seclab.custody import (
    Kind,
    Rows,
    coverage,
    explain,
    load_histories,
    manifest_of,
    set_aside,
    split_manifests,
    unexplained,
)
from seclab.errors import Misconfigured
from seclab.fingerprint import of_bytes
from tests.conftest import ROOT

DECISIONS = of_bytes(b"who decided what, and why")


@pytest.fixture(scope="module")
def history():
    return load_histories(ROOT / "registers" / "custody")["digits"]


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def test_every_part_of_a_split_has_a_manifest_that_covers_all_of_it(digits, history, splits):
    parts = split_manifests(digits, splits, parent=history.newest)
    known = {**history.manifests, **parts}

    assert [each.dataset for each in parts.values()] == [p.name for p in splits.parts().values()]
    for part, manifest in zip(splits.parts().values(), parts.values(), strict=True):
        assert manifest.parents == (history.newest.digest,)
        assert coverage(part, known).share == 1.0
        found = unexplained(
            explain(digits, part), Rows.of(digits), Rows.of(part), manifest.transformations
        )
        assert found == ()


def test_the_manifest_of_a_part_is_that_of_its_seed(digits, history, splits):
    one, again = (split_manifests(digits, splits, parent=history.newest) for _ in range(2))
    other = split_manifests(digits, replace(splits, seed=1), parent=history.newest)

    assert list(one) == list(again)
    assert not set(one) & set(other)


def test_a_part_with_a_row_of_its_own_is_refused(digits, history, splits):
    features = splits.test.features.copy()
    features[0, 0] = 15.5
    foreign = splits.test.with_rows(features, splits.test.labels)

    with pytest.raises(Misconfigured, match="digits/test holds rows that digits does not hold"):
        split_manifests(digits, replace(splits, test=foreign), parent=history.newest)


def aside(left, history):
    newest = history.newest
    rows = history.rows[newest.digest]
    return set_aside(left, parent=newest, rows=rows, decisions=DECISIONS)


def test_rows_set_aside_are_declared_with_the_record_of_the_decisions(digits, history):
    kept = digits.take(np.delete(np.arange(1797), [3, 7]))
    manifest = aside(kept, history)
    (step,) = manifest.transformations
    (gone,) = step.effects

    assert manifest.parents == (history.newest.digest,)
    assert (step.name, step.digest) == ("set aside", DECISIONS)
    assert (gone.kind, gone.rows) == (Kind.REMOVED, ((3, 3), (7, 7)))
    assert gone.content == Rows.of(digits).content(np.array([3, 7]))
    assert coverage(kept, {**history.manifests, manifest.digest: manifest}).share == 1.0
    followed = history.followed_by(manifest, Rows.of(kept))
    assert followed.newest == manifest
    splits = datasets.split(kept, seed=0)
    parts = split_manifests(kept, splits, parent=manifest)
    assert coverage(splits.train, {**followed.manifests, **parts}).share == 1.0


def test_with_nothing_set_aside_the_version_is_the_version(digits, history):
    assert aside(digits, history) == history.newest


def test_what_holds_other_rows_is_no_part_of_a_version(digits, history):
    features = digits.features.copy()
    features[0, 0] = 15.5

    with pytest.raises(Misconfigured, match=f"digits holds rows that {history.newest.title} does"):
        aside(digits.with_rows(features, digits.labels), history)
    with pytest.raises(Misconfigured, match="describes other rows than digits holds"):
        split_manifests(
            digits.take(np.arange(1700)),
            datasets.split(digits, seed=0),
            parent=history.newest,
        )


def test_what_nobody_recorded_has_a_manifest_that_covers_nothing(digits, history):
    assert manifest_of(digits, history.manifests) == history.newest
    unknown = digits.take(np.arange(1700))
    fresh = manifest_of(unknown, history.manifests)

    assert fresh.parents == ()
    assert coverage(unknown, {**history.manifests, fresh.digest: fresh}).covered == 0
