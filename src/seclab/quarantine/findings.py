"""What a run found: the rows that its checks stopped on, as the file that keeps them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import pydantic

from seclab.datasets import Dataset
from seclab.errors import EvidenceMismatch
from seclab.fingerprint import ROW_RECIPE, row_digests

# Where a run keeps them, by path below its folder. The bundle pins both.
SUSPECTED_FILE = "quarantine/suspected.json"
SET_ASIDE_FILE = "quarantine/set_aside.json"

_TYPE = "urn:ai-security-lab:suspected-rows:v1"

RowDigest = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
_Index = Annotated[int, pydantic.Field(ge=0)]


@pydantic.with_config(pydantic.ConfigDict(extra="forbid", strict=True))
@dataclass(frozen=True, slots=True)
class Suspect:
    """One row that a check stopped on.

    Attributes:
        row: Digest of its content, hexadecimal, which is what it is known by.
        index: Where it stood in the set as it was acquired, from 0.
        label: Its label.
        flagged_by: The expectations that named it.
    """

    row: RowDigest
    index: _Index
    label: int
    flagged_by: Annotated[tuple[str, ...], pydantic.Strict(strict=False)]


@dataclass(frozen=True, slots=True)
class Finding:
    """All rows that the checks of one run stopped on.

    Attributes:
        dataset: Name of the dataset.
        acquired: Digest of the set as it was acquired.
        rows: The rows, by index.
    """

    dataset: str
    acquired: str
    rows: tuple[Suspect, ...]

    def text(self) -> str:
        """The file it is kept in: JSON, a row a line."""
        lines = ",\n".join(json.dumps(asdict(row), sort_keys=True) for row in self.rows)
        head = {
            "type": _TYPE,
            "recipe": ROW_RECIPE,
            "dataset": self.dataset,
            "acquired": self.acquired,
        }
        return f'{json.dumps(head)[:-1]}, "rows": [\n{lines}\n]}}\n'


def find(
    dataset: Dataset, flagged: Mapping[int, Sequence[str]], *, places: Sequence[int], acquired: str
) -> Finding:
    """The rows that were flagged, known by their content.

    Args:
        dataset: What was checked.
        flagged: By index of a row in it, the expectations that named it.
        places: By index of a row in it, the index in the set as it was acquired.
        acquired: Digest of the set as it was acquired.
    """
    indexes = sorted(flagged)
    digests = row_digests(dataset.features[indexes], dataset.labels[indexes])
    return Finding(
        dataset.name,
        acquired,
        tuple(
            Suspect(row, int(places[index]), int(dataset.labels[index]), tuple(flagged[index]))
            for index, row in zip(indexes, digests, strict=True)
        ),
    )


@pydantic.with_config(pydantic.ConfigDict(extra="forbid", strict=True))
@dataclass(frozen=True, slots=True)
class _File:
    type: str
    recipe: str
    dataset: str
    acquired: str
    rows: Annotated[tuple[Suspect, ...], pydantic.Strict(strict=False)]


def read_finding(text: str | bytes) -> Finding:
    """A finding from its file.

    Raises:
        EvidenceMismatch: It is none, or of a recipe that is not known here.
    """
    try:
        file = pydantic.TypeAdapter(_File).validate_json(text)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "the file"
        raise EvidenceMismatch(f"no list of suspected rows: {where}: {problem['msg']}") from error
    if (file.type, file.recipe) != (_TYPE, ROW_RECIPE):
        raise EvidenceMismatch(
            f"a list of suspected rows of type {file.type!r} and recipe {file.recipe!r}, expected "
            f"{_TYPE!r} and {ROW_RECIPE!r}"
        )
    return Finding(file.dataset, file.acquired, file.rows)
