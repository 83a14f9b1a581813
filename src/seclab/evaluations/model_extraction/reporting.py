"""What is reported of the copies: the strongest as readings, all of them as rows."""

from collections.abc import Iterable, Sequence

import numpy as np

from seclab.artifacts import Chart, Series, Table
from seclab.attacks.extraction import PATH_FINDING, Campaign
from seclab.evaluations.model_extraction.measuring import UNIFORM_ROWS, Made, Scoring
from seclab.measurement import Estimate, Reading, Scalar
from seclab.models.answers import filled
from seclab.models.output_controls import control
from seclab.per_sample import mean_rate
from seclab.statistics import proportion_of

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
    return max(made, key=lambda one: one.fidelity)


def _attackers(made: Sequence[Made]) -> list[list[Made]]:
    """The copies of each attacker at each budget, of all its campaigns."""
    groups: dict[tuple[str, str, int], list[Made]] = {}
    for one in made:
        groups.setdefault((one.answers, one.queries, one.budget), []).append(one)
    return list(groups.values())


def _campaigns(made: Iterable[Made]) -> list[list[Made]]:
    """The copies of each campaign."""
    groups: dict[int, list[Made]] = {}
    for one in made:
        groups.setdefault(one.repeat, []).append(one)
    return list(groups.values())


def _best(copies: Sequence[Made]) -> list[Made]:
    """The most faithful copy of each campaign."""
    return [_most_faithful(campaign) for campaign in _campaigns(copies)]


def _mean(hits: Iterable[np.ndarray]) -> Estimate:
    """The mean over campaigns; the interval rests on the rows."""
    return mean_rate(np.stack(list(hits)))


def readings_of(made: Sequence[Made]) -> list[Reading]:
    """The strongest copy of each attacker at each budget, by each metric."""
    readings = []
    for copies in _attackers(made):
        best = _best(copies)
        anywhere = [
            max(campaign, key=lambda one: one.uniform_fidelity) for campaign in _campaigns(copies)
        ]
        where: dict[str, Scalar] = {
            "answers": best[0].answers,
            "queries": best[0].queries,
            "query_budget": best[0].budget,
            "surrogate": _STRONGEST,
        }
        readings += [
            Reading(FIDELITY, _mean(one.faithful for one in best), where),
            Reading(ACCURACY, _mean(one.right for one in best), where),
            Reading(UNIFORM_FIDELITY, _mean(one.uniform_faithful for one in anywhere), where),
        ]
    return readings


def unasked_readings(made: Sequence[Made]) -> list[Reading]:
    """The strongest copy for which nothing was asked, at each number of rows labelled by hand."""
    return [
        Reading(
            UNASKED,
            _mean(one.faithful for one in _best(copies)),
            {"query_budget": copies[0].budget, "surrogate": _STRONGEST},
        )
        for copies in _attackers(made)
    ]


def copies_table(made: Sequence[Made]) -> Table:
    """A row for every copy."""
    strongest = {id(one) for copies in _attackers(made) for one in _best(copies)}
    metrics = (FIDELITY, ACCURACY, UNIFORM_FIDELITY)
    rows = []
    for one in made:
        row: list[Scalar] = [one.repeat, one.answers, one.queries, one.budget, one.family]
        for hits in (one.faithful, one.right, one.uniform_faithful):
            estimate = proportion_of(hits)
            row += [estimate.value, estimate.low, estimate.high]
        rows.append((*row, id(one) in strongest))
    return Table(
        name="model_extraction",
        caption="Every copy of every campaign, measured on the test split and on uniform inputs.",
        columns=(
            *("repeat", "answers", "queries", "query_budget", "surrogate"),
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
        reached = {
            budget: _mean(one.faithful for one in _best_of_all(copies, budget)).value
            for budget in sorted({one.budget for one in copies})
        }
        needed = [
            min((budget for budget, value in reached.items() if value >= level), default=None)
            for level in _LEVELS
        ]
        rows.append((name, most, reached[most], *needed, *_cost(name, scoring)))
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


def _best_of_all(made: Iterable[Made], budget: int) -> list[Made]:
    """The most faithful copy of each campaign at a budget, whoever chose the queries."""
    return _best([one for one in made if one.budget == budget])


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
        copies = of_answers(made, name)
        points = [
            (float(budget), _mean(one.faithful for one in _best_of_all(copies, budget)))
            for budget in sorted({one.budget for one in copies})
        ]
        series.append(Series.of(name, points))
    return Chart(
        name="model_extraction",
        title="Fidelity of extracted copies by query budget",
        x_label="training queries",
        y_label="fidelity",
        series=tuple(series),
    )


def notes_of(
    campaign: Campaign, answers: int, queries: Sequence[str], *, test: int, repeats: int
) -> list[str]:
    """What was asked of the model, in words."""
    most, attackers = max(campaign.budgets), answers * len(queries)
    notes = [
        f"Queries: {most} to train for each of {attackers} attackers; smaller budgets lie within.",
        f"Queries: {test} test and {UNIFORM_ROWS} uniform rows to score, outside every budget.",
        "The evasive rows that are tried on the model are outside every budget too.",
    ]
    if PATH_FINDING in queries:
        notes.append(f"{PATH_FINDING} asks less than its budget where it has found a whole tree.")
    if repeats > 1:
        notes.append(
            f"All of it {repeats} times, each with other queries and another training: the numbers "
            "are means over these, their intervals rest on the rows; the table has every copy."
        )
    if most > len(campaign.population):
        notes.append(
            f"Beyond the {len(campaign.population)} rows of the population, queries that are not "
            "uniform are noisy copies or mixtures of them."
        )
    return notes
