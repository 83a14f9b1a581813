"""A first pass over a CSV file, byte by byte: encoding, length of lines, number of lines."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from seclab.data_files.limits import Limits
from seclab.data_files.problems import Problems

_BLOCK = 2**20
_MARK = codecs.BOM_UTF8
# UTF-32 first: its mark for little-endian begins with that of UTF-16.
_WIDE = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


@dataclass(slots=True)
class Survey:
    """What is known before the first number is read.

    Attributes:
        start: Bytes of a byte-order mark at the beginning.
        lines: Number of lines, the last one counted even where no line break ends it.
    """

    start: int
    lines: int


def survey(stream: BinaryIO, limits: Limits, problems: Problems) -> Survey:
    """Look at every byte once, in blocks, so that what follows may read line by line.

    Raises:
        InvalidData: Not UTF-8, a NUL byte, a line that is too long, each with its line; or too
            many rows.
    """
    head = stream.read(4)
    wide = next((name for mark, name in _WIDE if head.startswith(mark)), None)
    if wide:
        raise problems.stop(f"it is {wide}; save it as UTF-8", at="line 1")
    start = len(_MARK) if head.startswith(_MARK) else 0
    stream.seek(start)
    decoder = codecs.getincrementaldecoder("utf-8")()
    breaks, tail, last = 0, 0, b""
    while block := stream.read(_BLOCK):
        _require_text(block, decoder, breaks, problems)
        tail = _require_short_lines(block, tail, breaks, limits.line_bytes, problems)
        breaks += block.count(b"\n")
        last = block
        if breaks > limits.rows + 1:
            raise problems.stop(f"it holds more than {limits.rows} rows")
    _decode(decoder, b"", breaks, problems, final=True)
    return Survey(start, breaks + (not last.endswith(b"\n")))


def _require_text(
    block: bytes, decoder: codecs.IncrementalDecoder, breaks: int, problems: Problems
) -> None:
    nul = block.find(b"\0")
    if nul >= 0:
        line = breaks + block.count(b"\n", 0, nul) + 1
        raise problems.stop("a NUL byte; this is no text, or UTF-16", at=f"line {line}")
    pending = decoder.getstate()[0]
    if pending or not block.isascii():
        _decode(decoder, block, breaks, problems)


def _decode(
    decoder: codecs.IncrementalDecoder,
    block: bytes,
    breaks: int,
    problems: Problems,
    *,
    final: bool = False,
) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line = breaks + error.object.count(b"\n", 0, error.start) + 1
        raise problems.stop("not UTF-8; save the file as UTF-8", at=f"line {line}") from error


def _require_short_lines(
    block: bytes, tail: int, breaks: int, limit: int, problems: Problems
) -> int:
    """Refuse a line above the limit; gives the length of the line that the block leaves open."""
    # Where whole blocks are short enough, so is every line inside one.
    ends = (block.find(b"\n"), block.rfind(b"\n"))
    if ends[0] >= 0 and tail + ends[0] <= limit and len(block) <= limit:
        return len(block) - ends[1] - 1
    pieces = block.split(b"\n")
    for index, piece in enumerate(pieces):
        length = len(piece) + (tail if index == 0 else 0)
        if length > limit:
            raise problems.stop(
                f"the line has more than {limit} bytes", at=f"line {breaks + index + 1}"
            )
    return len(pieces[-1]) + (tail if len(pieces) == 1 else 0)
