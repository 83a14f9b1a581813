"""Manipulated model files: damage, another model under the name, and content that runs code.

Everything is made from bytes in memory. What is hostile tries to make a folder, the canary, and
nothing else: whether it was made says whether code of the file ran.
"""

import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

_SCHEMA = "schema.json"
# Enough to be seen in memory, too little to harm the machine that measures.
_BLANKS = 2**20

Sort = Literal["damage", "hostile", "swap"]


@dataclass(frozen=True, slots=True)
class Material:
    """What an attacker has in hand.

    Attributes:
        own: The model file under attack.
        members: The members of its archive.
        weights: Names of those members that hold weights which can be moved about.
        decoy: A small file of another model, to be put content into or taken a member from.
        another: Gives the file of yet another model.
        canary: A folder that does not exist; hostile content tries to make it.
    """

    own: bytes
    members: dict[str, bytes]
    weights: tuple[str, ...]
    decoy: bytes
    another: Callable[[np.random.Generator], bytes]
    canary: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of manipulation.

    Attributes:
        name: For tables.
        sort: ``damage`` breaks the file, ``hostile`` puts into it what no model file may hold,
            ``swap`` leaves a well-formed file of another model.
        make: Gives one such file.
    """

    name: str
    sort: Sort
    make: Callable[[Material, np.random.Generator], bytes]


class _Payload:
    """Makes the canary when it is unpickled."""

    def __init__(self, canary: str) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self._canary,)


def material(
    own: bytes,
    *,
    another: Callable[[np.random.Generator], bytes],
    canary: str,
    rng: np.random.Generator,
) -> Material:
    """Read a model file once, for all that is made of it.

    Args:
        own: A file as :func:`seclab.models.persistence.dumps` writes it.
        another: Gives the file of another model of the same kind.
        canary: A folder that does not exist, below one that does.
        rng: Decides about the decoy.
    """
    members = _members(own)
    arrays = {name: _array(data) for name, data in members.items() if name.endswith(".npy")}
    weights = tuple(
        name
        for name, array in arrays.items()
        if array.dtype == np.float64
        and array.ndim
        and not np.array_equal(array, np.roll(array, 1, axis=-1))
    )
    return Material(own, members, weights, another(rng), another, canary)


def _one_byte(given: Material, rng: np.random.Generator) -> bytes:
    data = bytearray(given.own)
    data[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
    return bytes(data)


def _truncated(given: Material, rng: np.random.Generator) -> bytes:
    return given.own[: int(rng.integers(len(given.own)))]


def _member_missing(given: Material, rng: np.random.Generator) -> bytes:
    members = list(_members(given.decoy).items())
    del members[int(rng.integers(len(members)))]
    return _archive(members)


def _weights_moved(given: Material, rng: np.random.Generator) -> bytes:
    """Every array of weights moved along its last axis: shapes, types and ranges stay."""
    moved = {}
    for name in given.weights:
        array = _array(given.members[name])
        moved[name] = _npy(np.roll(array, int(rng.integers(1, array.shape[-1])), axis=-1))
    return _archive((given.members | moved).items())


def _another_model(given: Material, rng: np.random.Generator) -> bytes:
    return given.another(rng)


def _pickle_in_its_place(given: Material, rng: np.random.Generator) -> bytes:
    protocol = int(rng.integers(pickle.HIGHEST_PROTOCOL + 1))
    return pickle.dumps(_Payload(given.canary), protocol=protocol)


def _pickled_member(given: Material, rng: np.random.Generator) -> bytes:
    """An array of objects, which numpy would read with pickle."""
    members = _members(given.decoy)
    arrays = [name for name in members if name.endswith(".npy")]
    payload = np.array([_Payload(given.canary)], dtype=object)
    name = arrays[int(rng.integers(len(arrays)))]
    return _archive((members | {name: _npy(payload, pickled=True)}).items())


def _untrusted_object(given: Material, rng: np.random.Generator) -> bytes:
    members = _members(given.decoy)
    return _archive((members | {_SCHEMA: _hostile_schema(members, given.canary, rng)}).items())


def _second_schema(given: Material, rng: np.random.Generator) -> bytes:
    """The hostile schema behind a harmless one of the same name: readers differ in which counts."""
    members = _members(given.decoy)
    hostile = (_SCHEMA, _hostile_schema(members, given.canary, rng))
    return _archive([*members.items(), hostile])


def _deep_nesting(given: Material, rng: np.random.Generator) -> bytes:
    depth = int(rng.integers(10_000, 50_000))
    schema = b'{"protocol":0,"content":' + b"[" * depth + b"]" * depth + b"}"
    return _archive((_members(given.decoy) | {_SCHEMA: schema}).items())


def _inflating_member(given: Material, rng: np.random.Generator) -> bytes:
    members = _members(given.decoy)
    blanks = b" " * int(rng.integers(_BLANKS // 2, _BLANKS))
    return _archive((members | {_SCHEMA: members[_SCHEMA] + blanks}).items(), zipfile.ZIP_DEFLATED)


KINDS = (
    Kind("byte changed", "damage", _one_byte),
    Kind("truncated", "damage", _truncated),
    Kind("member missing", "damage", _member_missing),
    Kind("pickle in its place", "hostile", _pickle_in_its_place),
    Kind("pickle as a member", "hostile", _pickled_member),
    Kind("object of an untrusted type", "hostile", _untrusted_object),
    Kind("second schema of the same name", "hostile", _second_schema),
    Kind("deep nesting", "hostile", _deep_nesting),
    Kind("member that inflates", "hostile", _inflating_member),
    Kind("weights moved", "swap", _weights_moved),
    Kind("another model", "swap", _another_model),
)


def _hostile_schema(members: dict[str, bytes], canary: str, rng: np.random.Generator) -> bytes:
    """The schema with an object of an untrusted type where one of the arrays stood."""
    schema = json.loads(members[_SCHEMA])
    arrays = [node for node in _nodes(schema) if node.get("__loader__") == "NdArrayNode"]
    node = arrays[int(rng.integers(len(arrays)))]
    node.clear()
    hostile = _hostile_objects(canary)
    node.update(hostile[int(rng.integers(len(hostile)))])
    return json.dumps(schema).encode()


def _hostile_objects(canary: str) -> tuple[dict[str, Any], ...]:
    """Nodes of a skops schema: a call made while loading, and things that wait to be called."""
    mkdir = _node("FunctionNode", "os", "mkdir", content={"function": "mkdir", "module_path": "os"})
    words = _node("TupleNode", "builtins", "tuple", content=[_literal(canary)])
    nothing = _node(
        "DictNode", "builtins", "dict", content={}, key_types=_node("ListNode", content=[])
    )
    partial = {"func": mkdir, "args": words, "kwds": nothing, "namespace": _literal(None)}
    return (
        _node("LossNode", "os", "mkdir", content=nothing, __reduce__={"args": words}),
        _node("PartialNode", "functools", "partial", content=partial),
        mkdir,
        _node("TypeNode", "subprocess", "Popen"),
        _node("ObjectNode", "builtins", "eval", content=nothing),
    )


def _node(
    loader: str, module: str = "builtins", name: str = "list", **more: object
) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def _literal(value: object) -> dict[str, Any]:
    return _node("JsonNode", "builtins", "str", content=json.dumps(value), is_json=True)


def _nodes(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name that stands twice
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
    return buffer.getvalue()


def _array(data: bytes) -> np.ndarray:
    array: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def _npy(array: np.ndarray, *, pickled: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=pickled)
    return buffer.getvalue()
