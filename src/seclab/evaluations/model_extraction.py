"""Model extraction (R-EXT-01): how good a copy a given number of answers buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.artifacts import Chart, Series, Table
from seclab.attacks.model_extraction import SURROGATES, draw_queries, train_surrogate
from seclab.errors import Misconfigured
from seclab.measurement import Estimate, Metric, Parameters, Reading, Scalar
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import proportion_of

_FIDELITY, _ACCURACY = "surrogate_fidelity", "surrogate_accuracy"
_STRONGEST = "strongest"


@dataclass(frozen=True, slots=True)
class _Copy:
    """One surrogate, measured on the test split."""

    budget: int
    family: str
    fidelity: Estimate
    accuracy: Estimate


@evaluation(
    risks=("R-EXT-01",),
    metrics=(
        Metric(
            _FIDELITY,
            unit="fraction",
            better="lower",
            description="Test inputs on which the surrogate gives the label the model gives.",
        ),
        Metric(
            _ACCURACY,
            unit="fraction",
            better="lower",
            description="Test inputs that the surrogate classifies correctly.",
        ),
    ),
)
def model_extraction(
    target: Target,
    *,
    rng: np.random.Generator,
    query_budgets: Sequence[int] = (50, 100, 250),
    surrogates: Sequence[str] = tuple(SURROGATES),
    jitter: float = 0.1,
) -> Result:
    """Model extraction by training a surrogate on the model's answers.

    The attacker owns the population split without its labels, asks the model for labels, nothing
    more, and trains a surrogate of each family. Budgets are nested: the answers of a small one
    are the first of a large one, and exactly ``query_budget`` rows stand behind each surrogate.
    An attacker who sees confidences needs fewer queries.

    ``strongest`` is, for each budget, the family of the highest fidelity. An attacker would
    choose on fidelity too, but not on the rows reported here: choosing on them errs on the side
    of caution, and the interval does not allow for the choice.

    Args:
        target: The model; it is asked the largest budget once, and the test split once to score.
        rng: Chooses queries, noise and training seed.
        query_budgets: Numbers of training queries, each at least 1.
        surrogates: Families to try, of :data:`seclab.attacks.model_extraction.SURROGATES`.
        jitter: Largest change of a feature, as a fraction of the feature range from 0 to 1, in
            the noisy copies that follow once the population is used up.

    Returns:
        ``surrogate_fidelity`` and ``surrogate_accuracy`` for each budget and family and for the
        strongest, 0 to 1, lower is better for the defender.

    Raises:
        Misconfigured: No budget or one below 1, an unknown family, a jitter outside 0 to 1.

    References:
        Tramèr et al. (2016), Stealing machine learning models via prediction APIs,
        arXiv:1609.02943. Jagielski et al. (2020), High accuracy and high fidelity extraction of
        neural networks, arXiv:1909.01838.
    """
    _require_possible(query_budgets, surrogates, jitter)
    population, test = target.data.population, target.data.test
    bounds = population.feature_range
    seed = int(rng.integers(2**31))
    queries = draw_queries(
        population.features, budget=max(query_budgets), jitter=jitter, bounds=bounds, rng=rng
    )
    answers, truth = target.predict(queries), target.predict(test.features)
    copies = []
    for budget in query_budgets:
        for family in surrogates:
            surrogate = train_surrogate(
                family, queries[:budget], answers[:budget], bounds=bounds, seed=seed
            )
            labels = surrogate(test.features)
            fidelity, accuracy = (
                proportion_of(labels == truth),
                proportion_of(labels == test.labels),
            )
            copies.append(_Copy(budget, family, fidelity, accuracy))
    strongest = {budget: _strongest(copies, budget) for budget in query_budgets}
    return Result(
        readings=tuple(_readings(copies, strongest)),
        tables=(_table(copies, strongest),),
        figures=(_chart(copies, surrogates),),
        notes=tuple(_notes(query_budgets, len(population), len(test))),
    )


def _require_possible(budgets: Sequence[int], surrogates: Sequence[str], jitter: float) -> None:
    problems = [
        f"model_extraction: a query budget is a number of rows from 1 on, got {budget}"
        for budget in budgets
        if budget < 1
    ]
    problems += [
        f"model_extraction: unknown surrogate {family!r}; known: {', '.join(SURROGATES)}"
        for family in surrogates
        if family not in SURROGATES
    ]
    for name, values in (("query_budgets", budgets), ("surrogates", surrogates)):
        if not values or len(set(values)) < len(values):
            problems.append(f"model_extraction: {name} must name at least one, and each once")
    if not 0.0 <= jitter <= 1.0:
        problems.append(
            f"model_extraction: jitter is a fraction of the feature range from 0 to 1, got {jitter}"
        )
    if problems:
        raise Misconfigured(problems)


def _strongest(copies: Sequence[_Copy], budget: int) -> _Copy:
    """The copy of the highest fidelity at a budget, the first of several."""
    return max(
        (copy for copy in copies if copy.budget == budget), key=lambda copy: copy.fidelity.value
    )


def _readings(copies: Sequence[_Copy], strongest: Mapping[int, _Copy]) -> list[Reading]:
    named = [(copy.family, copy) for copy in copies]
    named += [(_STRONGEST, copy) for copy in strongest.values()]
    readings = []
    for surrogate, copy in named:
        parameters: Parameters = {"query_budget": copy.budget, "surrogate": surrogate}
        readings.append(Reading(_FIDELITY, copy.fidelity, parameters))
        readings.append(Reading(_ACCURACY, copy.accuracy, parameters))
    return readings


def _table(copies: Sequence[_Copy], strongest: Mapping[int, _Copy]) -> Table:
    return Table(
        name="model_extraction",
        caption="Surrogates by number of training queries, measured on the test split.",
        columns=(
            "query_budget",
            "surrogate",
            _FIDELITY,
            _ACCURACY,
            f"{_FIDELITY}_low",
            f"{_FIDELITY}_high",
            f"{_ACCURACY}_low",
            f"{_ACCURACY}_high",
            _STRONGEST,
        ),
        rows=tuple(_row(copy, chosen=copy is strongest[copy.budget]) for copy in copies),
    )


def _row(copy: _Copy, *, chosen: bool) -> tuple[Scalar, ...]:
    return (
        copy.budget,
        copy.family,
        copy.fidelity.value,
        copy.accuracy.value,
        copy.fidelity.low,
        copy.fidelity.high,
        copy.accuracy.low,
        copy.accuracy.high,
        chosen,
    )


def _chart(copies: Sequence[_Copy], surrogates: Sequence[str]) -> Chart:
    return Chart(
        name="model_extraction",
        title="Fidelity of extracted copies by query budget",
        x_label="training queries",
        y_label="fidelity",
        series=tuple(
            Series.of(
                family,
                [(float(copy.budget), copy.fidelity) for copy in copies if copy.family == family],
            )
            for family in surrogates
        ),
    )


def _notes(budgets: Sequence[int], population: int, test: int) -> list[str]:
    notes = [
        f"Queries: {max(budgets)} to train, a smaller budget being the first of them.",
        f"Queries: {test} more to score, outside every budget.",
        "Labels only: an attacker who sees confidences needs fewer queries.",
    ]
    if max(budgets) > population:
        notes.append(
            f"Beyond the {population} rows of the population the queries are noisy copies of them."
        )
    return notes
