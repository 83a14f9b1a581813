"""Evasion with gradients: the exact worst case, and projected gradient descent."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
from peers.art_models import (
    FastGradientMethod,
    ProjectedGradientDescent,
    WithOurGradient,
    wrapped,
)
from peers.lab import SEED, Aim, Lab, in_turns, robust_accuracy, table, title

from seclab.attacks.linear_worst_case import linf_linear_worst_case
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.models import Target

STEPS, RESTARTS = 40, 5
_FASTER = 10.0


def linear(lab: Lab) -> list[Aim]:
    """The worst case of a softmax regression, computed, beside searches for it."""
    target, images = lab.target("softmax-regression"), lab.data.test
    title(f"linear: softmax regression, L-infinity, {len(images)} rows in one batch")
    rows, lower = [], []
    for epsilon in lab.epsilons:
        taken = in_turns(
            {
                "seclab, exact": partial(_exact, target, epsilon),
                "ART FGSM": partial(_art_fgsm, target, epsilon),
                f"ART PGD {STEPS}x{RESTARTS}": partial(_art_pgd, wrapped(target), target, epsilon),
            },
            1 if lab.quick else 3,
        )
        exact = taken["seclab, exact"]
        least = robust_accuracy(target, images, exact.result, epsilon)
        for name, each in taken.items():
            accuracy = robust_accuracy(target, images, each.result, epsilon)
            rows.append((name, epsilon, each.seconds, accuracy, each.seconds / exact.seconds))
            if accuracy < least:
                lower.append(f"{name} at {epsilon:g} by {least - accuracy:.4f}")
    table(("attack", "epsilon", "seconds", "robust accuracy", "time / ours"), rows)
    right = f"none lower at {len(lab.epsilons)} epsilons"
    return [Aim("linear: exact, no peer lower", ", ".join(lower) or right, met=not lower)]


def gradients(lab: Lab) -> list[Aim]:
    """Projected gradient descent at equal steps and restarts."""
    title(f"pgd: L-infinity, {STEPS} steps x {RESTARTS} starts, {len(lab.data.test)} rows at once")
    print("ART has no gradient of an MLPClassifier. 'ART on our gradient' is its own loop around")
    print(
        "the function that ours follows, and 'ART' follows its own. Its step is 2.5 epsilon / 40."
    )
    print(
        "It makes all steps from all starts for every row; ours leaves a row once it is broken or"
    )
    print(
        "at rest: gradients are those asked for a row. Ours takes turns with the margin of scores."
    )
    names = ["softmax-regression", "mlp", *([] if lab.quick else ["mlp-hardened"])]
    rows, aims = [], []
    for name in names:
        found = _compared(lab, name)
        rows += found
        aims += _judged(name, found)
    columns = ("model", "attack", "epsilon", "seconds", "robust accuracy", "time / ours")
    table((*columns, "gradients"), rows)
    return aims


_Row: TypeAlias = tuple[str, str, float, float, float, float, float | None]


def _compared(lab: Lab, name: str) -> list[_Row]:
    target, images = lab.target(name), lab.data.test
    classifiers = {"ART on our gradient": WithOurGradient(target)}
    if name == "softmax-regression":
        classifiers = {"ART": wrapped(target), **classifiers}
    rows = []
    for epsilon in lab.epsilons:
        calls = {"seclab": partial(_counted, target, partial(_ours, target, epsilon))}
        calls |= {
            which: partial(_counted, target, partial(_art_pgd, classifier, target, epsilon))
            for which, classifier in classifiers.items()
        }
        taken = in_turns(calls, 1 if lab.quick else 3)
        for which, each in taken.items():
            found, asked = each.result
            accuracy = robust_accuracy(target, images, found, epsilon)
            ratio = each.seconds / taken["seclab"].seconds
            # ART's own gradient passes the target by, and is not counted.
            gradients = asked / len(images) or None
            rows.append((name, which, epsilon, each.seconds, accuracy, ratio, gradients))
    return rows


def _counted(target: Target, call: Callable[[], np.ndarray]) -> tuple[np.ndarray, int]:
    """What a call found, and how many gradients it asked the target for."""
    before = target.gradient_queries
    return call(), target.gradient_queries - before


def _judged(name: str, rows: list[_Row]) -> list[Aim]:
    """Against ART as it comes, and against its loop on our gradient."""
    ours = {row[2]: row for row in rows if row[1] == "seclab"}
    aims = []
    for peer in sorted({row[1] for row in rows} - {"seclab"}):
        theirs = [row for row in rows if row[1] == peer]
        faster = [row[5] for row in theirs]
        gains = [row[4] - ours[row[2]][4] for row in theirs]
        sweep = sum(row[3] for row in theirs) / sum(row[3] for row in ours.values())
        aims.append(
            Aim(
                f"pgd: {name}, >= {_FASTER:g}x faster than {peer} at every epsilon, robust "
                "accuracy not higher",
                f"{min(faster):.1f}x to {max(faster):.1f}x, {sweep:.1f}x all epsilons together, "
                f"robust accuracy lower by {min(gains):+.4f} to {max(gains):+.4f}",
                met=min(faster) >= _FASTER and min(gains) >= 0.0,
            )
        )
    return aims


def _exact(target: Target, epsilon: float) -> np.ndarray:
    images, (layer,) = target.data.test, target.affine_layers()
    worst = linf_linear_worst_case(
        layer.weights,
        layer.bias,
        images.features,
        np.searchsorted(target.classes, images.labels),
        epsilon=epsilon * images.scale,
        bounds=images.feature_range,
    )
    return worst.adversarial


def _ours(target: Target, epsilon: float) -> np.ndarray:
    """The losses of the evaluation; its start from a smaller ball is left out."""
    images = target.data.test
    return projected_gradient_descent(
        [Loss.cross_entropy(target.loss_gradient), Loss.margin(target.margin_gradient)],
        target.predict,
        images.features,
        images.labels,
        norm="linf",
        epsilon=epsilon * images.scale,
        bounds=images.feature_range,
        ascent=Ascent(STEPS, RESTARTS),
        rng=np.random.default_rng(SEED),
    )


def _art_fgsm(target: Target, epsilon: float) -> np.ndarray:
    images = target.data.test
    attack = FastGradientMethod(wrapped(target), eps=epsilon, batch_size=len(images))
    found = attack.generate(images.features / images.scale, images.labels)
    return np.asarray(found) * images.scale


def _art_pgd(classifier: object, target: Target, epsilon: float) -> np.ndarray:
    images = target.data.test
    np.random.seed(SEED)  # noqa: NPY002 - ART draws from numpy's global generator
    attack = ProjectedGradientDescent(
        classifier,
        eps=epsilon,
        eps_step=2.5 * epsilon / STEPS,
        max_iter=STEPS,
        num_random_init=RESTARTS,
        batch_size=len(images),
        verbose=False,
    )
    found = attack.generate(images.features / images.scale, images.labels)
    return np.asarray(found) * images.scale
