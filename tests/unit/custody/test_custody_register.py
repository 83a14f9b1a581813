"""Recorded versions are read as a whole: a chain that does not hold is refused, each flaw told."""

import json
from dataclasses import replace

import numpy as np
import pytest

from seclab import datasets
from seclab.custody import (
    Kind,
    Rows,
    Transformation,
    coverage_of,
    effect,
    index_of,
    load_histories,
    record_manifest,
    save_version,
)
from seclab.errors import Misconfigured
from seclab.fingerprint import of_bytes, of_json
from tests.conftest import ROOT
from tests.unit.custody.conftest import relabelled, rows_of, shortened


def refused(folder):
    with pytest.raises(Misconfigured) as caught:
        load_histories(folder)
    return caught.value.problems


def test_the_digits_are_recorded_as_they_are_and_as_the_loader_says():
    history = load_histories(ROOT / "registers" / "custody")["digits"]
    digits = datasets.load("digits")
    newest, content = history.newest, digits.fingerprint()

    assert (newest.ordered, newest.unordered) == (content.ordered, content.unordered)
    assert history.rows[newest.digest].keys == Rows.of(digits).keys
    assert newest.source == digits.provenance.source
    assert newest.licence == digits.provenance.licence
    assert newest.acquired.how == digits.provenance.obtained
    assert coverage_of(newest, history.manifests).share == 1.0


def test_a_history_leads_from_the_oldest_version_to_the_newest(recorded, tmp_path):
    (_, second), (old, new), _ = recorded
    history = load_histories(tmp_path)["tiny"]

    assert history.newest == new
    assert list(history.manifests) == [old.digest, new.digest]
    assert history.rows[new.digest].keys == Rows.of(second).keys
    assert coverage_of(new, history.manifests).covered == 9
    assert load_histories(tmp_path / "none") == {}


def test_a_missing_parent_is_told(recorded, tmp_path):
    _, (old, _), (path, later) = recorded
    path.unlink()
    path.with_suffix(".rows").unlink()

    assert refused(tmp_path) == (f"{later}: the manifest of its parent {old.digest} is missing",)


def test_a_parent_that_was_changed_is_no_parent_any_more(recorded, tmp_path):
    """Its digest and its name fit again, but its successor names another one."""
    _, (old, _), (path, later) = recorded
    document = json.loads(path.read_text())
    document["manifest"]["licence"] = "MIT"
    document["digest"] = str(of_json(document["manifest"]))
    forged = path.with_name(f"{document['digest'].rpartition(':')[2][:12]}.json")
    forged.write_text(json.dumps(document))
    path.with_suffix(".rows").rename(forged.with_suffix(".rows"))
    path.unlink()

    problems = refused(tmp_path)

    assert f"{later}: the manifest of its parent {old.digest} is missing" in problems
    assert any("are all the newest version of tiny" in problem for problem in problems)


def test_a_row_relabelled_in_the_list_is_told(recorded, tmp_path):
    _, (old, _), (path, _) = recorded
    rows = path.with_suffix(".rows")
    lines = rows.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace(" 1\n", " 0\n")
    rows.write_text("".join(lines))

    (problem,) = refused(tmp_path)

    assert problem.startswith(f"{rows}: it has digest sha256:bytes:")
    assert problem.endswith(f"its manifest says {old.index}")


def test_a_missing_list_and_a_manifest_in_another_place_are_told_at_once(recorded, tmp_path):
    _, _, (path, later) = recorded
    path.with_suffix(".rows").unlink()
    elsewhere = tmp_path / later.name
    later.rename(elsewhere)

    place, missing = sorted(refused(tmp_path), key=lambda text: "cannot be read" in text)

    assert missing == f"{path.with_suffix('.rows')} cannot be read: No such file or directory"
    assert place.startswith(f"{later}: the manifest of tiny ")


def test_a_version_that_changed_more_than_it_declares_is_told(recorded, tmp_path):
    (_, second), (_, new), _ = recorded
    third, step = shortened(relabelled(second, 2))
    manifest = record_manifest(third, parents=[new], transformations=[step])
    path = save_version(manifest, index_of(third), tmp_path)

    assert refused(tmp_path) == (f"{path}: row 2 relabelled: no step declares it",)


def test_a_version_that_declares_what_was_not_done_is_told(recorded, tmp_path):
    (_, second), (_, new), _ = recorded
    _, step = shortened(second)
    manifest = record_manifest(second, parents=[new], transformations=[step])
    path = save_version(manifest, index_of(second), tmp_path)

    (problem,) = refused(tmp_path)

    assert problem == f"{path}: row 8 removed: a step declares it, but it did not happen"


def test_two_newest_versions_are_told(recorded, tmp_path):
    (_, second), (old, new), _ = recorded
    other, step = shortened(rows_of(10))
    beside = record_manifest(other, licence="MIT", parents=[old], transformations=[step])
    save_version(beside, index_of(other), tmp_path)

    (problem,) = refused(tmp_path)

    assert problem.startswith(f"{tmp_path / 'tiny'}: ")
    assert new.digest.value[:12] in problem
    assert beside.digest.value[:12] in problem
    assert len(second) == len(other)


def test_a_label_without_a_class_in_the_list_is_told(tmp_path):
    data = rows_of(4)
    text = index_of(data).replace(b" 1\n", b" 7\n")
    manifest = replace(record_manifest(data), index=of_bytes(text))
    path = save_version(manifest, text, tmp_path)

    (problem,) = refused(tmp_path)

    assert problem.startswith(f"{path.with_suffix('.rows')} line 2: it is no row")


def test_a_version_made_in_a_run_follows_only_if_its_steps_account_for_it(recorded, tmp_path):
    (first, second), _, _ = recorded
    history = load_histories(tmp_path)["tiny"]
    third, step = shortened(second)
    made = record_manifest(third, parents=[history.newest], transformations=[step])

    assert history.followed_by(made, Rows.of(third)).newest == made

    silent = record_manifest(third, parents=[history.newest])
    with pytest.raises(Misconfigured, match="row 8 removed: no step declares it"):
        history.followed_by(silent, Rows.of(third))
    orphan = record_manifest(first)
    with pytest.raises(Misconfigured, match="was not made of tiny"):
        history.followed_by(orphan, Rows.of(first))


def test_a_version_of_two_parents_counts_removed_rows_through_both(recorded, tmp_path):
    (_, second), (_, new), _ = recorded
    more = rows_of(6, seed=1)
    other = record_manifest(more.take(np.arange(6), name="more"), source="elsewhere")
    save_version(other, index_of(more), tmp_path)
    joined = second.with_rows(
        np.concatenate([second.features, more.features[1:]]),
        np.concatenate([second.labels, more.labels[1:]]),
    )
    both = Rows.joined([Rows.of(second), Rows.of(more)])
    step = Transformation("joined", of_bytes(b""), (effect(Kind.REMOVED, [9], both),))
    manifest = record_manifest(joined, parents=[new, other], transformations=[step])
    save_version(manifest, index_of(joined), tmp_path)

    histories = load_histories(tmp_path)

    assert histories["tiny"].newest == manifest
    assert set(histories["tiny"].manifests) >= {other.digest, new.digest}
    # The six rows of unknown licence are taken to have survived, as far as there is room.
    assert coverage_of(manifest, histories["tiny"].manifests).covered == 8
