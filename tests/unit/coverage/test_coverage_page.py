"""The page: what stands on it, and how a browser lays it out."""

import html
import re
from dataclasses import replace

import pytest

from seclab.coverage.markdown import render_markdown
from seclab.coverage.page import render_page
from seclab.coverage.words import against_target
from tests.browsing import assert_fits, needs_browser, printed_pages
from tests.covering import SCORING, covered, row, run, shelf_of, system
from tests.runs import REGISTERS

EVERY_STATE = (
    run("mlp", R_EVA_01="pass", R_EVA_02="pass"),
    run("random-forest", R_EVA_01="block", R_POI_02="measured"),
)
LAB = system("lab", risks=list(REGISTERS.risks), subjects=["mlp", "random-forest"])
NAUGHTY = "<script>alert('a risk')</script> | `x` " + "long_word_" * 30
RISKS = {
    id_: replace(risk, title=f"{risk.title} {NAUGHTY if id_ == 'R-POI-02' else ''}")
    for id_, risk in REGISTERS.risks.items()
}
MATRIX = (row("R-EVA-01", "evasion_linf", "robust_accuracy", "AML.T0015"),)


@pytest.fixture(scope="module")
def found():
    registers = replace(REGISTERS, risks=RISKS, matrix=MATRIX)
    gone = shelf_of(*EVERY_STATE, bundles={EVERY_STATE[1].run_id: None})
    return covered(shelf=gone, models=[LAB, system("spam", risks=[])], registers=registers)


@pytest.fixture(scope="module")
def page(found):
    return render_page(found, name="Coverage", scoring=SCORING)


def test_the_page_stands_alone_and_shows_texts_as_texts(page):
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(src|href)="(?!http://127\.0\.0\.1/#/runs/|#)', page)
    assert "@import" not in page


def test_untested_is_counted_and_gaps_stand_on_top(page, found):
    assert f"<b>0 of {len(found.risks)}</b> risks in scope passed" in page
    assert page.index("Gaps, the worst first") < page.index("ATLAS, by tactic")
    for gap in found.gaps:
        assert html.escape(gap.sentence, quote=False).split("&lt;")[0] in page


def test_a_small_risk_that_nobody_tested_keeps_no_target(found):
    risks = found.risks.values()
    small = [risk for risk in risks if risk.score.met and risk.state != "passed"]

    assert small
    assert {against_target(risk) for risk in small} == {"unproven"}
    assert {against_target(risk) for risk in risks if not risk.score.met} <= {"not met"}


def test_every_state_is_a_letter_and_a_word_and_not_a_colour_alone(page, found):
    assert {each.state for each in found.techniques.values()} == {"errored", "never-tested"}
    for id_, technique in found.techniques.items():
        letter = {"errored": "E", "never-tested": "-"}[technique.state]
        assert f">{letter} {id_.removeprefix('AML.T')}</a>" in page
    assert 'class="state failed"><b>F</b> failed' in page


def test_what_is_left_out_stands_open_with_its_reason():
    out = covered(models=[system("mail", leaves_out=["AML.T0051"])])
    page = render_page(out, name="Coverage", scoring=SCORING)

    opened = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    assert "<h2>Techniques out of scope</h2>" in opened
    assert "<td>mail: it has none</td>" in opened
    assert "| AML.T0051 LLM Prompt Injection | mail: it has none |" in render_markdown(
        out, name="Coverage"
    )


def test_every_risk_has_its_three_scores_and_links_to_its_evidence(page, found):
    for risk in found.risks.values():
        scores = risk.score
        assert (
            f"inherent {scores.inherent}, residual {scores.residual}, target {scores.target}"
            in page
        )
        for link in risk.evidence:
            assert f'href="{link.page}"' in page


def test_markdown_says_the_same_and_cannot_be_broken_out_of(found):
    text = render_markdown(found, name="Coverage")

    assert "- Risks: 0 of 3 in scope passed (0%)" in text
    assert "<script" not in text
    tables = [line for line in text.splitlines() if line.startswith("| R-")]
    assert len(tables) == len(found.risks)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {7}
    assert "System spam has no subject that is evaluated." in text


@needs_browser
def test_nothing_overflows_at_desktop_and_at_phone_width(page, tmp_path):
    assert_fits(page, tmp_path)


@needs_browser
def test_it_prints_to_pdf(page, tmp_path):
    assert printed_pages(page, tmp_path) > 2
