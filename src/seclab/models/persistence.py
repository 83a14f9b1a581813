"""Model files: canonical skops bytes, so that equal models have equal digests, and safe loading.

skops imports all of scikit-learn: it is imported when a model is saved or loaded, not before.
"""

import io
import json
import zipfile
from typing import Any

from sklearn.pipeline import Pipeline

from seclab.errors import UntrustedModel
from seclab.fingerprint import Digest, of_bytes

# Types beyond skops' own safe list that the models of the lab are made of. Each was read: neither
# runs code when it is rebuilt. Never extend this from what a file says of itself.
TRUSTED_TYPES = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
)

_EPOCH = (1980, 1, 1, 0, 0, 0)


def dumps(model: Pipeline) -> bytes:
    """A fitted model as skops bytes that depend on nothing but the model.

    skops names array files and objects by memory address and stamps entries with the time of
    day; both are replaced, so that training twice with one seed gives one digest.
    """
    import skops.io  # noqa: PLC0415 - see above

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        schema = json.loads(archive.read("schema.json"))
        names: dict[str, str] = {}
        _renumber(schema, {}, names)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as canonical:
            for old, new in names.items():
                canonical.writestr(zipfile.ZipInfo(new, _EPOCH), archive.read(old))
            text = json.dumps(schema, separators=(",", ":"))
            canonical.writestr(zipfile.ZipInfo("schema.json", _EPOCH), text)
    return buffer.getvalue()


def _renumber(node: Any, numbers: dict[object, int], names: dict[str, str]) -> None:
    """Replace addresses by numbers in order of first sight, in place."""
    if isinstance(node, list):
        for item in node:
            _renumber(item, numbers, names)
    if not isinstance(node, dict):
        return
    if "__id__" in node:
        # Whether two equal literals share an address is the interpreter's whim: number by content.
        literal = node["content"] if node.get("is_json") else None
        key = ("literal", node["__class__"], literal) if literal is not None else node["__id__"]
        node["__id__"] = numbers.setdefault(key, len(numbers) + 1)
    if node.get("type") == "numpy":
        node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.npy")
    for value in node.values():
        _renumber(value, numbers, names)


def loads(data: bytes, *, expected: Digest) -> Pipeline:
    """A model from its bytes, only after the digest matched and only of trusted types.

    Args:
        data: Content of a skops file.
        expected: The digest recorded when the model was trained.

    Raises:
        UntrustedModel: Another digest, a damaged file, an archive that :func:`dumps` would not
            write, or types that are not on our list.
    """
    import skops.io  # noqa: PLC0415 - see above

    found = of_bytes(data)
    if found != expected:
        raise UntrustedModel(
            f"the model file has digest {found}, the record says {expected}: it was changed or "
            "belongs to another model; train it again or restore the recorded file"
        )
    try:
        _require_plain_archive(data)
        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES))
        if unknown:
            raise UntrustedModel(f"the model file holds types that are not trusted: {unknown}")
        return skops.io.loads(data, trusted=list(TRUSTED_TYPES))
    except UntrustedModel:
        raise
    except Exception as error:
        # A crafted schema can make skops raise nearly anything; none of it may pass for a model.
        raise UntrustedModel(f"the model file is damaged: {error}") from error


def _require_plain_archive(data: bytes) -> None:
    """Refuse what :func:`dumps` never writes and readers of archives take differently.

    A compressed member can fill the memory; of two members of one name nobody knows which counts.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    names = {member.filename for member in members}
    if len(names) < len(members) or any(member.compress_type for member in members):
        raise UntrustedModel("the model file holds compressed members or two of the same name")
