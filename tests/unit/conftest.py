"""A store full of signed evidence, made once; tests get copies of their own."""

from dataclasses import replace

import pytest


@pytest.fixture(scope="session")
def evidence_base(tmp_path_factory, trained, splits, empty_database):
    """The folder of the store and its runs by name."""
    # Most tests do without MLflow.
    from seclab import models  # noqa: PLC0415
    from tests import laboratory  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("evidence") / "base"
    softmax = trained("softmax-regression")
    other = models.train(softmax.spec, splits.train, seed=1)
    runs = laboratory.built(
        folder, empty_database, models=(softmax, other), new_folder=tmp_path_factory.mktemp
    )
    return folder, runs


@pytest.fixture
def lab(evidence_base, tmp_path):
    """A copy of it."""
    from tests import laboratory  # noqa: PLC0415 - as above

    return laboratory.lab_in(tmp_path / "store", *evidence_base)


@pytest.fixture
def record_in(tmp_path_factory):
    """Record one more run in a lab and give the lab with it."""
    from tests.unit.tracking.conftest import Recorder  # noqa: PLC0415 - as above

    def of(lab, name, model, **changes):
        recorder = Recorder(lab.store, tmp_path_factory.mktemp)
        run = recorder.run(model, **{"minute": 10, "key": lab.key()} | changes)
        return replace(lab, runs={**lab.runs, name: run.run_id})

    return of


@pytest.fixture
def softmax(trained):
    """The model of the runs in that store, to record more of."""
    return trained("softmax-regression")
