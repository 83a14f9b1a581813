"""Whatever was done to a set, all of it declared is explained, and nothing less."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.custody import (
    Kind,
    Rows,
    Transformation,
    effect,
    explain,
    explain_rows,
    index_of,
    runs_of,
    runs_text,
    unexplained,
)
from seclab.custody.rows import read_index
from seclab.custody.runs import parse_runs, positions
from seclab.datasets import Dataset, Provenance
from seclab.fingerprint import of_bytes

CLASSES = ("a", "b", "c")
# Few contents, so that most rows have copies.
ROW = st.tuples(st.integers(0, 4), st.integers(0, 2))
EDITS = st.lists(
    st.tuples(ROW, st.sampled_from(["kept", "kept", *Kind])), min_size=1, max_size=10
).filter(lambda edits: {edit for _, edit in edits} != {Kind.REMOVED})


def dataset(rows):
    return Dataset(
        name="tiny",
        features=np.array([[float(value), 1.0] for value, _ in rows]),
        labels=np.array([label for _, label in rows], dtype=np.int64),
        feature_names=("f", "g"),
        class_names=CLASSES,
        feature_range=(0.0, 16.0),
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )


def edited(edits, order):
    """Both versions, and the positions of what was done by kind."""
    kept, done = [], {kind: [] for kind in Kind}
    for position, ((value, label), edit) in enumerate(edits):
        if edit == Kind.REMOVED:
            done[edit].append(position)
        elif edit == Kind.CHANGED:
            kept.append((value + 0.5, label, edit))
        elif edit == Kind.RELABELLED:
            kept.append((value, (label + 1) % 3, edit))
        else:
            kept.append((value, label, "kept"))
        if edit == Kind.ADDED:
            kept.append(((value * 7) % 5, (label + 2) % 3, edit))
    kept = [kept[at] for at in order.permutation(len(kept))]
    for position, (_, _, edit) in enumerate(kept):
        if edit != "kept":
            done[edit].append(position)
    return dataset([row for row, _ in edits]), dataset([row[:2] for row in kept]), done


def steps_of(done, before, after):
    holders = {kind: Rows.of(before if kind is Kind.REMOVED else after) for kind in Kind}
    return [
        Transformation(f"{kind} {row}", of_bytes(b""), (effect(kind, [row], holders[kind]),))
        for kind, rows in done.items()
        for row in rows
    ]


def left(before, after, steps):
    old, new = Rows.of(before), Rows.of(after)
    return [
        unexplained(changes, old, new, steps)
        for changes in (explain(before, after), explain_rows(old, new))
    ]


def _net(before, after):
    """Contents that came and went, counted."""
    old, new = (
        Counter(zip(map(tuple, d.features.tolist()), d.labels.tolist(), strict=True))
        for d in (before, after)
    )
    return new - old, old - new


@settings(max_examples=150)
@given(edits=EDITS, seed=st.integers(0, 999))
def test_all_of_it_declared_is_explained(edits, seed):
    before, after, done = edited(edits, np.random.default_rng(seed))

    # A row may lose by one edit what another gave it: that is no change, and its declaration says
    # one. Such sets are another test's.
    came, _ = _net(before, after)
    declared = Counter(
        (tuple(after.features[row].tolist()), int(after.labels[row]))
        for kind, rows in done.items()
        if kind is not Kind.REMOVED
        for row in rows
    )
    if declared == came:
        assert left(before, after, steps_of(done, before, after)) == [(), ()]


@settings(max_examples=150)
@given(edits=EDITS, seed=st.integers(0, 999))
def test_nothing_declared_leaves_exactly_what_changed(edits, seed):
    before, after, _ = edited(edits, np.random.default_rng(seed))
    came, went = _net(before, after)

    for blocks in left(before, after, []):
        counted = {kind: sum(len(b) for b in blocks if b.kind is kind) for kind in Kind}
        both = counted[Kind.CHANGED] + counted[Kind.RELABELLED]
        assert counted[Kind.ADDED] + both == sum(came.values())
        assert counted[Kind.REMOVED] + both == sum(went.values())


@settings(max_examples=150)
@given(edits=EDITS, seed=st.integers(0, 999), which=st.integers(0, 99))
def test_one_declaration_too_few_or_too_many_is_noticed(edits, seed, which):
    before, after, done = edited(edits, np.random.default_rng(seed))
    steps = steps_of(done, before, after)
    if left(before, after, steps) != [(), ()] or not steps:
        return
    which %= len(steps)

    for blocks in left(before, after, [*steps[:which], *steps[which + 1 :]]):
        assert blocks
    untouched = sorted(set(range(len(after))) - {row for k in done if k for row in done[k]})
    if untouched:
        more = Transformation(
            "more", of_bytes(b""), (effect(Kind.CHANGED, untouched[:1], Rows.of(after)),)
        )
        for blocks in left(before, after, [*steps, more]):
            assert blocks


@given(edits=EDITS, seed=st.integers(0, 999))
def test_the_counts_of_a_change_add_up_from_either_side(edits, seed):
    before, after, _ = edited(edits, np.random.default_rng(seed))

    for old, new in ((before, after), (after, before)):
        for changes in (explain(old, new), explain_rows(Rows.of(old), Rows.of(new))):
            counts = changes.counts()
            stayed = counts["unchanged"] + counts["relabelled"] + counts["changed"]
            assert stayed + counts["removed"] == len(old) == changes.before
            assert stayed + counts["added"] == len(new) == changes.after
    there, back = explain(before, after).counts(), explain(after, before).counts()
    assert there["unchanged"] == back["unchanged"]
    assert there["relabelled"] == back["relabelled"]


@given(st.lists(ROW, min_size=1, max_size=9))
def test_the_list_of_rows_is_read_back(rows):
    data = dataset(rows)
    text, names = index_of(data), dict(enumerate(CLASSES))

    found = read_index(text, digest=of_bytes(text), names=names, file="a.rows")

    assert found.keys == Rows.of(data).keys
    assert found.classes == Rows.of(data).classes


@given(st.sets(st.integers(0, 300), min_size=1))
def test_rows_are_read_back_from_their_text(rows):
    runs = runs_of(rows)

    assert parse_runs(runs_text(runs)) == runs
    assert positions(runs, 301).tolist() == sorted(rows)
    assert positions(runs, 100).tolist() == sorted(row for row in rows if row < 100)
