"""What people write instead of what is meant, and what they are told to write."""

import pytest

from seclab.register_checks import apply_fixes, digests
from seclab.registers.loading import MODELS, PROFILES, THRESHOLDS
from seclab.registers.risks import RISK_COLUMNS
from tests.register_mistakes import MATRIX, RISKS, Tables

ATTACK, NAME = "attack-id-in-atlas-column", "owasp-name-of-other-edition"
EVIDENCE = "evasion_l2;evasion_linf;transfer_evasion"


def written(folder, risk, column, cell, file=RISKS):
    """Write a cell of a risk, or of its first row in the matrix."""
    tables = Tables(folder)
    row = tables.cell(risk, "id")[0] if file == RISKS else tables.matrix_row(risk, "")
    row[tables.rows[file][0].index(column)] = cell
    tables.write()


@pytest.mark.parametrize(
    ("risk", "column", "cell", "rule", "meant", "safe"),
    [
        ("R-POI-02", "atlas_ids", "AML.T0020;AML.T0059;T1595.001", ATTACK, "AML.T0020", True),
        ("R-POI-02", "atlas_ids", "T1595 Active Scanning;AML.T0059", ATTACK, "AML.T0020;", True),
        ("R-POI-02", "atlas_ids", "T1565;AML.T0059", ATTACK, "AML.T0020;AML.T0059", False),
        ("R-POI-02", "atlas_ids", "AML.T1595;AML.T0059", "unknown-id", "AML.T0020;", False),
        ("R-SQL-06", "atlas_ids", "T1552.001;AML.T0083;AML.T0098", ATTACK, "AML.T0055;", False),
        ("R-POI-02", "atlas_ids", "AML.T0020, AML.T0059", "malformed", "AML.T0020;AML.T0059", True),
        ("R-POI-02", "atlas_ids", "AML.T0020|AML.T0059", "malformed", "AML.T0020;AML.T0059", True),
        ("R-POI-03", "nist_id", "None", "malformed", "none", True),
        ("R-POI-03", "owasp_ids", "n/a", "malformed", "none", False),
        ("R-EVA-01", "nist_id", "NISTAML.999", "unknown-id", "", False),
        ("R-EVA-01", "owasp_ids", "ML11:2023", "unknown-id", "", False),
        ("R-RAG-02", "owasp_ids", "LLM06:2027;ASI02:2026", "unknown-id", "LLM06:20", False),
        (
            "R-RAG-04",
            "owasp_ids",
            "LLM06 Sensitive Information Disclosure",
            NAME,
            "LLM02:2025",
            True,
        ),
        ("R-RAG-02", "owasp_ids", "LLM08 (Excessive Agency)", NAME, "LLM06:2025", True),
        ("R-POI-02", "owasp_ids", "LLM03:2025 Training Data Poisoning", NAME, "LLM04:2025", True),
        ("R-RAG-11", "owasp_ids", "LLM02:2025 Insecure Output Handling", NAME, "LLM05:2025", False),
        ("R-EXT-01", "owasp_ids", "LLM10: Model Theft", NAME, "LLM10:2025", False),
        (
            "R-RAG-04",
            "owasp_ids",
            "LLM06 Excessive Agency",
            "missing-edition",
            "LLM06:2025",
            True,
        ),
        ("R-RAG-04", "owasp_ids", "OWASP LLM02 (2025)", "malformed", "LLM02:2025", True),
        ("R-RAG-04", "owasp_ids", "LLM02:25", "malformed", "LLM02:2025", True),
        ("R-EVA-01", "review_date", "31.03.2027", "malformed", "2027-03-31", True),
        ("R-EVA-01", "review_date", "3/31/2027", "malformed", "2027-03-31", True),
        ("R-EVA-01", "review_date", "20270331", "malformed", "2027-03-31", True),
        ("R-EVA-01", "review_date", "31-Mar-27", "malformed", "2027-03-31", True),
        ("R-EVA-01", "review_date", "3/4/2027", "malformed", "2027-04-03", False),
        ("R-EVA-01", "owner", " ML Engineering", "malformed", "ml-engineering", True),
        ("R-EVA-01", "owner", "securty", "malformed", "security", False),
        ("R-EVA-01", "status", "Mitigated", "malformed", "mitigated", True),
        ("R-EVA-01", "stride", "s, t", "malformed", "S;T", True),
        ("R-EVA-01", "stride", "Spoofing;Tampering", "malformed", "S;T", True),
        ("R-EVA-01", "stride", "ST", "malformed", "S;T", False),
        ("R-EVA-01", "impact", "4.0", "malformed", "4", True),
        ("R-EVA-01", "title", "Evasion by small changes ", "malformed", "Evasion by small", True),
        ("R-EVA-01", "evidence", EVIDENCE.replace(";", ", "), "malformed", EVIDENCE, True),
        ("R-EVA-01", "evidence", f"{EVIDENCE};evasion_l2;", "malformed", EVIDENCE, True),
        ("R-SQL-01", "evidence", "None: never tested", "malformed", "none: never tested", True),
        ("R-SQL-01", "evidence", "untested", "malformed", "none: never tested", True),
        ("R-SQL-01", "evidence", "none", "malformed", "none: never tested", False),
        ("R-EVA-01", "id", "EVA-1", "malformed", "R-EVA-01", False),
        ("R-EVA-01", "id", "R_EVA_001", "malformed", "R-EVA-01", False),
    ],
)
def test_a_spelling_is_one_finding_with_what_was_meant(  # noqa: PLR0917 - a row of the table
    folder, check, risk, column, cell, rule, meant, safe
):
    written(folder, risk, column, cell)

    (finding,) = check(folder)

    assert (finding.rule, finding.file, finding.column) == (rule, RISKS, column)
    assert finding.edit.value.startswith(meant)
    assert finding.edit.safe is safe
    apply_fixes(folder, [finding], checked=digests(folder))
    assert check(folder) == ([] if safe else [finding])


def test_a_day_that_can_be_two_is_told_as_both(folder, check):
    written(folder, "R-EVA-01", "review_date", "3/4/2027")
    (finding,) = check(folder)
    assert finding.suggestion == "perhaps 2027-04-03 or 2027-03-04 was meant"


def test_a_day_in_another_order_may_have_passed_as_well(folder, check):
    written(folder, "R-EVA-01", "review_date", "20.01.2026")
    assert {each.rule for each in check(folder)} == {"malformed", "review-past"}


@pytest.mark.parametrize("word", ["", "-", "TBD", "n/a", "none"])
@pytest.mark.parametrize(
    ("column", "rule"), [("owner", "owner-missing"), ("review_date", "review-missing")]
)
def test_a_word_for_nothing_is_nothing(folder, check, column, rule, word):
    written(folder, "R-EVA-01", column, word)
    assert [(each.rule, each.edit) for each in check(folder)] == [(rule, None)]


def test_an_empty_cell_of_evidence_is_said_once(folder, check):
    written(folder, "R-EVA-01", "evidence", "")
    assert [(each.rule, each.column) for each in check(folder)] == [("malformed", "evidence")]


def test_an_id_of_attack_says_what_it_is_in_a_whole_sentence(folder, check):
    written(folder, "R-POI-02", "atlas_ids", "T1190;T1566;AML.T0020;AML.T0059")
    known = "T1190 is ATT&CK Enterprise technique Exploit Public-Facing Application"
    unknown = "T1566 is an ATT&CK technique"
    said = [each.message for each in check(folder)]
    assert said == [f"{each}, not an id of ATLAS" for each in (known, unknown)]


@pytest.mark.parametrize("control", ["As AML.M0020.", "as aml.m0020", "M0020 before the model"])
@pytest.mark.parametrize(("file", "column"), [(RISKS, "control"), (MATRIX, "defensive_control")])
def test_a_foreign_mitigation_is_found_in_both_tables(folder, check, file, column, control):
    written(folder, "R-EVA-01", column, control, file)
    (finding,) = check(folder)
    assert (finding.rule, finding.file, finding.column) == ("unsupported-control", file, column)


@pytest.mark.parametrize("column", ["attack", "defensive_control"])
def test_a_name_of_another_edition_is_found_in_the_words_of_the_matrix(folder, check, column):
    written(folder, "R-RAG-02", column, "As LLM06: Sensitive Information Disclosure", MATRIX)
    (finding,) = check(folder)
    assert (finding.rule, finding.file, finding.column) == (NAME, MATRIX, column)
    assert "LLM02:2025" in finding.suggestion


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "rule", "meant"),
    [
        (THRESHOLDS, "risk: R-EVA-01", "risk: R-EVA-91", (11, "risk"), "orphan-row", "R-EVA-01"),
        (THRESHOLDS, "risk: R-EVA-01", "risk: r-eva-01", (11, "risk"), "orphan-row", "R-EVA-01"),
        (
            THRESHOLDS,
            "evaluation: evasion_linf",
            "evaluation: Evasion_LinF",
            (13, "evaluation"),
            "unknown-evaluation",
            "evasion_linf",
        ),
        (
            THRESHOLDS,
            "metric: robust_accuracy",
            "metric: robust_acuracy",
            (14, "metric"),
            "unknown-metric",
            "robust_accuracy",
        ),
        (THRESHOLDS, "subject: model", "subject: modle", (12, "subject"), "malformed", "model"),
        (
            PROFILES,
            "    random_noise:",
            "    randm_noise:",
            (22, "evaluations"),
            "unknown-evaluation",
            "random_noise",
        ),
    ],
)
def test_a_wrong_value_of_a_yaml_file_is_one_finding_at_its_line(  # noqa: PLR0917 - a row
    folder, check, file, old, new, place, rule, meant
):
    path = folder / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")

    (finding,) = check(folder)

    assert (finding.rule, finding.file, (finding.line, finding.column)) == (rule, file, place)
    assert f"perhaps {meant} was meant" in finding.suggestion


def test_an_evaluation_that_a_tier_asks_for_is_found_at_its_line(folder, check):
    path = folder / MODELS
    path.write_text(path.read_text("utf-8").replace("[evasion_linf,", "[evasion_lnf,"), "utf-8")
    (finding,) = check(folder)
    assert finding.rule == "unknown-evaluation"
    assert (finding.file, finding.line, finding.column) == (MODELS, 18, "evaluations")


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("file", [RISKS, MATRIX])
def test_a_table_with_other_delimiters_is_one_finding(folder, check, file, delimiter):
    path = folder / file
    path.write_text(path.read_text("utf-8").replace(",", delimiter), "utf-8")
    (finding,) = check(folder)
    assert (finding.rule, finding.file, finding.line) == ("malformed", file, 1)
    assert f"separated by {delimiter!r}" in finding.message


def test_rows_that_spreadsheets_leave_empty_are_one_finding_each(folder, check):
    tables = Tables(folder)
    tables.added[RISKS] += [[""] * len(tables.rows[RISKS][0])] * 2
    tables.added[MATRIX].append([""] * len(tables.rows[MATRIX][0]))
    tables.write()
    assert ["row is empty" in each.message for each in check(folder)] == [True] * 3


@pytest.mark.parametrize(
    ("file", "column"),
    [
        *(
            (RISKS, each)
            for each in ("id", "atlas_ids", "owasp_ids", "nist_id", "evidence", "owner")
        ),
        *((MATRIX, each) for each in ("risk_id", "atlas_ids", "evaluation", "metric", "attack")),
    ],
)
def test_a_column_that_is_missing_is_one_finding(folder, check, file, column):
    tables = Tables(folder)
    at = tables.rows[file][0].index(column)
    for row in tables.rows[file]:
        del row[at]
    tables.write()
    assert [(each.file, each.line, each.column) for each in check(folder)] == [(file, 1, column)]


@pytest.mark.parametrize("file", [RISKS, MATRIX])
def test_a_table_without_rows_is_one_finding(folder, check, file):
    path = folder / file
    path.write_text(path.read_text("utf-8").split("\n")[0] + "\n", "utf-8")
    (finding,) = check(folder)
    assert (finding.file, finding.message) == (file, "there is no row below the header")


@pytest.mark.parametrize("id_", ["", "evasion"])
def test_a_risk_without_a_readable_id_is_not_missed_elsewhere(folder, check, id_):
    tables = Tables(folder)
    row, at = tables.cell("R-EVA-01", "id")
    row[at] = id_
    tables.added[MATRIX].append(["training-data", "Else", "none", "", "", "None", "R-EVA-99"])
    tables.write()

    found = {(each.rule, each.file, each.column) for each in check(folder)}

    assert found == {("malformed", RISKS, "id"), ("orphan-row", MATRIX, "risk_id")}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("atlas_ids", "AML.T0029;AML.T0034.000;AML.T0034.001;AML.T0999;AML.T0015"),
        ("owasp_ids", "LLM11:2025"),
    ],
)
def test_a_foreign_technique_is_found_beside_an_id_that_there_is_not(folder, check, column, cell):
    written(folder, "R-API-01", "atlas_ids", "AML.T0029;AML.T0034.000;AML.T0034.001;AML.T0015")
    written(folder, "R-API-01", column, cell)
    found = {(each.rule, each.column) for each in check(folder)}
    assert found == {("unknown-id", column), ("technique-does-not-fit", "atlas_ids")}


@pytest.mark.parametrize("column", ["nist_id", "atlas_ids", "owasp_ids"])
def test_an_id_that_there_is_not_makes_no_other_look_foreign(folder, check, column):
    wrong = {"nist_id": "NISTAML.999", "atlas_ids": "AML.T0999", "owasp_ids": "LLM11:2025"}
    pristine = (folder / RISKS).read_bytes()
    for row in Tables(folder).rows[RISKS][1:]:
        at = RISK_COLUMNS.index(column)
        items = row[at].split(";")
        for place in range(len(items)):
            others = [wrong[column] if n == place else item for n, item in enumerate(items)]
            written(folder, row[0], column, ";".join(others))
            assert {each.rule for each in check(folder)} == {"unknown-id"}, (row[0], others)
            (folder / RISKS).write_bytes(pristine)
