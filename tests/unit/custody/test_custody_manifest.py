"""A manifest is written, reviewed, and read back strictly."""

import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab import datasets
from seclab.custody import (
    Acquisition,
    Kind,
    Rows,
    Transformation,
    effect,
    index_of,
    load_manifest,
    load_manifests,
    record_manifest,
    save_version,
)
from seclab.errors import Misconfigured
from seclab.fingerprint import of_bytes, of_json


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def first(digits):
    return record_manifest(
        digits,
        source="doi 10.24432/C50P49",
        licence="CC-BY-4.0",
        acquired=Acquisition(date(2026, 1, 31), "inside scikit-learn, <b>\u00fc\U0001f600"),
    )


@pytest.fixture(scope="module")
def second(digits, first):
    fewer = digits.take(np.arange(1700))
    gone = effect(Kind.REMOVED, range(1700, 1797), Rows.of(digits))
    step = Transformation("first 1,700 rows", of_bytes(b"settings"), (gone,))
    return record_manifest(fewer, parents=[first], transformations=[step])


def saved(manifest, folder):
    """Save a manifest whose rows do not matter."""
    return save_version(manifest, b"", folder)


@pytest.fixture
def tampered(first, tmp_path):
    """Change a saved manifest, with or without a digest that fits; gives the problems."""

    def of(change, *, refit=True):
        path = saved(first, tmp_path)
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document["manifest"])
        if refit:
            document["digest"] = str(of_json(document["manifest"]))
        path.write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(Misconfigured) as caught:
            load_manifest(path)
        assert all(problem.startswith(str(path)) for problem in caught.value.problems)
        return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]

    return of


def test_a_manifest_pins_all_rows_their_order_and_each_class(first, digits):
    content = digits.fingerprint()

    assert (first.rows, first.ordered, first.unordered) == (
        1797,
        content.ordered,
        content.unordered,
    )
    assert {label: entry.digest for label, entry in first.classes.items()} == content.classes
    assert first.index == of_bytes(index_of(digits))
    assert [entry.name for entry in first.classes.values()] == list("0123456789")
    assert [entry.rows for entry in first.classes.values()][:3] == [178, 182, 177]


def test_a_manifest_is_read_back_as_it_was_written(first, second, tmp_path):
    for manifest in (first, second):
        path = saved(manifest, tmp_path)
        assert path == tmp_path / "digits" / f"{manifest.digest.value[:12]}.json"
        assert load_manifest(path) == manifest
        assert load_manifest(path).digest == manifest.digest
    assert load_manifests(tmp_path) == {first.digest: first, second.digest: second}
    assert load_manifests(tmp_path / "none") == {}


def test_nothing_is_ever_overwritten(first, digits, tmp_path):
    path = save_version(first, index_of(digits), tmp_path)
    rows = path.with_suffix(".rows")
    kept = path.read_bytes(), rows.read_bytes()
    assert kept[1] == index_of(digits)

    with pytest.raises(Misconfigured) as caught:
        save_version(first, index_of(digits), tmp_path)
    assert caught.value.problems == tuple(
        f"{each} is there already; look at it" for each in (path, rows)
    )
    assert (path.read_bytes(), rows.read_bytes()) == kept
    assert sorted(tmp_path.rglob("*")) == sorted([path.parent, path, rows])


def test_the_digest_changes_with_everything_in_it(first, second, digits):
    again = record_manifest(
        digits, source=first.source, licence=first.licence, acquired=first.acquired
    )
    other = record_manifest(digits, source=first.source, licence="other", acquired=first.acquired)

    assert again.digest == first.digest
    assert len({first.digest, second.digest, other.digest}) == 3
    assert second.parents == (first.digest,)
    assert first.digest == of_json(first.document())


def test_labels_without_a_class_are_not_recorded(digits):
    labels = digits.labels.copy()
    labels[3] = 10

    with pytest.raises(Misconfigured, match=r"labels \[10\] have no class name"):
        record_manifest(digits.with_rows(digits.features, labels))


@pytest.mark.parametrize("name", ["../digits", "/digits", "a//b", "", "dig its", "a/../b", "=A1"])
def test_a_name_that_leads_elsewhere_is_not_saved(digits, tmp_path, name):
    manifest = record_manifest(digits.take(np.arange(20), name=name or " "))

    with pytest.raises(Misconfigured, match=r"manifest\.dataset"):
        saved(manifest, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_split_has_a_manifest_of_its_own(splits, tmp_path):
    manifest = record_manifest(splits.train)

    assert load_manifest(saved(manifest, tmp_path)) == manifest


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.update(licence="MIT"), "it has digest sha256:rfc8785:"),
        (lambda m: m["classes"]["0"].update(rows=1), "the classes have 1620 rows, the whole has"),
    ],
)
def test_a_changed_manifest_is_refused(tampered, change, problem):
    assert any(problem in found for found in tampered(change, refit=False))


def test_a_changed_manifest_with_another_digest_is_refused_by_its_name(tampered):
    (found,) = tampered(lambda m: m.update(licence="MIT"))

    assert found.startswith("the file of this manifest is named")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.pop("licence"), "manifest.licence: Field required"),
        (lambda m: m.update(extra=1), "manifest.extra: Extra inputs are not permitted"),
        (lambda m: m.update(source=""), "manifest.source: "),
        (lambda m: m.update(source="  "), "manifest.source: "),
        (lambda m: m.update(rows="1797"), "manifest.rows: "),
        (lambda m: m.update(rows=0), "manifest.rows: "),
        (lambda m: m.update(rows=True), "manifest.rows: "),
        (lambda m: m.update(schema="seclab-dataset-manifest/2"), "manifest.schema: "),
        (lambda m: m.update(parents=["sha256:x"]), "manifest.parents.0: Value error"),
        (lambda m: m["acquired"].update(when="31.1.2026"), "manifest.acquired.when: Value error"),
        (lambda m: m["acquired"].update(when="20260131"), "manifest.acquired.when: Value error"),
        (lambda m: m["acquired"].update(when=20260131), "manifest.acquired.when: Value error"),
        (lambda m: m.update(classes={}), "manifest.classes: "),
        (lambda m: m["classes"].update({"01": m["classes"]["1"]}), "manifest.classes.01"),
    ],
)
def test_wrong_missing_and_unknown_keys_are_told(tampered, change, problem):
    (found,) = tampered(change)

    assert found.startswith(problem)


def test_all_problems_are_told_at_once(tampered):
    def change(manifest):
        manifest.update(rows=-1, source=3, parents=None)

    assert len(tampered(change)) == 3


def _step(*effects):
    digest = str(of_bytes(b""))
    return {
        "name": "step",
        "digest": digest,
        "effects": [{"kind": k, "rows": rows, "content": digest} for k, rows in effects],
    }


@pytest.mark.parametrize(
    ("effects", "problem"),
    [
        ([("added", "3-2")], "must be ascending and apart"),
        ([("added", "5-6 1-2")], "must be ascending and apart"),
        ([("changed", "1-3 3-4")], "must be ascending and apart"),
        ([("changed", "1-1797")], "changed row 1797 of 1797 rows"),
        ([("removed", "1,2")], "'1,2' names no rows; they read 0-3 7"),
        ([("removed", "-1")], "'-1' names no rows"),
        ([("removed", "01")], "'01' names no rows"),
        ([("removed", "1  2")], "'1  2' names no rows"),
        ([("removed", "1\n")], "names no rows"),
        ([("removed", "")], "manifest.transformations.0.effects.0.rows: "),
        ([("removed", [[1, 2]])], "manifest.transformations.0.effects.0.rows: "),
        ([("moved", "1-2")], "manifest.transformations.0.effects.0.kind: "),
    ],
)
def test_effects_that_cannot_be_are_told(tampered, effects, problem):
    def change(manifest):
        manifest["parents"] = [str(of_bytes(b""))]
        manifest["transformations"] = [_step(*effects)]

    assert any(problem in found for found in tampered(change))


def test_steps_need_a_parent_and_classes_one_name_each(tampered):
    def change(manifest):
        manifest["transformations"] = [_step()]
        manifest["classes"]["1"]["name"] = "0"

    assert tampered(change)[:2] == [
        "two classes have the same name",
        "transformations need a parent that they were applied to",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "malformed JSON"),
        (b"[]", "the file: "),
        (b"{}", "digest: Field required"),
        (b'{"digest": 1, "digest": 2}', "stands twice"),
        (b'{"digest": NaN}', "NaN is no JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "malformed JSON"),
        (b'{"digest": ' + b"9" * 5000 + b"}", "malformed JSON"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, content, problem):
    path = tmp_path / "a.json"
    path.write_bytes(content)

    with pytest.raises(Misconfigured) as caught:
        load_manifest(path)
    assert problem in str(caught.value)


def test_a_manifest_that_is_cut_off_is_refused_everywhere(first, tmp_path):
    path = saved(first, tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content) - 2, 97):
        path.write_bytes(content[:length])
        with pytest.raises(Misconfigured):
            load_manifest(path)


def test_files_that_cannot_be_read_or_written_are_told(first, tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        load_manifest(tmp_path / "none.json")
    (tmp_path / "digits").write_text("in the way")
    with pytest.raises(Misconfigured, match="cannot be written"):
        saved(first, tmp_path)
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate(2**27)
    with pytest.raises(Misconfigured, match="that is no manifest"):
        load_manifest(huge)


def test_the_problems_of_all_files_are_told_at_once(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text("{}")

    with pytest.raises(Misconfigured) as caught:
        load_manifests(tmp_path)
    assert len(caught.value.problems) == 4


@settings(max_examples=25)
@given(
    source=st.none() | st.text(min_size=1).filter(str.strip),
    when=st.dates(),
    how=st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
)
def test_any_text_survives(digits, tmp_path_factory, source, when, how):
    manifest = record_manifest(
        digits.take(np.arange(20)), source=source, acquired=Acquisition(when, how)
    )
    try:
        path = saved(manifest, tmp_path_factory.mktemp("manifests"))
    except Misconfigured:
        assert not how.strip()
    else:
        assert load_manifest(path) == manifest
