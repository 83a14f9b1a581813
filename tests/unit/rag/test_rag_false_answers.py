from dataclasses import replace

import numpy as np
import pytest

from seclab import registry
from seclab.evaluations.rag_false_answers import rag_false_answers
from seclab.outcome import Evaluated, Missing
from seclab.rag import (
    BENIGN_TASKS,
    KNOWLEDGE_BASE,
    Agent,
    AgentTarget,
    DocumentStore,
    Guard,
    Rule,
    catalogue_digest,
    default_agent,
    false_answers,
    sample_false_answers,
)

CASES, TASKS = 32, 10


def run(agent, **parameters):
    used = {"cases": CASES, "benign_tasks": TASKS, **parameters}
    entry = registry.get("rag_false_answers")
    return registry.run(
        entry, AgentTarget(agent), seed=0, dataset_digest=str(catalogue_digest()), **used
    )


def values(outcome):
    assert isinstance(outcome, Evaluated), outcome
    return {
        (m.metric, m.parameters["documents"], m.parameters.get("author")): m.value
        for m in outcome.measurements
    }


@pytest.fixture(scope="module")
def shipped():
    return run(Agent())


def test_false_statements_are_repeated_and_the_guard_sees_none(shipped):
    found = values(shipped)

    for author in ("outsider", "insider"):
        assert found["false_answer_rate", "all", author] > 0.8
        assert found["poisoned_retrieval_rate", "all", author] == 1.0
        assert found["guard_block_rate", "all", author] == 0.0


def test_its_own_documents_protect_from_outsiders_only_and_cost_answers(shipped):
    found = values(shipped)

    assert found["false_answer_rate", "own", "outsider"] == 0.0
    assert found["poisoned_retrieval_rate", "own", "outsider"] == 0.0
    assert ("guard_block_rate", "own", "outsider") not in found
    assert found["false_answer_rate", "own", "insider"] > 0.8
    assert found["benign_answer_rate", "own", None] < found["benign_answer_rate", "all", None]


def test_queries_and_sizes_are_what_they_say(shipped):
    sizes = {m.metric: m.n for m in shipped.measurements}

    assert shipped.queries == 2 * (CASES + TASKS)
    assert sizes["false_answer_rate"] == CASES // 2
    assert sizes["benign_answer_rate"] == TASKS
    assert all(m.interval.method == "wilson" for m in shipped.measurements)


def test_the_tables_add_up_to_the_measurements(shipped):
    forms, cases = (table.records() for table in shipped.tables)
    found = values(shipped)

    assert len(cases) == sum(row["cases"] for row in forms) == CASES
    for documents in ("all", "own"):
        believed = sum(row[f"believed_{documents}"] for row in cases)
        assert believed == sum(row[f"believed_{documents}"] for row in forms)
        rates = [found["false_answer_rate", documents, who] for who in ("outsider", "insider")]
        assert believed / CASES == np.mean(rates)
    assert f"of {CASES} false statements" in shipped.notes[0]
    assert str(catalogue_digest()) in shipped.notes[-1]


def test_a_guard_that_blocks_everything_keeps_lies_away_with_all_else():
    found = values(run(Agent(guard=Guard((Rule("everything", "."),))), cases=8, benign_tasks=5))

    assert found["guard_block_rate", "all", "outsider"] == 1.0
    assert found["false_answer_rate", "all", "outsider"] == 0.0
    assert found["benign_answer_rate", "all", None] == 0.0


def test_an_agent_that_retrieves_nothing_is_not_evaluated():
    outcome = run(replace(Agent(), top_k=0), cases=8, benign_tasks=2)

    assert outcome.missing is Missing.SKIPPED
    assert "no planted document was retrieved" in outcome.reason


def test_a_single_case_cannot_hold_both_authors():
    outcome = run(Agent(), cases=1, benign_tasks=1)

    assert outcome.missing is Missing.SKIPPED
    assert "one of each author" in outcome.reason


def test_equal_seeds_give_equal_results():
    first, again = (
        rag_false_answers(default_agent(), rng=np.random.default_rng(4), cases=4, benign_tasks=2)
        for _ in range(2)
    )

    assert first == again


def test_every_claim_is_false_and_every_document_asks_for_nothing():
    guard = Guard()
    true = [document.content for document in KNOWLEDGE_BASE.documents]
    true += [document.content for task in BENIGN_TASKS for document in task.planted]
    cases = false_answers()

    assert len({case.id for case in cases}) == len(cases) == 184
    for case in cases:
        assert case.claim.casefold() in case.document.text.casefold()
        assert not any(case.claim.casefold() in text.casefold() for text in true)
        assert not guard.inspect(case.document).blocked, case.id
        assert case.document.trusted == (case.author == "insider")


def test_no_form_or_author_is_drawn_more_often_than_another():
    drawn = sample_false_answers(16, rng=np.random.default_rng(0))
    counts = [(case.form, case.author) for case in drawn]

    assert {counts.count(each) for each in counts} == {2}
    assert len(set(counts)) == 8


def test_the_own_documents_of_a_store_are_those_that_are_trusted():
    planted = tuple(case.document for case in false_answers()[:2])
    store = DocumentStore(planted)

    assert [document.trusted for document in store.documents] == [False, True]
    assert store.own.documents == planted[1:]
    assert default_agent().agent.store.own == KNOWLEDGE_BASE
