import pickle

import numpy as np
import pytest
import skops.io

from seclab import registry
from seclab.attacks.model_files import KINDS, material
from seclab.errors import UntrustedModel
from seclab.evaluations.model_file_tampering import load, measure, model_file_tampering
from seclab.fingerprint import of_bytes
from seclab.models import Target, fit, spec
from seclab.models.persistence import dumps
from seclab.outcome import Evaluated, Missing

HOSTILE = [kind for kind in KINDS if kind.sort == "hostile"]


@pytest.fixture(scope="module")
def target(trained, splits):
    return Target(trained("softmax-regression"), splits)


def evaluate(target, **parameters):
    used = {"draws": 4, "swaps": 2, **parameters}
    entry = registry.get("model_file_tampering")
    return registry.run(entry, target, seed=0, dataset_digest="d", **used)


def values(trials):
    """The three rates, as the evaluation reports them."""
    again = [(trial.kind.sort, trial.recomputed) for trial in trials if trial.recomputed]
    return (
        np.mean([trial.recorded.refused for trial in trials]),
        np.mean([it.refused for sort, it in again if sort == "hostile"]),
        np.mean([not it.refused for sort, it in again if sort == "swap"]),
    )


@pytest.fixture(scope="module")
def shipped(target):
    outcome = evaluate(target)
    assert isinstance(outcome, Evaluated), outcome
    return outcome


def test_the_loader_refuses_all_but_well_formed_files_with_their_own_digest(shipped):
    found = {m.metric: (m.value, m.n) for m in shipped.measurements}

    assert found == {
        "tampered_refusal_rate": (1.0, 9 * 4 + 2 * 2),
        "untrusted_type_refusal_rate": (1.0, 6 * 4),
        "undetected_swap_rate": (1.0, 2 * 2),
    }


def test_the_table_has_every_kind_and_nothing_ran(shipped):
    [table] = shipped.tables
    rows = table.records()

    assert [row["kind"] for row in rows] == [kind.name for kind in KINDS]
    assert sum(row["executed"] for row in rows) == 0
    assert all(row["files"] == row["refused_recorded_digest"] for row in rows)
    assert shipped.notes[0].startswith("No code of any file ran")
    assert shipped.notes[1].startswith("4 of 4 well-formed files")


def test_a_swapped_model_answers_otherwise(shipped):
    changed = {row["kind"]: row["changed_labels"] for row in shipped.tables[0].records()}

    assert changed["weights moved"] > 0.5
    assert changed["another model"] > 0.05
    assert changed["truncated"] is None


def test_a_large_file_is_no_easier(trained, splits):
    outcome = evaluate(Target(trained("random-forest"), splits), draws=1, swaps=1)

    assert [m.value for m in outcome.measurements] == [1.0, 1.0, 1.0]


def test_a_loader_that_accepts_everything_refuses_nothing(target, trained):
    model = trained("softmax-regression").pipeline
    rng = np.random.default_rng(0)

    trials = measure(target, lambda data, digest: model, rng=rng, draws=2, swaps=1)  # noqa: ARG005

    assert values(trials) == (0.0, 0.0, 1.0)


def test_a_loader_that_refuses_only_by_digest_lets_hostile_files_in(target, trained):
    def by_digest(data, digest):
        if of_bytes(data) != digest:
            raise UntrustedModel("another digest")
        return trained("softmax-regression").pipeline

    trials = measure(target, by_digest, rng=np.random.default_rng(0), draws=2, swaps=1)

    assert values(trials) == (1.0, 0.0, 1.0)


def naive(data, _):
    """A loader as they are found in the wild: it runs what a file says and believes its types."""
    if not data.startswith(b"PK"):
        return pickle.loads(data)  # noqa: S301 - it makes an empty folder
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def test_refused_too_late_is_not_refused(target):
    """Code that ran before the refusal ran: the canary counts, not the exception."""

    def late(data, digest):
        try:
            naive(data, digest)
        except Exception as error:
            raise UntrustedModel(str(error)) from error
        raise UntrustedModel("refused after it was loaded")

    trials = measure(target, late, rng=np.random.default_rng(0), draws=8, swaps=1)
    ran = {trial.kind.name for trial in trials if trial.recorded.executed}

    assert ran == {
        "pickle in its place",
        "object of an untrusted type",
        "second schema of the same name",
    }
    recorded, hostile, _ = values(trials)
    assert recorded < 1.0
    assert hostile < 1.0


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.name)
def test_hostile_content_is_refused_for_what_it_is(kind, trained, splits, tmp_path):
    canary = tmp_path / "canary"
    decoy = dumps(fit(spec("softmax-regression"), splits.population.take(np.arange(40)), seed=0))
    rng = np.random.default_rng(1)
    given = material(
        trained("softmax-regression").data,
        another=lambda rng: decoy,  # noqa: ARG005
        canary=str(canary),
        rng=rng,
    )
    reasons = set()
    for _ in range(12):
        data = kind.make(given, rng)
        with pytest.raises(UntrustedModel) as caught:
            load(data, of_bytes(data))
        reasons.add(str(caught.value))
        assert not canary.exists()

    expected = {
        "pickle in its place": "damaged",
        "pickle as a member": "damaged: Object arrays cannot be loaded when allow_pickle=False",
        "object of an untrusted type": "holds types that are not trusted",
        "second schema of the same name": "compressed members or two of the same name",
        "deep nesting": "damaged: maximum recursion depth",
        "member that inflates": "compressed members or two of the same name",
    }
    assert all(expected[kind.name] in reason for reason in reasons), reasons


def test_the_canary_would_be_made_if_a_pickle_were_read(trained, tmp_path):
    canary = tmp_path / "canary"
    rng = np.random.default_rng(0)
    own = trained("softmax-regression").data
    given = material(own, another=lambda rng: own, canary=str(canary), rng=rng)  # noqa: ARG005
    [make] = [kind.make for kind in KINDS if kind.name == "pickle in its place"]

    pickle.loads(make(given, rng))  # noqa: S301 - it makes an empty folder

    assert canary.is_dir()


def test_equal_generators_make_equal_files_and_leave_the_model_alone(trained, tmp_path):
    own = trained("softmax-regression").data
    before = of_bytes(own)

    def files():
        rng = np.random.default_rng(3)
        given = material(own, another=lambda _: own, canary=str(tmp_path / "c"), rng=rng)
        return [of_bytes(kind.make(given, rng)) for kind in KINDS for _ in range(2)]

    first = files()
    assert first == files()
    assert before not in first[:-2]  # all but "another model", which is here the model itself
    assert of_bytes(own) == before


@pytest.mark.parametrize("parameters", [{"draws": 0}, {"swaps": 0}])
def test_no_files_prove_nothing(target, parameters):
    outcome = evaluate(target, **parameters)

    assert outcome.missing is Missing.ERRORED
    assert "from 1 on" in outcome.reason


def test_a_model_without_a_file_is_not_evaluated(target, splits):
    unsaved = target.retrain(splits.population, seed=0)

    outcome = evaluate(unsaved)

    assert outcome.missing is Missing.SKIPPED
    assert "has no file" in outcome.reason


def test_equal_seeds_give_equal_results(target):
    first, again = (
        model_file_tampering(target, rng=np.random.default_rng(5), draws=1, swaps=1)
        for _ in range(2)
    )

    assert first == again
