"""Evasion of one model in one norm: every attack it allows, and what can be proven of it."""

from collections.abc import Sequence

import numpy as np

from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.evasion.attempts import STRONGEST, Attacker, Effort, strongest
from seclab.evasion.certificates import Certifier
from seclab.evasion.checks import masked, require_no_contradiction, unbroken
from seclab.evasion.findings import METRICS, Outcomes
from seclab.evasion.geometry import L2, LINF, Geometry
from seclab.evasion.smallest import smallest_changes
from seclab.models import Target
from seclab.outcome import Result

__all__ = ["L2", "LINF", "METRICS", "STRONGEST", "Effort", "evade"]


def evade(
    target: Target,
    geometry: Geometry,
    *,
    epsilons: Sequence[float],
    samples: int,
    effort: Effort,
    rng: np.random.Generator,
) -> Result:
    """Attack a model inside balls of growing size, and prove what can be proven.

    Args:
        target: The model.
        geometry: The norm.
        epsilons: Radii as fractions of the feature range, each above 0 and at most the longest
            change there is.
        samples: Test images attacked, at least 1, at most all.
        effort: How hard the attacks try.
        rng: Chooses the images where fewer than all are asked for, starts and directions.

    Raises:
        Misconfigured: There is no image, no radius, one that no ball can have, or no effort; all
            problems at once.
        ArithmeticError: An attack broke what was proven: a defect of one of them.
    """
    longest = geometry.diameter(target.data.test.features.shape[1])
    _require_possible(epsilons, longest, samples, effort)
    sizes = sorted(set(epsilons))
    attacker = Attacker(target, _sample(target.data.test, samples, rng), geometry, effort, rng)
    clean = attacker.unchanged()
    # In the ball that holds the whole box too: what is not broken there is not attacked well.
    attempts = attacker.attempts(sorted({*sizes, longest}))
    within = [attempt for attempt in attempts if attempt.epsilon in sizes]
    smallest = smallest_changes(attacker, clean, attempts)
    # What was shortened may have come into a ball in which no attack had been lucky.
    nearest = [attacker.tried("smallest_change", size, smallest.adversarial) for size in sizes]
    worst, certifier = strongest([*within, *nearest], clean), Certifier(attacker)
    certified = certifier.certificates(worst)
    require_no_contradiction(certified, worst)
    outcomes = Outcomes(
        images=attacker.images,
        geometry=geometry,
        clean=clean,
        attempts=within,
        strongest=worst,
        certified=certified,
        masked=masked(within),
        full_range=unbroken([attempt for attempt in attempts if attempt.epsilon == longest]),
        smallest=smallest.lengths,
        radii=certifier.radii(certified, smallest.lengths),
        solved=attacker.exact,
    )
    readings = tuple(outcomes.readings())
    return Result(
        readings=readings,
        tables=(outcomes.sweep(readings), outcomes.per_image()),
        figures=(outcomes.curve(), *outcomes.worst_failures()),
        notes=tuple(outcomes.notes()),
    )


def _require_possible(
    epsilons: Sequence[float], longest: float, samples: int, effort: Effort
) -> None:
    problems = []
    if not epsilons or any(not 0.0 < epsilon <= longest for epsilon in epsilons):
        problems.append(
            f"epsilons are fractions above 0 and at most {longest:g}, got {list(epsilons)}"
        )
    numbers = {
        "samples": (samples, 1),
        "steps": (effort.steps, 1),
        "restarts": (effort.restarts, 1),
        "score_queries": (effort.queries, 1),
        "walk_iterations": (effort.walk_iterations, 0),
    }
    problems += [
        f"{name} must be at least {least}, got {number}"
        for name, (number, least) in numbers.items()
        if number < least
    ]
    if problems:
        raise Misconfigured(problems)


def _sample(test: Dataset, samples: int, rng: np.random.Generator) -> Dataset:
    if samples >= len(test):
        return test
    return test.take(np.sort(rng.choice(len(test), size=samples, replace=False)))
