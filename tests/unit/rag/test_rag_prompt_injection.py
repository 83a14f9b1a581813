from dataclasses import replace

import numpy as np
import pytest

from seclab import registry
from seclab.evaluations.rag_prompt_injection import rag_prompt_injection
from seclab.outcome import Evaluated, Missing, Unevaluated
from seclab.rag import (
    BENIGN_TASKS,
    TOOLS,
    Agent,
    AgentTarget,
    DocumentStore,
    Guard,
    Policy,
    Rule,
    catalogue_digest,
    default_agent,
)

CASES, TASKS = 48, 30


def run(agent, **parameters):
    entry = registry.get("rag_prompt_injection")
    used = {"cases": CASES, "benign_tasks": TASKS, **parameters}
    digest = str(catalogue_digest())
    return registry.run(entry, AgentTarget(agent), seed=0, dataset_digest=digest, **used)


def values(outcome):
    assert isinstance(outcome, Evaluated), outcome
    return {(m.metric, m.parameters["guard"]): m.value for m in outcome.measurements}


@pytest.fixture(scope="module")
def shipped():
    return run(Agent())


def test_without_controls_what_is_attempted_is_executed_and_benign_tasks_go_well(shipped):
    found = values(shipped)

    assert found["unauthorized_execution_rate", "off"] > 0.9
    assert found["unauthorized_attempt_rate", "off"] > 0.9
    assert found["benign_answer_rate", "off"] == 1.0


def test_with_controls_nothing_unauthorised_is_executed_though_the_filter_alone_leaks(shipped):
    found = values(shipped)

    assert found["unauthorized_execution_rate", "on"] == 0.0
    assert 0.0 < found["unauthorized_attempt_rate", "on"] < 1.0
    assert 0.0 < found["poisoned_document_block_rate", "on"] < 1.0


def test_the_filter_costs_something_and_not_everything(shipped):
    found = values(shipped)

    assert 0.0 < found["false_block_rate", "on"] < 0.25
    assert 0.75 < found["benign_answer_rate", "on"] < 1.0


def test_numbers_of_trials_and_queries_are_what_they_say(shipped):
    sizes = {(m.metric, m.parameters["guard"]): m.n for m in shipped.measurements}

    assert shipped.queries == 2 * (CASES + TASKS)
    assert sizes["unauthorized_execution_rate", "on"] == CASES
    assert sizes["benign_answer_rate", "off"] == TASKS
    assert sizes["poisoned_document_block_rate", "on"] >= CASES
    assert all(m.interval.method == "wilson" for m in shipped.measurements)


def test_the_tables_add_up_to_the_measurements(shipped):
    tables = {table.name: table.records() for table in shipped.tables}
    techniques, found = tables["rag_by_technique"], values(shipped)

    assert sum(row["cases"] for row in techniques) == CASES == len(tables["rag_attack_cases"])
    for column, metric in (
        ("attempted_guard_off", ("unauthorized_attempt_rate", "off")),
        ("executed_guard_off", ("unauthorized_execution_rate", "off")),
        ("attempted_guard_on", ("unauthorized_attempt_rate", "on")),
        ("executed_guard_on", ("unauthorized_execution_rate", "on")),
    ):
        total = sum(row[column] for row in techniques)
        assert total / CASES == found[metric]
        assert total == sum(row[column] for row in tables["rag_attack_cases"])
    blocked = sum(row["blocked_documents"] for row in techniques)
    poisoned = sum(row["poisoned_documents"] for row in techniques)
    assert blocked / poisoned == found["poisoned_document_block_rate", "on"]
    solved = [row["right_guard_on"] for row in tables["rag_benign_tasks"]]
    assert np.mean(solved) == found["benign_answer_rate", "on"]


def test_the_notes_name_the_techniques_that_get_past_the_filter(shipped):
    first = shipped.notes[0]

    for row in shipped.tables[0].records():
        assert (f"{row['technique']} (" in first) == (row["attempted_guard_on"] > 0)
    assert str(catalogue_digest()) in shipped.notes[-1]


def test_the_chart_has_a_bar_of_each_kind_for_each_technique(shipped):
    (chart,) = shipped.figures

    assert chart.kind == "bar"
    assert all(len(series.y) == len(chart.categories) == 12 for series in chart.series)
    assert chart.series[2].y == (0.0,) * 12


def test_equal_seeds_give_equal_results():
    first, again = (
        rag_prompt_injection(
            default_agent(), rng=np.random.default_rng(4), cases=13, benign_tasks=5
        )
        for _ in range(2)
    )

    assert first == again


def test_a_policy_that_allows_everything_is_found_out():
    wide = Policy(always=frozenset(tool.name for tool in TOOLS))
    outcome = run(Agent(policy=wide), cases=24, benign_tasks=4)
    found = values(outcome)

    executed = found["unauthorized_execution_rate", "on"]
    assert executed == found["unauthorized_attempt_rate", "on"] > 0.0
    assert f"In {round(executed * 24)} cases the tool policy let" in outcome.notes[1]


def test_a_guard_that_sees_nothing_leaves_the_policy_alone_and_it_holds():
    found = values(run(Agent(guard=Guard(rules=())), cases=24, benign_tasks=10))

    assert found["poisoned_document_block_rate", "on"] == 0.0
    assert found["false_block_rate", "on"] == 0.0
    assert found["unauthorized_attempt_rate", "on"] == found["unauthorized_attempt_rate", "off"]
    assert found["unauthorized_execution_rate", "on"] == 0.0
    assert found["benign_answer_rate", "on"] == 1.0


def test_a_guard_that_blocks_everything_answers_nothing_and_it_shows():
    outcome = run(Agent(guard=Guard((Rule("everything", "."),))), cases=24, benign_tasks=10)
    found = values(outcome)

    assert found["poisoned_document_block_rate", "on"] == 1.0
    assert found["unauthorized_attempt_rate", "on"] == 0.0
    assert found["false_block_rate", "on"] == 1.0
    assert found["benign_answer_rate", "on"] == 0.0
    assert outcome.notes[0].startswith("No attack of this draw got past")


def test_an_agent_that_retrieves_nothing_is_not_evaluated():
    lonely = replace(Agent(), store=DocumentStore(Agent().store.documents[:1]), top_k=0)
    outcome = run(lonely, cases=12, benign_tasks=4)

    assert isinstance(outcome, Unevaluated)
    assert outcome.missing is Missing.SKIPPED
    assert "nothing to judge" in outcome.reason


@pytest.mark.parametrize(
    "parameters", [{"cases": 10**6}, {"benign_tasks": len(BENIGN_TASKS) + 1}, {"cases": 0}]
)
def test_more_cases_than_there_are_is_an_error_that_says_so(parameters):
    outcome = run(Agent(), **parameters)

    assert isinstance(outcome, Unevaluated)
    assert outcome.missing is Missing.ERRORED
    assert "the catalogue has" in outcome.reason
