import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from seclab import models, promotion, tracking
from seclab.errors import EvidenceMismatch, Misconfigured, PromotionRefused, StoreUnavailable
from seclab.evidence.keyring import Keyring
from seclab.measurement import CheckStatus
from seclab.project import Project
from seclab.shelf.records import DIGEST_TAG, MODEL_FILE
from seclab.tracking import Version
from tests.runs import REGISTERS, report

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def softmax(trained):
    return trained("softmax-regression")


@pytest.fixture(scope="module")
def passing(shared, softmax):
    """A finished run of a registered model that passes."""
    return shared.run(softmax, pictures=True)


@pytest.fixture(scope="module")
def challengers(shared, passing, softmax, splits):
    """Two runs of another model, both passing."""
    assert passing.version == "1"
    other = models.train(softmax.spec, splits.train, seed=1)
    return [shared.run(other, minute=minute) for minute in (1, 2)]


@pytest.fixture(scope="module")
def blocked(shared, passing, softmax):
    """A run of the model that passed, under an attack that it did not."""
    assert passing.verdict == "PASS"
    return shared.run(softmax, robust=0.3, minute=3)


@pytest.fixture
def store(shared):
    """The store of the module; no alias outlives a test."""
    yield shared.store
    for alias in ("champion", "previous"):
        shared.store.client.delete_registered_model_alias("digits", alias)


@pytest.fixture
def spoil():
    """Change a file for the length of a test; None removes it."""
    kept = {}

    def of(path, change):
        kept[path] = path.read_bytes() if path.exists() else None
        if change is None:
            path.unlink()
        else:
            path.write_bytes(change(kept[path] or b""))

    yield of
    for path, data in kept.items():
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)


@pytest.fixture(scope="module")
def parts(new_project, tmp_path_factory):
    """A project with the registers of the runs in miniature, and no keys."""
    return Project(
        settings=new_project(tmp_path_factory.mktemp("parts")),
        registers=REGISTERS,
        suites={},
        histories={},
        keyring=Keyring({}),
        digests={},
    )


@pytest.fixture
def promote(store, parts):
    return lambda run, **how: promotion.promote(parts, store, run, at=NOW, **{"key": None} | how)


@pytest.fixture
def refused(store, promote):
    """Expect a refusal, with nothing moved; give its problems."""

    def of(run, *, error=PromotionRefused):
        before = tracking.champion(store, "digits")
        with pytest.raises(error) as caught:
            promote(run)
        assert tracking.champion(store, "digits") == before
        return caught.value.problems

    return of


def _path(uri):
    return Path(unquote(urlparse(uri).path))


def _evidence(store, run):
    return _path(store.client.get_run(run.run_id).info.artifact_uri)


def _model_file(store, run):
    version = store.client.get_model_version("digits", run.version)
    logged = store.client.get_logged_model(str(version.source).removeprefix("models:/"))
    return _path(logged.artifact_location) / MODEL_FILE


def test_without_a_promotion_there_is_no_champion(store, passing):
    assert tracking.champion(store, "digits") is None
    assert tracking.champion(store, "no-such-model") is None
    assert passing.verdict == "PASS"


def test_a_pass_makes_its_version_the_champion(store, promote, passing):
    champion = promote(passing)

    assert champion == tracking.champion(store, "digits")
    assert (champion.name, champion.number, champion.run_id) == ("digits", "1", passing.run_id)
    tags = store.client.get_model_version("digits", "1").tags
    assert tags["promotion.run"] == passing.run_id
    assert tags["promotion.at"] == "2026-03-02T09:00:00+00:00"


def test_the_former_champion_becomes_previous(store, promote, passing, challengers):
    promote(passing)
    promote(challengers[0])

    assert tracking.champion(store, "digits").number == "2"
    assert str(store.client.get_model_version_by_alias("digits", "previous").version) == "1"
    promote(passing)
    assert tracking.champion(store, "digits").number == "1"
    assert str(store.client.get_model_version_by_alias("digits", "previous").version) == "2"


def test_promoting_the_champion_again_keeps_the_previous_one(store, promote, passing, challengers):
    promote(passing)
    promote(challengers[0])

    champion = promote(challengers[1])

    assert (champion.number, champion.run_id) == ("2", challengers[1].run_id)
    assert str(store.client.get_model_version_by_alias("digits", "previous").version) == "1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"robust": 0.3}, "T-EVA-01: robust_accuracy"),
        ({"noise": None}, "T-EVA-03: random_noise was errored: ValueError: broke"),
        ({"reports": ()}, "checks: the data was not checked"),
        ({"reports": (report(CheckStatus.FAILED),)}, "check:rows_are_unique: no row stands twice"),
    ],
)
def test_what_does_not_pass_is_refused_with_the_reasons(shared, softmax, refused, changes, reason):
    run = shared.run(softmax, **changes)

    (problem,) = refused(run)

    assert problem.startswith(f"run {run.run_id} is not promoted: {reason}")


def test_a_refusal_keeps_the_champion_where_it_is(store, promote, challengers, blocked, refused):
    promote(challengers[0])

    refused(blocked)

    assert tracking.champion(store, "digits").number == "2"


@pytest.mark.parametrize(
    "name", ["tables/evasion_linf.sweep.json", "figures/evasion_linf.curve.svg"]
)
def test_a_changed_file_of_the_evidence_is_refused(store, passing, refused, spoil, name):
    spoil(_evidence(store, passing) / name, lambda data: data + b" ")

    (problem,) = refused(passing)

    assert f"{name}: expected sha256:bytes:" in problem


def test_a_missing_and_an_added_file_are_refused_together(store, passing, refused, spoil):
    folder = _evidence(store, passing) / "tables"
    spoil(folder / "evasion_linf.sweep.json", None)
    spoil(folder / "made-up.json", lambda _: b"{}")

    problems = refused(passing)

    assert len(problems) == 2
    assert "found no file" in problems[0]
    assert "made-up.json: expected no file" in problems[1]


def test_a_changed_bundle_is_refused(store, blocked, refused, spoil):
    def forged(data):
        document = json.loads(data)
        document["predicate"]["decision"]["verdict"] = "PASS"
        return json.dumps(document).encode()

    spoil(_evidence(store, blocked) / "evidence" / "bundle.json", forged)

    problems = refused(blocked)

    assert f"bundle: expected digest {blocked.bundle_digest}" in problems[0]
    assert "decision: expected verdict BLOCK, found PASS" in problems[1]


def test_a_bundle_that_cannot_be_read_is_refused(store, passing, refused, spoil):
    spoil(_evidence(store, passing) / "evidence" / "bundle.json", lambda _: b"{")

    (problem,) = refused(passing, error=EvidenceMismatch)

    assert "the bundle is not JSON" in problem


def test_evidence_that_is_gone_is_refused(store, passing, refused, spoil):
    spoil(_evidence(store, passing) / "evidence" / "bundle.json", None)

    (problem,) = refused(passing, error=StoreUnavailable)

    assert f"the evidence of run {passing.run_id} cannot be read" in problem


def test_a_replaced_model_file_is_refused(store, passing, refused, spoil):
    spoil(_model_file(store, passing), lambda data: data + b"\0")

    (problem,) = refused(passing)

    assert "version 1 of digits holds a model of digest" in problem


def test_a_version_tagged_as_another_model_is_refused(store, passing, softmax, refused):
    store.client.set_model_version_tag("digits", "1", DIGEST_TAG, "sha256:bytes:other")
    try:
        (problem,) = refused(passing)
    finally:
        store.client.set_model_version_tag("digits", "1", DIGEST_TAG, str(softmax.digest))

    assert "version 1 of digits is tagged with a model of digest sha256:bytes:other" in problem


def test_evidence_about_one_model_does_not_promote_another(passing, challengers, refused):
    problems = refused(replace(passing, version=challengers[0].version))

    assert len(problems) == 2
    assert all("the evidence is about" in problem for problem in problems)


def test_a_run_without_evidence_is_refused(shared, refused):
    with shared.begin() as recording:
        run = tracking.find_run(shared.store, recording.run_id)
        (problem,) = refused(replace(run, version="1"), error=Misconfigured)

    assert problem.endswith("holds no evidence")


def test_what_is_no_model_version_is_refused(passing, refused):
    (problem,) = refused(replace(passing, version=""), error=Misconfigured)

    assert problem.endswith("evaluated softmax-regression, which is no model version")


def test_a_version_that_does_not_exist_is_told(passing, refused):
    (problem,) = refused(replace(passing, version="99"), error=StoreUnavailable)

    assert "version 99 of digits cannot be read" in problem


@pytest.mark.parametrize("name", ["passing", "blocked"])
def test_the_verdict_is_noted_on_the_version_passing_or_not(store, name, request):
    run = request.getfixturevalue(name)
    found = store.client.get_model_version("digits", "1")
    version = Version("digits", "1", str(found.source).removeprefix("models:/"))

    tracking.note_decision(store, version, run)

    noted = store.client.get_model_version("digits", "1")
    assert noted.tags["gate.verdict"] == run.verdict
    assert (noted.tags["gate.run"], noted.tags["gate.bundle"]) == (run.run_id, run.bundle_digest)
    assert noted.description.startswith(f"{run.name}\n\n```\n{run.verdict}  model softmax")
    logged = store.client.get_logged_model(version.model_id)
    path = _path(logged.artifact_location) / "decisions" / f"decision-{run.run_id}.json"
    assert json.loads(path.read_text())["verdict"] == run.verdict
