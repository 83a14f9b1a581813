"""What every evaluation owes whoever reads its numbers: nobody has to write these tests again.

A new file in ``seclab.evaluations`` is registered by its decorator and is held to all of this.
"""

import inspect
import json
import math
import re

import numpy as np
import pytest

import seclab.evaluations  # noqa: F401 - fills the register
from seclab import data_checks, datasets, rag, registry
from seclab.artifacts import Chart, ImageGrid
from seclab.data_checks import SuiteScreen
from seclab.datasets import Dataset, Provenance
from seclab.detection import DatasetTarget
from seclab.evidence import plain
from seclab.measurement import Subject
from seclab.models import Target
from seclab.outcome import Evaluated, Missing
from seclab.registers import load_registers
from seclab.registry import Needs
from tests.conftest import ROOT
from tests.fakes import guessing, perfect

EVALUATIONS = registry.registered()
DATASET = "sha256:rows-ordered/1:dd"

# Small efforts, in the words that evaluations share; what is not named here keeps its default.
SMALL = {
    "epsilons": (0.1, 0.2),
    "samples": 40,
    "steps": 3,
    "restarts": 2,
    "walk_iterations": 1,
    "score_queries": 20,
    "severities": (2,),
    "shadows": 4,
    "label_only_directions": 2,
    "label_only_sizes": 4,
    "repeats": 2,
    "rates": (0.0, 0.02),
    "query_budgets": (40, 60),
    "starts": 3,
    "sources": ("softmax-regression", "random-forest"),
    "cases": 24,
    "benign_tasks": 6,
    "draws": 3,
    "swaps": 1,
}

# In its norm balls as small as those above hold hardly anything that is read wrong.
SMALL_FOR = {
    "evasion_l2": {"epsilons": (0.1, 0.5), "score_queries": 60},
    "poisoning_detection": {
        "kinds": ("patch", "random_flips"),
        "rates": (0.05,),
        "sets": 2,
        "clean_sets": 2,
        "retrain_sets": 1,
        "model": "softmax-regression",
    },
}

# What an evaluation is tried on where a test does not say it.
USUAL = {"model": "trained", "agent": "agent", "dataset": "dataset"}


@pytest.fixture(params=EVALUATIONS)
def entry(request):
    return EVALUATIONS[request.param]


@pytest.fixture(scope="module")
def before(state):
    """What data and models were before anything was evaluated."""
    return state()


@pytest.fixture(scope="module")
def data():
    """A dataset small enough to be checked in no time; a third of it has 20 rows of each label."""
    return datasets.load("digits").take(np.arange(660))


@pytest.fixture(scope="module")
def checks():
    """The checks that a dataset has to pass, as the flow asks them."""
    return SuiteScreen(data_checks.load_suite(ROOT / "expectations" / "digits.json"), None)


@pytest.fixture(scope="module")
def state(trained, splits, data):
    """Give what data and models are now."""
    rows = splits.test.features[:50]

    def now():
        return (
            data.fingerprint(),
            {name: part.fingerprint() for name, part in splits.parts().items()},
            {
                name: trained(name).pipeline.predict_proba(rows).tobytes()
                for name in ("softmax-regression", "random-forest")
            },
            rag.default_agent().subject,
        )

    return now


@pytest.fixture(scope="module")
def asked(before):
    """Outcomes by evaluation, target and seed: each is computed once."""
    assert before
    return {}


def _many():
    """Splits of which each part has rows enough for a rate of one in a thousand."""
    rng = np.random.default_rng(0)
    return datasets.split(
        Dataset(
            name="many",
            features=rng.uniform(0.0, 1.0, (5000, 4)),
            labels=np.arange(5000) % 2,
            feature_names=("a", "b", "c", "d"),
            class_names=("even", "odd"),
            feature_range=(0.0, 1.0),
            image_shape=(2, 2),
            provenance=Provenance("made here", "CC0-1.0", "generated", "all"),
        ),
        seed=0,
    )


@pytest.fixture
def run(asked, trained, splits, data, checks):
    """Run an evaluation with a small effort on what it evaluates."""
    makers = {
        "trained": lambda: Target(trained("softmax-regression"), splits),
        "network": lambda: Target(trained("mlp"), splits),
        "forest": lambda: Target(trained("random-forest"), splits),
        "guessing": lambda: guessing(splits),
        "perfect": lambda: perfect(splits),
        "many": lambda: guessing(_many()),
        "agent": rag.default_agent,
        "dataset": lambda: DatasetTarget(data, checks),
    }

    def of(entry, target=None, *, seed=0, again=False):
        target = target or USUAL[entry.subject]
        key = (entry.name, target, seed, again)
        if key not in asked:
            parameters = {name: SMALL[name] for name in entry.defaults if name in SMALL}
            parameters |= SMALL_FOR.get(entry.name, {})
            asked[key] = registry.run(
                entry, makers[target](), seed=seed, dataset_digest=DATASET, **parameters
            )
        return asked[key]

    return of


def _numbers(outcome):
    assert isinstance(outcome, Evaluated), outcome
    return [plain(measurement) for measurement in outcome.measurements]


def test_it_reports_all_the_metrics_it_declares_and_no_others(entry, run):
    """Some hold for some kinds of models only, or of many rows, but each for one of these."""
    targets = ("trained", "network", "forest", "many") if entry.subject == "model" else (None,)
    reported = set()

    for target in targets:
        if target != "many" or reported != set(entry.metrics):
            outcome = run(entry, target)
            assert isinstance(outcome, Evaluated), outcome
            reported |= {measured.metric for measured in outcome.measurements}

    assert reported == set(entry.metrics)


def test_every_value_is_in_the_range_of_its_unit_and_inside_its_interval(entry, run):
    for measured in run(entry).measurements:
        low, high = entry.metrics[measured.metric].range
        assert low <= measured.value <= high
        assert measured.n >= 1
        if measured.interval is None:
            assert measured.unit == "count"
        else:
            assert low <= measured.interval.low <= measured.value <= measured.interval.high <= high
            assert 0.5 < measured.interval.level < 1.0
            assert measured.interval.method


def test_no_number_stands_twice(entry, run):
    names = [(m.metric, tuple(sorted(m.parameters.items()))) for m in run(entry).measurements]

    assert len(set(names)) == len(names)


def test_equal_seeds_give_equal_results(entry, run):
    first, again = run(entry), run(entry, again=True)

    assert _numbers(first) == _numbers(again)
    assert (first.tables, first.notes, first.queries) == (again.tables, again.notes, again.queries)
    assert [_drawn(figure) for figure in first.figures] == [_drawn(f) for f in again.figures]


def _drawn(figure):
    return figure if isinstance(figure, Chart) else (figure.title, figure.images.tobytes())


def test_another_seed_is_as_good(entry, run):
    outcome = run(entry, seed=1)

    assert {(m.metric, tuple(sorted(m.parameters.items()))) for m in outcome.measurements} == {
        (m.metric, tuple(sorted(m.parameters.items()))) for m in run(entry).measurements
    }


def test_neither_data_nor_model_is_modified(entry, run, before, state):
    run(entry)

    assert state() == before


def test_questions_to_the_target_are_counted(entry, run):
    assert run(entry).queries > 0


def test_everything_it_gives_can_be_recorded(entry, run):
    outcome = run(entry)

    assert json.loads(json.dumps(outcome.parameters)) == dict(outcome.parameters)
    assert outcome.parameters.keys() == entry.defaults.keys()
    for measured in outcome.measurements:
        assert json.loads(json.dumps(plain(measured), allow_nan=False)) == plain(measured)
        assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in measured.parameters)
    for table in outcome.tables:
        assert json.dumps(table.records(), allow_nan=False)
        assert table.caption
        assert table.rows
    assert all(isinstance(note, str) and note for note in outcome.notes)


def test_its_figures_can_be_drawn_and_have_names_of_their_own(entry, run):
    figures = run(entry).figures

    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        if isinstance(figure, ImageGrid):
            assert figure.images.ndim == 4
            assert figure.images.min() >= 0.0
            assert figure.images.max() <= 1.0
        for series in getattr(figure, "series", ()):
            assert len(series.x) == len(series.y)
            assert all(map(math.isfinite, (*series.x, *series.y)))


def test_its_risks_are_in_the_register(entry):
    assert set(entry.risks) <= load_registers(ROOT / "registers").risks.keys()


def test_its_documentation_says_what_goes_in_what_comes_out_and_where_it_is_from(entry):
    text = inspect.getdoc(entry.function)

    assert text.splitlines()[0].endswith(".")
    for section in ("Args:", "Returns:", "References:"):
        assert f"\n{section}\n" in text
    arguments = text.partition("\nArgs:\n")[2].partition("\n\n")[0]
    for name in inspect.signature(entry.function).parameters:
        assert re.search(rf"^\s+{name}:", arguments, re.MULTILINE), f"{name} is not documented"
    references = text.partition("\nReferences:\n")[2]
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|doi |NIST|OWASP|ISO|RFC|\(\d{4}\)", references)


def test_its_metrics_say_what_they_mean(entry):
    for name, metric in entry.metrics.items():
        assert re.fullmatch("[a-z][a-z0-9_]*", name)
        assert metric.description.endswith(".")
        assert metric.better in ("higher", "lower")


def test_its_parameters_have_defaults_that_can_be_recorded(entry):
    for name, default in entry.defaults.items():
        assert default is not inspect.Parameter.empty, f"{name} has no default"
        items = default if isinstance(default, tuple) else (default,)
        assert all(isinstance(item, str | int | float | bool | None) for item in items)
    first, *_ = inspect.signature(entry.function).parameters.values()
    assert first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def test_it_is_skipped_for_what_it_does_not_evaluate(entry):
    class Other:
        subject = Subject("model" if entry.subject == "dataset" else "dataset", "other", DATASET)
        queries = 0

    outcome = registry.run(entry, Other(), seed=0, dataset_digest=DATASET)

    assert outcome.missing is Missing.SKIPPED


MODEL_EVALUATIONS = registry.registered("model")


@pytest.fixture(params=MODEL_EVALUATIONS)
def of_models(request):
    return MODEL_EVALUATIONS[request.param]


def test_it_runs_on_a_model_without_a_gradient_or_says_why_not(of_models, run):
    outcome = run(of_models, "forest")

    if Needs.LOSS_GRADIENT in of_models.needs:
        assert outcome.missing is Missing.SKIPPED
    else:
        assert isinstance(outcome, Evaluated), outcome
        assert {m.metric for m in outcome.measurements} <= set(of_models.metrics)


# A copy is trained on true labels too, and of two equal classes one is right half of the time.
CHOSEN = ("surrogate_accuracy", "balanced_accuracy")


def test_a_guessing_model_is_right_one_time_in_ten_at_best(of_models, run):
    outcome = run(of_models, "guessing")

    assert isinstance(outcome, Evaluated), outcome
    for measured in outcome.measurements:
        if measured.metric.endswith("accuracy") and measured.metric not in CHOSEN:
            # A little luck is allowed: the interval misses one time in forty on either side.
            assert measured.pessimistic <= 0.15


def test_a_guessing_model_gives_no_secrets_away(of_models, run):
    for measured in run(of_models, "guessing").measurements:
        if measured.metric == "membership_auc":
            assert measured.optimistic <= 0.5 <= measured.pessimistic
        if measured.metric == "confidence_gap":
            assert abs(measured.value) < 0.05
        if measured.metric == "surrogate_fidelity":
            assert measured.value < 0.25


def test_a_perfect_model_gets_everything_right_where_nobody_attacks(of_models, run):
    outcome = run(of_models, "perfect")

    assert isinstance(outcome, Evaluated), outcome
    for measured in outcome.measurements:
        if measured.metric == "clean_accuracy":
            assert measured.value == 1.0
            assert measured.interval.low < 1.0
        if measured.metric == "membership_auc":
            # Of a dozen attacks one interval may miss; none may find members.
            assert measured.optimistic <= 0.5
        if measured.metric == "trigger_attack_success_rate":
            assert measured.optimistic < 0.1
        if measured.metric == "attack_success_rate":
            assert measured.value == 0.0
