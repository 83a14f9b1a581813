"""Model extraction (R-EXT-01): how good a copy a given number of answers buys."""

from collections.abc import Mapping, Sequence

import numpy as np

from seclab.attacks.extraction import (
    EQUATION_SOLVING,
    FAMILIES,
    PATH_FINDING,
    STRATEGIES,
    Campaign,
)
from seclab.errors import Misconfigured, NotEvaluated
from seclab.evaluations.model_extraction.measuring import TRANSFER, Made, scoring_of, transferred
from seclab.evaluations.model_extraction.reporting import (
    ACCURACY,
    FIDELITY,
    NOTHING,
    UNASKED,
    UNIFORM_FIDELITY,
    chart_of,
    controls_table,
    copies_table,
    notes_of,
    of_answers,
    readings_of,
    unasked_readings,
)
from seclab.measurement import Metric
from seclab.models import Target
from seclab.models.controlled import ControlledTarget
from seclab.models.output_controls import CONTROLS, control
from seclab.outcome import Result
from seclab.registry import evaluation


@evaluation(
    risks=("R-EXT-01",),
    metrics=(
        Metric(
            FIDELITY,
            unit="fraction",
            better="lower",
            description="Test inputs on which the surrogate gives the label the model gives.",
        ),
        Metric(
            ACCURACY,
            unit="fraction",
            better="lower",
            description="Test inputs that the surrogate classifies correctly.",
        ),
        Metric(
            UNIFORM_FIDELITY,
            unit="fraction",
            better="lower",
            description="Uniform inputs on which the surrogate gives the label the model gives.",
        ),
        Metric(
            UNASKED,
            unit="fraction",
            better="lower",
            description="Test inputs on which a copy from true labels, nothing asked, agrees.",
        ),
        Metric(
            TRANSFER,
            unit="fraction",
            better="lower",
            description="Rightly classified test inputs that evasion made on the surrogate breaks.",
        ),
    ),
)
def model_extraction(
    target: Target,
    *,
    rng: np.random.Generator,
    query_budgets: Sequence[int] = (50, 100, 250),
    answers: Sequence[str] = ("labels", "confidences"),
    queries: Sequence[str] = ("population", "active", "uniform"),
    surrogates: Sequence[str] = ("softmax-regression", "mlp", "kernel", EQUATION_SOLVING),
    jitter: float = 0.1,
    epsilon: float = 0.1,
    repeats: int = 3,
) -> Result:
    """Model extraction by learning from what a service answers.

    ``answers`` is how much the service tells: labels, the highest confidence (``top1``), or all
    confidences, as they are or behind an output control. The attacker knows which, and owns the
    population split without its labels. Each kind of answers with each way to choose queries is
    an attacker with a budget of its own; budgets are nested, and exactly ``query_budget`` rows
    stand behind each copy, fewer only where path finding has found a whole tree. Who asks for
    labels gets labels and nothing else.

    ``strongest`` is, for each attacker and budget, the surrogate of the highest value of the
    metric. An attacker would choose too, but not on the rows reported here: choosing on them errs
    on the side of caution, and the interval does not allow for the choice.

    ``unasked_fidelity`` is what it must be held against: the agreement of a copy that was trained
    on as many rows labelled by hand. On an easy task two good models agree without any theft.

    Args:
        target: The model; it is asked the rows to score on once; in each campaign by each attacker
            the largest budget, and for each kind of answers and budget the evasive rows.
        rng: Chooses queries, noise and training seed.
        query_budgets: Numbers of training queries, each at least 1.
        answers: What is served, of :data:`seclab.models.output_controls.CONTROLS`.
        queries: How rows are chosen: ``population``, then noisy copies of it; ``active``, first
            those of it that a copy is least sure of, then mixtures of them; ``uniform``, noise;
            ``path_finding``, on request, the boxes of a tree's leaves around the population.
        surrogates: Of :data:`seclab.attacks.extraction.FAMILIES`; ``equation_solving`` takes the
            model for a softmax regression, and ``path_finding`` for a decision tree, from its
            own queries alone. Both are left out where there are only labels.
        jitter: Largest change of a feature, as a fraction of the feature range from 0 to 1, in
            rows made of those of the population.
        epsilon: L-infinity radius of the evasion that is carried over, as a fraction of the
            feature range above 0, at most 1.
        repeats: Campaigns, at least 1: each chooses other queries and trains from another seed.

    Returns:
        For each attacker and budget the strongest ``surrogate_fidelity`` and ``uniform_fidelity``,
        and the ``surrogate_accuracy`` of the most faithful copy; for each budget the strongest
        ``unasked_fidelity``; for each kind of answers and budget the ``transfer_success_rate`` of
        evasion made on the most faithful copy that has a gradient. All 0 to 1, lower is better for
        the defender, means over the campaigns with intervals over the rows.

    Raises:
        Misconfigured: A budget below 1, unknown answers, queries or surrogates, nothing that
            learns from labels, a jitter or epsilon out of range; all problems at once.
        NotEvaluated: The target is behind a control that serves labels alone, and nothing
            learns from these.

    References:
        Tramèr et al. (2016), Stealing machine learning models via prediction APIs,
        arXiv:1609.02943. Papernot et al. (2017), Practical black-box attacks against machine
        learning, arXiv:1602.02697. Jagielski et al. (2020), High accuracy and high fidelity
        extraction of neural networks, arXiv:1909.01838.
    """
    names = {"answers": answers, "queries": queries, "surrogates": surrogates}
    _require_possible(query_budgets, names, {"jitter": jitter, "epsilon": epsilon}, repeats)
    population = target.data.population
    seed = int(rng.integers(2**31))
    campaigns = [
        Campaign(
            population=population.features,
            classes=len(population.class_names),
            bounds=population.feature_range,
            budgets=tuple(query_budgets),
            families=tuple(surrogates),
            jitter=jitter,
            seed=seed + repeat,
        )
        for repeat in range(repeats)
    ]
    scoring = scoring_of(target, rng)
    services = {name: ControlledTarget(target, control(name)) for name in answers}
    made = [
        Made(repeat, name, strategy, budget, family, copy, *scoring.hits(copy))
        for repeat, campaign in enumerate(campaigns)
        for name, service in services.items()
        for strategy in queries
        for budget, family, copy in campaign.copies(
            service.answers, strategy=strategy, resolution=service.resolution
        )
    ]
    if not made:
        given = " and ".join(surrogates)
        raise NotEvaluated(f"where labels are all that is served no copy comes by {given}")
    carried = [
        transferred(target, scoring, [m for m in of_answers(made, name) if m.budget == n], epsilon)
        for name in answers
        for n in query_budgets
    ]
    unasked = [
        Made(repeat, NOTHING, "population", budget, family, copy, *scoring.hits(copy))
        for repeat, campaign in enumerate(campaigns)
        for budget, family, copy in campaign.unasked(population.labels)
    ]
    return Result(
        readings=(
            *readings_of(made),
            *unasked_readings(unasked),
            *(reading for reading in carried if reading),
        ),
        tables=(copies_table([*made, *unasked]), controls_table(made, answers, scoring)),
        figures=(chart_of([*made, *unasked], [*answers, NOTHING]),),
        notes=tuple(
            notes_of(campaigns[0], len(answers), queries, test=len(scoring.labels), repeats=repeats)
        ),
    )


def _require_possible(
    budgets: Sequence[int],
    names: Mapping[str, Sequence[str]],
    fractions: Mapping[str, float],
    repeats: int,
) -> None:
    known = {"answers": tuple(CONTROLS), "queries": STRATEGIES, "surrogates": FAMILIES}
    problems = [
        f"a query budget is a number of rows from 1 on, got {budget}"
        for budget in budgets
        if budget < 1
    ]
    problems += [
        f"unknown {kind} {name!r}; known: {', '.join(known[kind])}"
        for kind, chosen in names.items()
        for name in chosen
        if name not in known[kind]
    ]
    for kind, values in (("query_budgets", budgets), *names.items()):
        if not values or len(set(values)) < len(values):
            problems.append(f"{kind} must name at least one, and each once")
    if (PATH_FINDING in names["surrogates"]) > (PATH_FINDING in names["queries"]):
        problems.append(f"{PATH_FINDING} asks questions of its own: add it to queries")
    learning = set(names["surrogates"]) - {EQUATION_SOLVING, PATH_FINDING}
    if "labels" in names["answers"] and names["surrogates"] and not learning:
        given = " and ".join(sorted(names["surrogates"]))
        problems.append(f"no copy comes of labels by {given}: add another surrogate")
    if set(names["surrogates"]) == {PATH_FINDING} < set(names["queries"]):
        problems.append(f"{PATH_FINDING} learns from its own queries alone: add another surrogate")
    problems += [
        f"{name} is a fraction of the feature range from 0 to 1, got {value}"
        for name, value in fractions.items()
        if not 0.0 <= value <= 1.0
    ]
    if fractions["epsilon"] == 0.0:
        problems.append("epsilon is above 0: within nothing there is no evasion")
    if repeats < 1:
        problems.append(f"repeats is a number from 1 on, got {repeats}")
    if problems:
        raise Misconfigured([f"model_extraction: {problem}" for problem in problems])
