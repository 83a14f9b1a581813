# ruff: noqa: ARG001 - made-up evaluations have the signature of real ones

import math
from dataclasses import replace

import numpy as np
import pytest

import seclab.evaluations  # noqa: F401 - fills the register
from seclab import registry
from seclab.artifacts import Chart, Table
from seclab.errors import Misconfigured, NotEvaluated
from seclab.measurement import Estimate, Interval, Metric, PerSample, Reading, Subject
from seclab.outcome import Evaluated, Missing, Result, Unevaluated
from seclab.registry import Needs, evaluation

DATASET = "sha256:rows-ordered/1:dd"
SHARE = Metric("share", "fraction", "higher", "A share.")


class Anything:
    """The least that can be evaluated."""

    def __init__(self, kind="model"):
        self.subject, self.queries = Subject(kind, "anything", "sha256:bytes:ee"), 0


class WithGradient(Anything):
    has_gradient = True


class WithRetraining(Anything):
    def retrain(self, dataset, *, seed):
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _own_register(monkeypatch):
    """Whatever a test registers is gone after it."""
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))


def _declare(function=None, *, name="made_here", metrics=(SHARE,), **declared):
    """Register a function under a name, and give its entry."""

    def answer(target, *, rng, level: float = 0.5, steps: int = 3, where=("here", "there")):
        """Answer something."""
        return Result((Reading("share", Estimate(level, None, 1)),))

    function = function or answer
    function.__name__ = name
    evaluation(risks=("R-EVA-01",), metrics=metrics, **declared)(function)
    return registry.get(name)


def _run(entry, target=None, *, seed=0, **parameters):
    return registry.run(
        entry, target or Anything(), seed=seed, dataset_digest=DATASET, **parameters
    )


def _returning(*readings, **result):
    def function(target, *, rng):
        """Give what was prepared."""
        return Result(readings, **result)

    return _declare(function)


def _raising(error):
    def function(target, *, rng):
        """Break."""
        raise error

    return _declare(function)


def test_an_evaluation_is_declared_by_the_decorator_alone():
    entry = _declare(needs=Needs.LOSS_GRADIENT, subject="agent")

    assert entry.name == "made_here"
    assert entry.risks == ("R-EVA-01",)
    assert entry.metrics == {"share": SHARE}
    assert (entry.needs, entry.subject) == (Needs.LOSS_GRADIENT, "agent")
    assert entry.defaults == {"level": 0.5, "steps": 3, "where": ("here", "there")}
    assert entry.summary == "Answer something."


def test_the_decorated_function_stays_what_it_was():
    def plain(target, *, rng):
        """Stay."""
        return Result(())

    assert evaluation(risks=("R-EVA-01",), metrics=(SHARE,))(plain) is plain


def test_evaluations_are_listed_by_name_and_kind():
    _declare(name="zz_last")
    _declare(name="aa_first", subject="agent")

    names = list(registry.registered())
    assert names == sorted(names)
    assert {"zz_last", "aa_first", "evasion_linf", "rag_prompt_injection"} <= set(names)
    assert "aa_first" in registry.registered("agent")
    assert "aa_first" not in registry.registered("model")
    assert "zz_last" not in registry.registered("agent")


def test_an_unknown_evaluation_is_told_with_the_known_ones():
    with pytest.raises(Misconfigured, match=r"unknown evaluation 'evasoin'; known: .*evasion_linf"):
        registry.get("evasoin")


def test_everything_that_a_declaration_lacks_is_told_at_once():
    def bare(target, *, rng):
        return Result(())

    with pytest.raises(Misconfigured) as caught:
        evaluation(risks=(), metrics=())(bare)

    assert caught.value.problems == (
        "evaluation bare names no risk: a number without a risk proves nothing",
        "evaluation bare declares no metric",
        "evaluation bare has no docstring",
    )
    assert "bare" not in registry.registered()


def test_a_name_is_taken_once():
    def impostor(target, *, rng):
        """Pass for another."""

    impostor.__name__ = "evasion_linf"

    with pytest.raises(Misconfigured, match="evaluation evasion_linf is registered twice"):
        evaluation(risks=("R-EVA-01",), metrics=(SHARE,))(impostor)
    assert registry.get("evasion_linf").function.__module__ == "seclab.evaluations.evasion_linf"


def test_numbers_are_stamped_with_everything_that_tells_what_they_are():
    interval = Interval(0.2, 0.4, 0.95, "wilson")
    estimate = Estimate(0.25, interval, 8)

    outcome = _run(_returning(Reading("share", estimate, {"epsilon": 0.1})), seed=5)

    (measured,) = outcome.measurements
    assert (measured.evaluation, measured.metric, measured.unit, measured.better) == (
        "made_here",
        "share",
        "fraction",
        "higher",
    )
    assert (measured.value, measured.interval, measured.n) == (0.25, interval, 8)
    assert (measured.parameters, measured.risks, measured.seed) == (
        {"epsilon": 0.1},
        ("R-EVA-01",),
        5,
    )
    assert (measured.subject_digest, measured.dataset_digest) == ("sha256:bytes:ee", DATASET)


def test_an_outcome_keeps_tables_figures_notes_and_queries():
    table = Table("t", "", ("a",), ((1,),))
    chart = Chart("c", "", "", "", ())

    def asking(target, *, rng):
        """Ask seven times."""
        target.queries += 7
        reading = Reading("share", Estimate(0.5, None, 1))
        return Result((reading,), (table,), (chart,), ("Mind the gap.",))

    outcome = _run(_declare(asking))

    assert isinstance(outcome, Evaluated)
    assert outcome.queries == 7
    assert (outcome.tables, outcome.figures, outcome.notes) == (
        (table,),
        (chart,),
        ("Mind the gap.",),
    )


def test_parameters_override_the_defaults_and_all_are_recorded():
    outcome = _run(_declare(), level=0.75, where=(1, 2.5))

    assert outcome.parameters == {"level": 0.75, "steps": 3, "where": "1 2.5"}
    assert outcome.measurements[0].value == 0.75


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        (
            {"leve": 1, "stpes": 2},
            ["no parameter 'leve'; it has: controls, level, steps, where", "no parameter 'stpes'"],
        ),
        ({"rng": 3}, ["no parameter 'rng'"]),
        ({"level": "0.5"}, ["level must be a number, got '0.5'"]),
        ({"level": True, "steps": None}, ["level must be a number", "steps must be a number"]),
        ({"level": math.nan}, ["level must be a number, got nan"]),
        ({"steps": math.inf}, ["steps must be a number, got inf"]),
    ],
)
def test_parameters_that_cannot_be_are_refused_before_anything_runs(parameters, problems):
    with pytest.raises(Misconfigured) as caught:
        _run(_declare(), **parameters)

    assert len(caught.value.problems) == len(problems)
    for found, expected in zip(caught.value.problems, problems, strict=True):
        assert found.startswith("evaluation made_here")
        assert expected in found
    assert list(caught.value.problems) == registry.parameter_problems(
        registry.get("made_here"), parameters
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("broke"), "ValueError: broke"),
        (ZeroDivisionError(), "ZeroDivisionError: "),
        (Misconfigured("epsilon 7 is too large"), "Misconfigured: epsilon 7 is too large"),
        (MemoryError("full"), "MemoryError: full"),
    ],
)
def test_an_exception_inside_is_a_reason_and_goes_no_further(error, reason):
    outcome = _run(_raising(error), seed=3)

    assert outcome == Unevaluated("made_here", ("R-EVA-01",), 3, {}, Missing.ERRORED, reason)


def test_what_says_that_it_could_not_measure_is_skipped():
    outcome = _run(_raising(NotEvaluated("no images here")))

    assert (outcome.missing, outcome.reason) == (Missing.SKIPPED, "no images here")


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SystemExit(1)])
def test_being_told_to_stop_is_no_result(ending):
    entry = _raising(ending)

    with pytest.raises(type(ending)):
        _run(entry)


def test_an_empty_result_is_no_pass():
    outcome = _run(_returning())

    assert (outcome.missing, outcome.reason) == (Missing.SKIPPED, "it returned no measurement")


def test_a_metric_that_was_not_declared_is_an_error():
    outcome = _run(
        _returning(
            Reading("share", Estimate(0.5, None, 1)), Reading("shrae", Estimate(0.5, None, 1))
        )
    )

    assert (outcome.missing, outcome.reason) == (
        Missing.ERRORED,
        "ValueError: metric 'shrae' is not declared",
    )


@pytest.mark.parametrize(
    ("unit", "value"),
    [("fraction", 1.01), ("fraction", -0.01), ("auc", 1.5), ("difference", -1.1), ("count", -1.0)],
)
def test_a_value_outside_its_unit_is_an_error(unit, value):
    def function(target, *, rng):
        """Leave the range."""
        return Result((Reading("share", Estimate(value, None, 1)),))

    outcome = _run(_declare(function, metrics=(replace(SHARE, unit=unit),)))

    assert outcome.missing is Missing.ERRORED
    assert f"share is {value}, a {unit} is" in outcome.reason


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_an_error(value):
    def function(target, *, rng):
        """Divide by nothing."""
        return Result((Reading("share", Estimate(value, None, 1)),))

    assert _run(_declare(function)).missing is Missing.ERRORED


def test_a_rate_keeps_the_answers_behind_it():
    kept = PerSample("sha256:rows-ordered/1:aa", "1101")

    outcome = _run(_returning(Reading("share", Estimate(0.75, None, 4), per_sample=kept)))

    assert outcome.measurements[0].per_sample == kept


@pytest.mark.parametrize("hits", ["", "1111", "110", "11011"])
def test_a_rate_that_its_own_answers_do_not_give_is_an_error(hits):
    kept = PerSample("sha256:rows-ordered/1:aa", hits)

    outcome = _run(_returning(Reading("share", Estimate(0.75, None, 4), per_sample=kept)))

    assert (outcome.missing, outcome.reason) == (
        Missing.ERRORED,
        "ValueError: share is 0.75, not the rate of its own samples",
    )


@pytest.mark.parametrize(
    ("needs", "enough", "reason"),
    [
        (Needs.LOSS_GRADIENT, WithGradient(), "anything offers no loss gradient"),
        (Needs.RETRAINING, WithRetraining(), "anything cannot be trained again"),
    ],
)
def test_what_the_target_does_not_offer_is_skipped(needs, enough, reason):
    entry = _declare(needs=needs)

    refused = _run(entry)
    assert (refused.missing, refused.reason) == (Missing.SKIPPED, reason)
    assert isinstance(_run(entry, enough), Evaluated)


def test_all_needs_have_to_be_met():
    entry = _declare(needs=Needs.LOSS_GRADIENT | Needs.RETRAINING)

    assert _run(entry, WithGradient()).missing is Missing.SKIPPED
    assert _run(entry, WithRetraining()).missing is Missing.SKIPPED


def test_another_kind_of_subject_is_skipped():
    outcome = _run(_declare(subject="agent"))

    assert (outcome.missing, outcome.reason) == (
        Missing.SKIPPED,
        "it evaluates a agent, not a model",
    )


def _drawing(name):
    def function(target, *, rng):
        """Draw."""
        return Result((Reading("share", Estimate(float(rng.uniform()), None, 1)),))

    return _declare(function, name=name)


def test_equal_seeds_draw_equal_numbers_and_others_do_not():
    entry = _drawing("drawing")

    first, again, other = (_run(entry, seed=s).measurements[0].value for s in (0, 0, 1))

    assert first == again != other


def test_each_evaluation_draws_from_a_stream_of_its_own():
    here, there = (_run(_drawing(name)).measurements[0].value for name in ("here", "there"))

    assert here != there
    assert here != np.random.default_rng(0).uniform()


def test_what_ran_before_changes_no_number():
    alone = _run(_drawing("second")).measurements[0].value
    _run(_drawing("first"))

    assert _run(_drawing("second")).measurements[0].value == alone
