"""Parquet files: flat columns of numbers and one of labels, read in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from seclab.data_files.limits import Limits
from seclab.data_files.problems import Problems, shown
from seclab.data_files.raw import Labels, Raw, check_names, label_column
from seclab.errors import InvalidData, Misconfigured

_MAGIC = b"PAR1"
_CELLS_AT_ONCE = 2**20
_LONGEST_LABEL = 4096
_STRICT = {
    "pre_buffer": False,
    "page_checksum_verification": True,
    "thrift_string_size_limit": 2**24,
}
_INDEX = "__index_level_"


def read_parquet(stream: BinaryIO, *, label: str | None, limits: Limits, problems: Problems) -> Raw:
    """Read a Parquet file.

    Args:
        stream: The file.
        label: Name of the label column, or None.
        limits: How large it may be. What the file claims is held against them before any of it
            is decoded, and again while it is.
        problems: Where problems are noted.

    Raises:
        InvalidData: What ends the reading; the rest is in ``problems``.
        Misconfigured: No column is the one asked for, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - half a second, and only the pipeline brings it
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise Misconfigured(
            f"{problems.file}: Parquet needs pyarrow; install the project with its extra "
            "'pipeline', or save the file as CSV"
        ) from error
    _require_footer(stream, limits, problems)
    try:
        layout = _layout(pq.ParquetFile(stream, **_STRICT), label, limits, problems)
        stream.seek(0)
        # Labels stay a dictionary: one long text for a million rows must not become a million.
        file = pq.ParquetFile(stream, read_dictionary=[layout.label], **_STRICT)
        features, labels = _values(file, layout, limits, problems)
    except (InvalidData, Misconfigured):
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise problems.stop(f"damaged, or no Parquet file: {_first_line(error)}") from error
    names = tuple(name for name in layout.names if name != layout.label)
    return Raw(features, labels.codes(), labels.texts(), names, notes=layout.notes)


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the footer says: the columns in use, the one of labels, and the rows claimed."""

    names: list[str]
    label: str
    rows: int
    notes: list[str]


def _require_footer(stream: BinaryIO, limits: Limits, problems: Problems) -> None:
    """The table of contents is there and of bearable size."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 8))
    tail = stream.read(8)
    length = int.from_bytes(tail[:4], "little")
    stream.seek(0)
    if size < 12 or tail[4:] != _MAGIC or length > size - 12:
        raise problems.stop("cut off, or no Parquet file: there is no footer at its end")
    if length > limits.index_bytes:
        raise problems.stop(f"the footer has {length} bytes, the limit is {limits.index_bytes}")


def _layout(file: Any, label: str | None, limits: Limits, problems: Problems) -> _Layout:
    schema, rows = file.schema_arrow, file.metadata.num_rows
    everything = list(schema.names)
    used = [at for at, name in enumerate(everything) if not name.startswith(_INDEX)]
    names = [everything[at] for at in used]
    for excess in limits.exceeded_by(rows, max(0, len(names) - 1)):
        problems.add(excess)
    expanded = sum(
        file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups)
    )
    if expanded > limits.expanded_bytes:
        problems.add(f"it claims {expanded} bytes unpacked, the limit is {limits.expanded_bytes}")
    problems.settle()
    if rows < 1:
        raise problems.stop("it holds no rows")
    if len(names) < 2:
        raise problems.stop("one column only; rows need features and a label")
    check_names(names, problems)
    position, how = label_column(names, label, file=problems.file)
    for at, name in zip(used, names, strict=True):
        reason = _unreadable(schema.field(at).type, is_label=name == names[position])
        if reason:
            problems.add(f"column {shown(name)} holds {schema.field(at).type}, not {reason}")
    problems.settle()
    notes = [how]
    if len(names) < len(everything):
        notes.append("the index column left out")
    return _Layout(names, names[position], rows, notes)


def _values(
    file: Any, layout: _Layout, limits: Limits, problems: Problems
) -> tuple[np.ndarray, Labels]:
    claimed = layout.rows
    features = np.empty((claimed, len(layout.names) - 1))
    labels = Labels(limits.classes, problems)
    row = 0
    for batch in _batches(file, layout.names):
        end = row + batch.num_rows
        if end > claimed:
            raise problems.stop(f"it claims {claimed} rows and holds more")
        target = 0
        for at, name in enumerate(layout.names):
            if name == layout.label:
                texts = _label_texts(batch.column(at), problems)
                labels.add(texts, (f"row {number}" for number in range(row, end)))
            else:
                features[row:end, target] = _floats(batch.column(at), name, problems)
                target += 1
        row = end
        if problems.full:
            break
    if row < claimed and not problems:
        raise problems.stop(f"it claims {claimed} rows and holds {row}")
    return features, labels


def _batches(file: Any, names: list[str]) -> Iterator[Any]:
    size = max(1, min(2**16, _CELLS_AT_ONCE // len(names)))
    for batch in file.iter_batches(batch_size=size, columns=names, use_threads=False):
        # The columns come in the order of the file; take them by name to be sure of it.
        yield batch.select(names)


def _unreadable(kind: Any, *, is_label: bool) -> str | None:
    """What a column would have to hold instead, if it cannot be read."""
    from pyarrow import types  # noqa: PLC0415 - see read_parquet

    number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    if not is_label:
        return None if number or types.is_decimal(kind) else "numbers"
    inner = kind.value_type if types.is_dictionary(kind) else kind
    text = types.is_string(inner) or types.is_large_string(inner)
    return None if number or text or types.is_integer(inner) else "texts or whole numbers"


def _floats(column: Any, name: str, problems: Problems) -> np.ndarray:
    """Values as float64, missing ones as NaN."""
    import pyarrow as pa  # noqa: PLC0415 - see read_parquet

    try:
        whole = column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column
        floats: np.ndarray = whole.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        problems.add(f"column {shown(name)} holds whole numbers that float64 cannot hold exactly")
        return np.full(len(column), np.nan)
    return floats


def _label_texts(column: Any, problems: Problems) -> list[str]:
    """Labels as texts, missing ones empty."""
    import pyarrow as pa  # noqa: PLC0415 - see read_parquet
    import pyarrow.compute as pc  # noqa: PLC0415

    if not pa.types.is_dictionary(column.type):
        return ["" if value is None else str(value) for value in column.to_pylist()]
    kind = column.type.value_type
    if not pa.types.is_integer(kind):
        longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
        if longest > _LONGEST_LABEL:
            raise problems.stop(f"a label of {longest} bytes, the limit is {_LONGEST_LABEL}")
    known = ["" if value is None else str(value) for value in column.dictionary.to_pylist()]
    return ["" if at is None else known[at] for at in column.indices.to_pylist()]


def _first_line(error: Exception) -> str:
    return shown(str(error).partition("\n")[0][:200]).strip("'\"")
