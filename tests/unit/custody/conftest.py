"""Small datasets, and a folder of recorded versions to be spoiled."""

from datetime import date

import numpy as np
import pytest

from seclab.custody import (
    Acquisition,
    Kind,
    Origin,
    Rows,
    Transformation,
    effect,
    index_of,
    record_manifest,
    save_version,
)
from seclab.datasets import Dataset, Provenance
from seclab.fingerprint import of_bytes

KNOWN = Origin("doi 10.24432/C50P49", "CC-BY-4.0", Acquisition(date(2026, 1, 31), "by hand"))


def rows_of(number, seed=0):
    """So many different rows of two classes in turn."""
    features = np.random.default_rng(seed).uniform(0, 16, (number, 30))
    return Dataset(
        name="tiny",
        features=features,
        labels=np.arange(number) % 2,
        feature_names=tuple(f"f{i}" for i in range(30)),
        class_names=("a", "b"),
        feature_range=(0.0, 16.0),
        image_shape=None,
        provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
    )


def relabelled(dataset, row):
    labels = dataset.labels.copy()
    labels[row] = 1 - labels[row]
    return dataset.with_rows(dataset.features, labels)


def shortened(dataset, *, declared=True):
    """The same without its last row, and the step that says so, or says nothing."""
    last = effect(Kind.REMOVED, [len(dataset) - 1], Rows.of(dataset))
    step = Transformation("the last is broken", of_bytes(b"ticket"), (last,) if declared else ())
    return dataset.take(np.arange(len(dataset) - 1)), step


@pytest.fixture
def recorded(tmp_path):
    """A folder with two versions of one dataset: the data, the manifests, the files."""
    first = rows_of(10)
    second, step = shortened(first)
    manifests = [
        record_manifest(first, source=KNOWN.source, licence=KNOWN.licence, acquired=KNOWN.acquired)
    ]
    manifests.append(record_manifest(second, parents=manifests, transformations=[step]))
    data = (first, second)
    paths = [
        save_version(manifest, index_of(each), tmp_path)
        for manifest, each in zip(manifests, data, strict=True)
    ]
    return data, manifests, paths
