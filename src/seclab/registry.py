"""The register of evaluations: a decorator on a plain function is all the declaration there is."""

import inspect
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, get_type_hints

import numpy as np
from threadpoolctl import threadpool_limits

from seclab.before_after import Memo, with_controls
from seclab.errors import Misconfigured, NotEvaluated
from seclab.measurement import Measurement, Metric, Reading, Scalar, Subject, SubjectKind
from seclab.models.output_controls import CONTROLS
from seclab.outcome import Evaluated, Missing, Outcome, Result, Unevaluated

if TYPE_CHECKING:
    from seclab.models import Target

# A parameter that every evaluation of a model has: it is measured again behind each of these.
OUTPUT_CONTROLS = "controls"
# What the registry gives an evaluation, and nobody chooses. The second only to one that has it.
_GENERATOR, _MEMO = "rng", "memo"


class Needs(Flag):
    """What an evaluation requires of its target, beyond answers."""

    ANSWERS = 0
    LOSS_GRADIENT = auto()
    """The analytic gradient of the loss."""
    RETRAINING = auto()
    """The right to train the same spec on other data."""


class Evaluable(Protocol):
    """What :func:`run` must know of any target."""

    @property
    def subject(self) -> Subject:
        """What is evaluated."""
        ...

    queries: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A registered evaluation.

    Attributes:
        name: Name of the function.
        function: ``function(target, *, rng, **parameters) -> Result``. Where it has a parameter
            ``memo`` it is given the :class:`seclab.before_after.Memo` of the run.
        risks: Register IDs that its numbers are evidence for.
        metrics: Every metric it reports, by name.
        needs: What it requires of the target.
        subject: The kind of thing it evaluates.
        defaults: Its parameters with their default values.
    """

    name: str
    function: Callable[..., Result]
    risks: tuple[str, ...]
    metrics: Mapping[str, Metric]
    needs: Needs
    subject: SubjectKind
    defaults: Mapping[str, Any]

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return inspect.getdoc(self.function).splitlines()[0]  # type: ignore[union-attr]


_REGISTERED: dict[str, Evaluation] = {}
_Function = TypeVar("_Function", bound=Callable[..., Result])


def evaluation(
    *,
    risks: tuple[str, ...],
    metrics: tuple[Metric, ...],
    needs: Needs = Needs.ANSWERS,
    subject: SubjectKind = "model",
) -> Callable[[_Function], _Function]:
    """Register a function as an evaluation.

    Args:
        risks: Register IDs that its numbers are evidence for, at least one.
        metrics: Every metric it reports, at least one.
        needs: What it requires of the target.
        subject: The kind of thing it evaluates.

    Raises:
        Misconfigured: A name taken twice, no risk, no metric, no docstring.
    """

    def register(function: _Function) -> _Function:
        name = function.__name__
        problems = []
        if name in _REGISTERED and _REGISTERED[name].function.__module__ != function.__module__:
            problems.append(f"evaluation {name} is registered twice")
        if not risks:
            problems.append(
                f"evaluation {name} names no risk: a number without a risk proves nothing"
            )
        if not metrics:
            problems.append(f"evaluation {name} declares no metric")
        if not function.__doc__:
            problems.append(f"evaluation {name} has no docstring")
        if problems:
            raise Misconfigured(problems)
        _REGISTERED[name] = Evaluation(
            name=name,
            function=function,
            risks=risks,
            metrics={metric.name: metric for metric in metrics},
            needs=needs,
            subject=subject,
            defaults=_defaults(function),
        )
        return function

    return register


def _defaults(function: Callable[..., Result]) -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in (_GENERATOR, _MEMO)
    }


def registered(subject: SubjectKind | None = None) -> Mapping[str, Evaluation]:
    """Every evaluation by name, of one kind of subject where given.

    Importing :mod:`seclab.evaluations` fills the register.
    """
    return {
        name: entry
        for name, entry in sorted(_REGISTERED.items())
        if subject in (None, entry.subject)
    }


def get(name: str) -> Evaluation:
    """An evaluation by name.

    Raises:
        Misconfigured: There is none of that name.
    """
    if name not in _REGISTERED:
        known = ", ".join(sorted(_REGISTERED))
        raise Misconfigured(f"unknown evaluation {name!r}; known: {known}")
    return _REGISTERED[name]


def parameter_problems(entry: Evaluation, parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with parameters meant for an evaluation, by name; empty when nothing is."""
    known = set(entry.defaults)
    hints = get_type_hints(entry.function)
    common = {OUTPUT_CONTROLS} if entry.subject == "model" else set()
    problems = [
        f"evaluation {entry.name} has no parameter {name!r}; it has: "
        + ", ".join(sorted(known | common))
        for name in sorted(set(parameters) - known - common)
    ]
    if common & set(parameters):
        problems += _control_problems(entry, parameters[OUTPUT_CONTROLS])
    for name in sorted(set(parameters) & known):
        expected = hints.get(name)
        number = expected in (int, float)
        if number and not _is_number(parameters[name]):
            problems.append(
                f"evaluation {entry.name}: {name} must be a number, got {parameters[name]!r}"
            )
    return problems


def _control_problems(entry: Evaluation, names: Any) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Sequence):
        return [f"evaluation {entry.name}: {OUTPUT_CONTROLS} must be a list, got {names!r}"]
    problems = [
        f"evaluation {entry.name}: unknown control {name!r}; known: {', '.join(CONTROLS)}"
        for name in names
        if name not in CONTROLS
    ]
    if len(set(map(str, names))) < len(names):
        problems.append(f"evaluation {entry.name}: {OUTPUT_CONTROLS} must name each once")
    return problems


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def run(
    entry: Evaluation, target: Evaluable, *, seed: int, dataset_digest: str, **parameters: Any
) -> Outcome:
    """Run one evaluation and stamp its numbers with where they come from.

    Args:
        entry: The evaluation.
        target: What it is run against; its query count should start at 0.
        seed: Decides everything random: equal seeds give equal numbers. Each evaluation draws
            from a stream of its own, so that adding one does not change another.
        dataset_digest: Digest of the data the numbers are measured on.
        **parameters: Overrides of the evaluation's defaults. An evaluation of a model takes
            ``controls`` besides, names of :data:`seclab.models.output_controls.CONTROLS`: it is
            run again behind each, with the same random numbers.

    Returns:
        Measurements, or the reason why there are none. An exception inside the evaluation is
        such a reason and does not propagate.

    Raises:
        Misconfigured: Parameters that the evaluation does not have.
    """
    problems = parameter_problems(entry, parameters)
    if problems:
        raise Misconfigured(problems)
    used = {**entry.defaults, **parameters}
    controls = used.pop(OUTPUT_CONTROLS, ())
    lacking = _unmet(entry, target)
    if lacking:
        return unevaluated(entry, Missing.SKIPPED, lacking, seed=seed, **parameters)

    if _MEMO in inspect.signature(entry.function).parameters:
        used[_MEMO] = Memo()

    def measure(subject: Any) -> Result:
        stream = np.random.default_rng([seed, zlib.crc32(entry.name.encode())])
        return entry.function(subject, rng=stream, **used)

    try:
        # On arrays this small a second thread takes longer to wake than it saves; and two
        # evaluations run side by side.
        with threadpool_limits(limits=1, user_api="blas"):
            result = measure(target)
            if controls:
                result = with_controls(result, cast("Target", target), controls, measure)
        measurements = tuple(
            _stamp(entry, reading, seed, target.subject.digest, dataset_digest)
            for reading in result.readings
        )
        if not measurements:
            raise NotEvaluated("it returned no measurement")
    except NotEvaluated as error:
        return unevaluated(entry, Missing.SKIPPED, str(error), seed=seed, **parameters)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, there is no number: that blocks
        reason = f"{type(error).__name__}: {error}"
        return unevaluated(entry, Missing.ERRORED, reason, seed=seed, **parameters)
    return Evaluated(
        evaluation=entry.name,
        risks=entry.risks,
        seed=seed,
        parameters=recorded(entry, parameters),
        queries=target.queries,
        measurements=measurements,
        tables=result.tables,
        figures=result.figures,
        notes=result.notes,
    )


def unevaluated(
    entry: Evaluation, missing: Missing, reason: str, *, seed: int, **parameters: Any
) -> Unevaluated:
    """The outcome of an evaluation that gave no number.

    Args:
        entry: The evaluation.
        missing: What kind of failure it was.
        reason: Why, in words.
        seed: The seed it was given.
        **parameters: Overrides of its defaults.
    """
    used = recorded(entry, parameters)
    return Unevaluated(entry.name, entry.risks, seed, used, missing, reason)


def recorded(entry: Evaluation, parameters: Mapping[str, Any]) -> dict[str, Scalar]:
    """The parameters that an evaluation uses, as they stand in its outcome: defaults included."""
    return {name: _recordable(value) for name, value in {**entry.defaults, **parameters}.items()}


def _unmet(entry: Evaluation, target: Evaluable) -> str:
    """What the target lacks, in words; empty when nothing."""
    if target.subject.kind != entry.subject:
        return f"it evaluates a {entry.subject}, not a {target.subject.kind}"
    if Needs.LOSS_GRADIENT in entry.needs and not getattr(target, "has_gradient", False):
        return f"{target.subject.name} offers no loss gradient"
    if Needs.RETRAINING in entry.needs and not hasattr(target, "retrain"):
        return f"{target.subject.name} cannot be trained again"
    return ""


def _recordable(value: Any) -> Scalar:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return " ".join(str(item) for item in value)


def _stamp(
    entry: Evaluation, reading: Reading, seed: int, subject_digest: str, dataset_digest: str
) -> Measurement:
    metric = entry.metrics.get(reading.metric)
    if metric is None:
        raise ValueError(f"metric {reading.metric!r} is not declared")
    estimate, (low, high) = reading.estimate, metric.range
    if not low <= estimate.value <= high:
        raise ValueError(
            f"{reading.metric} is {estimate.value}, a {metric.unit} is {low} to {high}"
        )
    if reading.per_sample and not reading.per_sample.gives(estimate.value, estimate.n):
        raise ValueError(f"{reading.metric} is {estimate.value}, not the rate of its own samples")
    return Measurement(
        evaluation=entry.name,
        metric=metric.name,
        value=estimate.value,
        interval=estimate.interval,
        n=estimate.n,
        unit=metric.unit,
        better=metric.better,
        parameters=reading.parameters,
        risks=entry.risks,
        seed=seed,
        subject_digest=subject_digest,
        dataset_digest=dataset_digest,
        per_sample=reading.per_sample,
    )
