"""The document in which figures are recorded, and the figures in it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seclab.errors import EvidenceMismatch
from seclab.evidence.bundle import plain
from seclab.evidence.statements import PROGRAMME_TYPE, programme
from seclab.fingerprint import Digest
from seclab.programme.records import Figures

TEXTS = ("at", "ledger")


def document_of(
    figures: Figures, *, registers: Mapping[str, Digest], ledger: str
) -> dict[str, Any]:
    """Figures as an in-toto statement.

    Args:
        figures: The figures.
        registers: Digest of every register they rest on, by name.
        ledger: Digest of the newest ledger entry they were computed upon; empty without any.
    """
    digests = {name: str(digest) for name, digest in registers.items()}
    return programme(plain(figures), registers=digests, at=figures.at, ledger=ledger)


def figures_of(document: Mapping[str, Any], *, what: str) -> Figures:
    """The figures in a document.

    Args:
        document: The statement.
        what: What is read, as the beginning of a sentence.

    Raises:
        EvidenceMismatch: It is no document of this kind.
    """
    if document.get("predicateType") != PROGRAMME_TYPE:
        raise EvidenceMismatch(
            f"{what}: expected figures ({PROGRAMME_TYPE}), found {document.get('predicateType')}"
        )
    try:
        return _shape().validate_python(document["predicate"]["figures"])
    except (LookupError, TypeError, ValidationError) as error:
        raise EvidenceMismatch(f"{what} holds no figures: {error}") from error


@cache
def _shape() -> TypeAdapter[Figures]:
    return TypeAdapter(Figures)
