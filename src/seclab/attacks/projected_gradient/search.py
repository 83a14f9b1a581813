"""Which starts climb when, in batches that bound the memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.attacks.projected_gradient.balls import Ball
from seclab.attacks.projected_gradient.climb import Climb
from seclab.attacks.projected_gradient.losses import Ascent, Loss, Predict
from seclab.errors import Misconfigured
from seclab.norms import Norm

# Features that are in flight at once. It bounds the memory whatever is attacked: about a hundred
# bytes for each. Larger batches leave the processor's cache and gain nothing.
_IN_FLIGHT = 2**17

# Single precision takes half the time of double, and tells apart steps of a millionth of the box
# as long as the box is not much farther from 0 than it is wide.
_FARTHEST = 16.0
_SIZES = (1e-6, 1e6)  # of the largest feature: beyond them the squares of single precision end


def projected_gradient_descent(
    losses: Sequence[Loss],
    predict: Predict,
    x: np.ndarray,
    y: np.ndarray,
    *,
    norm: Norm,
    epsilon: float | np.ndarray,
    bounds: tuple[float, float],
    ascent: Ascent,
    rng: np.random.Generator,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Raise losses from several starts; a row that is broken is left alone from then on.

    The losses share the starts in turns. Each has one at the input itself, or at ``start``, and
    the rest at random: in a corner of the L-infinity ball; in the L2 ball at a uniform distance.
    The first loss climbs from the input before anything else is tried; the starts that a loss has
    left then climb side by side, from the second loss around to the first. Of all points on the
    way the one of highest loss counts, not the last.

    Rows are taken in batches, so that memory beside inputs and output does not grow with them.
    What is found for a row does not depend on where a batch ends, but for the last bits of a
    gradient whose sums are added in another order for another number of rows.

    Args:
        losses: What to raise, at least one. A margin leads on where a saturated cross-entropy
            has no slope left; the cross-entropy weighs several rivals at once.
        predict: Labels (n,) of inputs (n, d).
        x: Inputs of shape (n, d), inside the bounds.
        y: Their true labels, shape (n,).
        norm: ``linf`` or ``l2``.
        epsilon: Radius of the ball in the unit of ``x``, at least 0; one, or one a row.
        bounds: Smallest and largest feature value.
        ascent: How hard to try.
        rng: Source of the random starts.
        start: Where to begin instead of ``x``, shape (n, d), for example what was found in a
            smaller ball: what fools the model there costs one question here.

    Returns:
        Perturbed inputs of shape (n, d), inside ball and bounds: a misclassified one where the
        search found it, otherwise the one of highest loss; of several losses, the first one's.

    Raises:
        Misconfigured: No loss, or a negative radius.

    References:
        Madry et al. (2018), Towards deep learning models resistant to adversarial attacks,
        arXiv:1706.06083. Dong et al. (2018), Boosting adversarial attacks with momentum,
        arXiv:1710.06081. Croce and Hein (2020), Reliable evaluation of adversarial robustness
        with an ensemble of diverse parameter-free attacks, arXiv:2003.01690.
    """
    radius = np.broadcast_to(np.asarray(epsilon, dtype=float), (len(x),))[:, None]
    if not losses or not (radius >= 0.0).all():
        raise Misconfigured("projected gradient: it needs a loss, and radii of at least 0")
    begin, precision = x if start is None else start, _precision(bounds)
    found, highest = np.array(begin, dtype=float), np.full(len(x), -np.inf)
    broken, waiting = np.zeros(len(x), dtype=bool), np.arange(len(x))
    for turns in _turns(losses, ascent.restarts):
        for rows in _batches(waiting, turns.starts * x.shape[1]):
            ball = Ball.around(x[rows], radius[rows], norm=norm, bounds=bounds)
            points = turns.begin(begin[rows], ball, rng)
            climb = Climb.of(points, y[rows], ball, precision=precision)
            climb.run(turns.loss, predict, ascent)
            best, value = climb.best()
            # Two losses have no common scale: among points that fool nobody, the first one decides.
            better = climb.broken | ((turns.loss is losses[0]) & (value >= highest[rows]))
            found[rows[better]], highest[rows[better]] = best[better], value[better]
            broken[rows] = climb.broken
        waiting = waiting[~broken[waiting]]
    return found


def _precision(bounds: tuple[float, float]) -> type:
    """What the search is done in: double where single would lose the way."""
    largest = max(map(abs, bounds))
    near = largest <= _FARTHEST * (bounds[1] - bounds[0])
    return np.float32 if near and _SIZES[0] <= largest <= _SIZES[1] else np.float64


@dataclass(frozen=True, slots=True)
class _Turns:
    """Climbs of one loss, side by side: perhaps one from the input, and some from random points."""

    loss: Loss
    given: bool
    random: int

    @property
    def starts(self) -> int:
        """How many they are."""
        return self.given + self.random

    def begin(self, given: np.ndarray, ball: Ball, rng: np.random.Generator) -> np.ndarray:
        """Where they begin: of balls around n points, shape (starts, n, d)."""
        first = [ball.project(np.array(given, dtype=float))[None]] if self.given else []
        return np.concatenate([*first, ball.draw(self.random, rng)])


def _turns(losses: Sequence[Loss], restarts: int) -> Iterator[_Turns]:
    """The starts shared among the losses: most rows break in the first one, or never."""
    yield _Turns(losses[0], given=True, random=0)
    count = len(losses)
    for index in (*range(1, min(count, restarts)), 0):
        random = len(range(count + index, restarts, count))
        if index or random:
            yield _Turns(losses[index], given=index > 0, random=random)


def _batches(rows: np.ndarray, features: int) -> Iterator[np.ndarray]:
    """Runs of ``rows`` (m,), each of which puts about as many ``features`` in flight."""
    size = max(1, _IN_FLIGHT // max(1, features))
    return (rows[at : at + size] for at in range(0, len(rows), size))
