"""Strict YAML: JSON values only, no key twice, and the line of every key for messages."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from seclab.errors import Misconfigured

_MAX_DEPTH = 20
_WIDTH = 88
_FOLDED = 72
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class YamlMapping(dict[str, Any]):
    """A mapping that knows where it stands.

    Attributes:
        line: Line of the mapping, from 1.
        lines: Line of each key.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Line of a key; of the mapping where there is no such key."""
        return self.lines.get(key, self.line)


def parse(data: bytes, *, file: str) -> Any:
    """Read one YAML document.

    Only what JSON knows is read as anything but text: null, true, false, numbers. So ``on``,
    ``yes`` and dates stay texts, and ``1e-3`` is a number.

    Args:
        data: The file's bytes: UTF-8, with or without a byte-order mark.
        file: Name of the file, for messages.

    Returns:
        Null, texts, numbers, booleans, lists and :class:`YamlMapping`.

    Raises:
        Misconfigured: Another encoding, an empty or malformed document, a key twice, a key that is
            not a text, an alias, a tag, absurd nesting; each with its line.

    References:
        YAML 1.2.2, 10.3 Core schema.
    """
    text = decode(data, file=file)
    try:
        problems = list(_unsafe(text))
        value = None if problems else _construct(text, problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems = [(mark.line + 1 if mark else 1, f"malformed YAML: {error.problem}")]
    except yaml.reader.ReaderError as error:
        line = data.count(b"\n", 0, int(error.position)) + 1
        problems = [(line, "malformed YAML: a control character is not allowed")]
    if problems:
        raise Misconfigured([f"{file} line {line}: {problem}" for line, problem in problems])
    if value is None:
        raise Misconfigured(f"{file}: the file is empty")
    return value


def text_of(value: Any) -> str:
    """One YAML document that :func:`parse` reads as the same value, laid out for people.

    Keys keep their order. Texts that do not fit into a line are folded, those of several lines
    stand as they are.

    Args:
        value: Null, texts, numbers, booleans, lists and dicts of these.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def decode(data: bytes, *, file: str) -> str:
    """Text of a UTF-8 file, its byte-order mark removed.

    Raises:
        Misconfigured: Another encoding, with the line of the first wrong byte.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Misconfigured(f"{file} line {line}: not UTF-8; save the file as UTF-8") from error


def _unsafe(text: str) -> Iterator[tuple[int, str]]:
    """What must be refused before it is built: deep nesting ends the process."""
    depth = 0
    for token in yaml.scan(text, Loader=_Loader):
        line = token.start_mark.line + 1
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _MAX_DEPTH:
            yield line, f"malformed YAML: nested more than {_MAX_DEPTH} deep"
            return
        if isinstance(token, yaml.AliasToken):
            yield line, f"the alias *{token.value} is not allowed; write the value out"
        if isinstance(token, yaml.TagToken):
            yield line, "a tag (!) is not allowed; write the plain value"


def _construct(text: str, problems: list[tuple[int, str]]) -> Any:
    loader = _Loader(text)
    try:
        value = loader.get_single_data()
        problems += loader.problems
    finally:
        loader.dispose()
    return value


class _Loader(
    # The C parser where PyYAML has it: many times faster.
    yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # type: ignore[misc]
):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[tuple[int, str]] = []


def _mapping(loader: _Loader, node: yaml.MappingNode) -> YamlMapping:
    mapping = YamlMapping(node.start_mark.line + 1)
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            loader.problems.append((line, f"the key {key} must be a text; put it in quotes"))
        elif key in mapping:
            first = mapping.lines[key]
            loader.problems.append((line, f"the key {key} stands twice, first in line {first}"))
        else:
            mapping[key] = loader.construct_object(value_node, deep=True)
            mapping.lines[key] = line
    return mapping


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    text = loader.construct_scalar(node).lower()
    try:
        return (
            int(text)
            if node.tag == f"{_TAG}int"
            else float(text.replace(".inf", "inf").replace(".nan", "nan"))
        )
    except ValueError as error:  # Python refuses to read thousands of digits
        problem = "the number has too many digits"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


_TAG = "tag:yaml.org,2002:"
_PLAIN_SCALARS = (
    ("null", "~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
)
_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in _PLAIN_SCALARS:
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), [*_first])
_Loader.yaml_constructors = {
    f"{_TAG}null": yaml.constructor.SafeConstructor.construct_yaml_null,
    f"{_TAG}bool": yaml.constructor.SafeConstructor.construct_yaml_bool,
    f"{_TAG}str": yaml.constructor.SafeConstructor.construct_yaml_str,
    f"{_TAG}int": _number,
    f"{_TAG}float": _number,
    f"{_TAG}seq": _sequence,
    f"{_TAG}map": _mapping,
}


class _Dumper(yaml.SafeDumper):
    """Writes plain what the loader reads as a text, and quotes the rest."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the base class names them
        """Lists stand inside the key they belong to."""
        super().increase_indent(flow=flow, indentless=False)


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = ">" if len(text) > _FOLDED else ""
    if "\n" in text:
        style = "|"
    if not text.replace("\n", "").isprintable():
        style = '"'  # with escapes: some of these characters would be taken for line breaks
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


def _write_list(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    """Lists of words in one line, everything else item by item."""
    words = all(isinstance(item, str) and item.isprintable() and " " not in item for item in items)
    return dumper.represent_sequence(f"{_TAG}seq", items, flow_style=words)


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(list, _write_list)
