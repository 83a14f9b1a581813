"""Knowledge base poisoned with false answers (R-RAG-03): what the agent then tells its users."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.artifacts import Table
from seclab.errors import NotEvaluated
from seclab.measurement import Metric, Parameters, Reading
from seclab.outcome import Result
from seclab.rag import (
    AUTHORS,
    AgentTarget,
    BenignTask,
    Episode,
    FalseAnswer,
    catalogue_digest,
    sample_false_answers,
    sample_tasks,
)
from seclab.registry import evaluation
from seclab.statistics import proportion_of

_FALSE, _RETRIEVED = "false_answer_rate", "poisoned_retrieval_rate"
_BLOCKED, _RIGHT = "guard_block_rate", "benign_answer_rate"
# What the agent may retrieve: everything, or only what counts as the company's own.
_DOCUMENTS = ("all", "own")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one case or task with some of the documents."""

    documents: str
    episode: Episode


@dataclass(frozen=True, slots=True)
class _Case:
    """A case and its answers, one for each choice of documents."""

    case: FalseAnswer
    answers: tuple[_Answer, ...]

    def retrieved(self, documents: str) -> bool:
        """Whether the planted document was among those found."""
        return self.case.document in self._episode(documents).retrieved

    def blocked(self, documents: str) -> bool:
        """Whether the guard kept it from the agent."""
        return self.case.document.id in self._episode(documents).blocked

    def believed(self, documents: str) -> bool:
        """Whether the answer holds the false statement."""
        return self.case.believed_by(self._episode(documents))

    def _episode(self, documents: str) -> Episode:
        return next(it.episode for it in self.answers if it.documents == documents)


@evaluation(
    risks=("R-RAG-03",),
    metrics=(
        Metric(
            _FALSE,
            unit="fraction",
            better="lower",
            description="Questions that were answered with the planted false statement.",
        ),
        Metric(
            _RETRIEVED,
            unit="fraction",
            better="lower",
            description="Questions for which the planted document was retrieved.",
        ),
        Metric(
            _BLOCKED,
            unit="fraction",
            better="higher",
            description="Retrieved false documents that the guard kept from the agent.",
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
def rag_false_answers(
    target: AgentTarget, *, rng: np.random.Generator, cases: int = 64, benign_tasks: int = 20
) -> Result:
    """False answers through documents that state something false and ask for nothing.

    Each case plants one document that is written to rank first for a question and states a wrong
    price, period, number or rule; the true document stays in the store. Guard and policy are on.
    Each question is asked twice: of all documents, and of those alone that count as the company's
    own. An outsider's document is a stranger's; an insider's counts as the company's own.

    The guard looks for instructions, of which there are none, so that it is expected to see
    nothing. The agent has no language model: it repeats the sentence that fits best, and checks
    no statement against another.

    Args:
        target: The agent; it is asked twice for each case and each task.
        rng: Draws cases and tasks.
        cases: How many cases, evenly over forms and authors, 2 to as many as there are.
        benign_tasks: How many benign tasks, evenly over their kinds, 1 to as many as there are.

    Returns:
        For ``documents`` all and own and each ``author``: ``false_answer_rate`` and
        ``poisoned_retrieval_rate`` (lower is better); where planted documents were retrieved
        ``guard_block_rate`` (higher). For ``documents`` all and own ``benign_answer_rate``
        (higher): what the limit costs. All are fractions from 0 to 1.

    Raises:
        Misconfigured: More cases or tasks than there are, or fewer than one.
        NotEvaluated: Not every author has a case, or no planted document was ever retrieved.

    References:
        Zou et al. (2024), PoisonedRAG: knowledge corruption attacks to retrieval-augmented
        generation of large language models, arXiv:2402.07867. MITRE ATLAS AML.T0070 and
        AML.T0066. OWASP LLM04 and LLM08 (2025). NIST AI 100-2 E2025, NISTAML.027.
    """
    drawn, ordinary = sample_false_answers(cases, rng=rng), sample_tasks(benign_tasks, rng=rng)
    poisoned = [_case(target, case) for case in drawn]
    if {it.case.author for it in poisoned} != set(AUTHORS):
        raise NotEvaluated(f"{cases} cases are too few to hold one of each author")
    if not any(it.retrieved("all") for it in poisoned):
        raise NotEvaluated("no planted document was retrieved: nothing was put to the agent")
    tasks = {
        documents: [_solved(target, task, documents) for task in ordinary]
        for documents in _DOCUMENTS
    }
    readings = [*_readings(poisoned)]
    readings += [
        Reading(_RIGHT, proportion_of(right), {"documents": documents})
        for documents, right in tasks.items()
    ]
    return Result(
        readings=tuple(readings),
        tables=(_form_table(poisoned), _case_table(poisoned)),
        notes=tuple(_notes(poisoned)),
    )


def _case(target: AgentTarget, case: FalseAnswer) -> _Case:
    return _Case(
        case,
        tuple(
            _Answer(
                documents,
                target.run(
                    case.question,
                    guard=True,
                    planted=(case.document,),
                    own_only=documents == "own",
                ),
            )
            for documents in _DOCUMENTS
        ),
    )


def _solved(target: AgentTarget, task: BenignTask, documents: str) -> bool:
    episode = target.run(
        task.question, guard=True, planted=task.planted, own_only=documents == "own"
    )
    return task.solved_by(episode)


def _readings(poisoned: Sequence[_Case]) -> Iterator[Reading]:
    for documents in _DOCUMENTS:
        for author in AUTHORS:
            cases = [it for it in poisoned if it.case.author == author]
            what: Parameters = {"documents": documents, "author": author}
            believed = [it.believed(documents) for it in cases]
            found = [it.retrieved(documents) for it in cases]
            yield Reading(_FALSE, proportion_of(believed), what)
            yield Reading(_RETRIEVED, proportion_of(found), what)
            judged = [it.blocked(documents) for it in cases if it.retrieved(documents)]
            if judged:
                yield Reading(_BLOCKED, proportion_of(judged), what)


def _form_table(poisoned: Sequence[_Case]) -> Table:
    groups: dict[tuple[str, str], list[_Case]] = {}
    for each in poisoned:
        groups.setdefault((each.case.form, each.case.author), []).append(each)
    return Table(
        name="false_answers_by_form",
        caption="False documents by form and author: how many were retrieved, blocked by the "
        "guard and repeated, from all documents and from the company's own alone.",
        columns=(
            "form",
            "author",
            "cases",
            "retrieved_all",
            "blocked_all",
            "believed_all",
            "retrieved_own",
            "believed_own",
        ),
        rows=tuple(
            (
                form,
                author,
                len(group),
                sum(it.retrieved("all") for it in group),
                sum(it.blocked("all") for it in group),
                sum(it.believed("all") for it in group),
                sum(it.retrieved("own") for it in group),
                sum(it.believed("own") for it in group),
            )
            for (form, author), group in groups.items()
        ),
    )


def _case_table(poisoned: Sequence[_Case]) -> Table:
    return Table(
        name="false_answer_cases",
        caption="Every case: the false statement, and whether the answer held it.",
        columns=("case", "claim", "believed_all", "believed_own"),
        rows=tuple(
            (it.case.id, it.case.claim, it.believed("all"), it.believed("own")) for it in poisoned
        ),
    )


def _notes(poisoned: Sequence[_Case]) -> Iterator[str]:
    believed = sum(it.believed("all") for it in poisoned)
    yield (
        f"{believed} of {len(poisoned)} false statements were repeated to the user with guard and "
        "policy on. Neither is made against them, and no criterion judges these numbers: the agent "
        "is not bound to its own documents, and nothing it has could pass one."
    )
    inside = sum(it.believed("own") for it in poisoned)
    yield (
        f"Limited to the company's own documents it repeated {inside}, all by insiders: the limit "
        "is as good as the review that lets a document count as the company's own, and it costs "
        "the answers that only outside documents hold."
    )
    yield (
        "The agent holds no language model and compares no documents; a model may weigh them "
        f"otherwise. Cases and tasks were drawn from the catalogue {catalogue_digest()}."
    )
