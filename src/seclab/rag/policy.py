"""The tool policy: which calls may be carried out. The hard control behind the guard."""

from dataclasses import dataclass

from seclab.rag.instructions import plain_requests
from seclab.rag.tools import REFUND, RESET_PASSWORD, SEARCH, SEND_EMAIL, ToolCall


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may have what done. A tool that is not named is denied, whoever asks.

    Attributes:
        always: Tools that only read and need no permission.
        on_request: Tools that the user may have used by asking in plain words, with exactly
            the arguments asked for. Documents cannot ask.

    References:
        NIST SP 800-53 AC-3 and AC-6 (access enforcement, least privilege). Debenedetti et al.
        (2024), AgentDojo: a dynamic environment to evaluate attacks and defenses for LLM agents,
        arXiv:2406.13352.
    """

    always: frozenset[str] = frozenset({SEARCH.name})
    on_request: frozenset[str] = frozenset({REFUND.name, SEND_EMAIL.name, RESET_PASSWORD.name})

    def permits(self, call: ToolCall, *, question: str) -> bool:
        """Whether a call may be carried out for what the user wrote.

        Args:
            call: What the agent is about to do.
            question: The user's own words, never a document's.
        """
        if call.tool in self.always:
            return True
        return call.tool in self.on_request and call in plain_requests(question)

    def describe(self) -> dict[str, list[str]]:
        """The policy as plain JSON values."""
        return {"always": sorted(self.always), "on_request": sorted(self.on_request)}
