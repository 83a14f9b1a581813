"""What the shipped tables say, held against what the publishers say of their releases."""

from collections import Counter

from seclab.frameworks import ATLAS, FRAMEWORKS, Entry


def test_atlas_has_the_counts_that_its_release_states(frameworks):
    assert frameworks.newest(ATLAS) == "2026.09"
    assert len(frameworks.tactics()) == 16
    assert Counter(bool(entry.parent) for entry in frameworks.techniques()) == {
        False: 120,
        True: 88,
    }
    assert len(frameworks.mitigations()) == 40
    links = sum(len(frameworks.techniques_of(each.id)) for each in frameworks.mitigations())
    assert links == 361
    assert sum(len(entry.tactics) for entry in frameworks.techniques()) == 225
    alone = [each for each in frameworks.techniques() if not frameworks.mitigations_of(each.id)]
    assert len(alone) == 74


def test_what_changed_in_atlas_is_what_its_release_says(frameworks):
    changes = frameworks.changes(ATLAS, "5.6.0", "2026.09")
    assert Counter(change.kind for change in changes) == {
        "new": 46,
        "renamed": 12,
        "tactics-changed": 4,
        "links-changed": 18,
        "retired": 3,
    }


def test_a_renamed_technique(frameworks):
    assert frameworks.get("AML.T0020").name == "Training Data Poisoning"
    assert frameworks.get("AML.T0020", edition="5.6.0").name == "Poison Training Data"
    assert frameworks.get("AML.T0020", edition="5.6.0").status == "renamed"
    change = frameworks.change_of("AML.T0020")
    assert (change.kind, change.old_name, change.new_name, change.replacement) == (
        "renamed",
        "Poison Training Data",
        "Training Data Poisoning",
        "",
    )
    assert [each.id for each in frameworks.former_name("poison  training data")] == ["AML.T0020"]


def test_a_retired_technique(frameworks):
    entry = frameworks.get("AML.T0019")
    assert (entry.edition, entry.status) == ("5.6.0", "retired")
    change = frameworks.change_of("AML.T0019")
    assert (change.kind, change.replacement) == ("retired", "AML.T0115.000")
    assert change.new_name == "Publish Poisoned AI Artifacts: Datasets"


def test_a_technique_that_is_older_than_all_tables(frameworks):
    assert frameworks.get("AML.T0045") is None
    change = frameworks.change_of("AML.T0045")
    assert (change.kind, change.replacement) == ("retired", "AML.T0048.004")


def test_one_number_in_three_lists(frameworks):
    names = [frameworks.get(f"LLM06:{edition}").name for edition in (2023, 2025, 2026)]
    assert names == [
        "Sensitive Information Disclosure",
        "Excessive Agency",
        "Unbounded Consumption",
    ]
    assert frameworks.get("LLM06") is None


def test_attacks_of_nist_that_are_named_alike_are_told_apart(frameworks):
    assert frameworks.get("NISTAML.011").full_name == "Model Poisoning (availability)"
    assert frameworks.get("NISTAML.026").full_name == "Model Poisoning (integrity)"
    assert frameworks.get("NISTAML.051").full_name == "Model Poisoning (supply-chain)"
    assert frameworks.get("NISTAML.013").objectives == ("NISTAML.01", "NISTAML.02")


def test_every_framework_is_there_and_no_two_share_an_id(frameworks):
    owners: dict[str, set[str]] = {}
    entry: Entry
    for entry in frameworks.entries:
        owners.setdefault(entry.id, set()).add(entry.framework)
    assert all(len(found) == 1 for found in owners.values())
    assert {name for found in owners.values() for name in found} == set(FRAMEWORKS)


def test_the_loosest_tie_on_the_way_through_the_editions_counts(frameworks):
    change = frameworks.change_of("LLM10:2023")
    assert (change.kind, change.replacement) == ("nearest", "LLM06:2026")
    assert frameworks.change_of("LLM06:2023").kind == "renumbered"
    assert frameworks.change_of("LLM01:2023").kind == "same"
