"""Known answers of the evaluation: checks that know everything, nothing, or do not look."""

import numpy as np
import pytest

import seclab.evaluations  # noqa: F401 - fills the register
from seclab import datasets, registry
from seclab.datasets import Dataset
from seclab.detection import DatasetTarget, poisoned_set
from seclab.evaluations.poisoning_detection.measuring import Cell, Judged, Trial
from seclab.outcome import Evaluated, Missing
from tests.screens import Fixed, Knowing

ENTRY = registry.get("poisoning_detection")
SMALL = {
    "kinds": ("patch", "random_flips"),
    "rates": (0.05,),
    "sets": 2,
    "clean_sets": 2,
    "retrain_sets": 1,
    "batched_sets": 1,
    "model": "softmax-regression",
}
PATCH = {"kind": "patch", "poison_rate": 0.05}


@pytest.fixture(scope="module")
def rows():
    """Rows enough for ten of each class in every part."""
    return datasets.load("digits").take(np.arange(600))


@pytest.fixture(scope="module")
def run(rows):
    def of(screen, *, seed=0, data=rows, planted=None, **changes):
        target = DatasetTarget(data, screen, planted)
        return registry.run(ENTRY, target, seed=seed, dataset_digest="d", **{**SMALL, **changes})

    return of


@pytest.fixture(scope="module")
def known(run, rows):
    return run(Knowing(rows))


@pytest.fixture(scope="module")
def blind(run, rows):
    return run(Knowing(rows, share=0.0))


def _nobody(rows):
    return np.zeros(len(rows), dtype=bool)


def _everybody(rows):
    return np.ones(len(rows), dtype=bool)


def _value(outcome, metric, **parameters):
    assert isinstance(outcome, Evaluated), outcome
    (found,) = (m for m in outcome.measurements if m.matches(ENTRY.name, metric, parameters))
    return found


def _has(outcome, metric, **parameters):
    return any(m.matches(ENTRY.name, metric, parameters) for m in outcome.measurements)


def test_checks_that_know_everything_find_all_and_nothing_else(known):
    for kind in SMALL["kinds"]:
        assert _value(known, "set_detection_rate", kind=kind).value == 1.0
        assert _value(known, "row_recall", kind=kind).value == 1.0
        assert _value(known, "clean_row_false_alarm_rate", kind=kind).value == 0.0
        assert _value(known, "batches_until_detected", kind=kind).value == 1.0
    assert _value(known, "clean_set_alarm_rate").value == 0.0
    assert known.notes[0].startswith("Every poisoned set was found")


def test_repair_by_such_checks_ends_the_attack_and_gives_the_accuracy_back(known):
    before = _value(known, "attack_success_rate_before", **PATCH)
    after = _value(known, "attack_success_rate_after", **PATCH)

    assert before.value > 0.3
    assert after.value == 0.0
    gained = [
        _value(known, f"clean_accuracy_{w}", kind="random_flips").value for w in ("before", "after")
    ]
    assert gained[1] >= gained[0]
    # Flips without a pair of classes are after no input in particular.
    assert not _has(known, "attack_success_rate_before", kind="random_flips")


def test_blind_checks_find_nothing_and_what_is_missed_is_named_by_kind(blind):
    for kind in SMALL["kinds"]:
        assert _value(blind, "set_detection_rate", kind=kind).value == 0.0
        assert _value(blind, "row_recall", kind=kind).value == 0.0
        assert _value(blind, "batches_until_detected", kind=kind).value == 5.0
        assert f"{kind} at 0.05 (0 of 2 sets found, 0% of the rows named)" in blind.notes[0]
    assert "patch at 0.05: 1 of 1 sets that came in batches were never found." in blind.notes


def test_where_nothing_is_set_aside_the_attack_stays_what_it_was(blind):
    for metric in ("attack_success_rate", "clean_accuracy"):
        before, after = (_value(blind, f"{metric}_{when}", **PATCH) for when in ("before", "after"))
        assert (before.value, before.interval) == (after.value, after.interval)


def test_what_the_poison_does_before_repair_does_not_depend_on_the_checks(known, blind):
    for metric in ("attack_success_rate_before", "clean_accuracy_before"):
        assert _value(known, metric, **PATCH).value == _value(blind, metric, **PATCH).value


def test_half_of_the_rows_is_a_recall_of_a_half(run, rows):
    outcome = run(Knowing(rows, share=0.5), kinds=("patch",), retrain_sets=0, batched_sets=0)

    recall = _value(outcome, "row_recall", **PATCH)
    assert recall.value == pytest.approx(0.5, abs=0.03)
    # Two sets are two trials, however many rows they have.
    assert recall.n == 2
    assert recall.interval.high - recall.interval.low > 0.7
    assert "patch at 0.05 (2 of 2 sets found, 50% of the rows named)" in outcome.notes[0]


def test_of_a_single_set_the_rows_are_counted(run, rows):
    outcome = run(Knowing(rows), kinds=("patch",), sets=1, retrain_sets=0)

    assert _value(outcome, "row_recall", **PATCH).n == 24
    assert _value(outcome, "set_detection_rate", **PATCH).n == 1


def test_checks_that_name_everything_stop_clean_sets_and_leave_nothing_to_train_on(run):
    outcome = run(Fixed(_everybody), kinds=("patch",))

    assert _value(outcome, "clean_set_alarm_rate").value == 1.0
    assert _value(outcome, "clean_row_false_alarm_rate", kind="none", poison_rate=0.0).value == 1.0
    assert _value(outcome, "clean_row_false_alarm_rate", **PATCH).value == 1.0
    assert _has(outcome, "clean_accuracy_before", **PATCH)
    assert not _has(outcome, "clean_accuracy_after", **PATCH)
    assert "patch at 0.05: 1 sets were left with fewer than two classes, nothing to train on." in (
        outcome.notes
    )
    assert "2 of 2 clean sets raised a false alarm: fixed (2)." in outcome.notes


def test_an_alarm_that_names_only_clean_rows_has_found_nothing(run, rows):
    knowing = Knowing(rows)

    def _wrong(data):
        foreign = knowing(data).flagged
        return np.arange(len(data)) == np.flatnonzero(~foreign)[0]

    outcome = run(Fixed(_wrong), kinds=("patch",), retrain_sets=0)

    assert _value(outcome, "set_detection_rate", **PATCH).value == 0.0
    assert _value(outcome, "batches_until_detected", **PATCH).value == 5.0


def test_an_alarm_about_the_set_as_a_whole_counts(run):
    outcome = run(Fixed(_nobody), kinds=("patch",), retrain_sets=0)

    assert _value(outcome, "set_detection_rate", **PATCH).value == 1.0
    assert _value(outcome, "row_recall", **PATCH).value == 0.0


def test_another_kind_beside_it_changes_no_number_of_a_kind(run, rows, known):
    alone = run(Knowing(rows), kinds=("random_flips",))

    for measured in alone.measurements:
        assert measured in known.measurements


def test_tables_hold_every_set_and_every_cell(known):
    tables = {table.name: table.records() for table in known.tables}

    assert [row["kind"] for row in tables["poisoning_detection"]] == ["patch", "random_flips"]
    assert len(tables["poisoned_sets"]) == 4
    assert len(tables["clean_sets"]) == 2
    first = tables["poisoned_sets"][0]
    assert (first["poisoned_rows"], first["poisoned_rows_named"], first["found"]) == (24, 24, True)
    assert first["source"] != first["target"]
    assert tables["poisoned_sets"][1]["attack_success_before"] is None  # one set was trained on


def test_kinds_for_images_are_left_out_where_rows_are_none(run, rows):
    flat = Dataset(
        **{name: getattr(rows, name) for name in rows.__dataclass_fields__} | {"image_shape": None}
    )

    outcome = run(Knowing(flat), data=flat, retrain_sets=0)

    assert not _has(outcome, "set_detection_rate", kind="patch")
    assert _has(outcome, "set_detection_rate", kind="random_flips")
    assert "For images only, and these rows are none: patch." in outcome.notes
    assert all(figure.name != "poison_found" for figure in outcome.figures)


def test_a_rate_too_low_to_poison_a_row_is_not_evaluated(run, rows):
    outcome = run(Knowing(rows), rates=(0.0005,))

    assert outcome.missing is Missing.SKIPPED
    assert "no set could be poisoned" in outcome.reason


def test_mistakes_are_named_all_at_once(run, rows):
    outcome = run(
        Knowing(rows), kinds=("pach",), rates=(0.0, 2.0), sets=0, retrain_sets=3, batches=0
    )

    assert outcome.missing is Missing.ERRORED
    for words in (
        "unknown kind of poison 'pach'",
        "above 0 and at most 1, got 0.0",
        "above 0 and at most 1, got 2.0",
        "sets is a number from 1 on, got 0",
        "retrain_sets is a number from 0 to 0, got 3",
        "batches is a number from 1 on, got 0",
    ):
        assert words in outcome.reason


def test_of_a_set_poisoned_on_purpose_all_numbers_are_about_that_set(run, rows):
    planted = poisoned_set(rows, kind="patch", rate=0.05, rng=np.random.default_rng(8))

    outcome = run(Knowing(rows), planted=planted, kinds=("patch",), sets=1)
    other = run(Knowing(rows), planted=planted, kinds=("blended",), sets=1)

    table = next(t for t in outcome.tables if t.name == "poisoned_sets").records()
    names = rows.class_names
    assert (table[0]["source"], table[0]["target"]) == (
        names[planted.poison.source],
        names[planted.poison.target],
    )
    assert {m.subject_digest for m in outcome.measurements} == {
        str(planted.rows.fingerprint().ordered)
    }
    assert other.missing is Missing.SKIPPED


def _trial(rows, *, arriving, found_after, tried=(1, 4)):
    made = poisoned_set(rows, kind="patch", rate=0.05, rng=np.random.default_rng(8))
    judged = Judged(right=90, rows=100, won=tried[0], tried=tried[1])
    return Trial(made, Knowing(rows)(made.rows), judged, judged, arriving, found_after)


def test_means_over_sets_count_sets_and_batches_that_were_never_enough(rows):
    cell = Cell(
        "patch",
        0.05,
        (
            _trial(rows, arriving=4, found_after=1),
            _trial(rows, arriving=4, found_after=None, tried=(4, 4)),
            _trial(rows, arriving=None, found_after=None, tried=(0, 0)),
        ),
    )

    found = cell.estimates()

    assert found["batches_until_detected"].value == 3.0
    assert found["batches_until_detected"].low == 0.0
    success = found["attack_success_rate_before"]
    assert (success.value, success.n) == (pytest.approx(0.625), 2)
    assert found["clean_accuracy_after"].value == pytest.approx(0.9)
