"""A version without its data: a digest of the features and the class of each row, in order.

With that, a change is told row by row years later, and nobody needs to keep, or may see, the data.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, feature_digests, of_bytes, of_json

_LINE = re.compile(rb"([0-9a-f]{64}) (0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a version.

    Attributes:
        keys: Digest of the features of each row, :func:`~seclab.fingerprint.feature_digests`.
        classes: Name of the class of each row.
    """

    keys: tuple[bytes, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(cls, dataset: Dataset) -> "Rows":
        """The rows of a dataset."""
        return cls.of_arrays(dataset.features, dataset.labels, class_names=dataset.class_names)

    @classmethod
    def of_arrays(
        cls, features: np.ndarray, labels: np.ndarray, *, class_names: Sequence[str]
    ) -> "Rows":
        """The rows of features, (n, d), with labels, (n,)."""
        return cls(
            tuple(feature_digests(features)),
            tuple(class_of(class_names, int(label)) for label in labels),
        )

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """The rows of several versions, one after another."""
        return cls(
            tuple(key for part in parts for key in part.keys),
            tuple(name for part in parts for name in part.classes),
        )

    def contents(self) -> list[tuple[bytes, str]]:
        """Key and class of each row."""
        return list(zip(self.keys, self.classes, strict=True))

    def content(self, at: np.ndarray) -> Digest:
        """Order-free digest of the rows at some positions: their keys and classes, sorted."""
        return of_json(sorted([self.keys[row].hex(), self.classes[row]] for row in at.tolist()))


def index_of(dataset: Dataset) -> bytes:
    """The rows of a dataset as text: a line each, the key in hexadecimal and the label."""
    keys = feature_digests(dataset.features)
    lines = (
        f"{key.hex()} {label}\n" for key, label in zip(keys, dataset.labels.tolist(), strict=True)
    )
    return "".join(lines).encode()


def read_index(data: bytes, *, digest: Digest, names: Mapping[int, str], file: str) -> Rows:
    """The rows from their text.

    Args:
        data: What :func:`index_of` gave.
        digest: The digest that it has to have.
        names: Name of each class by its label.
        file: Name of the file, for messages.

    Raises:
        Misconfigured: It is another text, or names a label without a class.
    """
    if of_bytes(data) != digest:
        raise Misconfigured(f"{file}: it has digest {of_bytes(data)}, its manifest says {digest}")
    found = [_LINE.fullmatch(line) for line in data.splitlines()]
    wrong = next((n for n, line in enumerate(found, 1) if not line or int(line[2]) not in names), 0)
    if wrong:
        raise Misconfigured(f"{file} line {wrong}: it is no row: 64 hexadecimal digits, a label")
    lines = [line for line in found if line]
    return Rows(
        tuple(bytes.fromhex(line[1].decode()) for line in lines),
        tuple(names[int(line[2])] for line in lines),
    )


def class_of(class_names: Sequence[str], label: int) -> str:
    """Name of a class, or the label itself where it has none."""
    known = 0 <= label < len(class_names)
    return class_names[label] if known else f"undeclared label {label}"
