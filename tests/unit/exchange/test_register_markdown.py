"""The register as Markdown: every risk with its evidence, and no word that breaks a table."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from seclab.coverage import Coverage, RiskCoverage
from seclab.exchange.register_markdown import to_register_markdown
from seclab.scoring import load_scoring, score
from tests.conftest import ROOT
from tests.runs import REGISTERS, risk
from tests.unit.reports.gated import HOSTILE

SCORING = load_scoring((ROOT / "registers" / "scoring.yaml").read_bytes())
NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def covered(one, state, reason, strength="none"):
    return RiskCoverage(
        id=one.id,
        title=one.title,
        asset_class=one.asset_class,
        state=state,
        reason=reason,
        evidence=(),
        missing=(),
        score=score(one, strength, SCORING, tier="low"),
        trend=(),
        systems=(),
    )


def page(*found, registers=REGISTERS):
    coverage = Coverage(
        at=NOW,
        risks={each.id: each for each in found},
        techniques={},
        asset_classes={},
        systems={},
        tactics={},
        gaps=(),
    )
    return to_register_markdown(registers, coverage)


def rows(text):
    return {line[2:10]: line for line in text.splitlines() if line.startswith("| R-")}


def test_each_risk_has_its_state_its_words_and_both_scores():
    passed = covered(REGISTERS.risks["R-EVA-01"], "passed", "passed on mlp", "thresholds")

    text = page(passed)

    assert "As of 2026-11-28 12:30 UTC; risks: 1 of 1 in scope passed (100%)." in text
    assert "## prediction-interface\n" in text
    assert "## training-data" not in text
    assert rows(text)["R-EVA-01"] == (
        "| R-EVA-01 Evasion by small perturbations | **passed**: passed on mlp | The label | "
        "Another label | Search | Adversarial training. | Larger budgets. | 12, then 4 | "
        "ml-engineering | mitigated, review by 2027-03-31 |"
    )


def test_what_coverage_does_not_know_was_never_tested():
    assert "| **never-tested** |" in rows(page())["R-EVA-02"]


@pytest.mark.parametrize("words", HOSTILE)
def test_no_word_breaks_a_table_or_begins_a_link_or_a_tag(words):
    hostile = replace(risk("R-EVA-01"), asset=words, control=words, residual_risk=words)

    text = page(
        covered(hostile, "failed", words),
        registers=replace(REGISTERS, risks={"R-EVA-01": hostile}),
    )

    (row,) = rows(text).values()
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 11
    assert not {*"\0\x1b\u202e\ud800"} & {*text}
    assert "[" not in row.replace("\\\\", "").replace("\\[", "")
    assert "<" not in row
