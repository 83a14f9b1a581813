"""Hostile NPZ files are refused, and nothing in them runs."""

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from seclab.data_files import Limits
from tests.unit.data_files.conftest import FEATURES, LABELS, npy, npz, zipped

GOOD = npz(x=FEATURES, y=LABELS)
Y = npy(
    "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n", LABELS.astype("<i8").tobytes()
)
EIGHT = FEATURES.astype("<f8").tobytes()


class _Trap:
    """What would leave a trace if it were ever unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


def npz_with(x):
    return zipped([("x.npy", x), ("y.npy", Y)])


def claiming(shape="(3, 2)", descr="'<f8'", data=EIGHT):
    return npz_with(
        npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n", data)
    )


def test_a_header_written_by_hand_is_read(read):
    assert np.array_equal(read(claiming(), name="a.npz").features, FEATURES)
    second = npy("", b"", version=b"\x02\x00")[:8] + claiming_header_of_two()
    assert np.array_equal(read(npz_with(second), name="a.npz").features, FEATURES)


def claiming_header_of_two():
    text = b"{'shape':(3,2),'descr':'<f8','fortran_order':False}\n"
    return len(text).to_bytes(4, "little") + text + EIGHT


@pytest.mark.parametrize("where", ["x", "y", "extra"])
def test_a_pickle_is_refused_and_never_opened(refused, tmp_path, monkeypatch, where):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    trap = np.empty(3, dtype=object)
    trap[:] = [_Trap()] * 3
    found = refused(npz(**{"x": FEATURES, "y": LABELS} | {where: trap}), name="a.npz")

    assert found == [f"'{where}' holds objects, which only a pickle can carry; it is never opened"]
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (claiming("(1000000000, 784)"), "'x' claims 6272000000000 bytes, the limit is 4294967296"),
        (claiming("(3, 999999999999999999)"), "'x' claims 23999999999999999976 bytes"),
        (claiming("(99999999999999999999999,)"), "'x' has shape (99999999999999999999999,)"),
        (claiming("(3, 3)"), "'x' claims 72 bytes and holds 48: cut off"),
        (claiming("(3, 1)"), "'x' holds more than the 24 bytes that it claims"),
        (claiming("(3, -2)"), "'x' has a header that is none"),
        (claiming("(3, 0)", data=b""), "'x' has shape (3, 0); rows and columns are needed"),
        (claiming("(0, 2)", data=b""), "shapes (0, 2) and (3,): every row needs one label"),
        (claiming("()"), "'x' has shape (); rows and columns are needed"),
        (claiming(descr="'|O'"), "'x' holds objects"),
        (claiming(descr="[('a', '<f8'), ('b', '|O')]"), "'x' has a header that is none"),
        (claiming(descr="'<c16'"), "'x' holds complex128, which is not read"),
        (claiming(descr="'<M8'"), "'x' holds datetime64"),
        (claiming(descr="'<f99'"), "'x' has a header that is none"),
        (claiming(descr="'|V8'"), "'x' holds |V8, which is not read"),
        (claiming(descr="'<U0'"), "'x' has a header that is none: 'values of no size'"),
        (claiming(shape="(__import__('os').getpid(), 2)"), "'x' has a header that is none"),
        (claiming(shape="(" * 5000), "'x' has a header that is none"),
        (npz_with(npy(" " * 20_000)), "'x' has a header that is none: '20000 bytes, the limit"),
        (npz_with(npy("{}", version=b"\x03\x00")), "'x' has a header that is none: 'no array"),
        (npz_with(b"PK"), "'x' has a header that is none"),
    ],
)
def test_headers_that_claim_too_much_are_refused_before_memory_is_taken(refused, content, problem):
    tracemalloc.start()
    found = refused(content, name="a.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert any(entry.startswith(problem) for entry in found), found
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"x": FEATURES, "y": LABELS[:2]}, "shapes (3, 2) and (2,): every row needs one label"),
        ({"x": FEATURES, "y": np.eye(3)}, "'y' has shape (3, 3); one label a row is needed"),
        ({"x": FEATURES.astype("c8"), "y": LABELS}, "'x' holds complex64, which is not read"),
        ({"x": FEATURES, "y": np.array(["a", "", "b"])}, "row 1: the label is missing"),
        ({"x": FEATURES, "y": np.array([0, np.nan, 1])}, "row 1: the label is missing"),
        ({"x": FEATURES, "y": np.array([0, 0.5, 1])}, "the label '0.5' is no class"),
        ({"x": FEATURES, "y": np.array([b"a", b"\xff", b"b"])}, "'y' holds texts that are none"),
        ({"x": FEATURES, "y": np.array(["a", "\ud800", "b"])}, "row 1: the label '\\ud800' is"),
        ({"x": FEATURES, "y": np.array(["a", "=A1", "b"])}, "row 1: the label '=A1' is refused"),
        ({"x": FEATURES, "y": np.array(["a" * 1100, "b", "c"])}, "labels of 4400 bytes each"),
        (
            {"x": np.array([[2**53 + 1], [0], [1]]), "y": LABELS},
            "'x' holds whole numbers that float64 cannot hold exactly",
        ),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, "it holds no rows"),
    ],
)
def test_arrays_that_are_no_labelled_rows_are_refused(refused, arrays, problem):
    (found,) = refused(npz(**arrays), name="a.npz")

    assert found.startswith(problem)


def test_characters_that_are_none_are_refused(refused):
    header = "{'descr': '<U1', 'fortran_order': False, 'shape': (3,), }\n"
    labels = npy(header, b"a\0\0\0\xff\xff\xff\xff" + b"b\0\0\0")
    content = zipped([("x.npy", io_of(FEATURES)), ("y.npy", labels)])

    assert refused(content, name="a.npz") == ["'y' holds texts that are none"]


def io_of(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "../x.npy",
        "/x.npy",
        "a/x.npy",
        "a\\x.npy",
        "C:x.npy",
        "x.pkl",
        "x",
        "dir/",
        ".npy",
        "x\n.npy",
    ],
)
def test_entries_that_are_no_plain_names_are_refused(refused, name):
    found = refused(zipped([("x.npy", b""), (name, b"")]), name="a.npz")

    assert any("is no array: a plain name.npy is expected" in problem for problem in found)
    assert all(problem.isprintable() for problem in found)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["x.npy", "X.npy"])
def test_entries_that_stand_twice_are_refused(refused, twin):
    found = refused(zipped([("x.npy", b""), (twin, b"")]), name="a.npz")

    assert found == [f"the entry '{twin}' stands twice"]


def test_links_inside_are_refused(refused):
    link = zipfile.ZipInfo("x.npy")
    link.external_attr = 0o120777 << 16

    assert refused(zipped([(link, b"/etc/passwd")]), name="a.npz") == [
        "the entry 'x.npy' is no regular file"
    ]


def test_encrypted_and_oddly_packed_entries_are_refused(refused):
    content = bytearray(zipped([("x.npy", b"")]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    assert refused(bytes(content), name="a.npz") == ["the entry 'x.npy' is encrypted"]

    packed = zipped([("x.npy", b"")], method=zipfile.ZIP_LZMA)
    assert refused(packed, name="a.npz") == ["the entry 'x.npy' is neither stored nor deflated"]


def test_an_empty_archive_and_one_of_too_many_entries_are_refused(refused):
    assert refused(zipped([]), name="a.npz") == ["the archive is empty"]
    many = zipped([(f"{i}.npy", b"") for i in range(1001)])
    assert refused(many, name="a.npz") == ["1001 entries, the limit is 1000"]


def test_a_table_of_contents_of_megabytes_is_refused(refused):
    content = zipped([(f"{'x' * 60000}{i}", b"") for i in range(40)])
    (found,) = refused(content, name="a.npz")

    assert "a table of contents of more than" in found


def test_a_zip_bomb_is_refused_while_it_is_unpacked(refused, monkeypatch):
    monkeypatch.setattr("seclab.data_files.npy_stream._HARMLESS", 2**21)
    bomb = npz(x=np.zeros((1000, 1000)), y=np.arange(1000) % 2)
    assert len(bomb) < 20_000
    (found,) = refused(bomb, name="bomb.npz")

    assert found.startswith("'x' expands to more than 200 times its size: a zip bomb")


def test_what_expands_much_and_stays_small_is_no_bomb(read):
    flat = npz(x=np.zeros((2000, 784)), y=np.arange(2000) % 2)
    assert len(flat) < 2000 * 784 * 8 / 200

    assert len(read(flat, name="flat.npz")) == 2000


def test_the_sizes_in_the_zip_are_not_believed(read, refused):
    (found,) = refused(claiming_size(1), name="a.npz")
    assert found.startswith("damaged, or no NPZ file")

    assert np.array_equal(read(claiming_size(2**31), name="a.npz").features, FEATURES)


def claiming_size(size):
    content = bytearray(GOOD)
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(mark) + offset
        content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"rows": 2}, "it claims 3 rows"),
        ({"columns": 1}, "it claims 2 columns"),
        ({"cells": 5}, "it claims 6 cells"),
        ({"expanded_bytes": 47}, "'x' claims 48 bytes"),
        ({"classes": 1}, "row 1: the label column holds more than 1"),
    ],
)
def test_every_limit_is_kept(read, refused, limits, problem):
    assert refused(GOOD, name="a.npz", limits=Limits(**limits))[0].startswith(problem)
    ((name, value),) = limits.items()
    read(GOOD, name="a.npz", limits=Limits(**{name: value + 1}))


def test_a_file_that_is_cut_off_or_changed_is_refused_everywhere(refused):
    for length in range(4, len(GOOD), 7):
        refused(GOOD[:length], name="a.npz")
    at = GOOD.index(b"x.npy") + 40  # among the compressed values: the checksum tells
    for byte in range(at, at + 20):
        changed = bytearray(GOOD)
        changed[byte] ^= 1
        refused(bytes(changed), name="a.npz")
