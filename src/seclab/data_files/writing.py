"""A dataset written to a file that :func:`seclab.data_files.read_dataset` reads back."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from seclab.data_files.problems import is_number
from seclab.data_files.raw import LABEL_NAMES
from seclab.datasets import Dataset
from seclab.errors import Misconfigured

_SUFFIXES = (".csv", ".npz")


def require_writable(*paths: Path) -> None:
    """Refuse files that could not be written, before any work is done for them.

    Raises:
        Misconfigured: A file that is there already, another ending than ``.csv`` or ``.npz``, a
            folder that is not there, the same file twice; all problems at once.
    """
    problems = []
    for path in paths:
        if path.suffix.lower() not in _SUFFIXES:
            problems.append(f"{path}: written are {' and '.join(_SUFFIXES)} files; name it so")
        if path.exists() or path.is_symlink():
            problems.append(f"{path} is there already; it is not overwritten")
        if not path.parent.is_dir():
            problems.append(f"{path}: there is no folder {path.parent}")
    if len(set(paths)) < len(paths):
        problems.append("two files are needed, and one is named twice")
    if problems:
        raise Misconfigured(problems)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write rows to a new CSV or NPZ file, by its ending.

    CSV keeps the names of features, NPZ the shape of images. Labels are written as the names of
    their classes. Values are those that were read, to the last bit.

    Args:
        path: The file; one that is there is not overwritten.
        dataset: Rows with known labels and, as they come from a file, with names that no
            spreadsheet runs.

    Raises:
        Misconfigured: It cannot be written; see :func:`require_writable`.
    """
    require_writable(path)
    write = _write_npz if path.suffix.lower() == ".npz" else _write_csv
    try:
        with path.open("xb") as stream:
            try:
                write(stream, dataset)
            except BaseException:
                path.unlink()
                raise
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error


def _write_csv(stream: BinaryIO, dataset: Dataset) -> None:
    taken = sorted({name.lower() for name in dataset.feature_names} & {*LABEL_NAMES})
    if taken:
        raise Misconfigured(
            f"a feature is called {', '.join(taken)}: in a CSV file it would be taken for the "
            "label; write an NPZ file"
        )
    frame = pd.DataFrame(dataset.features, columns=list(dataset.feature_names))
    frame[LABEL_NAMES[0]] = np.array(dataset.class_names, dtype=object)[dataset.labels]
    frame.to_csv(stream, index=False, na_rep="nan", lineterminator="\n")


def _write_npz(stream: BinaryIO, dataset: Dataset) -> None:
    whole = all(is_number(name) for name in dataset.class_names)
    names = np.array(dataset.class_names)
    classes = names.astype(np.int64) if whole else names
    shape = dataset.image_shape or (dataset.features.shape[1],)
    np.savez_compressed(
        stream,
        x=dataset.features.reshape(-1, *shape),
        y=classes[dataset.labels],
    )
