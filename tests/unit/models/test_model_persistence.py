import io
import json
import os
import sys
import zipfile

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from seclab.errors import UntrustedModel
from seclab.fingerprint import of_bytes
from seclab.models.persistence import dumps, loads

X, Y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]]), np.array([0, 1, 1, 0])

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")


@pytest.fixture(scope="module")
def small():
    """A model small enough to be broken hundreds of times."""
    scaler = MinMaxScaler().fit(X)
    classifier = LogisticRegression().fit(scaler.transform(X), Y)
    return Pipeline([("scale", scaler), ("classify", classifier)])


def _refused(data):
    """Load a file whose digest matches: only what is in it can speak against it."""
    with pytest.raises(UntrustedModel) as caught:
        loads(data, expected=of_bytes(data))
    return str(caught.value)


def _with_schema(data, schema):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(schema) if name == "schema.json" else old.read(name))
    return buffer.getvalue()


def _schema(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read("schema.json"))


@pytest.mark.parametrize("name", ["softmax-regression", "mlp", "mlp-hardened", "random-forest"])
def test_every_model_of_the_lab_survives_its_file(name, trained, splits):
    model = trained(name)
    rows = splits.test.features

    loaded = loads(model.data, expected=model.digest)

    assert np.array_equal(loaded.predict_proba(rows), model.pipeline.predict_proba(rows))
    # Not so for a tree: scikit-learn clears the padding of its nodes when it trains them, and
    # numpy does not when it copies them.
    assert dumps(loaded) == model.data or name == "random-forest"


def test_the_bytes_depend_on_nothing_but_the_model(small):
    keep = [small, *(bytearray(1000) for _ in range(100))]  # other addresses for what comes next
    copy = Pipeline([(name, step) for name, step in skops.io.loads(skops.io.dumps(small)).steps])

    assert dumps(small) == dumps(small) == dumps(copy)
    assert len(keep) == 101


def test_the_file_holds_no_time_and_no_address(small):
    data = dumps(small)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    numbered = [entry.filename for entry in entries][:-1]
    assert numbered == [f"{number}.npy" for number in range(1, len(entries))]
    assert entries[-1].filename == "schema.json"
    identities = [int(found) for found in _identities(_schema(data))]
    assert max(identities) <= len(identities)


def _identities(node):
    if isinstance(node, dict):
        if "__id__" in node:
            yield node["__id__"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _identities(item)


def test_another_digest_is_refused_before_anything_is_read(small):
    with pytest.raises(
        UntrustedModel, match=r"has digest sha256:bytes:.* the record says"
    ) as caught:
        loads(b"not even a zip", expected=of_bytes(dumps(small)))
    assert "train it again" in str(caught.value)


def test_one_changed_bit_is_refused(small):
    data = bytearray(dumps(small))
    digest = of_bytes(bytes(data))
    data[len(data) // 2] ^= 1

    with pytest.raises(UntrustedModel, match="it was changed"):
        loads(bytes(data), expected=digest)


@given(length=st.floats(0.0, 0.999))
@settings(max_examples=30)
def test_a_truncated_file_is_refused_even_with_its_own_digest(small, length):
    data = dumps(small)

    assert "damaged" in _refused(data[: int(length * len(data))])


def test_what_is_no_model_file_is_refused():
    assert "damaged" in _refused(b"")
    assert "damaged" in _refused(b"\x80\x04\x95 a pickle")


def _places(node):
    """Every (container, key) of a JSON document."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


@given(
    data=st.data(),
    value=st.sampled_from([None, 0, -1, True, "x", "os.system", "builtins", "posix", [], {}]),
)
@settings(max_examples=120)
def test_a_crafted_file_is_loaded_as_a_model_or_refused_and_nothing_else(small, data, value):
    schema = _schema(dumps(small))
    places = list(_places(schema))
    container, key = places[data.draw(st.integers(0, len(places) - 1))]
    if data.draw(st.booleans()):
        container[key] = value
    else:
        del container[key]
    crafted = _with_schema(dumps(small), schema)

    try:
        loads(crafted, expected=of_bytes(crafted))
    except UntrustedModel:
        return


def test_code_in_a_transformer_is_refused():
    data = skops.io.dumps(FunctionTransformer(os.system).fit(X))

    assert "not trusted: ['posix.system']" in _refused(data)


def test_code_among_the_parameters_of_a_trusted_type_is_refused(small):
    model = Pipeline([*small.steps])
    model.memory = eval

    assert "builtins.eval" in _refused(skops.io.dumps(model))


def test_a_class_of_the_schema_cannot_be_swapped_for_another(small):
    schema = _schema(dumps(small))
    schema["__module__"], schema["__class__"] = "subprocess", "Popen"

    assert "subprocess.Popen" in _refused(_with_schema(dumps(small), schema))


def test_a_foreign_module_is_not_even_imported(tmp_path, monkeypatch):
    marker = tmp_path / "was-run"
    (tmp_path / "foreign_code.py").write_text(
        "from pathlib import Path\n\n\n"
        "class Thing:\n"
        "    def __setstate__(self, state):\n"
        f"        Path({str(marker)!r}).touch()\n\n\n"
        f"if {str(marker)!r} != __name__ and __import__('os').environ.get('ARMED'):\n"
        f"    Path({str(marker)!r}).touch()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    foreign = __import__("foreign_code")
    data = skops.io.dumps(foreign.Thing())
    del sys.modules["foreign_code"]
    monkeypatch.setenv("ARMED", "1")

    assert "foreign_code.Thing" in _refused(data)
    assert "foreign_code" not in sys.modules
    assert not marker.exists()


def test_a_compressed_member_is_refused_before_it_is_read(small):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(dumps(small))) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), compress_type=zipfile.ZIP_DEFLATED)

    assert "compressed members" in _refused(buffer.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(small):
    buffer = io.BytesIO(dumps(small))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("schema.json", archive.read("schema.json"))

    assert "two of the same name" in _refused(buffer.getvalue())
