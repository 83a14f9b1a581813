"""Extraction of a softmax regression from its confidences."""

from functools import partial

import numpy as np
from peers.art_models import CopycatCNN, KnockoffNets, wrapped
from peers.lab import SEED, Aim, Lab, in_turns, table, title

from seclab.attacks.extraction import solve_softmax, uniform_queries
from seclab.models import Target
from seclab.models.answers import as_targets
from seclab.models.output_controls import control

_BUDGETS = (("confidences", 66, 1.0), ("confidences_3_decimals", 650, 0.99))
_ROWS = 10_000


def extraction(lab: Lab) -> list[Aim]:
    """How far the copy agrees, on images and anywhere in the box."""
    target = lab.target("softmax-regression")
    test = target.data.test
    title("extraction: softmax regression by equation solving, uniform queries")
    for attack in (CopycatCNN, KnockoffNets):
        print(f"ART {attack.__name__}: {_refusal(attack, target)}")
    rng = np.random.default_rng(SEED + 1)
    anywhere = rng.uniform(*test.feature_range, (_ROWS, test.features.shape[1]))
    images, uniform = target.predict(test.features), target.predict(anywhere)
    rows, aims = [], []
    for served, budget, wanted in _BUDGETS:
        (taken,) = in_turns({"": partial(_copied, target, served, budget)}, lab.repeats).values()
        on_images = float((taken.result(test.features).argmax(axis=1) == images).mean())
        on_uniform = float((taken.result(anywhere).argmax(axis=1) == uniform).mean())
        rows.append((served, budget, taken.seconds, on_images, on_uniform))
        aims.append(
            Aim(
                f"extraction: >= {wanted:.0%} of test rows alike within {budget} {served}",
                f"{on_images:.2%}, {on_uniform:.2%} of {_ROWS} uniform rows",
                met=on_images >= wanted,
            )
        )
    table(("served", "queries", "seconds", "test rows alike", "uniform rows alike"), rows)
    return aims


def _copied(target: Target, served: str, budget: int) -> object:
    test, answer = target.data.test, control(served)
    x = uniform_queries(
        test.features.shape[1],
        budget=budget,
        bounds=test.feature_range,
        rng=np.random.default_rng(SEED),
    )
    probabilities = target.predict_proba(x)
    confidences = None if answer.serve is None else answer.serve(x, probabilities)
    targets = as_targets(probabilities.argmax(axis=1), confidences, classes=len(target.classes))
    return solve_softmax(x, targets, bounds=test.feature_range, resolution=answer.resolution)


def _refusal(attack: type, target: Target) -> str:
    """What ART says to a copy that is no neural network, or its agreement if it makes one."""
    images = target.data.test.features / target.data.test.scale
    thief = wrapped(target).clone_for_refitting()
    try:
        attack(wrapped(target), nb_stolen=66).extract(images[:66], thieved_classifier=thief)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what there is to report
        reason = str(error).splitlines()[0]
        return f"no peer for scikit-learn models ({type(error).__name__}: {reason})"
    alike = thief.predict(images).argmax(axis=1) == wrapped(target).predict(images).argmax(axis=1)
    return f"{alike.mean():.2%} of test rows alike from 66 queries"
