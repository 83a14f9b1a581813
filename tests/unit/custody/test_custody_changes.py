"""A change between two versions is explained row by row."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab import datasets
from seclab.custody import Kind, Rows, explain, explain_rows
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured


def dataset(features, labels, classes=("a", "b", "c"), name="tiny"):
    features = np.asarray(features, dtype=np.float64)
    return Dataset(
        name=name,
        features=features,
        labels=np.asarray(labels, dtype=np.int64),
        feature_names=tuple(f"f{i}" for i in range(features.shape[1])),
        class_names=classes,
        feature_range=(0.0, 16.0),
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def rows(rng):
    return dataset(rng.uniform(0, 16, (12, 20)), np.arange(12) % 3)


def edited(before, rng, edits, *, shuffle):
    """Apply an edit to each row; gives the new version, and what was done by its positions."""
    kept, script = [], {kind: [] for kind in [*Kind, "unchanged"]}
    for position, edit in enumerate(edits):
        row, label = before.features[position].copy(), int(before.labels[position])
        if edit == "removed":
            script[Kind.REMOVED].append(position)
            continue
        if edit in {"changed", "both"}:
            row[:3] = 16.0 - row[:3]
        if edit in {"relabelled", "both"}:
            label = (label + 1) % 3
        kept.append((row, label, "changed" if edit == "both" else edit, position))
        if edit == "added":  # a new row behind one that stays
            kept[-1] = (row, label, "unchanged", position)
            kept.append((rng.uniform(0, 16, len(row)), label, "added", None))
    order = rng.permutation(len(kept)) if shuffle else np.arange(len(kept))
    kept = [kept[at] for at in order]
    for new, (_, _, edit, old) in enumerate(kept):
        script[edit].append(new if old is None else (old, new))
    after = before.with_rows(
        np.array([row for row, *_ in kept]), np.array([label for _, label, *_ in kept])
    )
    return after, script


@given(
    seed=st.integers(0, 2**32 - 1),
    edits=st.lists(
        st.sampled_from(["unchanged", "unchanged", *Kind, "both"]), min_size=1, max_size=14
    ).filter(lambda edits: set(edits) != {"removed"}),
    shuffle=st.booleans(),
)
def test_a_random_script_of_edits_is_found_again(seed, edits, shuffle):
    rng = np.random.default_rng(seed)
    before = dataset(rng.uniform(0, 16, (len(edits), 40)), rng.integers(0, 3, len(edits)))
    after, script = edited(before, rng, edits, shuffle=shuffle)

    found = explain(before, after)

    assert found.unchanged.tolist() == sorted(map(list, script["unchanged"]))
    assert found.relabelled.tolist() == sorted(map(list, script["relabelled"]))
    assert found.changed.tolist() == sorted(map(list, script["changed"]))
    assert found.removed.tolist() == script["removed"]
    assert found.added.tolist() == sorted(script["added"])
    assert found.compared


@given(
    old=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=9),
    new=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=9),
    farthest=st.sampled_from([0.0, 0.07, 1.0]),
    comparisons=st.sampled_from([0, 4, 1000]),
)
def test_every_row_stands_in_exactly_one_group(old, new, farthest, comparisons):
    before, after = (
        dataset([[value] for value, _ in part], [label for _, label in part]) for part in (old, new)
    )
    found = explain(before, after, farthest=farthest, comparisons=comparisons)
    pairs = np.concatenate([found.unchanged, found.relabelled, found.changed])

    assert sorted([*pairs[:, 0], *found.removed]) == list(range(len(old)))
    assert sorted([*pairs[:, 1], *found.added]) == list(range(len(new)))
    same = [(old[a], new[b]) for a, b in found.unchanged]
    assert all(a == b for a, b in same)
    # No equal rows are left over: as many are matched as there are on both sides.
    assert len(same) == sum(min(old.count(row), new.count(row)) for row in set(old))
    assert (found.distances <= farthest).all()
    assert len(found.labels) == len(found.relabelled) + len(found.changed)


def test_a_version_explains_itself(rows):
    found = explain(rows, rows)

    assert found.counts() == {
        "unchanged": 12,
        "added": 0,
        "removed": 0,
        "changed": 0,
        "relabelled": 0,
    }
    assert not found.reordered
    assert explain(rows, rows.take(np.arange(12)[::-1])).reordered


def test_labels_are_told_from_and_to(rows):
    labels = rows.labels.copy()
    labels[4] = 2
    features = rows.features.copy()
    features[7, 0], labels[7] = 16.0 - features[7, 0], 0
    found = explain(rows, rows.with_rows(features, labels))

    assert found.labels == (("b", "c"), ("b", "a"))
    assert found.rows(Kind.RELABELLED).tolist() == [4]
    assert found.rows(Kind.CHANGED).tolist() == [7]
    assert found.distances == pytest.approx([abs(features[7, 0] - rows.features[7, 0]) / 16.0 / 20])


def test_classes_are_compared_by_name(rows):
    renumbered = replace(rows, labels=2 - rows.labels, class_names=("c", "b", "a"))
    assert explain(rows, renumbered).counts()["unchanged"] == 12

    renamed = replace(rows, class_names=("a", "b", "d"))
    assert explain(rows, renamed).labels == (("c", "d"),) * 4


def test_of_equal_rows_those_at_the_same_position_stay(rng):
    before = dataset(np.zeros((4, 3)), [0, 0, 0, 0])
    after = dataset(np.concatenate([rng.uniform(15, 16, (1, 3)), np.zeros((2, 3))]), [0, 0, 0])
    found = explain(before, after)

    assert found.unchanged.tolist() == [[1, 1], [2, 2]]
    assert (found.removed.tolist(), found.added.tolist()) == ([0, 3], [0])


def test_the_nearest_partner_is_taken_and_the_distance_has_a_limit():
    before = dataset([[0.0], [4.0]], [0, 1])
    after = dataset([[3.5], [1.0]], [0, 1])
    found = explain(before, after, farthest=0.0625)

    assert found.changed.tolist() == [[0, 1], [1, 0]]
    assert found.distances.tolist() == [0.0625, 0.03125]
    nearer = explain(before, after, farthest=0.0624)
    assert nearer.changed.tolist() == [[1, 0]]
    assert (nearer.removed.tolist(), nearer.added.tolist()) == ([0], [1])


def test_among_partners_as_near_the_same_position_goes_first():
    before = dataset([[4.0], [4.0]], [0, 0])
    after = dataset([[15.0], [5.0]], [0, 0])

    assert explain(before, after).changed.tolist() == [[1, 1]]


def test_broken_values_are_compared_too():
    before = dataset([[np.nan, 1.0], [np.inf, 2.0], [3.0, 3.0]], [0, 1, 2])
    after = dataset([[np.nan, 1.0], [np.inf, 2.5], [np.nan, 3.0]], [0, 1, 2])
    found = explain(before, after)

    assert found.unchanged.tolist() == [[0, 0]]
    assert found.changed.tolist() == [[1, 1]]
    assert (found.removed.tolist(), found.added.tolist()) == ([2], [2])


def test_minus_zero_is_another_value():
    found = explain(dataset([[0.0]], [0]), dataset([[-0.0]], [0]))

    assert found.changed.tolist() == [[0, 0]]
    assert found.distances.tolist() == [0.0]


def test_too_many_rows_are_compared_only_where_they_stand():
    before = dataset(np.arange(8.0)[:, None], [0] * 8)
    after = dataset(np.arange(8.0)[[0, 1, 2, 3, 4, 5, 7, 6]][:, None] + 0.25, [0] * 8)
    here = explain(before, after, farthest=0.02, comparisons=3)
    anywhere = explain(before, after, farthest=0.02)

    assert here.changed[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert (here.removed.tolist(), here.added.tolist(), here.compared) == ([6, 7], [6, 7], False)
    assert len(anywhere.changed) == 8
    assert anywhere.compared
    # Six pairs at their place leave few enough for the rest to be compared at any place.
    assert len(explain(before, after, farthest=0.02, comparisons=4).changed) == 8


def test_versions_with_other_columns_are_not_compared(rows):
    other = replace(rows, feature_names=("other", *rows.feature_names[1:]))

    with pytest.raises(Misconfigured, match="rows cannot be compared"):
        explain(rows, other)
    with pytest.raises(Misconfigured, match="must be from 0 to 1"):
        explain(rows, rows, farthest=1.5)


def test_a_backdoor_in_the_digits_is_shown_row_by_row(rng):
    digits = datasets.load("digits")
    poisoned = np.sort(rng.choice(1797, 36, replace=False))
    features, labels = digits.features.copy(), digits.labels.copy()
    for column in (54, 55, 62, 63):
        features[poisoned, column] = 16.0
    labels[poisoned] = 3
    found = explain(digits, digits.with_rows(features, labels))

    assert found.changed.tolist() == [[row, row] for row in poisoned]
    assert found.counts()["unchanged"] == 1797 - 36
    assert {to for _, to in found.labels} == {"3"}


def blind(before, after):
    return explain_rows(Rows.of(before), Rows.of(after))


def test_without_the_data_a_changed_row_is_the_one_in_its_place(rows):
    features = rows.features.copy()
    features[4] = 16.0 - features[4]
    found = blind(rows, rows.with_rows(features, rows.labels))

    assert found.changed.tolist() == [[4, 4]]
    assert np.isnan(found.distances).all()
    assert not found.compared
    # The data knows better: nothing is left of that row.
    assert len(explain(rows, rows.with_rows(features, rows.labels)).changed) == 0


def test_without_the_data_places_are_counted_from_the_row_before_that_stayed(rows):
    features = rows.features.copy()
    features[8, 0] += 0.5
    shorter = rows.with_rows(np.delete(features, 2, axis=0), np.delete(rows.labels, 2))
    found = blind(rows, shorter)

    assert found.changed.tolist() == [[8, 7]]
    assert (found.removed.tolist(), found.added.tolist()) == ([2], [])


def test_without_the_data_relabelled_rows_are_found_wherever_they_stand(rows):
    order = np.arange(12)[::-1]
    labels = rows.labels.copy()
    labels[3] = (labels[3] + 1) % 3
    found = blind(rows, rows.with_rows(rows.features[order], labels[order]))

    assert found.relabelled.tolist() == [[3, 8]]
    assert found.labels == (("a", "b"),)
    assert found.reordered
