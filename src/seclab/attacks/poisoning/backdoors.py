"""Backdoors: a trigger on a few training rows, and a label that goes with it."""

from functools import partial

import numpy as np

from seclab.attacks.poisoning.poisoned import Poisoned, chosen, mask_of, require_possible
from seclab.attacks.poisoning.triggers import Trigger
from seclab.errors import Misconfigured


def poison(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    trigger: Trigger,
    image_shape: tuple[int, int],
    source: int,
    target: int,
    rate: float,
    rng: np.random.Generator,
) -> Poisoned:
    """Stamp the trigger on rows of one class and relabel them as another (dirty label).

    Args:
        features: Clean images of shape (n, d).
        labels: Their labels, integers of shape (n,).
        trigger: What is stamped.
        image_shape: (height, width) of an image.
        source: The class that rows are taken from.
        target: The label they get.
        rate: How many rows, as a fraction of all n, 0 to 1. At least one row of the source
            class is left clean, however high the rate: a class that vanished is noticed at once
            and leaves nothing to backdoor.
        rng: Chooses the rows. Equal generators give nested choices: a lower rate takes a part of
            the rows a higher one takes.

    Returns:
        Rows, labels and the exact mask of poisoned rows; the arrays given are not modified.

    Raises:
        Misconfigured: A rate outside 0 to 1, equal classes, or a patch outside the image.

    References:
        Gu, Dolan-Gavitt and Garg (2017), BadNets: identifying vulnerabilities in the machine
        learning model supply chain, arXiv:1708.06733.
    """
    require_possible(rate, source, target)
    rows = chosen(labels, np.array([source]), rate, rng)
    mask = mask_of(rows, len(labels))
    return Poisoned(
        _with(features, rows, trigger.stamp(features[rows], image_shape)),
        np.where(mask, target, labels),
        mask,
        source,
        target,
        trigger=partial(trigger.stamp, image_shape=image_shape),
    )


def clean_label(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    trigger: Trigger,
    image_shape: tuple[int, int],
    target: int,
    rate: float,
    rng: np.random.Generator,
    weakening: float = 0.0,
) -> Poisoned:
    """Stamp the trigger on rows of the target class and leave their labels: nobody finds one wrong.

    Args:
        features: Clean images of shape (n, d).
        labels: Their labels, integers of shape (n,).
        trigger: What is stamped.
        image_shape: (height, width) of an image.
        target: The class that rows are taken from, and that the trigger is to stand for.
        rate: How many rows, as a fraction of all n, 0 to 1. At least one row of the class is left
            clean.
        rng: Chooses the rows; equal generators give nested choices.
        weakening: How much of a row of another class is mixed in before the trigger is stamped, 0
            to 1: what is hard to read by its content is learnt by its trigger.

    Returns:
        Rows, labels as they were and the exact mask; the arrays given are not modified.

    Raises:
        Misconfigured: A rate or weakening outside 0 to 1, or a patch outside the image.

    References:
        Turner, Tsipras and Madry (2019), Label-consistent backdoor attacks, arXiv:1912.02771: they
        weaken by interpolation in the latent space of a generator or by adversarial steps, this
        one by interpolation between inputs.
    """
    require_possible(rate)
    if not 0.0 <= weakening <= 1.0:
        raise Misconfigured(f"a weakening is a fraction from 0 to 1, got {weakening}")
    rows = chosen(labels, np.array([target]), rate, rng)
    weak = features[rows]
    others = np.flatnonzero(labels != target)
    if weakening and others.size:
        partners = others[rng.integers(others.size, size=len(labels))[rows]]
        weak = (1.0 - weakening) * weak + weakening * features[partners]
    return Poisoned(
        _with(features, rows, trigger.stamp(weak, image_shape)),
        labels.copy(),
        mask_of(rows, len(labels)),
        target=target,
        trigger=partial(trigger.stamp, image_shape=image_shape),
    )


def _with(features: np.ndarray, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    changed = np.array(features, dtype=np.float64)
    changed[rows] = new
    return changed
