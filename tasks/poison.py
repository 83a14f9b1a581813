"""Poison a dataset on purpose: what do the checks find, and what is left of the attack?"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from seclab.datasets import Dataset
from seclab.detection import PoisonedSet, poisoned_set
from seclab.errors import Misconfigured, NotEvaluated
from seclab.outcome import Evaluated, Outcome
from seclab.shelf import RunSummary
from tasks import detection
from tasks.context import Context
from tasks.custody import recorded
from tasks.data import check_dataset
from tasks.progress import progress

_EVALUATION = "poisoning_detection"
_ONE_SET = {"sets": 1, "retrain_sets": 1, "batched_sets": 1}
_TOLD = (
    ("attack success", "attack_success_rate"),
    ("clean accuracy", "clean_accuracy"),
)


def drill(
    context: Context, stack: ExitStack, dataset: Dataset, *, kind: str, rate: float
) -> RunSummary:
    """Poison four fifths of a dataset, hold the checks to stopping it, and seal what came of it.

    Models are trained of the poisoned set to measure the attack, before and after the rows that
    the checks name are set aside; none of them is kept.

    Args:
        context: The evaluation run.
        stack: Closes the run about the set, whatever happens.
        dataset: The clean rows.
        kind: One of :data:`seclab.attacks.poisoning.KINDS`.
        rate: Poisoned rows as a fraction of those there are, 0 to 1.

    Raises:
        Misconfigured: A kind for images and rows that are none, or a rate that poisons no row.
        NotEvaluated: The checks let it pass; the run about it is sealed all the same.
    """
    planted = spoil(dataset, kind=kind, rate=rate, seed=context.seed)
    report = check_dataset(planted.rows, context.project)
    profile = context.project.registers.profiles[context.profile].evaluations
    aimed = {**profile.get(_EVALUATION, {}), "kinds": [kind], "rates": [rate], **_ONE_SET}
    started = detection.start(
        context,
        stack,
        dataset,
        [report],
        {_EVALUATION: aimed},
        manifests=recorded(context, planted.rows),
        planted=planted,
        description=describe(planted, seed=context.seed),
    )
    [(summary, outcomes)] = detection.finish(context, started)
    _tell(planted, outcomes)
    if not report.stopping():
        raise NotEvaluated(
            f"the checks let {kind} at rate {rate:g} pass: see `seclab show {summary.run_id[:12]}`"
        )
    return summary


def spoil(dataset: Dataset, *, kind: str, rate: float, seed: int) -> PoisonedSet:
    """Four fifths of a dataset with poison in them.

    Args:
        dataset: The clean rows.
        kind: One of :data:`seclab.attacks.poisoning.KINDS`.
        rate: Poisoned rows as a fraction of those there are, 0 to 1.
        seed: Decides everything random.

    Raises:
        Misconfigured: A rate outside 0 to 1, one that poisons no row, or a kind for images and
            rows that are none.
    """
    made = poisoned_set(dataset, kind=kind, rate=rate, rng=np.random.default_rng(seed))
    rows = int(made.mask.sum())
    if not rows:
        raise Misconfigured(f"rate {rate:g} poisons no row of {len(made.rows)}: give a higher one")
    how = (
        f"{dataset.provenance.obtained}; four fifths of it drawn at random, then poisoned on "
        f"purpose: {kind}, rate {rate:g}"
    )
    provenance = replace(dataset.provenance, obtained=how)
    progress.warning("poisoned %s on purpose: %s, %d rows", dataset.name, kind, rows)
    return replace(made, rows=replace(made.rows, provenance=provenance))


def describe(planted: PoisonedSet, *, seed: int) -> Mapping[str, Any]:
    """What was done, with the exact rows, for the evidence."""
    poison = planted.poison
    return {
        "poison": {
            "kind": planted.kind,
            "rate": planted.rate,
            "seed": seed,
            "source": poison.source,
            "target": poison.target,
            "added": poison.added,
            "rows": np.flatnonzero(planted.mask).tolist(),
        }
    }


def _tell(planted: PoisonedSet, outcomes: Sequence[Outcome]) -> None:
    """How much was found, and what the attack was worth before and after."""
    measured = {
        measurement.metric: measurement.value
        for outcome in outcomes
        if isinstance(outcome, Evaluated)
        for measurement in outcome.measurements
        if measurement.parameters.get("kind") == planted.kind
    }
    if not measured:
        return
    rows, clean = int(planted.mask.sum()), int((~planted.mask).sum())
    if not measured["set_detection_rate"]:
        progress.error("missed   no check but the comparison with what is recorded has found it")
    progress.info(
        "found    %d of %d poisoned rows, and %d of %d clean ones",
        round(measured["row_recall"] * rows),
        rows,
        round(measured["clean_row_false_alarm_rate"] * clean),
        clean,
    )
    for words, metric in _TOLD:
        if f"{metric}_before" in measured:
            progress.info(
                "repair   %s %.3f before, %s after",
                words,
                measured[f"{metric}_before"],
                f"{measured[f'{metric}_after']:.3f}"
                if f"{metric}_after" in measured
                else "nothing to train on",
            )
