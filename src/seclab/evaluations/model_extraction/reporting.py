"""What is reported of the copies: the strongest as readings, all of them as rows."""

from collections.abc import Iterable, Sequence

import numpy as np

from seclab.artifacts import Chart, Series, Table
from seclab.attacks.extraction import Campaign, filled
from seclab.evaluations.model_extraction.measuring import UNIFORM_ROWS, Made, Scoring
from seclab.measurement import Reading, Scalar
from seclab.models.output_controls import control

FIDELITY, ACCURACY, UNIFORM_FIDELITY = (
    "surrogate_fidelity",
    "surrogate_accuracy",
    "uniform_fidelity",
)
UNASKED, NOTHING = "unasked_fidelity", "nothing"
_STRONGEST = "strongest"
_LEVELS = (0.90, 0.95, 0.99)


def of_answers(made: Iterable[Made], answers: str) -> list[Made]:
    """The copies made of one kind of answers."""
    return [one for one in made if one.answers == answers]


def _most_faithful(made: Iterable[Made]) -> Made:
    """The copy of the highest fidelity, the first of several."""
    return max(made, key=lambda one: one.fidelity.value)


def _attackers(made: Sequence[Made]) -> list[list[Made]]:
    """The copies of each attacker at each budget."""
    groups: dict[tuple[str, str, int], list[Made]] = {}
    for one in made:
        groups.setdefault((one.answers, one.queries, one.budget), []).append(one)
    return list(groups.values())


def readings_of(made: Sequence[Made]) -> list[Reading]:
    """The strongest copy of each attacker at each budget, by each metric."""
    readings = []
    for copies in _attackers(made):
        best = _most_faithful(copies)
        anywhere = max((one.uniform_fidelity for one in copies), key=lambda found: found.value)
        where: dict[str, Scalar] = {
            "answers": best.answers,
            "queries": best.queries,
            "query_budget": best.budget,
            "surrogate": _STRONGEST,
        }
        readings += [
            Reading(FIDELITY, best.fidelity, where),
            Reading(ACCURACY, best.accuracy, where),
            Reading(UNIFORM_FIDELITY, anywhere, where),
        ]
    return readings


def unasked_readings(made: Sequence[Made]) -> list[Reading]:
    """The strongest copy for which nothing was asked, at each number of rows labelled by hand."""
    best = [_most_faithful(copies) for copies in _attackers(made)]
    return [
        Reading(UNASKED, one.fidelity, {"query_budget": one.budget, "surrogate": _STRONGEST})
        for one in best
    ]


def copies_table(made: Sequence[Made]) -> Table:
    """A row for every copy."""
    strongest = {id(_most_faithful(copies)) for copies in _attackers(made)}
    metrics = (FIDELITY, ACCURACY, UNIFORM_FIDELITY)
    rows = []
    for one in made:
        row: list[Scalar] = [one.answers, one.queries, one.budget, one.family]
        for estimate in (one.fidelity, one.accuracy, one.uniform_fidelity):
            row += [estimate.value, estimate.low, estimate.high]
        rows.append((*row, id(one) in strongest))
    return Table(
        name="model_extraction",
        caption="Every copy, measured on the test split and on uniform inputs.",
        columns=(
            *("answers", "queries", "query_budget", "surrogate"),
            *(f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high")),
            _STRONGEST,
        ),
        rows=tuple(rows),
    )


def controls_table(made: Sequence[Made], answers: Sequence[str], scoring: Scoring) -> Table:
    """What each kind of answers gives away, and what it costs an honest client."""
    rows = []
    for name in answers:
        copies = of_answers(made, name)
        most = max(one.budget for one in copies)
        best = _most_faithful(one for one in copies if one.budget == most)
        needed = [
            min((one.budget for one in copies if one.fidelity.value >= level), default=None)
            for level in _LEVELS
        ]
        rows.append((name, most, best.fidelity.value, *needed, *_cost(name, scoring)))
    return Table(
        name="output_controls",
        caption="By what is served: the best copy, the smallest budget of the sweep that reached a "
        "fidelity, and the errors of the confidences on the test split. Labels stay the model's.",
        columns=(
            *("answers", "query_budget", FIDELITY),
            *(f"queries_to_{level * 100:.0f}" for level in _LEVELS),
            *("confidence_error", "brier_score"),
        ),
        rows=tuple(rows),
    )


def _cost(answers: str, scoring: Scoring) -> tuple[float | None, float | None]:
    """Mean absolute error of what is served, and its Brier score; lower is better for a client."""
    serve, true = control(answers).serve, scoring.probabilities
    if serve is None:
        return None, None
    served = filled(serve(scoring.features, true))
    brier = ((served - np.eye(true.shape[1])[scoring.labels]) ** 2).sum(axis=1).mean()
    return float(np.abs(served - true).mean()), float(brier)


def chart_of(made: Sequence[Made], answers: Sequence[str]) -> Chart:
    """The best copy that any attacker makes, by what is served."""
    series = []
    for name in (name for name in answers if of_answers(made, name)):
        budgets = sorted({one.budget for one in of_answers(made, name)})
        best = [
            (float(budget), _most_faithful(o for o in of_answers(made, name) if o.budget == budget))
            for budget in budgets
        ]
        series.append(Series.of(name, [(budget, one.fidelity) for budget, one in best]))
    return Chart(
        name="model_extraction",
        title="Fidelity of extracted copies by query budget",
        x_label="training queries",
        y_label="fidelity",
        series=tuple(series),
    )


def notes_of(campaign: Campaign, attackers: int, test: int) -> list[str]:
    """What was asked of the model, in words."""
    most = max(campaign.budgets)
    notes = [
        f"Queries: {most} to train for each of {attackers} attackers; smaller budgets lie within.",
        f"Queries: {test} test and {UNIFORM_ROWS} uniform rows to score, outside every budget.",
        "The evasive rows that are tried on the model are outside every budget too.",
    ]
    if most > len(campaign.population):
        notes.append(
            f"Beyond the {len(campaign.population)} rows of the population, queries that are not "
            "uniform are noisy copies or mixtures of them."
        )
    return notes
