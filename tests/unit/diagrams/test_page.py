"""The page of a threat model: everything in it, nothing from outside, no text that acts."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from seclab.diagrams.context import Context
from seclab.diagrams.markdown import render_markdown
from seclab.diagrams.page import render_page
from seclab.frameworks import load_frameworks
from seclab.registers import load_registers
from seclab.threat_models import Assumption
from tests.small_model import small_model

NONE = "\N{EN DASH}"
OPEN = '<span class="open">{}</span>'
REGISTERS = Path(__file__).parents[3] / "registers"


@pytest.fixture(scope="module")
def context():
    risks = load_registers(REGISTERS).risks
    return Context(risks, load_frameworks(REGISTERS / "frameworks"))


def rows(page):
    """Cells of every table row, by the first cell."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        if cells:
            found.setdefault(cells[0], []).append(cells)
    return found


def test_the_page_holds_every_part_of_the_model(context):
    page = render_page(small_model(), context)

    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert headings == [
        "Data-flow diagram",
        "Assets",
        "Actors",
        "Trust boundaries",
        "Elements",
        "Flows",
        "Entry points",
        "Assumptions",
        "Risks",
        "STRIDE by element",
        "Threats",
        "Does not apply",
        "Abuse cases",
        "Controls",
        "PASTA",
        "Out of scope",
    ]
    assert page.count("<svg") == 1
    found = rows(page)
    assert {"A1", "ACT1", "B1", "E1", "F1", "EP1", "AS1", "T1", "AB1", "C1"} <= set(found)
    assert found["A1"][0][4] == "E4"
    assert "1. Write a passage.<br>2. Ask." in found["AB1"][0]


def test_risks_and_framework_ids_carry_their_names(context):
    page = render_page(small_model(), context)

    risk = context.risks["R-RAG-01"]
    [threat] = rows(page)["T1"]
    assert threat[4] == f"R-RAG-01 {risk.title}"
    [told] = rows(page)["R-RAG-01"]
    assert (told[1], told[3]) == (risk.title, "T1, T3")
    for id_ in (risk.nist_id, *risk.atlas_ids, *risk.owasp_ids):
        assert f"{id_} {context.frameworks.get(id_).full_name}" in told[2].split("<br>")
    assert f"AML.M0015 {context.frameworks.get('AML.M0015').name}" in page
    assert "PASTA-3 Application Decomposition" in page


def test_the_grid_tells_threats_dismissals_and_what_nobody_answered(context):
    grid = next(row for row in rows(render_page(small_model(), context))["F4"] if len(row) == 9)

    assert grid[3:] == [NONE, "n/a", NONE, OPEN.format("T2 open"), "n/a", NONE]
    bot = next(row for row in rows(render_page(small_model(), context))["E2"] if len(row) == 9)
    nobody = OPEN.format("UNANSWERED")
    assert bot[3:] == [nobody, "T1 mitigated", *[nobody] * 4]


def test_what_is_open_stands_out_and_what_is_beside_it_does_not(context):
    model = small_model()
    beside = replace(model.threats[0], id="T9", status="open")
    page = render_page(replace(model, threats=(*model.threats, beside)), context)

    bot = next(row for row in rows(page)["E2"] if len(row) == 9)
    assert bot[4] == f"T1 mitigated<br>{OPEN.format('T9 open')}"


def test_the_page_loads_and_runs_nothing(context):
    bad = "<script src=//x>alert(1)</script><img src=x onerror=y>"
    model = small_model(name=bad, assumptions=(Assumption("AS1", bad, bad),))
    page = render_page(model, context)

    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)


def test_markdown_has_the_same_parts_and_no_text_that_acts(context):
    bad = "| a\n<b>x</b> [l](javascript:1) `c` **d**"
    model = small_model(assumptions=(Assumption("AS1", bad, "x"),))
    text = render_markdown(model, context, picture="small-bot.svg")

    page = render_page(model, context)
    assert re.findall("^## (.*)$", text, re.MULTILINE) == re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert "![Data-flow diagram](<small-bot.svg>)" in text
    [line] = [line for line in text.splitlines() if line.startswith("| AS1 ")]
    assert len(re.findall(r"(?<!\\)\|", line)) == 4
    assert "<b>" not in line
    assert "](javascript" not in line.replace("\\]", "")
