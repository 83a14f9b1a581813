"""Retrieval: which documents, and which sentences of them, are nearest to a question."""

import functools
import re
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from seclab.errors import Misconfigured
from seclab.rag.documents import Document, DocumentStore

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_STOP_WORDS = ENGLISH_STOP_WORDS | {"did", "does"}
# Cosines closer than this are ties, however the sums of a platform round.
_DECIMALS = 9


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, without empty ones."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


@functools.lru_cache(maxsize=4096)  # most documents stay the same from one index to the next
def _terms(text: str) -> tuple[str, ...]:
    """The words that count, without the s of plurals and third persons."""
    words = re.findall(r"\w\w+", text.lower())
    return tuple(word.removesuffix("s") for word in words if word not in _STOP_WORDS)


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved document and its cosine similarity to the question, above 0 and up to 1."""

    document: Document
    score: float


class Retriever:
    """TF-IDF index with cosine similarity.

    Args:
        store: At least one document.

    Raises:
        Misconfigured: The store is empty.

    References:
        Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval.
    """

    def __init__(self, store: DocumentStore) -> None:
        if not len(store):
            raise Misconfigured("nothing can be retrieved from an empty store; add documents")
        self._documents = store.documents
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer=_terms)
        self._matrix = self._vectorizer.fit_transform(
            [document.content for document in store.documents]
        )

    def search(self, question: str, *, top_k: int) -> tuple[Hit, ...]:
        """The nearest documents, best first, equal ones by id.

        Args:
            question: What to look for.
            top_k: How many at most, at least 1. Documents that share no word are never among them.
        """
        scores = self._cosines(question, self._matrix)
        hits = [
            Hit(document, float(score))
            for document, score in zip(self._documents, scores, strict=True)
            if score > 0.0
        ]
        return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.document.id))[:top_k])

    def best_sentence(self, question: str, hits: tuple[Hit, ...]) -> str:
        """The sentence that fits the question best; empty when there is no hit.

        A sentence counts as much as its document: a good sentence in a document about something
        else is no answer.
        """
        candidates = [
            (hit.score, sentence) for hit in hits for sentence in sentences(hit.document.text)
        ]
        if not candidates:
            return ""
        matrix = self._vectorizer.transform([sentence for _, sentence in candidates])
        scores = self._cosines(question, matrix) + np.array([score for score, _ in candidates])
        return candidates[int(scores.round(_DECIMALS).argmax())][1]

    def _cosines(self, question: str, matrix: object) -> np.ndarray:
        query = self._vectorizer.transform([question])
        cosines: np.ndarray = (matrix @ query.T).toarray().ravel().round(_DECIMALS)
        return cosines
