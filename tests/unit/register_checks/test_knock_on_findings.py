"""One mistake gives the finding that names it, not a heap of findings that follow from it."""

import pytest

from seclab.registers import read_registers
from seclab.threat_models import FOLDER, check_threat_models, load_threat_models
from tests.conftest import ROOT
from tests.register_mistakes import MATRIX, RISKS, Tables


def of_file(found, file):
    return [(each.rule, each.column) for each in found if each.file == file]


@pytest.mark.parametrize("spelling", [str.lower, " {}".format, "{} ".format])
def test_an_id_that_is_only_written_wrong_is_said_so_with_the_right_one(folder, check, spelling):
    tables = Tables(folder)
    row, at = tables.cell("R-EVA-01", "id")
    row[at] = spelling(row[at])
    tables.write()

    found = check(folder)

    assert of_file(found, MATRIX) == []
    (finding,) = (each for each in found if (each.file, each.column) == (RISKS, "id"))
    assert finding.rule == "malformed"
    assert (finding.edit.value, finding.edit.safe) == ("R-EVA-01", False)


def test_an_id_of_another_form_is_malformed_and_not_only_without_a_row(folder, check):
    tables = Tables(folder)
    row, at = tables.cell("R-ART-02", "id")
    row[at] = "ART-2"
    tables.write()

    assert of_file(check(folder), RISKS) == [("malformed", "id")]


def test_an_empty_cell_of_techniques_is_said_once(folder, check):
    tables = Tables(folder)
    row, at = tables.cell("R-EVA-01", "atlas_ids")
    row[at] = ""
    tables.write()

    assert [(each.rule, each.file, each.column) for each in check(folder)] == [
        ("malformed", RISKS, "atlas_ids")
    ]


@pytest.mark.parametrize(
    ("file", "column", "cell", "meant"),
    [
        (RISKS, "evidence", "EVASION_L2;evasion_linf;transfer_evasion", "evasion_l2;"),
        (MATRIX, "evaluation", "Evasion_LinF", "evasion_linf"),
        (MATRIX, "metric", "ROBUST_ACCURACY", "robust_accuracy"),
        (MATRIX, "risk_id", "r-eva-01", "R-EVA-01"),
    ],
)
def test_a_name_in_other_letters_is_recognised(  # noqa: PLR0917 - a row of the table
    folder, check, file, column, cell, meant
):
    tables = Tables(folder)
    row = tables.cell("R-EVA-01", "id")[0] if file == RISKS else tables.rows[MATRIX][1]
    row[tables.rows[file][0].index(column)] = cell
    tables.write()

    (finding,) = (each for each in check(folder) if (each.file, each.column) == (file, column))

    assert finding.edit.value.startswith(meant)


@pytest.mark.parametrize("token", ["AML.TA0002", "aml.ta0002", " aml.m0003"])
def test_an_entry_of_another_kind_is_recognised_in_any_letters(folder, check, token):
    tables = Tables(folder)
    row, at = tables.cell("R-EVA-01", "atlas_ids")
    row[at] = token
    tables.write()

    (finding,) = (each for each in check(folder) if each.file == RISKS)

    assert (finding.rule, finding.edit) == ("id-in-wrong-column", None)


def test_the_article_fits_the_kind(folder, check):
    tables = Tables(folder)
    row, at = tables.cell("R-EVA-01", "atlas_ids")
    row[at] = "ML01:2023"
    tables.write()

    assert any("ML01:2023 is an entry of" in each.message for each in check(folder))


@pytest.mark.parametrize("techniques", ["aml.t0015", "AML.T9999", "T1595"])
def test_a_control_is_not_judged_by_techniques_that_there_are_not(folder, frameworks, techniques):
    models = load_threat_models(ROOT / "registers" / FOLDER)
    tables = Tables(folder)
    row, at = tables.cell("R-EVA-01", "atlas_ids")
    row[at] = techniques
    tables.write()

    found = check_threat_models(
        {"digits-service": models["digits-service"]},
        read_registers(folder).registers,
        frameworks,
        sources={},
        lines={},
        at=models["digits-service"].review_date,
    )

    assert "unsupported-control" not in {each.rule for each in found}
    assert found == sorted(found, key=lambda each: each.order)
