"""What an attack raises, and how hard it tries."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from seclab.errors import Misconfigured

LossGradient: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss that an attack raises.

    Attributes:
        gradient: Loss (n,) and gradient (n, d) at inputs (n, d) for labels (n,). It is given
            float32, or float64 where the box asks for it, and may answer in any precision.
        wrong_from: The smallest loss a misclassified input can have. The model is not asked
            about inputs below it; with minus infinity it is asked about every one.
    """

    gradient: LossGradient
    wrong_from: float

    @classmethod
    def cross_entropy(cls, gradient: LossGradient) -> "Loss":
        """Minus the log-probability of the true class: at most one half where it loses."""
        return cls(gradient, math.log(2.0))

    @classmethod
    def margin(cls, gradient: LossGradient) -> "Loss":
        """Lead of the best other class over the true one, which ``gradient`` gives on scores."""
        return cls(gradient, 0.0)


@dataclass(frozen=True, slots=True)
class Ascent:
    """How hard the search tries.

    Attributes:
        steps: Gradient steps per start, at least 1. The first one crosses the whole ball, so that
            from the input it ends where the fast gradient method does; they shrink with the
            cosine of the progress.
        restarts: Number of starts, at least 1, over all losses together.
        momentum: Share of the last direction kept in the next one, 0 to below 1. On the models
            of the lab it finds nothing more, and costs a tenth of the time.
    """

    steps: int = 40
    restarts: int = 5
    momentum: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.restarts < 1 or not 0.0 <= self.momentum < 1.0:
            raise Misconfigured(
                "projected gradient: steps and restarts are at least 1 and momentum is from 0 to "
                f"below 1, got {self.steps}, {self.restarts} and {self.momentum}"
            )
