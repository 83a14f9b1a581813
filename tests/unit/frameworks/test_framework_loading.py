"""Broken tables are refused, each mistake with its place, all of them at once."""

import pytest

from seclab.errors import Misconfigured
from seclab.frameworks import load_frameworks

ATLAS = "atlas_2026_09"
OLD = "atlas_5_6_0"


def test_the_shipped_tables_are_sound(folder):
    assert folder.load().entries


REFERENCES = [
    # file, row, column, new value, what is said
    (f"{ATLAS}_techniques.csv", "AML.T0020", "tactic_ids", "AML.TA9999", "AML.TA9999 is not in"),
    (f"{OLD}_techniques.csv", "AML.T0020", "tactic_ids", "AML.TA9999", "AML.TA9999 is not in"),
    (f"{ATLAS}_techniques.csv", "AML.T0020", "tactic_ids", "", "the cell is empty"),
    (f"{ATLAS}_techniques.csv", "AML.T0020", "id", "AML.T9999.001", "AML.T9999 that it belongs to"),
    (f"{ATLAS}_techniques.csv", "AML.T0020", "id", "T0020", "has not the form"),
    (f"{ATLAS}_mitigations.csv", "AML.M0007", "technique_ids", "AML.T0019", "AML.T0019 is not in"),
    (f"{ATLAS}_tactics.csv", "AML.TA0002", "name", "", "the cell is empty"),
    ("editions.csv", "STRIDE", "framework", "PASTA", "no edition is listed of STRIDE"),
    ("editions.csv", "STRIDE", "verified", "maybe", "is not one of"),
    ("editions.csv", "OWASP ML", "edition", "2022", "no entry of this edition"),
    ("owasp.csv", "ML01:2023", "id", "ML01:2021", "does not name this edition"),
    ("owasp.csv", "LLM01:2023", "id", "LLM01", "has not the form"),
    ("owasp.csv", "LLM01:2023", "successor_id", "LLM11:2025", "has not the form"),
    ("owasp.csv", "LLM01:2023", "successor_id", "LLM01:2024", "LLM01:2024 is not in owasp.csv"),
    ("owasp.csv", "LLM01:2023", "successor_id", "LLM01:2026", "not of the next edition"),
    ("owasp.csv", "LLM01:2025", "successor_id", "ASI01:2026", "of another list"),
    ("owasp.csv", "LLM01:2023", "successor_kind", "none", "needs a kind"),
    ("owasp.csv", "LLM01:2026", "successor_kind", "same", "needs a kind"),
    ("nist.csv", "NISTAML.022", "predictive", "safety", "has not the form"),
    ("nist.csv", "NISTAML.022", "predictive", "none", "names no objective"),
    ("nist.csv", "NISTAML.022", "id", "NISTAML.062", "the objective NISTAML.06"),
    ("nist.csv", "NISTAML.02", "predictive", "integrity;privacy", "names itself only"),
    ("nist.csv", "NISTAML.05", "kind", "attack", "no row of kind objective is about supply-chain"),
    ("stride.csv", "S", "id", "X", "has not the form"),
    ("pasta.csv", "PASTA-1", "id", "PASTA-8", "has not the form"),
    ("former_names.csv", "AML.T0019", "replacement_id", "AML.T9999", "AML.T9999 is not in"),
    ("former_names.csv", "AML.T0019", "replacement_id", "none", "AML.T0019 is not in"),
    ("former_names.csv", "AML.T0020", "replacement_id", "AML.T0018", "still in use"),
    ("attack_references.csv", "T1595", "atlas_id", "AML.T9999", "AML.T9999 is not in"),
    ("attack_references.csv", "T1595", "attack_id", "AML.T0006", "has not the form"),
    ("crosswalk.csv", "evasion", "nist_ids", "NISTAML.099", "NISTAML.099 is not in"),
    ("crosswalk.csv", "evasion", "atlas_ids", "AML.T0019", "not in the newest edition"),
    ("crosswalk.csv", "evasion", "older_atlas_ids", "AML.T0015", "belongs into atlas_ids"),
    ("crosswalk.csv", "evasion", "older_atlas_ids", "AML.T9999", "not in an older edition"),
    ("crosswalk.csv", "evasion", "mitigation_ids", "AML.M9999", "AML.M9999 is not in"),
    ("crosswalk.csv", "evasion", "mitigation_ids", "AML.M0018", "belongs into judged"),
    ("crosswalk.csv", "evasion", "judged_mitigation_ids", "AML.M0003", "belongs into mitigation"),
    ("crosswalk.csv", "evasion", "owasp_ids", "ML01:2022", "ML01:2022 is not in"),
    ("crosswalk.csv", "evasion", "stride", "X", "has not the form"),
    ("crosswalk.csv", "evasion", "system", "robot", "has not the form"),
    ("legacy_ids.csv", "T1486", "replacement_id", "AML.T9999", "AML.T9999 is not in"),
    ("legacy_ids.csv", "T1486", "alternative_ids", "LLM06", "has not the form"),
    ("legacy_ids.csv", "T1486", "replacement_id", "none", "neither what to write"),
    ("legacy_ids.csv", "T1486", "severity", "fatal", "is not one of"),
    ("legacy_ids.csv", "T1486", "kind", "typo", "is not one of"),
]


@pytest.mark.parametrize("case", REFERENCES, ids=lambda case: " ".join(case[:4]))
def test_a_wrong_cell_is_refused_with_its_place(folder, case):
    file, key, column, value, words = case
    line = folder.set_cell(file, key, column, value)

    found = [problem for problem in folder.problems() if words in problem]

    assert found
    # The last row stands for a framework that has none.
    at = len(folder.rows("editions.csv")) if "no edition is listed" in words else line
    assert any(f"frameworks/{file} line {at}, column " in problem for problem in found), found


@pytest.mark.parametrize(
    ("file", "key"),
    [
        (f"{ATLAS}_tactics.csv", "AML.TA0002"),
        (f"{OLD}_techniques.csv", "AML.T0020"),
        (f"{ATLAS}_mitigations.csv", "AML.M0007"),
        ("editions.csv", "STRIDE"),
        ("nist.csv", "NISTAML.022"),
        ("owasp.csv", "LLM06:2025"),
        ("stride.csv", "S"),
        ("pasta.csv", "PASTA-1"),
        ("former_names.csv", "AML.T0020"),
        ("attack_references.csv", "T1595"),
        ("crosswalk.csv", "evasion"),
        ("legacy_ids.csv", "T1486"),
    ],
)
def test_a_row_that_stands_twice_is_refused(folder, file, key):
    line = folder.line_of(file, key)
    second = folder.add(file, *folder.rows(file)[line - 1])

    found = [
        problem for problem in folder.problems() if f"stands in line {line} already" in problem
    ]

    assert len(found) == 1
    assert found[0].startswith(f"frameworks/{file} line {second}, column ")


@pytest.mark.parametrize(
    ("file", "key", "words"),
    [
        (f"{ATLAS}_techniques.csv", "AML.T0043", "the technique AML.T0043 that it belongs to"),
        (f"{ATLAS}_tactics.csv", "AML.TA0006", "AML.TA0006 is not in"),
        ("owasp.csv", "LLM06:2025", "LLM06:2025 is not in owasp.csv"),
        ("nist.csv", "NISTAML.05", "the objective NISTAML.05 that it belongs to"),
    ],
)
def test_what_others_refer_to_must_not_go_missing(folder, file, key, words):
    folder.drop(file, key)

    assert any(words in problem for problem in folder.problems())


def test_every_mistake_of_every_table_is_told_at_once(folder):
    folder.set_cell(f"{ATLAS}_techniques.csv", "AML.T0020", "tactic_ids", "AML.TA9999")
    folder.set_cell("owasp.csv", "LLM01:2023", "verified", "perhaps")
    folder.set_cell("crosswalk.csv", "evasion", "nist_ids", "NISTAML.099")
    folder.set_cell("legacy_ids.csv", "T1486", "severity", "fatal")

    assert [problem.partition(" ")[0] for problem in folder.problems()] == [
        f"frameworks/{ATLAS}_techniques.csv",
        "frameworks/owasp.csv",
        "frameworks/crosswalk.csv",
        "frameworks/legacy_ids.csv",
    ]


def test_a_missing_table_is_one_mistake_and_not_one_for_each_reference_to_it(folder):
    (folder.path / f"{ATLAS}_techniques.csv").unlink()
    (folder.path / "nist.csv").write_text("")

    problems = folder.problems()

    assert len(problems) == 2
    assert "the file is missing" in problems[0]
    assert "the file is empty" in problems[1]


def test_an_empty_folder_names_every_table_that_belongs_there(tmp_path):
    with pytest.raises(Misconfigured) as caught:
        load_frameworks(tmp_path)

    assert all("the file is missing" in problem for problem in caught.value.problems)
    assert len(caught.value.problems) == 9


def test_an_edition_without_its_tables_is_refused(folder):
    folder.add("editions.csv", "MITRE ATLAS", "2027.01", "2027-01-15", "no", "Apache-2.0", "none")

    problems = folder.problems()

    assert len(problems) == 3
    assert all("atlas_2027_01_" in problem and "is missing" in problem for problem in problems)


def test_a_second_edition_of_a_framework_with_one_table_is_refused(folder):
    folder.add("editions.csv", "NIST AI 100-2", "E2027", "2027", "no", "none", "none")

    assert any("there is one table of NIST AI 100-2" in problem for problem in folder.problems())


def test_a_new_edition_of_atlas_becomes_the_newest(folder):
    for kind in ("tactics", "techniques", "mitigations"):
        rows = folder.rows(f"{ATLAS}_{kind}.csv")
        folder.write(f"atlas_2027_01_{kind}.csv", rows)
    folder.set_cell("atlas_2027_01_techniques.csv", "AML.T0015", "name", "Elude AI Model")
    folder.add("editions.csv", "MITRE ATLAS", "2027.01", "2027-01-15", "no", "Apache-2.0", "none")

    frameworks = folder.load()

    assert frameworks.newest("MITRE ATLAS") == "2027.01"
    assert [entry.status for entry in frameworks.editions_of("AML.T0015")] == [
        "renamed",
        "renamed",
        "current",
    ]
    assert frameworks.change_of("AML.T0015").old_name == "Evade AI Model"
    assert frameworks.change_of("AML.T0020").new_edition == "2026.09"
    assert frameworks.change_of("AML.T0019").replacement == "AML.T0115.000"
