"""The key changes with everything that decides a number, and what may be taken from evidence."""

import dataclasses
import shutil
import sys
import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import seclab
import seclab.evaluations  # fills the register
from seclab import registry, reuse
from seclab.errors import EvidenceMismatch
from seclab.evidence import Bundle, Environment
from seclab.evidence.keys import Keyring, create, load_keyring, load_signing_key
from seclab.evidence.ledger import following
from seclab.fingerprint import of_file
from seclab.measurement import Metric, Subject
from seclab.outcome import Origin
from seclab.shelf import Evidence
from seclab.shelf.contents import summary
from tests.runs import MODEL, REGISTERS, ROBUST, STARTED, finished, outcomes_for

PACKAGE = Path(seclab.__file__).parent
LIBRARIES = {"numpy": "2.4.6", "scikit-learn": "1.7.0", "scipy": "1.15.0", "mlflow": "3.17.0"}
ENVIRONMENT = Environment("3.11.7", "Linux x86_64", LIBRARIES, None, "4ce3d1f", git_clean=True)
GIVEN = {
    "entry": registry.get("evasion_linf"),
    "subject": MODEL,
    "data": {"train": "a", "validation": "b", "test": "c", "population": "d"},
    "parameters": {"epsilons": [0.1, 0.2]},
    "seed": 0,
    "environment": ENVIRONMENT,
    "code": "the code",
}
DEFAULT = next(iter(GIVEN["entry"].defaults))


def _key(**changes):
    given = GIVEN | changes
    return reuse.wanted(given.pop("entry"), given.pop("subject"), **given).key


def _with(**libraries):
    return {"environment": replace(ENVIRONMENT, libraries=LIBRARIES | libraries)}


@pytest.mark.parametrize(
    "changed",
    [
        {"entry": registry.get("random_noise")},
        {"subject": replace(MODEL, digest="another model")},
        {"subject": replace(MODEL, name="mlp")},
        {"subject": replace(MODEL, kind="agent")},
        *({"data": GIVEN["data"] | {part: "other rows"}} for part in GIVEN["data"]),
        {"data": GIVEN["data"] | {"more": "e"}},
        {"parameters": {"epsilons": [0.2, 0.1]}},
        {"parameters": {"epsilons": ["0.1", "0.2"]}},
        {"parameters": {"epsilons": "0.1 0.2"}},
        {"parameters": {"epsilons": [0.1, 0.2], "steps": 999}},
        {"parameters": {}},
        {"seed": 1},
        {"code": "other code"},
        _with(numpy="2.4.7"),
        _with(scipy="1.15.1"),
        {"environment": replace(ENVIRONMENT, libraries={"numpy": "2.4.6"})},
        {"environment": replace(ENVIRONMENT, python="3.12.7")},
        {"environment": replace(ENVIRONMENT, platform="Darwin arm64")},
        _with(**{"scikit-learn": "1.7.1"}),
    ],
    ids=" and ".join,
)
def test_whatever_can_change_a_number_changes_the_key(changed):
    assert _key(**changed) not in ("", _key())


@pytest.mark.parametrize(
    "changed",
    [
        {"parameters": {"epsilons": (0.1, 0.2)}},
        {"parameters": {"epsilons": [0.1, 0.2], "steps": GIVEN["entry"].defaults["steps"]}},
        {"data": dict(reversed(GIVEN["data"].items()))},
        _with(mlflow="4.0.0", prefect="3.9.0"),
        {"environment": replace(ENVIRONMENT, python="3.11.9")},
        {"environment": replace(ENVIRONMENT, git_revision="other", git_clean=False)},
        {"environment": replace(ENVIRONMENT, lock_digest="other")},
    ],
    ids=" and ".join,
)
def test_nothing_else_changes_the_key(changed):
    assert _key(**changed) == _key()


def test_a_parameter_that_has_no_exact_form_gives_no_key():
    assert _key(parameters={"epsilons": [object()]}) == ""
    assert _key(parameters={"epsilons": {0.1}}) == ""


def test_numbers_that_only_look_alike_are_told_apart():
    keys = {_key(parameters={"steps": value}) for value in (1, 1.0, True, "1", None)}
    assert len(keys) == 5


def test_without_known_code_there_is_no_key():
    assert _key(code="") == ""


@pytest.fixture
def package(tmp_path):
    """A copy of the package."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "seclab", ignore=ignored))


@pytest.mark.parametrize(
    "module",
    [
        "evaluations/evasion_linf.py",
        "attacks/linf_gradient.py",
        "models/training.py",
        "rag/guard.py",
        "datasets.py",
        "statistics/rates.py",
        "registry.py",
        "measurement.py",
        "__init__.py",
    ],
)
def test_the_code_digest_changes_with_any_line_an_evaluation_can_reach(package, module):
    before = reuse.code_digest(package)
    path = package / module
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    assert reuse.code_digest(package) != before


def test_a_new_room_counts_and_so_does_one_that_is_gone(package):
    digests = [reuse.code_digest(package)]
    (package / "smoothing").mkdir()
    (package / "smoothing" / "gaussian.py").write_text("SIGMA = 0.1\n", encoding="utf-8")
    digests.append(reuse.code_digest(package))
    (package / "attacks" / "noise.py").unlink()
    digests.append(reuse.code_digest(package))

    assert len(set(digests)) == 3


def test_what_stands_above_the_evaluations_does_not_count(package):
    before = reuse.code_digest(package)
    for module in ("cli/app.py", "reports/html.py", "tracking/store.py", "reuse.py"):
        path = package / module
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (package / "README.md").write_text("nothing that runs", encoding="utf-8")

    assert reuse.code_digest(package) == before


def test_import_linter_keeps_evaluations_from_everything_that_does_not_count():
    document = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [
        contract["layers"]
        for contract in document["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["seclab"]
    ]
    above = layers[: layers.index("evaluations")]
    assert {name for layer in above for name in layer.split(" | ")} == reuse.ABOVE_EVALUATIONS


def test_an_evaluation_of_this_package_has_code_and_one_from_elsewhere_has_not():
    def elsewhere(target, *, rng):
        """Not of the package."""

    entry = registry.get("evasion_linf")
    assert reuse.code_of(entry) == reuse.code_digest(PACKAGE)
    assert reuse.code_of(dataclasses.replace(entry, function=elsewhere)) == ""


# What may be taken from evidence.

KEY = "sha256:rfc8785:" + "5" * 64
RUN = "0" * 31 + "1"
METRICS = {
    name: Metric(name, "fraction", "higher", "") for name in ("clean_accuracy", "robust_accuracy")
}
ENTRY = dataclasses.replace(
    registry.get("evasion_linf"),
    risks=("R-EVA-01",),
    metrics=METRICS,
    defaults={"samples": 100, "epsilons": (0.1, 0.2)},
)
WANT = reuse.Wanted(ENTRY, MODEL, {}, 7, KEY)


def _stamped(outcomes):
    return tuple(replace(each, key=KEY, measured_at=STARTED) for each in outcomes)


def _evidence(folder, *, key=None, outcomes=None):
    """Evidence of a run with a measured and a broken evaluation, and its ledger."""
    outcomes = outcomes or _stamped(outcomes_for(MODEL, noise=None))
    run = finished(folder, outcomes=outcomes, key=key)
    (folder / "evidence").mkdir()
    (folder / "evidence" / "bundle.json").write_text(run.bundle.text(), encoding="utf-8")
    envelope = run.assessment.envelope
    signer = envelope["signatures"][0]["keyid"] if envelope else ""
    tags = {"seclab.kind": "model", "bundle.digest": str(run.bundle.digest)}
    entry = following(
        [],
        at=run.facts.finished.isoformat(),
        kind="bundle",
        subject=MODEL.name,
        run=RUN,
        digest=str(run.bundle.digest),
        about={
            "kind": "model",
            "verdict": run.bundle.predicate["decision"]["verdict"],
            "report": str(of_file(folder / "report.html")),
            "signed_by": signer,
        },
    )
    found = summary(RUN, name="", status="FINISHED", started=0, tags=tags)
    return Evidence(found, run.bundle, folder, envelope, ()), [entry]


def _objections(evidence, ledger, **changes):
    given = {"keyring": Keyring({}), "ledger": ledger, "signed": False, "clean": False} | changes
    return reuse.objections(evidence, **given)


def test_a_result_is_taken_as_it_is_with_where_it_was_measured(tmp_path):
    evidence, ledger = _evidence(tmp_path / "run")

    assert _objections(evidence, ledger, clean=True) == []
    taken = reuse.take(WANT, evidence)

    [measured, _] = _stamped(outcomes_for(MODEL, noise=None))
    assert taken.reused_from == Origin(RUN, str(evidence.bundle.digest))
    assert taken.measurements == measured.measurements
    assert (taken.notes, taken.queries, taken.measured_at) == (("An upper bound.",), 1234, STARTED)
    table = tmp_path / "run" / "tables" / "evasion_linf.sweep.json"
    assert taken.files == {"tables/evasion_linf.sweep.json": table.read_bytes()}


def test_sealed_again_a_reused_result_has_the_same_files_and_the_first_origin(tmp_path):
    first, _ = _evidence(tmp_path / "first")
    taken = reuse.take(WANT, first)
    second, ledger = _evidence(tmp_path / "second", outcomes=(taken,))

    assert _objections(second, ledger) == []
    assert second.bundle.predicate["artifacts"] == first.bundle.predicate["artifacts"]
    assert reuse.take(WANT, second) == taken


@pytest.mark.parametrize(
    "other",
    [
        {"key": "sha256:rfc8785:" + "6" * 64},
        {"key": ""},
        {"seed": 8},
        {"parameters": {"samples": 50}},
        {"subject": Subject("model", MODEL.name, "another")},
        {"entry": dataclasses.replace(ENTRY, name="random_noise")},
        {"entry": dataclasses.replace(ENTRY, risks=("R-EVA-02",))},
        {"entry": dataclasses.replace(ENTRY, metrics={})},
    ],
    ids=" and ".join,
)
def test_a_result_for_anything_else_is_not_taken(tmp_path, other):
    evidence, _ = _evidence(tmp_path)

    assert reuse.take(replace(WANT, **other), evidence) is None


def test_neither_an_unevaluated_nor_an_unkeyed_result_is_taken(tmp_path):
    evidence, _ = _evidence(tmp_path / "broken")
    noise = dataclasses.replace(ENTRY, name="random_noise", risks=("R-EVA-02",))
    assert reuse.take(replace(WANT, entry=noise, parameters={"repeats": 3}), evidence) is None

    plain, _ = _evidence(tmp_path / "plain", outcomes=outcomes_for(MODEL))
    assert reuse.take(replace(WANT, key=""), plain) is None


def test_a_file_changed_after_the_evidence_was_verified_is_not_taken(tmp_path):
    evidence, _ = _evidence(tmp_path)
    (tmp_path / "tables" / "evasion_linf.sweep.json").write_text("{}", encoding="utf-8")

    with pytest.raises(EvidenceMismatch, match=r"tables/evasion_linf\.sweep\.json: expected"):
        reuse.take(WANT, evidence)


def test_a_file_of_another_evaluation_or_outside_the_run_is_not_taken(tmp_path):
    evidence, _ = _evidence(tmp_path)
    document = {**evidence.bundle.document}
    names = ["tables/evasion_linf_more.x.json", "tables/evasion_linf./../../x", "evasion_linf.x"]
    predicate = {**document["predicate"], "artifacts": dict.fromkeys(names, "")}
    bundle = Bundle(document | {"predicate": predicate}, evidence.bundle.digest)

    assert reuse.take(WANT, replace(evidence, bundle=bundle)).files == {}


def test_unsigned_evidence_is_good_enough_for_unsigned_only(tmp_path):
    evidence, ledger = _evidence(tmp_path)

    assert _objections(evidence, ledger) == []
    assert _objections(evidence, ledger, signed=True) == ["it is not signed, and this run will be"]


def test_signed_evidence_is_as_good_as_its_key(tmp_path):
    create(
        "pipeline",
        owner="platform",
        public_folder=tmp_path / "keys",
        private_folder=tmp_path / "private",
        at=STARTED - timedelta(days=1),
    )
    keyring = load_keyring(tmp_path / "keys")
    private = tmp_path / "private"
    key = load_signing_key("pipeline", keyring=keyring, private_folder=private, at=STARTED)
    evidence, ledger = _evidence(tmp_path / "run", key=key)

    assert _objections(evidence, ledger, keyring=keyring, signed=True) == []
    for signed in (True, False):
        [objection] = _objections(evidence, ledger, signed=signed)
        assert objection.startswith("signature: ")


def test_a_commit_vouches_for_no_number_of_changed_code(tmp_path, monkeypatch):
    changed = replace(ENVIRONMENT, git_clean=False)
    monkeypatch.setattr("tests.runs.ENVIRONMENT", changed)
    monkeypatch.setattr(sys.modules[finished.__module__], "ENVIRONMENT", changed)
    evidence, ledger = _evidence(tmp_path)

    assert _objections(evidence, ledger) == []
    [objection] = _objections(evidence, ledger, clean=True)
    assert objection == "its code was not a commit without changes, and that of this run is"


def test_evidence_that_is_not_in_the_ledger_of_its_run_or_void_is_refused(tmp_path):
    evidence, ledger = _evidence(tmp_path)
    void = following(
        ledger,
        at=STARTED.isoformat(),
        kind="void",
        subject=MODEL.name,
        run=RUN,
        digest=str(evidence.bundle.digest),
        about={},
    )

    assert any("no entry" in objection for objection in _objections(evidence, []))
    other = [replace(ledger[0], run="another")]
    assert any("no entry of this run" in each for each in _objections(evidence, other))
    assert any("void" in objection for objection in _objections(evidence, [*ledger, void]))
    assert any("previous" in each for each in _objections(evidence, [replace(void, sequence=1)]))


def test_evidence_with_another_digest_than_the_recorded_is_refused(tmp_path):
    evidence, ledger = _evidence(tmp_path)
    run = replace(evidence.run, bundle_digest="sha256:rfc8785:" + "0" * 64)

    objections = _objections(replace(evidence, run=run), ledger)

    assert any(objection.startswith("bundle: expected digest") for objection in objections)


def test_a_result_is_used_no_longer_than_tier_and_thresholds_allow(tmp_path):
    evidence, _ = _evidence(tmp_path)
    taken = reuse.take(WANT, evidence)
    days = REGISTERS.tier_of(MODEL.name).oldest_days

    def old(after, registers=REGISTERS):
        return reuse.too_old(taken, registers, MODEL, at=STARTED + after)

    assert old(timedelta(0)) == old(timedelta(days=days)) == ""
    assert f"at most {days} days" in old(timedelta(days=days, seconds=1))
    strict = replace(REGISTERS, thresholds=(replace(ROBUST, oldest_days=3),))
    assert (old(timedelta(days=3), strict), bool(old(timedelta(days=4), strict))) == ("", True)
    other = replace(REGISTERS, thresholds=(replace(ROBUST, subject="agent", oldest_days=3),))
    assert old(timedelta(days=4), other) == ""


def test_a_result_from_the_future_or_of_no_known_age_is_not_used(tmp_path):
    evidence, _ = _evidence(tmp_path)
    taken = reuse.take(WANT, evidence)

    assert "a clock was set back" in reuse.too_old(
        taken, REGISTERS, MODEL, at=STARTED - timedelta(minutes=6)
    )
    unknown = replace(taken, measured_at=None)
    assert (
        reuse.too_old(unknown, REGISTERS, MODEL, at=STARTED) == "nobody knows when it was measured"
    )
