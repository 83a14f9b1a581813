"""White-box evasion by many gradient steps, inside an L-infinity or L2 ball."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from seclab.errors import Misconfigured

LossGradient: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]
Norm: TypeAlias = Literal["linf", "l2"]

# Half the time of double. What is found is moved into the ball, and shown to the model, in double.
_SEARCH = np.float32
_SLACK = 1e-4  # of a loss in single precision: who is this close to being wrong is asked about


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss that an attack raises.

    Attributes:
        gradient: Loss (n,) and gradient (n, d) at inputs (n, d) for labels (n,). It is given
            float32 and may answer in any precision.
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
        steps: Gradient steps per start, at least 1. The first one goes the whole radius, as the
            fast gradient method does; they shrink with the cosine of the progress.
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

    The losses take turns. Each begins at the input itself, or at ``start``; later turns begin at
    random: uniform in the L-infinity ball; in the L2 ball at a uniform distance. Of all points on
    the way the one of highest loss counts, not the last.

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
        search found it, otherwise the one of highest loss; of several losses, the last one's.

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
    ball = _Ball.around(x, radius, norm=norm, bounds=bounds)
    begin = np.array(x if start is None else start, dtype=float)
    ball.project(begin)
    found, highest, rows = begin.copy(), np.full(len(x), -np.inf), np.arange(len(x))
    for turn in range(ascent.restarts):
        here, loss = ball.take(rows), losses[turn % len(losses)]
        points = begin[rows] if turn < len(losses) else here.draw(rng)
        reached, value, broken = _climb(loss, predict, points, y[rows], here, ascent)
        # Two losses have no common scale: among points that fool nobody, the first one decides.
        better = broken | ((loss is losses[0]) & (value > highest[rows]))
        found[rows[better]], highest[rows[better]] = reached[better], value[better]
        rows = rows[~broken]
        if not rows.size:
            break
    return found


def _climb(  # noqa: PLR0917 - the inner loop: all six are needed
    loss: Loss, predict: Predict, start: np.ndarray, y: np.ndarray, ball: "_Ball", ascent: Ascent
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The highest points (n, d) on the way up from ``start``, their loss, and which are wrong.

    After steps 0, 1, 2, 4, 8 and so on and after the last the model is asked, and who is broken or
    stuck leaves: most rows break early or never, and a question costs as much as several steps.
    """
    reached, highest, broken = start.copy(), np.full(len(y), -np.inf), np.zeros(len(y), dtype=bool)
    front = _Front.at(start, y, ball)
    for step in range(ascent.steps + 1):
        value, slope = loss.gradient(front.points, front.y)
        front.note(value)
        last = step == ascent.steps
        if last or step & (step - 1) == 0:
            rows, points, risen = front.news()
            reached[rows], highest[rows] = ball.take(rows).project(points), risen
            suspects = rows[risen >= loss.wrong_from - _SLACK]
            if suspects.size:
                broken[suspects] = predict(reached[suspects]) != y[suspects]
            staying = ~(broken[front.rows] | front.stuck(slope))
            front, slope = front.take(staying), slope[staying]
        if last or not front.rows.size:
            break
        length = 0.5 + 0.5 * math.cos(math.pi * step / ascent.steps)
        front.step(slope, length=length, momentum=ascent.momentum)
    return reached, highest, broken


@dataclass(slots=True, eq=False)
class _Front:
    """The m rows of a climb that may still gain something, in single precision."""

    ball: "_Ball"  # where they may go
    rows: np.ndarray  # their indexes among the rows of the climb, shape (m,)
    y: np.ndarray  # their labels, shape (m,)
    points: np.ndarray  # where they are, shape (m, d)
    velocity: np.ndarray  # where momentum takes them, shape (m, d)
    best: np.ndarray  # where their loss was highest, shape (m, d)
    highest: np.ndarray  # that loss, shape (m,)
    fresh: np.ndarray  # whether it has risen since the last call of news, shape (m,)

    @classmethod
    def at(cls, start: np.ndarray, y: np.ndarray, ball: "_Ball") -> "_Front":
        """All rows, at their start."""
        points = start.astype(_SEARCH)
        return cls(
            ball=ball.astype(_SEARCH),
            rows=np.arange(len(y)),
            y=y,
            points=points,
            velocity=np.zeros_like(points),
            best=points.copy(),
            highest=np.full(len(y), -np.inf),
            fresh=np.ones(len(y), dtype=bool),
        )

    def take(self, rows: np.ndarray) -> "_Front":
        """Some of the rows."""
        arrays = (
            self.rows,
            self.y,
            self.points,
            self.velocity,
            self.best,
            self.highest,
            self.fresh,
        )
        return _Front(self.ball.take(rows), *(array[rows] for array in arrays))

    def note(self, value: np.ndarray) -> None:
        """Keep the points whose loss (m,) is the highest so far."""
        better = np.flatnonzero(value > self.highest)
        self.highest[better] = value[better]
        self.best[better] = self.points[better]
        self.fresh[better] = True

    def news(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, best points and highest loss where that has risen since the last call."""
        fresh = np.flatnonzero(self.fresh)
        self.fresh[:] = False
        return self.rows[fresh], self.best[fresh].astype(float), self.highest[fresh]

    def step(self, slope: np.ndarray, *, length: float, momentum: float) -> None:
        """Go on along ``slope`` (m, d), ``length`` radii far, and back into the ball."""
        direction = self.ball.uphill(slope)
        if momentum:
            direction = self.velocity = momentum * self.velocity + direction
        self.points += length * self.ball.radius * direction
        self.ball.project(self.points)

    def stuck(self, slope: np.ndarray) -> np.ndarray:
        """Who is in a corner of the cube that ``slope`` (m, d) drives into, and so stays there."""
        if self.ball.norm != "linf":
            return np.zeros(len(self.rows), dtype=bool)
        edge = np.where(slope > 0.0, self.ball.high, self.ball.low)
        return np.asarray(((self.points == edge) | (slope == 0.0)).all(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """The balls around n points, cut off at the box; ``radius`` is of shape (n, 1)."""

    norm: Norm
    centre: np.ndarray
    radius: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def around(
        cls, centre: np.ndarray, radius: np.ndarray, *, norm: Norm, bounds: tuple[float, float]
    ) -> "_Ball":
        """Those around points (n, d)."""
        low, high = np.maximum(centre - radius, bounds[0]), np.minimum(centre + radius, bounds[1])
        return cls(norm, centre, radius, low, high)

    def take(self, rows: np.ndarray) -> "_Ball":
        """Those of some rows."""
        arrays = (self.centre, self.radius, self.low, self.high)
        return _Ball(self.norm, *(array[rows] for array in arrays))

    def astype(self, dtype: type) -> "_Ball":
        """The same in another precision."""
        arrays = (self.centre, self.radius, self.low, self.high)
        return _Ball(self.norm, *(array.astype(dtype) for array in arrays))

    def project(self, points: np.ndarray) -> np.ndarray:
        """Move points (n, d) into the balls, in place, and give them back."""
        if self.norm == "l2":
            points -= self.centre
            points *= np.minimum(1.0, self.radius / np.maximum(_lengths(points), _TINY))
            points += self.centre
        # After the above too: the centre lies in the box, so that the edge only brings nearer.
        np.maximum(points, self.low, out=points)
        np.minimum(points, self.high, out=points)
        return points

    def uphill(self, slope: np.ndarray) -> np.ndarray:
        """Of all directions (n, d) of length 1 the one that gains most on ``slope`` (n, d)."""
        if self.norm == "linf":
            # Half the time of numpy's sign, which minds NaN.
            return np.asarray((slope > 0.0).view(np.int8) - (slope < 0.0).view(np.int8))
        # By the largest first: the squares of a faint slope would vanish.
        scaled: np.ndarray = slope / np.maximum(np.abs(slope).max(axis=1, keepdims=True), _TINY)
        scaled /= np.maximum(_lengths(scaled), _TINY)
        return scaled

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A random point in each, shape (n, d)."""
        if self.norm == "linf":
            return np.asarray(rng.uniform(self.low, self.high))
        ray = rng.normal(size=self.centre.shape)
        ray *= self.radius * rng.uniform(size=self.radius.shape) / _lengths(ray)
        return self.project(self.centre + ray)


_TINY = 1e-30  # instead of a length of zero


def _lengths(vectors: np.ndarray) -> np.ndarray:
    """Euclidean lengths of rows (n, d), shape (n, 1)."""
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None])
