"""Retrieval-augmented generation under attack: a small support agent and the controls around it.

The agent has no language model. It finds documents, answers with a sentence of them, and obeys
what it reads; the guard stands before its eyes and the tool policy before its hands.
"""

from seclab.rag.agent import Agent, Attempt, Episode
from seclab.rag.attacks import AttackCase, attack_cases
from seclab.rag.benign import BENIGN_TASKS, BenignTask
from seclab.rag.catalogue import (
    catalogue_digest,
    sample_attacks,
    sample_false_answers,
    sample_tasks,
)
from seclab.rag.demonstration import LabRow, single_episode
from seclab.rag.documents import Document, DocumentStore
from seclab.rag.false_answers import AUTHORS, FalseAnswer, false_answers
from seclab.rag.guard import Guard, Rule, Verdict
from seclab.rag.knowledge import KNOWLEDGE_BASE
from seclab.rag.policy import Policy
from seclab.rag.target import AgentTarget, default_agent
from seclab.rag.tools import TOOLS, ToolCall, call

__all__ = [
    "AUTHORS",
    "BENIGN_TASKS",
    "KNOWLEDGE_BASE",
    "TOOLS",
    "Agent",
    "AgentTarget",
    "AttackCase",
    "Attempt",
    "BenignTask",
    "Document",
    "DocumentStore",
    "Episode",
    "FalseAnswer",
    "Guard",
    "LabRow",
    "Policy",
    "Rule",
    "ToolCall",
    "Verdict",
    "attack_cases",
    "call",
    "catalogue_digest",
    "default_agent",
    "false_answers",
    "sample_attacks",
    "sample_false_answers",
    "sample_tasks",
    "single_episode",
]
