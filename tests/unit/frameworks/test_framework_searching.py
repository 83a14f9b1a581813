"""What is found by words, and what a wrong id is taken for."""

import pytest


def ids(entries):
    return [entry.id for entry in entries]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("AML.T0020", "AML.T0020"),
        ("t0115.001", "AML.T0115.001"),
        ("training data poisoning", "AML.T0020"),
        ("POISON training", "AML.T0020"),
        ("llm meta prompt", "AML.T0056"),
        ("excessive agency 2025", "LLM06:2025"),
        ("membership api", "AML.T0024.000"),
        ("agent behaviour hijack", "ASI01:2026"),
        ("spoofing", "S"),
        ("threat analysis", "PASTA-4"),
    ],
)
def test_the_best_match_comes_first(frameworks, words, first):
    assert ids(frameworks.search(words))[0] == first


@pytest.mark.parametrize("words", ["", "  ", "zebra", "poisoning zebra", "("])
def test_what_no_entry_has_is_not_found(frameworks, words):
    assert frameworks.search(words) == ()


def test_every_word_has_to_be_there(frameworks):
    found = frameworks.search("prompt injection")
    assert {"AML.T0051", "NISTAML.015", "NISTAML.018", "LLM01:2025"} <= set(ids(found))
    assert all("njection" in entry.full_name for entry in found)


def test_an_id_is_found_once_however_many_editions_have_it(frameworks):
    found = ids(frameworks.search("model"))
    assert len(found) == len(set(found)) > 20


@pytest.mark.parametrize(
    ("token", "first"),
    [
        ("AML.T020", "AML.T0020"),
        ("AML.T0051.0", "AML.T0051.000"),
        ("aml.m7", "AML.M0007"),
        ("AMLT0020", "AML.T0020"),
        ("AML T0020", "AML.T0020"),
        ("NISTAML.22", "NISTAML.022"),
        ("NIST AML.011", "NISTAML.011"),
        ("ML03", "ML03:2023"),
        ("asi02", "ASI02:2026"),
        ("LLM06:2024", "LLM06:2023"),
    ],
)
def test_a_slip_in_an_id_is_understood(frameworks, token, first):
    assert ids(frameworks.nearest(token))[0] == first


def test_a_bare_number_may_mean_any_of_its_editions(frameworks):
    assert ids(frameworks.nearest("LLM06")) == ["LLM06:2023", "LLM06:2025", "LLM06:2026"]


@pytest.mark.parametrize("token", ["T1020", "TA0002", "M1015", "T1583.001"])
def test_an_id_of_attack_is_never_taken_for_one_of_atlas_that_looks_alike(frameworks, token):
    assert frameworks.nearest(token) == ()


def test_an_id_of_attack_is_read_in_its_context_first(frameworks):
    poisoning, plain = frameworks.legacy("t1595")
    assert (poisoning.context, poisoning.replacement) == ("data poisoning", "AML.T0020")
    assert (plain.context, plain.replacement) == ("", "AML.T0006")


@pytest.mark.parametrize(
    ("token", "replacement", "alternatives"),
    [
        ("T1078", "AML.T0012", ()),
        ("T1204", "", ("AML.T0011", "AML.T0011.003")),
        ("T1499", "", ()),
        ("M1016", "AML.M0016", ()),
        ("TA0040", "AML.TA0011", ()),
    ],
)
def test_an_id_of_attack_that_the_table_does_not_list_is_read_by_the_references(
    frameworks, token, replacement, alternatives
):
    [row] = frameworks.legacy(token)
    assert (row.replacement, row.alternatives) == (replacement, alternatives)
    assert row.kind.startswith("attack-")


@pytest.mark.parametrize("token", ["AML.T0020", "NISTAML.022", "ML01:2023", "", "hello"])
def test_a_sound_id_is_no_slip(frameworks, token):
    assert frameworks.legacy(token) == ()
