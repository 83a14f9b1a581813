import json
from dataclasses import replace

import pytest

from seclab.errors import EvidenceMismatch
from seclab.evidence import Bundle
from seclab.evidence.ledger import (
    chain_differences,
    following,
    from_lines,
    ledger_differences,
    outline,
    place_differences,
    to_lines,
)
from seclab.fingerprint import of_json

AT = "2026-03-01T12:30:30+00:00"


def bundle(number, previous, *, name="mlp", kind="model"):
    document = {
        "predicate": {
            "subject": {"kind": kind, "name": name, "digest": "x"},
            "previous": previous and str(previous.digest),
            "seed": number,
        }
    }
    return Bundle(document, of_json(document))


def enter(entries, *bundles, entry_kind="bundle"):
    for found in bundles:
        subject = found.predicate["subject"]
        entry = following(
            entries,
            at=AT,
            kind=entry_kind,
            subject=subject["name"],
            run=f"run-{len(entries)}",
            digest=str(found.digest),
            about={"kind": subject["kind"], "seed": found.predicate["seed"]},
        )
        entries = [*entries, entry]
    return entries


@pytest.fixture
def bundles():
    """Three of a model, and one of an agent with the same name in between."""
    first = bundle(1, None)
    agent = bundle(2, None, kind="agent")
    second = bundle(3, first)
    return [first, agent, second, bundle(4, second)]


@pytest.fixture
def entries(bundles):
    return enter([], *bundles)


def kept(bundles):
    return {str(found.digest): found for found in bundles}


def test_entries_are_numbered_from_one_and_name_the_one_before(entries):
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
    assert [entry.previous for entry in entries] == ["", *(e.digest_of_entry for e in entries[:3])]
    assert entries[0].digest_of_entry == str(of_json(json.loads(to_lines(entries[:1]))))


def test_a_whole_ledger_has_no_differences(entries):
    assert ledger_differences([]) == []
    assert ledger_differences(entries) == []
    assert ledger_differences(entries, anchor=entries[:2]) == []


def test_the_text_reads_back_as_the_same_ledger(entries):
    text = to_lines(entries)

    assert from_lines(text) == entries
    assert text.count("\n") == 4
    assert (to_lines([]), from_lines("")) == ("", [])


def test_a_text_with_line_ends_of_every_kind_stays_in_its_line():
    odd = following(
        [], at=AT, kind="void", subject="a\u2028b\nc\x85", run="", digest="", about={"why": "\r"}
    )

    assert from_lines(to_lines([odd])) == [odd]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"sequence":1', '"sequence":true', "sequence: Input should be a valid integer"),
        ('"sequence":1', '"sequence":"1"', "sequence: Input should be a valid integer"),
        ('"sequence":1', '"sequence":0', "sequence: Input should be greater than or equal to 1"),
        ('"kind":"bundle"', '"kind":"other"', "kind: Input should be 'bundle'"),
        ('"run":"run-0",', "", "run: Field required"),
        ('"run":', '"more":1,"run":', "more: Unexpected keyword argument"),
        ('"run":', '"run":"x","run":', "it is not in its canonical form"),
        ('"run":', ' "run":', "it is not in its canonical form"),
        ('"seed":1', '"seed":1.0', "it is not in its canonical form"),
        ('"seed":1', '"seed":[1]', "about.seed"),
        ('"seed":1', '"seed":NaN', "nan is not representable"),
        ('"seed":1', '"seed":9007199254740993', "exceeds safe integer"),
        ("{", "", "Invalid JSON"),
    ],
)
def test_a_line_that_is_no_entry_is_refused_with_its_number(entries, old, new, problem):
    lines = to_lines(entries).splitlines(keepends=True)
    assert old in lines[0]

    with pytest.raises(EvidenceMismatch, match="ledger line 2: ") as caught:
        from_lines(lines[1] + lines[0].replace(old, new, 1))

    assert problem in str(caught.value)


def test_all_wrong_lines_are_told_at_once(entries):
    with pytest.raises(EvidenceMismatch) as caught:
        from_lines("{}\n" + to_lines(entries[:1]) + "\n[]\n")

    assert [p.partition(": ")[0] for p in caught.value.problems] == [
        "ledger line 1",
        "ledger line 3",
        "ledger line 4",
    ]


def test_a_gap_is_told(entries):
    assert ledger_differences([entries[0], *entries[2:]]) == [
        "ledger entry 2: expected sequence 2, found 3",
        (
            f"ledger entry 2: expected previous {entries[0].digest_of_entry}, "
            f"found {entries[1].digest_of_entry}"
        ),
        "ledger entry 3: expected sequence 3, found 4",
    ]


def test_a_changed_entry_is_told_by_the_next(entries):
    changed = replace(entries[1], run="another")

    assert ledger_differences([entries[0], changed, *entries[2:]]) == [
        (
            f"ledger entry 3: expected previous {changed.digest_of_entry}, "
            f"found {entries[1].digest_of_entry}"
        )
    ]


def test_a_missing_end_is_told_by_an_earlier_export(entries):
    assert ledger_differences(entries[:3]) == []
    assert ledger_differences(entries[:3], anchor=entries) == [
        (
            f"ledger entry 4: expected {entries[3].digest_of_entry} as in the earlier export, "
            "found no entry"
        )
    ]


def test_true_is_not_one(entries):
    changed = [*entries[:3], replace(entries[3], about={"kind": "model", "seed": True})]
    one = [*entries[:3], replace(entries[3], about={"kind": "model", "seed": 1})]

    assert changed == one
    assert ledger_differences(changed, anchor=one)


def test_a_whole_chain_has_no_differences(entries, bundles):
    assert chain_differences(entries, kept(bundles)) == []
    assert chain_differences(entries, kept(map(outline, bundles))) == []
    assert all(place_differences(entries, found) == [] for found in bundles)


def test_a_deleted_bundle_is_told_with_its_run(entries, bundles):
    assert chain_differences(entries, kept(bundles[:3])) == [
        f"bundle {bundles[3].digest} of run run-3 (mlp): expected by ledger entry 4, found nothing"
    ]


def test_a_bundle_that_was_declared_void_may_be_missing(entries, bundles):
    entries = enter(entries, bundles[3], entry_kind="void")

    assert chain_differences(entries, kept(bundles[:3])) == []


def test_a_bundle_that_nobody_entered_is_told(entries, bundles):
    stranger = bundle(9, None, name="other")

    expected = [f"bundle {stranger.digest}: the ledger has no entry for it"]
    assert chain_differences(entries, kept([*bundles, stranger])) == expected
    assert place_differences(entries, stranger) == expected


def test_a_bundle_that_skips_one_is_told(bundles):
    first, _, second, _ = bundles
    skipping = bundle(5, first)
    entries = enter([], first, second, skipping)

    expected = [
        (
            f"ledger entry 3: bundle {skipping.digest}: expected previous {second.digest}, "
            f"found {first.digest}"
        )
    ]
    assert chain_differences(entries, kept([first, second, skipping])) == expected
    assert place_differences(entries, skipping) == expected


def test_a_bundle_that_claims_to_be_the_first_is_told(bundles):
    first = bundles[0]
    again = bundle(6, None)

    assert place_differences(enter([], first, again), again) == [
        f"ledger entry 2: bundle {again.digest}: expected previous {first.digest}, found none"
    ]


def test_a_bundle_of_the_first_version_names_none_and_is_a_part_of_the_chain(bundles):
    old = Bundle({"predicate": {"subject": bundles[0].predicate["subject"], "seed": 0}}, "d" * 64)
    entries = enter([], old)
    new = bundle(7, None)
    new.document["predicate"]["previous"] = str(old.digest)

    assert chain_differences(enter(entries, new), kept([old, new])) == []


def test_a_bundle_under_the_digest_of_another_is_told(entries, bundles):
    swapped = kept(bundles) | {str(bundles[3].digest): bundles[2]}

    assert (
        f"ledger entry 4: bundle {bundles[3].digest}: found a bundle with digest "
        f"{bundles[2].digest}" in chain_differences(entries, swapped)
    )


def test_a_bundle_entered_for_another_subject_is_told(bundles):
    (entry,) = enter([], bundles[0])
    entry = replace(entry, subject="another")

    assert place_differences([entry], bundles[0]) == [
        (
            f"ledger entry 1: bundle {bundles[0].digest}: expected it to be about model another, "
            "found model mlp"
        )
    ]


@pytest.mark.parametrize("document", [{}, {"predicate": 1}, {"predicate": {"subject": []}}])
def test_a_bundle_about_nothing_is_a_difference_and_no_exception(document, bundles):
    empty = Bundle(document, bundles[0].digest)

    for found in (empty, outline(empty)):
        (difference,) = place_differences(enter([], bundles[0]), found)
        assert difference.endswith("it says not what it is about")
