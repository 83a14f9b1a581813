"""What holds for every entry of the frameworks, and for every reference that goes nowhere."""

import csv
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.frameworks import load_frameworks, related

SHIPPED = Path(__file__).parents[2] / "registers" / "frameworks"
FRAMEWORKS = load_frameworks(SHIPPED)
IDS = {entry.id for entry in FRAMEWORKS.entries}
# Columns of references, and an id of the right form that no table has.
REFERRING = {
    "atlas_2026_09_techniques.csv": {"tactic_ids": "AML.TA9999"},
    "atlas_2026_09_mitigations.csv": {"technique_ids": "AML.T9999"},
    "atlas_5_6_0_mitigations.csv": {"technique_ids": "AML.T9999"},
    "attack_references.csv": {"atlas_id": "AML.T9999"},
    "former_names.csv": {"replacement_id": "AML.T9999"},
    "legacy_ids.csv": {"replacement_id": "AML.T9999", "alternative_ids": "LLM01:1999"},
    "owasp.csv": {"successor_id": "LLM01:1999"},
    "crosswalk.csv": {
        "nist_ids": "NISTAML.099",
        "atlas_ids": "AML.T9999",
        "older_atlas_ids": "AML.T9999",
        "mitigation_ids": "AML.M9999",
        "judged_mitigation_ids": "AML.M9999",
        "owasp_ids": "ML01:1999",
    },
}

entries = st.sampled_from(FRAMEWORKS.entries)


def test_every_id_of_the_crosswalk_is_one_of_a_framework():
    assert {each for crossing in FRAMEWORKS.threats() for each in crossing.ids} <= IDS
    with (SHIPPED / "crosswalk.csv").open(encoding="utf-8", newline="") as rows:
        named = [row["threat"] for row in csv.DictReader(rows)]
    assert [crossing.threat for crossing in FRAMEWORKS.threats()] == named


@given(entries)
def test_ties_go_both_ways_and_stay_within_the_edition(entry):
    for tie in related(FRAMEWORKS, entry):
        back = {each.entry for each in related(FRAMEWORKS, tie.entry)}
        if tie.relation not in ("predecessor", "successor"):
            assert tie.entry.edition == entry.edition
            assert entry in back
        else:
            assert entry.id in {each.id for each in back}


@given(entries)
def test_links_of_mitigations_and_techniques_are_one_relation(entry):
    for mitigation in FRAMEWORKS.mitigations_of(entry.id, edition=entry.edition):
        techniques = FRAMEWORKS.techniques_of(mitigation.id, edition=entry.edition)
        assert entry in techniques
        assert mitigation.kind == "mitigation"


@given(entries)
def test_what_is_gone_says_where_to_and_what_is_renamed_says_from_what(entry):
    change = FRAMEWORKS.change_of(entry.id)
    if entry.status in ("retired", "renamed"):
        assert change is not None
        assert change.old_name.endswith(entry.name)
    if change and change.replacement:
        assert FRAMEWORKS.get(change.replacement).status == "current"
    if entry.status == "renamed":
        assert entry.id in {former.id for former in FRAMEWORKS.former_name(entry.name)}


@given(entries)
def test_every_entry_is_found_by_its_id_and_by_its_name(entry):
    newest = FRAMEWORKS.get(entry.id)
    assert FRAMEWORKS.search(entry.id)[0] == newest
    assert newest in FRAMEWORKS.search(entry.full_name)


@given(st.text(max_size=30))
def test_no_text_is_an_error_to_look_for(text):
    FRAMEWORKS.search(text)
    FRAMEWORKS.legacy(text)
    FRAMEWORKS.nearest(text)
    FRAMEWORKS.former_name(text)
    assert (FRAMEWORKS.get(text) is None) == (text not in IDS)


@settings(max_examples=25)
@given(st.data())
def test_every_reference_that_goes_nowhere_is_found_where_it_stands(tmp_path_factory, data):
    folder = Path(shutil.copytree(SHIPPED, tmp_path_factory.mktemp("tables") / "frameworks"))
    expected = set()
    for file in data.draw(st.lists(st.sampled_from(sorted(REFERRING)), min_size=1, unique=True)):
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        column = data.draw(st.sampled_from(sorted(REFERRING[file])))
        number = data.draw(st.integers(1, len(rows) - 1))
        rows[number][rows[0].index(column)] = REFERRING[file][column]
        with (folder / file).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
        expected.add(f"frameworks/{file} line {number + 1}, column {column}: ")

    with pytest.raises(Misconfigured) as caught:
        load_frameworks(folder)

    for place in expected:
        assert any(problem.startswith(place) for problem in caught.value.problems), place
