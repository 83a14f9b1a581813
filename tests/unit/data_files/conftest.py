"""Files of other people, written for the test that reads them."""

import io
import zipfile

import numpy as np
import pytest

from seclab.data_files import read_dataset
from seclab.errors import Misconfigured

FEATURES = np.array([[0.0, 0.25], [0.5, 1.0], [0.75, 0.125]])
LABELS = np.array([0, 1, 0])


@pytest.fixture
def read(tmp_path):
    """Write bytes or text to a file and read it as a dataset."""

    def of(content, *, name="data.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_dataset(path, **options)

    return of


@pytest.fixture
def refused(read, tmp_path):
    """Write a file, see that it is refused, and give the problems without the file's name."""

    def of(content, **options):
        with pytest.raises(Misconfigured) as caught:
            read(content, **options)
        assert all(str(tmp_path) in problem for problem in caught.value.problems)
        strip = f"{tmp_path}/{options.get('name', 'data.csv')}"
        return [problem.replace(strip, "").lstrip(": ") for problem in caught.value.problems]

    return of


def npz(**arrays):
    """The bytes of an NPZ file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(header, data=b"", *, version=b"\x01\x00"):
    """The bytes of one array with any header."""
    text = header.encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


def zipped(entries, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of (name or ZipInfo, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()
