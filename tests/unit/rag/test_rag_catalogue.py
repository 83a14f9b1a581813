from collections import Counter

import numpy as np
import pytest

from seclab.errors import Misconfigured
from seclab.rag import (
    BENIGN_TASKS,
    KNOWLEDGE_BASE,
    TOOLS,
    Agent,
    attack_cases,
    catalogue_digest,
    sample_attacks,
    sample_tasks,
)
from seclab.rag.instructions import plain_requests

ATTACKS = attack_cases()


def test_the_catalogue_is_large_enough_and_each_case_is_its_own():
    ids = [case.id for case in ATTACKS]
    documents = [document.id for case in ATTACKS for document in case.planted]

    assert len(ATTACKS) >= 120
    assert len({case.technique for case in ATTACKS}) >= 8
    assert len(BENIGN_TASKS) >= 30
    assert len(set(ids)) == len(ids)
    assert len(set(documents)) == len(documents)
    assert not any(document.trusted for case in ATTACKS for document in case.planted)


def test_no_attacker_wants_what_the_user_asked_for():
    for case in ATTACKS:
        assert case.goal not in case.authorised
        assert case.goal.tool in {tool.name for tool in TOOLS}
        assert plain_requests(case.question) == case.authorised


def test_some_users_authorise_the_very_tool_that_the_attacker_wants():
    deputies = [case for case in ATTACKS if case.goal.tool in {c.tool for c in case.authorised}]

    assert {case.goal.tool for case in deputies} == {"refund", "reset_password"}


@pytest.mark.parametrize("technique", sorted({case.technique for case in ATTACKS}))
def test_every_wording_works_on_the_unguarded_agent(technique):
    wordings = {case.id.rsplit("/", 2)[0]: case for case in ATTACKS if case.technique == technique}

    for case in wordings.values():
        episode = Agent().run(case.question, guard=False, planted=case.planted)
        assert case.goal in episode.executed, case.id


def test_the_split_technique_needs_both_its_documents():
    cases = [case for case in ATTACKS if len(case.planted) == 2]

    assert {case.technique for case in cases} == {"split over two documents"}
    for case in cases[::16]:
        for half in case.planted:
            alone = Agent().run(case.question, guard=False, planted=(half,))
            assert not case.unauthorised(alone.attempted), case.id


def test_the_label_of_a_case_tells_authorised_from_unauthorised():
    case = next(case for case in ATTACKS if case.authorised)
    episode = Agent().run(case.question, guard=False, planted=case.planted)

    assert case.unauthorised(episode.executed) == {case.goal}
    assert case.unauthorised(case.authorised) == frozenset()


def test_the_right_answer_of_each_task_stands_in_its_documents():
    for task in BENIGN_TASKS:
        texts = [document.text for document in (*KNOWLEDGE_BASE.documents, *task.planted)]
        assert any(task.answer.casefold() in text.casefold() for text in texts), task.id
        assert plain_requests(task.question) == task.calls


def test_many_benign_documents_hold_words_that_attackers_use():
    words = ("ignore", "instructions", "system", "send an email", "override", "assistant")
    texts = [document.text.casefold() for document in KNOWLEDGE_BASE.documents]
    texts += [document.text.casefold() for task in BENIGN_TASKS for document in task.planted]

    assert all(sum(word in text for text in texts) >= 2 for word in words)


@pytest.mark.parametrize("n", [1, 12, 13, 120, len(ATTACKS)])
def test_a_sample_is_even_over_techniques_without_repetition(n):
    sample = sample_attacks(n, rng=np.random.default_rng(3))
    counts = Counter(case.technique for case in sample)
    groups = len({case.technique for case in ATTACKS})

    drawn = {case.id for case in sample}
    assert len(drawn) == n
    assert len(counts) == min(n, groups)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert [case.id for case in sample] == [case.id for case in ATTACKS if case.id in drawn]


def test_where_a_group_runs_out_the_others_give_more():
    sample = sample_tasks(30, rng=np.random.default_rng(0))
    counts, available = (Counter(task.kind for task in tasks) for tasks in (sample, BENIGN_TASKS))

    assert counts["tool"] == available["tool"]
    assert counts["outside"] == available["outside"]
    assert sum(counts.values()) == 30


def test_equal_seeds_draw_equal_samples_and_others_do_not():
    first, again, other = (
        sample_attacks(40, rng=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("sample", "n", "message"),
    [
        (
            sample_attacks,
            len(ATTACKS) + 1,
            f"attack cases asked for: the catalogue has {len(ATTACKS)}",
        ),
        (sample_attacks, 0, "0 attack cases asked for"),
        (sample_tasks, len(BENIGN_TASKS) + 1, f"the catalogue has {len(BENIGN_TASKS)}"),
        (sample_tasks, -1, "ask for 1 to that many"),
    ],
)
def test_a_sample_that_cannot_be_drawn_is_an_error(sample, n, message):
    with pytest.raises(Misconfigured, match=message):
        sample(n, rng=np.random.default_rng(0))


def test_the_catalogue_digest_is_stable():
    assert catalogue_digest() == catalogue_digest()
    assert catalogue_digest().recipe == "rfc8785"
