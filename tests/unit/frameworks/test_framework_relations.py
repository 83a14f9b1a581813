"""What belongs to an entry."""

import pytest

from seclab.frameworks import related


@pytest.mark.parametrize(
    ("id_", "relation", "ids"),
    [
        ("AML.T0043.004", "part of", ["AML.T0043"]),
        ("AML.T0043.004", "tactic", ["AML.TA0001"]),
        ("AML.T0024", "sub-technique", ["AML.T0024.000", "AML.T0024.001", "AML.T0024.002"]),
        ("AML.TA0013", "technique", ["AML.T0055", "AML.T0082", "AML.T0083"]),
        ("AML.M0011", "technique", ["AML.T0011", "AML.T0011.000", "AML.T0011.001"]),
        ("AML.T0059", "mitigation", ["AML.M0007", "AML.M0025"]),
        ("AML.T0115.000", "predecessor", ["AML.T0019"]),
        ("AML.T0019", "successor", ["AML.T0115.000"]),
        ("NISTAML.018", "objective", ["NISTAML.02", "NISTAML.03", "NISTAML.04"]),
        ("NISTAML.04", "attack", ["NISTAML.018"]),
        ("LLM06:2025", "predecessor", ["LLM07:2023", "LLM08:2023"]),
        ("LLM06:2025", "successor", ["LLM03:2026"]),
        ("S", "technique", []),
    ],
)
def test_what_an_entry_is_tied_to(frameworks, id_, relation, ids):
    found = related(frameworks, frameworks.get(id_))

    assert set(ids) <= {each.entry.id for each in found if each.relation == relation}
    if relation not in ("technique", "mitigation"):
        assert [each.entry.id for each in found if each.relation == relation] == ids


def test_a_parent_is_not_tied_to_what_its_parts_are_tied_to(frameworks):
    # AML.M0008 stands against inserting a trigger, and ATLAS says so of the parent too;
    # AML.M0017 stands against white-box optimization only.
    parts = {each.id for each in frameworks.mitigations_of("AML.T0043.000")}
    assert "AML.M0017" in parts
    assert "AML.M0017" not in {each.id for each in frameworks.mitigations_of("AML.T0043")}


def test_links_are_those_of_the_edition_that_is_asked_for(frameworks):
    older = frameworks.mitigations_of("AML.T0020", edition="5.6.0")
    newer = frameworks.mitigations_of("AML.T0020")
    assert {each.id for each in newer} - {each.id for each in older} == {"AML.M0035"}
    assert {each.edition for each in older} == {"5.6.0"}
    assert frameworks.mitigations_of("AML.T0019")
    assert frameworks.mitigations_of("AML.T0019", edition="2026.09") == ()
    assert frameworks.mitigations_of("AML.T9999") == frameworks.techniques_of("AML.M9999") == ()
