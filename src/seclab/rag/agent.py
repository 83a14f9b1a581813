"""A support agent without a language model: retrieves, answers, and obeys whatever it reads.

That it obeys is the weakness under test, so the agent is built to obey everywhere and the
controls stand around it: the guard before it reads, the policy before it acts.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from seclab.fingerprint import Digest, of_json
from seclab.rag.documents import Document, DocumentStore
from seclab.rag.guard import Guard, Verdict
from seclab.rag.instructions import obeyed, plain_requests
from seclab.rag.knowledge import KNOWLEDGE_BASE
from seclab.rag.policy import Policy
from seclab.rag.retriever import Retriever
from seclab.rag.tools import SEARCH, TOOLS, ToolCall, call

NO_ANSWER = "I found nothing about that."
_USER = "user"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that the agent set out to make.

    Attributes:
        call: The tool and its arguments.
        origin: ``user``, or the id of the document that asked for it.
        executed: Whether it was let through. Attempted and executed are two things.
    """

    call: ToolCall
    origin: str
    executed: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """One question and all that came of it.

    Attributes:
        question: The user's words.
        retrieved: Documents found, nearest first, before the guard.
        verdicts: The guard's word on each of them, in the same order; empty when it is off.
        answer: A sentence from a document, and what was done.
        attempts: Calls in the order in which they were made, none twice.
    """

    question: str
    retrieved: tuple[Document, ...]
    verdicts: tuple[Verdict, ...]
    answer: str
    attempts: tuple[Attempt, ...]

    @property
    def blocked(self) -> frozenset[str]:
        """Ids of the documents that the guard kept from the agent."""
        return frozenset(verdict.document_id for verdict in self.verdicts if verdict.blocked)

    @property
    def attempted(self) -> frozenset[ToolCall]:
        """Every call the agent set out to make."""
        return frozenset(attempt.call for attempt in self.attempts)

    @property
    def executed(self) -> frozenset[ToolCall]:
        """The calls that were let through, never more than :attr:`attempted`."""
        return frozenset(attempt.call for attempt in self.attempts if attempt.executed)


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent and the controls around it.

    Attributes:
        store: What it may retrieve from.
        guard: Inspects what was retrieved.
        policy: Decides which calls are carried out.
        top_k: How many documents are retrieved for a question.
    """

    store: DocumentStore = KNOWLEDGE_BASE
    guard: Guard = field(default_factory=Guard)
    policy: Policy = field(default_factory=Policy)
    top_k: int = 4

    def run(
        self,
        question: str,
        *,
        guard: bool,
        planted: tuple[Document, ...] = (),
        own_only: bool = False,
    ) -> Episode:
        """Answer a question.

        Args:
            question: The user's words.
            guard: Whether the controls are on, both of them: blocking of documents and
                permission for calls.
            planted: Documents that somebody put into the store beforehand.
            own_only: Whether it may retrieve only what counts as the company's own.
        """
        store = self.store.with_documents(planted)
        retriever = Retriever(store.own if own_only else store)
        hits = retriever.search(question, top_k=self.top_k)
        retrieved = tuple(hit.document for hit in hits)
        verdicts = tuple(self.guard.inspect(document) for document in retrieved) if guard else ()
        blocked = {verdict.document_id for verdict in verdicts if verdict.blocked}
        read = tuple(hit for hit in hits if hit.document.id not in blocked)
        attempts = tuple(
            Attempt(wanted, origin, not guard or self.policy.permits(wanted, question=question))
            for wanted, origin in _wanted(question, tuple(hit.document for hit in read)).items()
        )
        answer = retriever.best_sentence(question, read) or NO_ANSWER
        return Episode(question, retrieved, verdicts, _report(answer, attempts), attempts)

    @property
    def digest(self) -> Digest:
        """Changes with any document, rule of the guard, line of the policy, or tool."""
        return of_json(self.describe())

    def describe(self) -> dict[str, Any]:
        """What decides its behaviour, as plain JSON values."""
        return {
            "store": str(self.store.digest),
            "guard": self.guard.describe(),
            "policy": self.policy.describe(),
            "tools": [asdict(tool) for tool in TOOLS],
            "top_k": self.top_k,
        }


def _wanted(question: str, documents: tuple[Document, ...]) -> dict[ToolCall, str]:
    """Each call the agent sets out to make, and who asked for it first."""
    wanted = {call(SEARCH.name, query=question): _USER}
    wanted |= dict.fromkeys(plain_requests(question), _USER)
    demands = obeyed(document.content for document in documents)
    for document, calls in zip(documents, demands, strict=True):
        for demanded in calls:
            wanted.setdefault(demanded, document.id)
    return wanted


def _report(answer: str, attempts: tuple[Attempt, ...]) -> str:
    done = [
        str(attempt.call)
        for attempt in attempts
        if attempt.executed and attempt.call.tool != SEARCH.name
    ]
    return " ".join([answer, *(f"Done: {text}." for text in done)])
