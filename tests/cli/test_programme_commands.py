"""``programme`` and ``checklist``: figures that agree with the store, and what is held of it."""

import re

import pytest

from seclab.checklist import load_checklist
from tests.conftest import ROOT

pytestmark = pytest.mark.flow

# Straight from MLflow's tables: what failed, of which risk and subject, in which version.
FAILED = """
    SELECT risk.key, subject.value, coalesce(version.value, '')
    FROM tags AS risk
      JOIN tags AS subject USING (run_uuid) JOIN tags AS verdict USING (run_uuid)
      LEFT JOIN tags AS version
        ON version.run_uuid = risk.run_uuid AND version.key = 'model.version'
    WHERE risk.key LIKE 'risk.%' AND risk.value = 'block'
      AND subject.key = 'seclab.subject' AND verdict.key = 'seclab.verdict'
"""


def test_the_figures_are_those_that_the_store_gives(evaluated, seclab):
    answer = seclab(evaluated.lab, "programme", "--json")
    failed = evaluated.lab.sql(FAILED)

    assert answer.code == 0
    numbers = {name: each["value"] for name, each in answer.json["numbers"].items()}
    assert failed
    assert numbers["failures_open"] == len({(risk, subject) for risk, subject, _ in failed})
    of_versions = {(risk, version) for risk, _, version in failed if version}
    assert numbers["threats_identified"] == len(of_versions)
    # A version is registered by the run that evaluates it first.
    assert numbers["days_to_identify"] == 0.0
    assert numbers["days_to_remediate"] is None
    assert numbers["failures_remediated"] == 0
    figures = answer.json["figures"]
    everything = [id_ for ids in figures["risks"].values() for id_ in ids]
    assert len(everything) == len(set(everything)) > len(figures["risks"]["fresh"]) > 0
    models = figures["models"]
    assert {"digits", "support-agent"} <= {*models["having"], *models["lacking"]}
    assert answer.json["recorded"] == []


def test_the_figures_are_printed_with_how_each_is_counted(evaluated, seclab):
    answer = seclab(evaluated.lab, "programme")

    assert answer.code == 0
    assert re.search(r"^days_to_remediate +none +none$", answer.out, re.MULTILINE)
    assert re.search(
        r"^open +R-\S+ on random-forest for 0\.0 d, first in run", answer.out, re.MULTILINE
    )
    assert "  days_to_identify: Mean over pairs of model version and risk" in answer.out
    assert "Nothing was recorded yet" in answer.out
    assert "no incident is in them" in answer.out


def test_the_checklist_says_what_is_held_and_where(evaluated, seclab):
    answer = seclab(evaluated.lab, "checklist", "softmax-regression", "--json")

    [found] = answer.json
    items = {item["id"]: item for item in found["items"]}
    run = evaluated.runs["softmax-regression"]["run_id"]
    assert (found["kind"], found["tier"]) == ("model", "low")
    assert list(items) == [item.id for item in load_checklist(ROOT / "registers")]
    assert sum(found["counts"].values()) == len(items)
    assert items["MOD-02"]["status"] == "present"
    assert run in items["MOD-02"]["link"]
    assert items["MOD-15"]["link"] == str(evaluated.lab.evidence(run) / "report.html")
    assert items["DAT-01"]["status"] == "present"
    assert items["MOD-11"]["status"] == "missing"
    assert items["LLM-01"]["status"] == "not-applicable"
    assert items["RUN-01"]["status"] == "present"
    assert items["RUN-02"]["reason"] == "nothing in this project produces it"


def test_the_checklist_of_all_counts_and_that_of_one_lists(evaluated, seclab):
    every = seclab(evaluated.lab, "checklist")
    agent = seclab(evaluated.lab, "checklist", "support-agent")

    rows = {line.split()[0]: line.split() for line in every.out.splitlines() if line.strip()}
    assert rows["support-agent"][1:3] == ["agent", "low"]
    assert rows["mlp"][1] == "unknown"
    assert re.search(r"^  LLM-01 +present ", agent.out, re.MULTILINE)
    assert re.search(r"^  LLM-04 +missing .* nothing in this project", agent.out, re.MULTILINE)
    assert "Present means held, not good" in agent.out


def test_an_unknown_subject_is_told(evaluated, seclab):
    answer = seclab(evaluated.lab, "checklist", "nobody")

    assert answer.code == 2
    assert "models.yaml has no entry for 'nobody'; known: digits" in answer.text
