"""Model inversion (R-PRV-02): what the inputs of a class look like, asked of the model itself."""

from collections.abc import Mapping

import numpy as np

from seclab.attacks.inversion import Prior, invert_by_gradient, invert_by_scores
from seclab.errors import Misconfigured
from seclab.evaluations.model_inversion.measuring import Made
from seclab.evaluations.model_inversion.reporting import (
    BASELINE_LIKENESS,
    BASELINE_RECOGNITION,
    EXPOSED,
    LIKENESS,
    NEAREST,
    RECOGNITION,
    report,
)
from seclab.measurement import Metric
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation


@evaluation(
    risks=("R-PRV-02",),
    metrics=(
        Metric(
            RECOGNITION,
            unit="fraction",
            better="lower",
            description="Reconstructions that a judge without the model takes for their class.",
        ),
        Metric(
            BASELINE_RECOGNITION,
            unit="fraction",
            better="lower",
            description="The same of what the attacker started from, before any question.",
        ),
        Metric(
            LIKENESS,
            unit="fraction",
            better="lower",
            description="Correlation of the mean reconstruction with the mean training image.",
        ),
        Metric(
            BASELINE_LIKENESS,
            unit="fraction",
            better="lower",
            description="The same of the mean of all images, which the attacker had before.",
        ),
        Metric(
            NEAREST,
            unit="fraction",
            better="lower",
            description="How often the nearest of as many training as held-out images is training.",
        ),
        Metric(
            EXPOSED,
            unit="difference",
            better="lower",
            description="Training less held-out images that lie very near to a reconstruction.",
        ),
    ),
)
def model_inversion(
    target: Target,
    *,
    rng: np.random.Generator,
    starts: int = 16,
    steps: int = 200,
    score_queries: int = 500,
    prior_weight: float = 0.1,
    prior_variance: float = 0.95,
) -> Result:
    """Reconstruction of what each class looks like, and whether that is a training image.

    The attacker owns the population split without its labels, and makes of it a prior: a normal
    distribution along the principal axes. From images of the population, the same ones for every
    class, inputs are searched that the model is sure of and that the prior finds likely. Who has
    the model file follows the gradient, where there is one; who has not asks for probabilities.

    Two things can leak. The look of a class is what recognition and correlation show, beside what
    the attacker had without the model. Single images are what the other two show: a model that
    learned the class and no image of it gives reconstructions as near to images it never saw.

    Args:
        target: The model; it is asked ``score_queries`` times for each reconstruction, and once
            about every one that was made.
        rng: Chooses the starts and the directions of the search by scores.
        starts: Reconstructions of each class, at least 1, at most the rows of the population.
        steps: Gradients for each reconstruction, at least 1.
        score_queries: Answers for each reconstruction, at least 1.
        prior_weight: How much the prior counts beside the model, at least 0. With 1 the result is
            the likeliest input given the class.
        prior_variance: Share of the population's variance that the axes cover, above 0, at most 1.

    Returns:
        For each attack ``reconstruction_recognition_rate``, ``nearest_training_rate`` (0.5 is
        chance; both with an interval over the classes), ``reconstruction_correlation`` (Student's
        over the classes), all 0 to 1, and ``exposed_training_excess`` (-1 to 1, 0 is chance;
        Newcombe's over the images); once ``baseline_recognition_rate`` and
        ``baseline_correlation``, 0 to 1. Lower is better.

    Raises:
        Misconfigured: A number that cannot be; all problems at once.

    References:
        NIST AI 100-2 E2025, NISTAML.032. Fredrikson, Jha and Ristenpart (2015), Model inversion
        attacks that exploit confidence information and basic countermeasures,
        doi 10.1145/2810103.2813677.
    """
    population = target.data.population
    _require_possible(
        {"starts": starts, "steps": steps, "score_queries": score_queries},
        {"prior_weight": prior_weight, "prior_variance": prior_variance},
        most=len(population),
    )
    prior = Prior.of(population.features, variance=prior_variance, bounds=population.feature_range)
    classes = target.classes
    chosen = population.features[np.sort(rng.choice(len(population), starts, replace=False))]
    start = np.tile(chosen, (len(classes), 1))
    columns = np.repeat(np.arange(len(classes)), starts)
    found = {}
    if target.has_gradient:
        found["gradient"] = invert_by_gradient(
            target.loss_gradient,
            classes[columns],
            prior=prior,
            start=start,
            weight=prior_weight,
            steps=steps,
        )
    found["scores"] = invert_by_scores(
        target.predict_proba,
        columns,
        prior=prior,
        start=start,
        weight=prior_weight,
        queries=score_queries,
        rng=rng,
    )
    made = [_made(target, attack, rows, columns) for attack, rows in found.items()]
    return report(made, target.data, classes, start=chosen, prior=prior)


def _made(target: Target, attack: str, rows: np.ndarray, columns: np.ndarray) -> Made:
    shape = (len(target.classes), -1)
    confidence = target.predict_proba(rows)[np.arange(len(rows)), columns]
    return Made(attack, rows.reshape(*shape, rows.shape[1]), confidence.reshape(shape))


def _require_possible(counts: Mapping[str, int], shares: Mapping[str, float], *, most: int) -> None:
    problems = [
        f"{name} is a number from 1 on, got {count}" for name, count in counts.items() if count < 1
    ]
    if counts["starts"] > most:
        problems.append(f"starts is at most {most}, the rows of the population")
    if not shares["prior_weight"] >= 0.0:
        problems.append(f"prior_weight is 0 or more, got {shares['prior_weight']}")
    if not 0.0 < shares["prior_variance"] <= 1.0:
        problems.append(
            f"prior_variance is a share above 0 and at most 1, got {shares['prior_variance']}"
        )
    if problems:
        raise Misconfigured([f"model_inversion: {problem}" for problem in problems])
