"""The guard: looks for instructions in retrieved documents and blocks those that carry any.

A filter of patterns is one layer, never proof: it knows English phrases and base64, and whoever
writes in other words, languages or encodings gets past it. What it lets through is measured, and
the tool policy has to hold without it.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from seclab.rag.documents import Document
from seclab.rag.text import from_base64, layers
from seclab.rag.tools import TOOLS

_EXCERPT = 80


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that no document should contain.

    Attributes:
        name: Given as the reason of a block.
        pattern: Regular expression, blind to case, matched against the folded text.
        outsiders_only: Whether documents of the company may contain it: a handbook tells people
            what to do, a stranger's text has no business telling the agent.
    """

    name: str
    pattern: str
    outsiders_only: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that matched, and the words it matched, shortened."""

    rule: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard says of one document; blocked when anything was found."""

    document_id: str
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """Whether the document is kept from the agent."""
        return bool(self.findings)


def _words(*alternatives: str) -> str:
    return rf"\b(?:{'|'.join(alternatives)})\b"


_ORDERS = _words(
    r"instructions?", r"prompts?", r"rules?", r"directions?", r"guidelines?", r"commands?", "policy"
)
_HIDDEN = r"<!--|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0"

DEFAULT_RULES = (
    Rule(
        "instruction-override",
        _words("ignore", "disregard", "forget", "override", "overrule", "bypass")
        + r"(?:\s+\S+){0,4}?\s+"
        + _words("previous", "prior", "earlier", "above", "preceding", "existing", "all", "your")
        + r"(?:\s+\S+){0,3}?\s+"
        + _ORDERS,
    ),
    Rule(
        "role-reassignment",
        _words(
            "you are now (?:an?|the|my)",
            "pretend (?:to be|you are|that you are)",
            "your new (?:role|task)",
        )
        + r"|"
        + _words(r"act as (?:an? |the )?(?:admin\w*|root|developer|operator|unrestricted)"),
    ),
    Rule(
        "forged-turn",
        r"^\W{0,3}(?:system|assistant|developer)(?:\s+(?:prompt|message|notice|override))?\s*:"
        r"|<\|\w+\|>|\[/?inst\]|</?(?:system|assistant)>|###\s*(?:system|instruction)",
    ),
    Rule(
        "tool-call-syntax",
        rf"{_words(*(tool.name for tool in TOOLS))}\s*\("
        r"|[\"'](?:tool|tool_call|function|function_call)[\"']\s*:",
    ),
    Rule(
        "addressed-to-the-agent",
        _words("assistant", "chatbot", "language model", "llm", "ai", "agent", "bot")
        + r"[^.!?\n]{0,20}"
        + _words("must", "should", "shall", "(?:has|have|needs?|is required) to"),
        outsiders_only=True,
    ),
    Rule(
        "tool-imperative",
        _words("send", "forward", "e?mail", "export", "upload", "transfer", "refund", "reset")
        + r"[^!?\n]{0,80}(?:\w@\w|\b[a-z]{2,3}-\d{3,})",
        outsiders_only=True,
    ),
    Rule(
        "hidden-markup",
        rf"(?:{_HIDDEN})[^\n]{{0,120}}"
        + _words("you", "your", "must", "instructions?", "assistant", "password", "customer"),
        outsiders_only=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Inspects documents one by one.

    Attributes:
        rules: What to look for.
        depth: How many layers of base64 to open, from 0.

    References:
        Greshake et al. (2023), Not what you've signed up for: compromising real-world
        LLM-integrated applications with indirect prompt injection, arXiv:2302.12173.
        OWASP LLM01 (2025), Prompt injection. MITRE ATLAS AML.T0051.001.
    """

    rules: tuple[Rule, ...] = DEFAULT_RULES
    depth: int = 2

    def inspect(self, document: Document) -> Verdict:
        """Whether a document carries instructions, and which rules say so.

        Args:
            document: Title and text are both inspected.

        Returns:
            A verdict that is the same whatever format characters stand in the document.
        """
        texts = layers(document.content, (from_base64,), depth=self.depth)
        applicable = (r for r in self.rules if not (r.outsiders_only and document.trusted))
        found = (_first_match(rule, texts) for rule in applicable)
        return Verdict(document.id, tuple(finding for finding in found if finding))

    def describe(self) -> dict[str, Any]:
        """What decides its verdicts, as plain JSON values."""
        return {"depth": self.depth, "rules": [asdict(rule) for rule in self.rules]}


def _first_match(rule: Rule, texts: tuple[str, ...]) -> Finding | None:
    for text in texts:
        match = re.search(rule.pattern, text, re.IGNORECASE | re.MULTILINE)
        if match:
            return Finding(rule.name, " ".join(match.group().split())[:_EXCERPT])
    return None
