"""Digests that name their recipe: what was hashed, how, and the canonical bytes behind it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rfc8785

_ALGORITHM = "sha256"
_ROWS_AT_ONCE = 4096

ROW_RECIPE = "row/1"
"""How one row became bytes: little-endian features in column order, its label last."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest together with the recipe that gave it.

    Attributes:
        algorithm: Hash algorithm, ``sha256``.
        recipe: How the input became bytes: ``bytes``, ``rfc8785``, ``rows-ordered/1`` or
            ``rows-unordered/1``.
        value: Lower-case hexadecimal.
    """

    algorithm: str
    recipe: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.recipe}:{self.value}"


def of_bytes(data: bytes) -> Digest:
    """Digest of raw bytes, what ``sha256sum`` prints for the same file."""
    return Digest(_ALGORITHM, "bytes", hashlib.sha256(data).hexdigest())


def of_file(path: Path) -> Digest:
    """Digest of a file's bytes, read in blocks.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return Digest(_ALGORITHM, "bytes", hashlib.file_digest(stream, _ALGORITHM).hexdigest())


def of_json(value: Any) -> Digest:
    """Digest of a JSON value in its canonical form.

    References:
        RFC 8785, JSON Canonicalization Scheme.
    """
    return Digest(_ALGORITHM, "rfc8785", hashlib.sha256(rfc8785.dumps(value)).hexdigest())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Content of labelled rows, pinned.

    Attributes:
        ordered: Changes with any value, label, name or dtype, and with the order of rows.
        unordered: The same, blind to the order of rows.
        classes: Order-free digest of the rows of each label.
        rows: Number of rows.
    """

    ordered: Digest
    unordered: Digest
    classes: Mapping[int, Digest]
    rows: int


def fingerprint(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    feature_names: Sequence[str],
    class_names: Sequence[str],
) -> Fingerprint:
    """Fingerprint of labelled rows, independent of memory layout and byte order.

    Args:
        features: Numeric array of shape (n, d).
        labels: Integer array of shape (n,).
        feature_names: d names.
        class_names: Name of each label.

    Returns:
        Digests of the whole and of each class. Bit patterns are hashed, so 0.0 and -0.0 differ.

    Raises:
        ValueError: The shapes do not agree.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"features {features.shape} and labels {labels.shape} do not agree")
    header = rfc8785.dumps(
        {
            "classes": list(class_names),
            "columns": list(feature_names),
            "features": features.dtype.newbyteorder("<").str,
            "labels": labels.dtype.newbyteorder("<").str,
        }
    )
    rows = row_bytes(features, labels)
    hashes = np.array([hashlib.sha256(row).digest() for row in rows], dtype="S32")
    return Fingerprint(
        ordered=_digest("rows-ordered/1", header, rows),
        unordered=_digest("rows-unordered/1", header, _sorted(hashes)),
        classes={
            int(label): _digest("rows-unordered/1", header, _sorted(hashes[labels == label]))
            for label in np.unique(labels)
        },
        rows=len(rows),
    )


def row_bytes(features: np.ndarray, labels: np.ndarray) -> list[bytes]:
    """Each row as little-endian bytes in column order, its label last."""
    values = np.ascontiguousarray(features, dtype=features.dtype.newbyteorder("<"))
    tags = np.ascontiguousarray(labels, dtype=labels.dtype.newbyteorder("<"))
    return [row.tobytes() + tag.tobytes() for row, tag in zip(values, tags, strict=True)]


def row_digests(features: np.ndarray, labels: np.ndarray) -> list[str]:
    """Digest of each row's content by the recipe :data:`ROW_RECIPE`, hexadecimal.

    Rows of equal bits, label included, have equal digests, wherever they stand.
    """
    return [
        hashlib.sha256(row).hexdigest()
        for start in range(0, len(labels), _ROWS_AT_ONCE)
        for row in row_bytes(
            features[start : start + _ROWS_AT_ONCE], labels[start : start + _ROWS_AT_ONCE]
        )
    ]


def feature_digests(features: np.ndarray) -> list[bytes]:
    """Digest of each row's features without its label: float64, little-endian, in column order.

    Bit patterns count, so 0.0 and -0.0 differ.
    """
    return [
        hashlib.sha256(row.tobytes()).digest()
        for start in range(0, len(features), _ROWS_AT_ONCE)
        for row in np.ascontiguousarray(features[start : start + _ROWS_AT_ONCE], dtype="<f8")
    ]


def _sorted(hashes: np.ndarray) -> list[bytes]:
    # numpy strips trailing NUL bytes from "S" items; pad them back to the full digest.
    return [bytes(item).ljust(32, b"\0") for item in np.sort(hashes)]


def _digest(recipe: str, header: bytes, parts: Sequence[bytes]) -> Digest:
    digest = hashlib.sha256(f"{recipe}\n{len(header)}\n{len(parts)}\n".encode())
    digest.update(header)
    for part in parts:
        digest.update(part)
    return Digest(_ALGORITHM, recipe, digest.hexdigest())
