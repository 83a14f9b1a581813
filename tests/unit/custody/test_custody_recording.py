"""A version is recorded by hand only when all of it is accounted for."""

import pytest

from seclab.custody import (
    Kind,
    Origin,
    Rows,
    load_declaration,
    load_histories,
    record_version,
)
from seclab.errors import Misconfigured
from seclab.fingerprint import of_bytes
from tests.unit.custody.conftest import KNOWN, relabelled, rows_of, shortened


@pytest.fixture
def declare(tmp_path):
    def of(**rows):
        lines = ["name: cleaned", "how: by hand, ticket 5", *(f"{k}: {v}" for k, v in rows.items())]
        path = tmp_path / "step.yaml"
        path.write_text("\n".join(lines) + "\n")
        return load_declaration(path)

    return of


@pytest.fixture
def history(recorded):
    path = recorded[2][0]
    return load_histories(path.parents[1])["tiny"]


def record(dataset, history=None, *declarations, origin=Origin(), parents=...):  # noqa: B008
    if parents is ...:
        parents = [history.newest] if history else []
    return record_version(
        dataset,
        origin=origin,
        parents=parents,
        declarations=declarations,
        history=history,
        rows=history.rows if history else {},
    )


def refused(*arguments, **options):
    with pytest.raises(Misconfigured) as caught:
        record(*arguments, **options)
    return caught.value.problems


def test_a_first_version_needs_source_licence_and_acquisition():
    data = rows_of(6)

    assert record(data, origin=KNOWN).licence == "CC-BY-4.0"
    (problem,) = refused(data, origin=Origin(licence="CC0-1.0"))
    assert problem == (
        "6 rows come from no parent, and nothing says their --source, --how and --when"
    )


def test_a_later_version_needs_its_parent_and_every_change_declared(recorded, history, declare):
    (_, second), (_, new), _ = recorded
    third, _ = shortened(relabelled(second, 2))
    manifest = record(third, history, declare(removed=8, relabelled=2))

    assert manifest.parents == (new.digest,)
    (step,) = manifest.transformations
    assert [(e.kind, e.rows) for e in step.effects] == [
        (Kind.REMOVED, ((8, 8),)),
        (Kind.RELABELLED, ((2, 2),)),
    ]
    assert history.followed_by(manifest, Rows.of(third)).newest == manifest
    assert refused(third, history, declare(removed=8)) == ("row 2 relabelled: no step declares it",)


def test_all_problems_are_told_at_once(recorded, history, declare):
    (first, second), (old, _), _ = recorded
    changed = relabelled(second, 2)

    problems = refused(changed, history, declare(removed="0-1", changed=99), parents=[old])

    assert any("is the newest version of tiny: name it as --parent" in p for p in problems)
    assert "cleaned: changed rows 99 of 9 rows" in problems
    assert "row 2 relabelled: no step declares it" in problems
    assert "row 9 removed: no step declares it" in problems
    assert len(problems) == 4
    assert len(first) == 10


def test_added_rows_need_an_origin_of_their_own(recorded, history, declare):
    (first, _), _, _ = recorded

    assert refused(first, history, declare(added=9)) == (
        "1 rows come from no parent, and nothing says their --source, --licence, --how and --when",
    )
    assert record(first, history, declare(added=9), origin=KNOWN).source == KNOWN.source


def test_the_same_rows_are_not_recorded_twice(recorded, history):
    (_, second), (_, new), _ = recorded

    assert refused(second, history) == (f"these rows are recorded already, as {new.title}",)


def test_a_step_needs_a_parent(declare):
    problems = refused(rows_of(6), None, declare(added=1), origin=KNOWN)

    assert problems == ("a transformation needs a --parent that it was applied to",)


def test_broken_rows_are_not_recorded():
    data = rows_of(6)
    features = data.features.copy()
    features[2, 2] = float("nan")

    (problem,) = refused(data.with_rows(features, data.labels), origin=KNOWN)

    assert "NaN" in problem


def test_a_declaration_is_pinned_by_its_file(declare, tmp_path):
    found = declare(removed="0-3 7", added=2)

    assert found.digest == of_bytes((tmp_path / "step.yaml").read_bytes())
    assert dict(found.rows) == {Kind.ADDED: ((2, 2),), Kind.REMOVED: ((0, 3), (7, 7))}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("name: x\n", ["line 1: how: Field required"]),
        ("name: x\nhow: y\nremoved: 3-1\n", ["line 3: removed: Value error, the rows '3-1' must"]),
        ("name: x\nhow: y\nremoved: all\nmoved: 1\n", ["line 3: removed: ", "line 4: moved: "]),
        ("- name\n", ["line 1: the file: "]),
        ("name: x\nname: y\n", ["line 2: the key name stands twice"]),
    ],
)
def test_a_malformed_declaration_is_refused_with_its_lines(tmp_path, text, problems):
    path = tmp_path / "step.yaml"
    path.write_text(text)

    with pytest.raises(Misconfigured) as caught:
        load_declaration(path)

    assert len(caught.value.problems) == len(problems)
    for found, expected in zip(caught.value.problems, problems, strict=True):
        assert found.startswith(f"{path} {expected}")


def test_a_declaration_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        load_declaration(tmp_path / "none.yaml")
