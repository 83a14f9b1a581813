"""Poisoning detection (R-POI-01, R-POI-02): what the checks find of known poison, and repair."""

from collections.abc import Iterator, Sequence

import numpy as np

from seclab.attacks.poisoning import KINDS
from seclab.detection import DatasetTarget
from seclab.errors import Misconfigured, NotEvaluated
from seclab.evaluations.poisoning_detection import pictures, reporting
from seclab.evaluations.poisoning_detection.measuring import Cell, CleanSet, Effort, measure
from seclab.measurement import Metric, Parameters, Reading
from seclab.models import spec
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import proportion_of


@evaluation(
    risks=("R-POI-01", "R-POI-02"),
    metrics=(
        Metric(
            "set_detection_rate",
            unit="fraction",
            better="higher",
            description="Poisoned sets on which the checks raise the alarm, poison among the rows "
            "that they name, if they name any.",
        ),
        Metric(
            "row_recall",
            unit="fraction",
            better="higher",
            description="Poisoned rows that the alarmed checks name, mean over the sets.",
        ),
        Metric(
            "clean_row_false_alarm_rate",
            unit="fraction",
            better="lower",
            description="Clean rows that the alarmed checks name, mean over the sets.",
        ),
        Metric(
            "clean_set_alarm_rate",
            unit="fraction",
            better="lower",
            description="Clean parts of the dataset on which the checks raise the alarm.",
        ),
        Metric(
            "attack_success_rate_before",
            unit="fraction",
            better="lower",
            description="Held-out inputs that a model trained on the poisoned set reads as the "
            "attacker wants.",
        ),
        Metric(
            "attack_success_rate_after",
            unit="fraction",
            better="lower",
            description="The same once the named rows are set aside before training.",
        ),
        Metric(
            "clean_accuracy_before",
            unit="fraction",
            better="higher",
            description="Held-out clean rows that a model trained on the poisoned set reads right.",
        ),
        Metric(
            "clean_accuracy_after",
            unit="fraction",
            better="higher",
            description="The same once the named rows are set aside before training.",
        ),
        Metric(
            "batches_until_detected",
            unit="count",
            better="lower",
            description="Batches of a poisoned set taken in until the checks find it; of a set "
            "that is never found, one more than there are.",
        ),
    ),
    subject="dataset",
)
def poisoning_detection(
    target: DatasetTarget,
    *,
    rng: np.random.Generator,
    kinds: Sequence[str] = (
        "random_flips",
        "targeted_flips",
        "patch",
        "blended",
        "clean_label_patch",
        "feature_collision",
        "relabelled_copies",
        "slow_drift",
    ),
    rates: Sequence[float] = (0.01, 0.05),
    sets: int = 5,
    clean_sets: int = 10,
    retrain_sets: int = 2,
    batched_sets: int = 1,
    batches: int = 4,
    model: str = "mlp",
) -> Result:
    """Recall and false alarms of the data checks on known poison, and what repair achieves.

    For each kind and rate, ``sets`` parts of the dataset are drawn, four fifths of its rows each,
    and poisoned: classes, trigger and rows at random, anew for each, the same at every rate. The
    checks are asked as they would be before training. Of ``retrain_sets`` of them a model is
    trained on all that arrived and another, from the same seed, without the rows that the alarmed
    checks name; both are judged on the last fifth of the rows, which nobody touched. Of
    ``batched_sets`` of them the rows come in batches, poison in every one but the first, and the
    checks are asked after each until they find it. An alarm that names clean rows alone finds
    nothing: it is a false one.

    Args:
        target: The dataset, and the checks it has to pass.
        rng: Draws sets, poison, batches and training seeds.
        kinds: Names of :data:`seclab.attacks.poisoning.KINDS`. Those for images are left out
            where rows are none.
        rates: Poisoned rows as fractions of those that arrive, above 0 to 1.
        sets: Poisoned sets for each kind and rate, at least 1.
        clean_sets: Clean parts that the checks are asked about, at least 0.
        retrain_sets: How many of the poisoned sets models are trained on, 0 to ``sets``.
        batched_sets: How many of them arrive in batches, 0 to ``sets``.
        batches: How many arrive after the first, clean one; slow drift has a number of its own.
        model: Name of the spec that is trained.

    Returns:
        For each kind and rate ``set_detection_rate`` and ``row_recall`` (0 to 1, higher is
        better), ``clean_row_false_alarm_rate`` (0 to 1, lower is better; also of clean sets, kind
        ``none``), attack success (lower) and clean accuracy (higher) before and after repair,
        ``batches_until_detected`` (from 1 on, lower is better), and once ``clean_set_alarm_rate``
        (0 to 1, lower is better). Success is measured where the attack has one: of triggers on
        inputs of the source class that the same model reads right without, of relabelling on
        those of the source class, of collisions on the one input they are after.

    Raises:
        NotEvaluated: No set could be poisoned, or a check came to no finding.
        Misconfigured: Unknown kinds, rates or counts that cannot be.

    References:
        Gu, Dolan-Gavitt and Garg (2017), arXiv:1708.06733, for backdoors. Cina et al. (2023),
        Wild patterns reloaded: a survey of machine learning security against training data
        poisoning, arXiv:2205.01992, for kinds of poison and defenses. NIST AI 100-2 E2025,
        NISTAML.013, NISTAML.023 and NISTAML.024.
    """
    effort = Effort(
        rates=tuple(rates),
        sets=sets,
        clean_sets=clean_sets,
        retrain_sets=retrain_sets,
        batched_sets=batched_sets,
        batches=batches,
    )
    _require_possible(kinds, effort)
    images = target.data.image_shape is not None
    possible = [kind for kind in kinds if images or not KINDS[kind].images]
    cells, clean = measure(target, possible, effort, spec=spec(model), rng=rng)
    if not cells:
        raise NotEvaluated(
            f"of {target.data.name} no set could be poisoned: the kinds are for images, or the "
            "rates ask for less than half a row"
        )
    return Result(
        readings=(*_readings(cells), *_clean_readings(clean)),
        tables=reporting.tables(cells, clean),
        figures=(*reporting.charts(cells), *pictures.found(target.data, cells)),
        notes=tuple(
            reporting.notes(
                target, cells, clean, left_out=[kind for kind in kinds if kind not in possible]
            )
        ),
    )


def _require_possible(kinds: Sequence[str], effort: Effort) -> None:
    problems = [
        f"poisoning_detection: unknown kind of poison {kind!r}; known: {', '.join(KINDS)}"
        for kind in kinds
        if kind not in KINDS
    ]
    problems += [
        f"poisoning_detection: a poison rate is a fraction above 0 and at most 1, got {rate}"
        for rate in effort.rates
        if not 0.0 < rate <= 1.0
    ]
    for name, named in (("kinds", kinds), ("rates", effort.rates)):
        if not named or len(set(named)) < len(named):
            problems.append(f"poisoning_detection: {name} must name at least one, and each once")
    for name, least, most in (
        ("sets", 1, None),
        ("clean_sets", 0, None),
        ("retrain_sets", 0, effort.sets),
        ("batched_sets", 0, effort.sets),
        ("batches", 1, None),
    ):
        value = getattr(effort, name)
        if value < least or (most is not None and value > most):
            limit = f"from {least} to {most}" if most is not None else f"from {least} on"
            problems.append(f"poisoning_detection: {name} is a number {limit}, got {value}")
    if problems:
        raise Misconfigured(problems)


def _readings(cells: Sequence[Cell]) -> Iterator[Reading]:
    for cell in cells:
        parameters: Parameters = {"kind": cell.kind, "poison_rate": cell.rate}
        for metric, estimate in cell.estimates().items():
            yield Reading(metric, estimate, parameters)


def _clean_readings(clean: Sequence[CleanSet]) -> Iterator[Reading]:
    if clean:
        alarms = proportion_of([one.alarm for one in clean])
        yield Reading("clean_set_alarm_rate", alarms)
        none: Parameters = {"kind": "none", "poison_rate": 0.0}
        yield Reading("clean_row_false_alarm_rate", reporting.flagged_rows(clean), none)
