"""What the tests of projected gradient descent share."""

import numpy as np

from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent

WIDE = (-100.0, 100.0)


def attack(model, x, y, *, epsilon, losses=None, **options):
    """A short search on a model with a ``loss_gradient``."""
    settings = {"norm": "linf", "bounds": WIDE, "ascent": Ascent(steps=10, restarts=2)} | options
    return projected_gradient_descent(
        losses or [Loss.cross_entropy(model.loss_gradient)],
        model.predict,
        x,
        y,
        epsilon=epsilon,
        rng=np.random.default_rng(settings.pop("seed", 0)),
        **settings,
    )


def both(model):
    """The losses of an evaluation."""
    return [Loss.cross_entropy(model.loss_gradient), Loss.margin(model.margin_gradient)]
