"""The face the agent shows to an evaluation: it is asked, and the asking is counted."""

from seclab.measurement import Subject
from seclab.rag.agent import Agent, Episode
from seclab.rag.documents import Document


class AgentTarget:
    """What an evaluation may ask of an agent. Every run is one query.

    Args:
        agent: The agent under evaluation.
        name: Its name in reports.
    """

    def __init__(self, agent: Agent, *, name: str = "support-agent") -> None:
        self.agent = agent
        self.queries = 0
        self._name = name

    @property
    def subject(self) -> Subject:
        """The agent, pinned by the digest of its documents, guard rules, tools and policy."""
        return Subject("agent", self._name, str(self.agent.digest))

    def run(
        self,
        question: str,
        *,
        guard: bool,
        planted: tuple[Document, ...] = (),
        own_only: bool = False,
    ) -> Episode:
        """Have a question answered, with documents planted in the store and controls on or off.

        See :meth:`seclab.rag.agent.Agent.run`.
        """
        self.queries += 1
        return self.agent.run(question, guard=guard, planted=planted, own_only=own_only)


def default_agent() -> AgentTarget:
    """The support agent with its knowledge base, guard and policy as shipped."""
    return AgentTarget(Agent())
