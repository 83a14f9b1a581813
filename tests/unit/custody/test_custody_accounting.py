"""Changes that nobody declared, and rows whose origin nobody wrote down."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from seclab.custody import (
    Acquisition,
    Block,
    Kind,
    Rows,
    Transformation,
    coverage,
    effect,
    explain,
    explain_rows,
    record_manifest,
    unexplained,
)
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured
from seclab.fingerprint import of_bytes

SCRIPT = of_bytes(b"the script")
ACQUIRED = Acquisition(date(2026, 1, 31), "downloaded by hand")
KNOWN = {"source": "doi 10.24432/C50P49", "licence": "CC-BY-4.0", "acquired": ACQUIRED}


def dataset(features, labels):
    features = np.asarray(features, dtype=np.float64)
    return Dataset(
        name="tiny",
        features=features,
        labels=np.asarray(labels, dtype=np.int64),
        feature_names=tuple(f"f{i}" for i in range(features.shape[1])),
        class_names=("a", "b"),
        feature_range=(0.0, 16.0),
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )


@pytest.fixture
def before():
    return dataset(np.random.default_rng(0).uniform(0, 16, (10, 30)), np.arange(10) % 2)


@pytest.fixture
def after(before):
    """Row 0 removed, rows 1, 2 and 6 changed, 4 relabelled, two new ones at the end."""
    rng = np.random.default_rng(1)
    features = np.concatenate([before.features[1:], rng.uniform(0, 16, (2, 30))])
    labels = np.concatenate([before.labels[1:], [0, 1]])
    features[[0, 1, 5], 0] += 0.5
    labels[3] = 1 - labels[3]
    return dataset(features, labels)


def declared(kind, rows, holder):
    return effect(kind, rows, Rows.of(holder))


def left(before, after, *steps):
    """What is unexplained. With digests alone something is as well, though what became what not."""
    old, new = Rows.of(before), Rows.of(after)
    found = unexplained(explain(before, after), old, new, steps)
    blind = unexplained(explain_rows(old, new), old, new, steps)
    assert bool(blind) == bool(found)
    return found


def step(*effects, name="clean"):
    return Transformation(name, SCRIPT, effects)


def all_effects(before, after):
    return (
        declared(Kind.ADDED, [9, 10], after),
        declared(Kind.REMOVED, [0], before),
        declared(Kind.CHANGED, [0, 1, 5], after),
        declared(Kind.RELABELLED, [3], after),
    )


def test_changes_that_no_step_declares_are_blocks(before, after):
    found = left(before, after)
    why = "no step declares it"

    assert found == (
        Block(Kind.ADDED, 9, 10, why),
        Block(Kind.REMOVED, 0, 0, why),
        Block(Kind.CHANGED, 0, 1, why),
        Block(Kind.CHANGED, 5, 5, why),
        Block(Kind.RELABELLED, 3, 3, why),
    )
    assert sum(map(len, found)) == 7


def test_declared_changes_are_explained(before, after):
    effects = all_effects(before, after)

    assert left(before, after, step(*effects)) == ()
    for left_out in effects:
        rest = [step(entry, name=entry.kind) for entry in effects if entry is not left_out]
        found = left(before, after, *rest)
        assert {block.kind for block in found} == {left_out.kind}
        assert sum(map(len, found)) == len(left_out)


def test_a_declaration_covers_no_other_content(before, after):
    effects = all_effects(before, after)
    features = after.features.copy()
    features[5, 1] += 0.5
    tampered = after.with_rows(features, after.labels)
    found = left(before, tampered, step(*effects))

    assert found == (
        Block(Kind.CHANGED, 0, 1, "clean declares other content for them"),
        Block(Kind.CHANGED, 5, 5, "clean declares other content for them"),
    )


def test_a_declaration_of_rows_that_are_not_there_covers_nothing(before, after):
    short = after.take(np.arange(9))
    found = left(before, short, step(*all_effects(before, after)))

    assert found == (Block(Kind.ADDED, 9, 10, "clean declares other content for them"),)
    longer = declared(Kind.CHANGED, range(11), after)
    found = left(before, short, step(longer))
    assert {block.kind for block in found} == {Kind.REMOVED, Kind.CHANGED, Kind.RELABELLED}


@pytest.mark.parametrize("rows", [[], [-1], [11], [0, 99]])
def test_an_effect_needs_rows_that_are_there(after, rows):
    with pytest.raises(Misconfigured, match="positions from 0 to 10"):
        declared(Kind.ADDED, rows, after)


def test_an_effect_names_runs_of_rows(after):
    found = declared(Kind.CHANGED, [5, 1, 0, 1], after)

    assert found.rows == ((0, 1), (5, 5))
    assert len(found) == 3


def known(*manifests):
    return {manifest.digest: manifest for manifest in manifests}


def test_an_acquired_version_is_covered(before):
    manifest = record_manifest(before, **KNOWN)
    found = coverage(before, known(manifest))

    assert (found.rows, found.covered, found.share, found.gaps) == (10, 10, 1.0, ())


@pytest.mark.parametrize("missing", ["source", "licence", "acquired"])
def test_without_source_licence_or_acquisition_nothing_is_covered(before, missing):
    manifest = record_manifest(before, **KNOWN | {missing: None})
    found = coverage(before, known(manifest))

    assert found.share == 0.0
    assert found.gaps == (
        f"tiny {manifest.digest.value[:12]}: 10 rows of its own without {missing}",
    )


def test_rows_that_no_manifest_describes_are_not_covered(before, after):
    found = coverage(after, known(record_manifest(before, **KNOWN)))

    assert (found.share, found.gaps) == (0.0, ("no manifest describes this version of tiny",))
    shuffled = before.take(np.arange(10)[::-1])
    assert coverage(shuffled, known(record_manifest(before, **KNOWN))).share == 0.0


def test_rows_are_covered_through_an_unbroken_chain(before, after):
    first = record_manifest(before, **KNOWN)
    second = record_manifest(
        after, parents=[first], transformations=[step(*all_effects(before, after))]
    )
    found = coverage(after, known(first, second))

    assert (found.rows, found.covered) == (11, 9)
    assert found.gaps == (
        f"tiny {second.digest.value[:12]}: 2 rows of its own without source, licence, acquired",
    )
    third = record_manifest(after, **KNOWN, parents=[first], transformations=second.transformations)
    assert coverage(after, known(first, third)).share == 1.0
    assert coverage(after, known(first, second, third)).share == 1.0


def test_a_missing_link_breaks_the_chain(before):
    first = record_manifest(before, **KNOWN)
    second = record_manifest(before.take(np.arange(6)), parents=[first])
    third = record_manifest(before.take(np.arange(5)), parents=[second])
    found = coverage(before.take(np.arange(5)), known(first, third))

    assert found.covered == 0
    assert found.gaps == (
        f"tiny {third.digest.value[:12]}: the manifest of parent {second.digest} is missing",
    )


def test_beside_a_missing_parent_nothing_is_sure(before):
    first = record_manifest(before, **KNOWN)
    lost = record_manifest(before.take(np.arange(1)), **KNOWN)
    both = record_manifest(before.take(np.arange(8)), parents=[first, lost])

    assert coverage(before.take(np.arange(8)), known(first, both)).covered == 0
    assert coverage(before.take(np.arange(8)), known(first, lost, both)).covered == 8


def test_rows_that_appear_without_being_declared_are_not_covered(before, after):
    first = record_manifest(before, **KNOWN)
    second = record_manifest(after, **KNOWN, parents=[first])
    found = coverage(after, known(first, second))

    assert found.covered == 10
    assert "1 rows more than its parents gave" in found.gaps[0]


def test_rows_declared_as_removed_are_not_there_to_be_inherited(before):
    first = record_manifest(before, **KNOWN)
    gone = declared(Kind.REMOVED, [7, 8, 9], before)
    most = before.take(np.arange(9))
    second = record_manifest(most, parents=[first], transformations=[step(gone)])

    assert coverage(most, known(first, second)).covered == 7


def test_uncovered_rows_of_a_parent_are_taken_to_survive(before):
    first = record_manifest(before.take(np.arange(4)), **KNOWN)
    stray = record_manifest(before.take(np.arange(4, 10)), source="found on a shelf")
    both = record_manifest(before, parents=[first, stray])
    fewer = before.take(np.arange(7))
    last = record_manifest(
        fewer,
        parents=[both],
        transformations=[step(declared(Kind.REMOVED, [7, 8, 9], before))],
    )
    manifests = known(first, stray, both, last)

    assert coverage(before, manifests).covered == 4
    assert coverage(fewer, manifests).covered == 1


def test_a_long_chain_is_followed_to_its_end(before):
    manifests = [record_manifest(before, **KNOWN)]
    for number in range(1050):
        change = Transformation(f"step {number}", SCRIPT)
        manifests.append(
            record_manifest_like(manifests[-1], parents=(manifests[-1].digest,), steps=(change,))
        )
    assert coverage(before, known(*manifests[1:])).covered == 0
    assert coverage(before, known(*manifests)).covered == 10


def record_manifest_like(manifest, *, parents, steps):
    return replace(manifest, parents=parents, transformations=steps, **dict.fromkeys(KNOWN))


def test_a_declared_step_that_was_not_done_is_told(before):
    gone = declared(Kind.REMOVED, [3, 4], before)
    one_left = before.take(np.delete(np.arange(10), 3))
    why = "a step declares it, but it did not happen"

    assert left(before, before, step(gone)) == (Block(Kind.REMOVED, 3, 4, why),)
    assert left(before, one_left, step(gone)) == (Block(Kind.REMOVED, 4, 4, why),)
    for kind in (Kind.ADDED, Kind.CHANGED, Kind.RELABELLED):
        assert left(before, before, step(declared(kind, [7], before))) == (Block(kind, 7, 7, why),)


def test_which_of_equal_rows_was_meant_does_not_matter():
    """Explaining takes the later copy for the removed one, the step says the earlier."""
    twins = dataset(np.repeat(np.arange(8.0).reshape(4, 2), 2, axis=0), [0] * 8)
    fewer = twins.take(np.array([1, 2, 3, 4, 5, 6, 7]))
    more = twins.take(np.array([0, 0, *range(1, 8)]))

    for copy in (0, 1):
        assert left(twins, fewer, step(declared(Kind.REMOVED, [copy], twins))) == ()
    for copy in (0, 1, 2):
        assert left(twins, more, step(declared(Kind.ADDED, [copy], more))) == ()
    (wrong,) = {b.kind for b in left(twins, fewer, step(declared(Kind.REMOVED, [0, 1], twins)))}
    assert wrong is Kind.REMOVED


def test_a_row_replaced_by_one_like_it_may_be_declared_as_removed_and_added(before):
    features = before.features.copy()
    features[5, 0] = 16.0 - features[5, 0]
    after = before.with_rows(features, before.labels)
    assert explain(before, after).counts()["changed"] == 1
    both = [declared(Kind.REMOVED, [5], before), declared(Kind.ADDED, [5], after)]

    assert left(before, after, step(declared(Kind.CHANGED, [5], after))) == ()
    assert left(before, after, step(*both)) == ()
    assert [b.kind for b in left(before, after, step(both[0]))] == [Kind.ADDED]
    assert [b.kind for b in left(before, after, step(both[1]))] == [Kind.REMOVED]


def test_a_flipped_label_is_no_change_of_features(before):
    labels = before.labels.copy()
    labels[2] = 1 - labels[2]
    after = before.with_rows(before.features, labels)
    found = left(before, after, step(declared(Kind.CHANGED, [2], after)))

    assert [b.kind for b in found] == [Kind.CHANGED, Kind.RELABELLED]
    assert found[0].reason == "a step declares it, but it did not happen"
    assert str(found[1]) == "row 2 relabelled: no step declares it"
    assert left(before, after, step(declared(Kind.RELABELLED, [2], after))) == ()


def test_a_changed_row_accounts_for_one_row_that_is_gone_and_no_more(before):
    features = before.features[:-1].copy()
    features[5] = 16.0 - features[5]  # beyond recognition
    after = before.with_rows(features, before.labels[:-1])
    found = left(before, after, step(declared(Kind.CHANGED, [5], after)))

    assert [b.kind for b in found] == [Kind.REMOVED]
    assert sum(map(len, found)) == 1


def test_a_row_taken_out_and_put_in_again_elsewhere_is_accounted_for(before):
    after = before.take(np.array([*range(1, 10), 0]))
    both = (declared(Kind.REMOVED, [0], before), declared(Kind.ADDED, [9], after))

    assert left(before, after, step(*both)) == ()
    assert left(before, after) == ()
    assert [b.kind for b in left(before, after, step(both[0]))] == [Kind.REMOVED]
