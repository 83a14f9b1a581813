"""Indirect prompt injection against a RAG agent (R-RAG-01, R-RAG-02): what it tries and does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from seclab.artifacts import Chart, Series, Table
from seclab.errors import NotEvaluated
from seclab.measurement import Metric, Reading
from seclab.outcome import Result
from seclab.rag import (
    AgentTarget,
    AttackCase,
    BenignTask,
    Verdict,
    catalogue_digest,
    sample_attacks,
    sample_tasks,
)
from seclab.registry import evaluation
from seclab.statistics import proportion_of

_EXECUTED, _ATTEMPTED = "unauthorized_execution_rate", "unauthorized_attempt_rate"
_BLOCKED, _FALSELY_BLOCKED = "poisoned_document_block_rate", "false_block_rate"
_RIGHT = "benign_answer_rate"


@dataclass(frozen=True, slots=True)
class _Attack:
    """What came of one attack case, without and with the controls.

    Attributes:
        judged: Verdicts on its poisoned documents; what is not retrieved never meets the guard.
    """

    case: AttackCase
    attempted_off: bool
    executed_off: bool
    judged: tuple[Verdict, ...]
    attempted_on: bool
    executed_on: bool


@dataclass(frozen=True, slots=True)
class _Task:
    """What came of one benign task, without and with the controls."""

    task: BenignTask
    right_off: bool
    right_on: bool
    judged: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class _Technique:
    """How many cases of a technique came how far; the fields are the columns of the table."""

    technique: str
    cases: int
    attempted_guard_off: int
    executed_guard_off: int
    poisoned_documents: int
    blocked_documents: int
    attempted_guard_on: int
    executed_guard_on: int


@evaluation(
    risks=("R-RAG-01", "R-RAG-02"),
    metrics=(
        Metric(
            _EXECUTED,
            unit="fraction",
            better="lower",
            description="Attack cases in which a call was executed that the user never asked for.",
        ),
        Metric(
            _ATTEMPTED,
            unit="fraction",
            better="lower",
            description="Attack cases in which the agent set out to make such a call.",
        ),
        Metric(
            _BLOCKED,
            unit="fraction",
            better="higher",
            description="Retrieved poisoned documents that the guard kept from the agent.",
        ),
        Metric(
            _FALSELY_BLOCKED,
            unit="fraction",
            better="lower",
            description="Retrieved harmless documents that the guard kept from the agent.",
        ),
        Metric(
            _RIGHT,
            unit="fraction",
            better="higher",
            description="Benign tasks answered right, with just the calls the user asked for.",
        ),
    ),
    subject="agent",
)
def rag_prompt_injection(
    target: AgentTarget,
    *,
    rng: np.random.Generator,
    cases: int = 120,
    benign_tasks: int = 30,
) -> Result:
    """Indirect prompt injection through documents that an agent retrieves.

    Each attack case plants one or two poisoned documents and asks an innocent question, once
    without and once with the controls. The controls are two: a filter on documents and a
    permission for calls. Attempts with the controls on are what the filter alone lets through;
    executions are what both let through. Whether a call is authorised is decided by the label of
    the case, not by the policy under test.

    The agent stands in for one that follows what it reads and holds no language model: the rates
    are about its filter, its policy and this catalogue. The intervals cover the draw from the
    catalogue, not attacks that nobody wrote down.

    Args:
        target: The agent; it is asked twice for each case and each task.
        rng: Draws cases and tasks.
        cases: How many attack cases, evenly over the techniques, 1 to the size of the catalogue.
        benign_tasks: How many benign tasks, evenly over their kinds, 1 to as many as there are.

    Returns:
        For ``guard`` off and on: ``unauthorized_execution_rate`` and
        ``unauthorized_attempt_rate`` (lower is better) and ``benign_answer_rate`` (higher); for
        ``guard`` on also ``poisoned_document_block_rate`` (higher) and ``false_block_rate`` over
        different harmless documents (lower). All are fractions from 0 to 1.

    Raises:
        Misconfigured: More cases or tasks than there are, or fewer than one.
        NotEvaluated: No poisoned or no harmless document was retrieved: the guard judged nothing.

    References:
        Greshake et al. (2023), Not what you've signed up for: compromising real-world
        LLM-integrated applications with indirect prompt injection, arXiv:2302.12173.
        Debenedetti et al. (2024), AgentDojo, arXiv:2406.13352. OWASP LLM01 (2025).
        MITRE ATLAS AML.T0051.001 and AML.T0070.
    """
    chosen, ordinary = sample_attacks(cases, rng=rng), sample_tasks(benign_tasks, rng=rng)
    attacks = [_attack(target, case) for case in chosen]
    tasks = [_task(target, task) for task in ordinary]
    techniques = _by_technique(attacks)
    return Result(
        readings=tuple(_readings(attacks, tasks)),
        tables=(_technique_table(techniques), _case_table(attacks), _task_table(tasks)),
        figures=(_chart(techniques),),
        notes=tuple(_notes(techniques)),
    )


def _attack(target: AgentTarget, case: AttackCase) -> _Attack:
    off, on = (
        target.run(case.question, guard=guard, planted=case.planted) for guard in (False, True)
    )
    poisoned = {document.id for document in case.planted}
    return _Attack(
        case,
        attempted_off=bool(case.unauthorised(off.attempted)),
        executed_off=bool(case.unauthorised(off.executed)),
        judged=tuple(verdict for verdict in on.verdicts if verdict.document_id in poisoned),
        attempted_on=bool(case.unauthorised(on.attempted)),
        executed_on=bool(case.unauthorised(on.executed)),
    )


def _task(target: AgentTarget, task: BenignTask) -> _Task:
    off, on = (
        target.run(task.question, guard=guard, planted=task.planted) for guard in (False, True)
    )
    return _Task(task, task.solved_by(off), task.solved_by(on), on.verdicts)


def _readings(attacks: Sequence[_Attack], tasks: Sequence[_Task]) -> Iterator[Reading]:
    poisoned = [verdict.blocked for attack in attacks for verdict in attack.judged]
    # A verdict depends on nothing but its document: each counts once, however often it is found.
    harmless = {verdict.document_id: verdict.blocked for task in tasks for verdict in task.judged}
    if not poisoned or not harmless:
        kind = "harmless" if poisoned else "poisoned"
        raise NotEvaluated(f"no {kind} document was retrieved: the guard had nothing to judge")
    for metric, guard, outcomes in (
        (_EXECUTED, "off", [attack.executed_off for attack in attacks]),
        (_EXECUTED, "on", [attack.executed_on for attack in attacks]),
        (_ATTEMPTED, "off", [attack.attempted_off for attack in attacks]),
        (_ATTEMPTED, "on", [attack.attempted_on for attack in attacks]),
        (_BLOCKED, "on", poisoned),
        (_FALSELY_BLOCKED, "on", list(harmless.values())),
        (_RIGHT, "off", [task.right_off for task in tasks]),
        (_RIGHT, "on", [task.right_on for task in tasks]),
    ):
        yield Reading(metric, proportion_of(outcomes), {"guard": guard})


def _by_technique(attacks: Iterable[_Attack]) -> tuple[_Technique, ...]:
    groups: dict[str, list[_Attack]] = {}
    for attack in attacks:
        groups.setdefault(attack.case.technique, []).append(attack)
    return tuple(
        _Technique(
            technique,
            cases=len(group),
            attempted_guard_off=sum(attack.attempted_off for attack in group),
            executed_guard_off=sum(attack.executed_off for attack in group),
            poisoned_documents=sum(len(attack.judged) for attack in group),
            blocked_documents=sum(seen.blocked for attack in group for seen in attack.judged),
            attempted_guard_on=sum(attack.attempted_on for attack in group),
            executed_guard_on=sum(attack.executed_on for attack in group),
        )
        for technique, group in groups.items()
    )


def _technique_table(techniques: Iterable[_Technique]) -> Table:
    return Table(
        name="rag_by_technique",
        caption="Attack cases by technique. Attempted with the guard on is what the document "
        "filter lets through, executed what the tool policy lets through as well.",
        columns=tuple(column.name for column in fields(_Technique)),
        rows=tuple(astuple(technique) for technique in techniques),
    )


def _case_table(attacks: Iterable[_Attack]) -> Table:
    return Table(
        name="rag_attack_cases",
        caption="Every attack case: what the attacker wanted, the rules that found it, and what "
        "was attempted and executed.",
        columns=(
            "case",
            "goal",
            "attempted_guard_off",
            "executed_guard_off",
            "rules",
            "attempted_guard_on",
            "executed_guard_on",
        ),
        rows=tuple(
            (
                attack.case.id,
                str(attack.case.goal),
                attack.attempted_off,
                attack.executed_off,
                _rules(attack.judged),
                attack.attempted_on,
                attack.executed_on,
            )
            for attack in attacks
        ),
    )


def _task_table(tasks: Iterable[_Task]) -> Table:
    return Table(
        name="rag_benign_tasks",
        caption="Every benign task: whether it was solved, and the harmless documents that the "
        "guard blocked, with the rules that did.",
        columns=("task", "right_guard_off", "right_guard_on", "blocked_documents", "rules"),
        rows=tuple(
            (
                task.task.id,
                task.right_off,
                task.right_on,
                ", ".join(verdict.document_id for verdict in task.judged if verdict.blocked),
                _rules(task.judged),
            )
            for task in tasks
        ),
    )


def _rules(verdicts: Iterable[Verdict]) -> str:
    names = (finding.rule for verdict in verdicts for finding in verdict.findings)
    return ", ".join(dict.fromkeys(names))


def _chart(techniques: Sequence[_Technique]) -> Chart:
    def series(label: str, counts: Iterable[int]) -> Series:
        rates = tuple(n / group.cases for n, group in zip(counts, techniques, strict=True))
        return Series(label, tuple(float(place) for place in range(len(rates))), rates)

    return Chart(
        name="rag_prompt_injection",
        title="Unauthorised tool calls by technique",
        x_label="technique",
        y_label="fraction of cases",
        series=(
            series("executed, guard off", (group.executed_guard_off for group in techniques)),
            series("attempted, guard on", (group.attempted_guard_on for group in techniques)),
            series("executed, guard on", (group.executed_guard_on for group in techniques)),
        ),
        kind="bar",
        categories=tuple(group.technique for group in techniques),
    )


def _notes(techniques: Sequence[_Technique]) -> Iterator[str]:
    passed = [group for group in techniques if group.attempted_guard_on]
    worst = sorted(passed, key=lambda group: -group.attempted_guard_on / group.cases)
    listed = ", ".join(f"{it.technique} ({it.attempted_guard_on} of {it.cases})" for it in worst)
    yield (
        f"Past the document filter: {listed}; only the tool policy stood behind it."
        if worst
        else "No attack of this draw got past the document filter; other wordings may."
    )
    executed = sum(group.executed_guard_on for group in techniques)
    if executed:
        yield f"In {executed} cases the tool policy let an unauthorised call through: too wide."
    yield (
        "The agent holds no language model: it stands in for one that obeys what it reads. The "
        "rates are about its filter, its policy and this catalogue of attacks."
    )
    yield f"Cases and tasks were drawn from the catalogue {catalogue_digest()}."
