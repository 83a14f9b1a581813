"""Likelihood x impact, and what measured evidence takes off it: by a rule, never by opinion."""

from seclab.scoring.loading import SCORING, load_scoring, read_scoring
from seclab.scoring.records import (
    BANDS,
    SCALE,
    STRENGTHS,
    Band,
    Effect,
    Score,
    Scoring,
    Strength,
)
from seclab.scoring.rule import residual, score, strictest

__all__ = [
    "BANDS",
    "SCALE",
    "SCORING",
    "STRENGTHS",
    "Band",
    "Effect",
    "Score",
    "Scoring",
    "Strength",
    "load_scoring",
    "read_scoring",
    "residual",
    "score",
    "strictest",
]
