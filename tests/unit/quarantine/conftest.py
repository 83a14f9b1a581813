"""A small dataset, rows of which are suspected and decided about."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from seclab.datasets import Dataset, Provenance
from seclab.fingerprint import row_digests
from seclab.quarantine import Found, RowDecision, find, hold

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def dots(rows=6, copies_of_first=0):
    """Rows that are all different, and copies of the first after them."""
    features = np.arange(2.0 * rows).reshape(rows, 2)
    labels = np.arange(rows) % 2
    return Dataset(
        name="dots",
        features=np.vstack([features, *[features[:1]] * copies_of_first]),
        labels=np.append(labels, np.repeat(labels[:1], copies_of_first)),
        feature_names=("a", "b"),
        class_names=("even", "odd"),
        feature_range=(0.0, 100.0),
        image_shape=None,
        provenance=Provenance("made up", "CC0-1.0", "generated", "all"),
    )


def digests(dataset):
    return row_digests(dataset.features, dataset.labels)


def found(dataset, *indexes, run="run-1", minute=0, by=("expect_one",)):
    """What a run found in a set of which nothing was set aside."""
    finding = find(
        dataset,
        dict.fromkeys(indexes, by),
        places=range(len(dataset)),
        acquired=str(dataset.fingerprint().ordered),
    )
    return Found(finding, run, NOON + timedelta(minutes=minute))


def decision(choice, *rows, minute=0, **more):
    return RowDecision(
        choice, rows, "a team", "looked at it", NOON + timedelta(minutes=minute), "d", **more
    )


@pytest.fixture
def held():
    """A quarantine of rows of a dataset by index, with decisions about them."""

    def of(dataset, *indexes, decisions=()):
        return hold("dots", [found(dataset, *indexes)], decisions)

    return of
