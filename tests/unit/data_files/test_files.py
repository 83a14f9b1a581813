"""What is opened at all: one regular file, of a known kind, that stays the same."""

import contextlib
import os
import pickle
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.data_files import Limits, read_dataset
from seclab.errors import InvalidData, Misconfigured
from tests.unit.data_files.conftest import FEATURES, LABELS, npz

GOOD = "label,a\n0,1\n1,2\n"


def _link(path):
    (path.parent / "real.csv").write_text(GOOD)
    path.symlink_to(path.parent / "real.csv")


def _socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_link, "is a symbolic link; give the file that it leads to"),
        (os.mkfifo, "is a pipe, not a file"),
        (os.mkdir, "is a folder; give one file"),
        (_socket, "is a socket, not a file"),
        (lambda _: None, "cannot be read: No such file or directory"),
    ],
)
def test_only_regular_files_are_opened(tmp_path, monkeypatch, make, problem):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "data.csv")

    with pytest.raises(Misconfigured, match=problem):
        read_dataset(tmp_path / "data.csv")


def test_devices_and_impossible_names_are_refused(tmp_path):
    with pytest.raises(Misconfigured, match="is a device, not a file"):
        read_dataset(type(tmp_path)("/dev/zero"))
    with pytest.raises(Misconfigured, match="NUL character"):
        read_dataset(tmp_path / "a\0b")


@pytest.mark.timeout(20)
def test_a_file_that_turns_into_a_pipe_at_the_last_moment_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "data.csv"
    path.write_text(GOOD)
    original = os.open

    def swap(file, *rest, **options):
        if str(file) == str(path):
            path.unlink()
            os.mkfifo(path)
        return original(file, *rest, **options)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(Misconfigured, match="is a pipe"):
        read_dataset(path)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "data.csv"
    path.write_text(GOOD)
    from seclab.data_files import csv_rows  # noqa: PLC0415

    original = csv_rows.survey

    def append(*arguments):
        with path.open("a") as stream:
            stream.write("1,3\n")
        return original(*arguments)

    monkeypatch.setattr(csv_rows, "survey", append)
    with pytest.raises(InvalidData, match="was changed while it was read"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (pickle.dumps([1]), "data.csv", "a pickle; it could run code and is never opened"),
        (pickle.dumps([1]), "data.pkl", "a pickle"),
        (b"\x93NUMPY\x01\x00", "data.npy", "one array; save features and labels together"),
        (b"\x1f\x8b\x08", "data.csv.gz", "compressed with gzip; unpack it"),
        (b"\x89HDF\r\n", "data.h5", "HDF5"),
        (npz(x=FEATURES, y=LABELS), "data.csv", "named like a CSV file, but it begins like a NPZ"),
        (GOOD.encode(), "data.npz", "named like a NPZ file, but it begins like a text file"),
        (GOOD.encode(), "data.parquet", "named like a Parquet file"),
        (b"PAR1", "data.parquet", "cut off, or no Parquet file"),
        (b"PAR1" + b"\0" * 8 + b"PAR1", "data", "damaged, or no Parquet file"),
    ],
)
def test_other_kinds_of_files_are_told_by_their_name(refused, content, name, problem):
    (found,) = refused(content, name=name)

    assert problem in found


def test_a_file_without_a_known_ending_is_told_by_its_content(read):
    assert len(read(GOOD, name="data")) == 2
    assert len(read(npz(x=FEATURES, y=LABELS), name="data.bin")) == 3


def test_limits_are_positive():
    with pytest.raises(Misconfigured) as caught:
        Limits(rows=0, columns=-1)

    assert caught.value.problems == (
        "the limit rows must be at least 1",
        "the limit columns must be at least 1",
    )


@given(
    content=st.binary(max_size=60)
    | st.text(st.sampled_from('0123456789,;\n\r\t" .-+einfNA=label\u20ac\ufeff'), max_size=60).map(
        str.encode
    ),
    start=st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"label,a\n0,1\n", b"1,2\n3,4\n"]),
)
def test_any_bytes_give_rows_or_a_sentence(content, start, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "data"
    path.write_bytes(start + content)
    with contextlib.suppress(Misconfigured):
        found = read_dataset(path)
        assert len(found) >= 2
        assert len(found.class_names) >= 2
