"""The way up from many starts at once."""

import math
from dataclasses import dataclass

import numpy as np

from seclab.attacks.projected_gradient.balls import Ball
from seclab.attacks.projected_gradient.losses import Ascent, Loss, Predict

_SLACK = 1e-4  # of a loss in single precision: who is this close to being wrong is asked about
_IDLE = 1 / 16  # share of the points that must have come to rest for it to pay to take them out


@dataclass(slots=True, eq=False)
class Climb:
    """Points on their way up: s of them for each of n rows, one start after the other.

    What is found is moved into the ball, and shown to the model, in double precision, whatever
    the precision of the search.
    """

    y: np.ndarray  # labels, shape (n,)
    ball: Ball  # of the rows, in double precision
    broken: np.ndarray  # whether a start of the row has fooled the model, shape (n,)
    points: np.ndarray  # where the loss was highest, as precise as the search, shape (s * n, d)
    highest: np.ndarray  # that loss, shape (s * n,)
    wrong: np.ndarray  # whether the model errs there, shape (s * n,)
    fresh: np.ndarray  # whether the loss has risen since the model was asked, shape (s * n,)

    @classmethod
    def of(cls, start: np.ndarray, y: np.ndarray, ball: Ball, *, precision: type) -> "Climb":
        """All at their start, shape (s, n, d)."""
        points: np.ndarray = start.reshape(-1, start.shape[2]).astype(precision)
        wrong = np.zeros(len(points), dtype=bool)
        highest = np.full(len(points), -np.inf)
        return cls(y, ball, np.zeros(len(y), dtype=bool), points, highest, wrong, ~wrong)

    def run(self, loss: Loss, predict: Predict, ascent: Ascent) -> None:
        """Climb.

        After steps 0, 1, 2, 4, 8 and so on and at the end the model is asked, for a question
        costs as much as several steps; of a row that is broken all starts leave.
        """
        front = _Front.of(self)
        for step in range(ascent.steps + 1):
            value, slope = loss.gradient(front.points, front.y)
            self._note(front, value)
            if step == ascent.steps:
                break
            if step & (step - 1) == 0 and self._ask(loss, predict):
                staying = np.flatnonzero(~self.broken[front.rows % len(self.y)])
                front, slope = front.take(staying), slope[staying]
            length = 1.0 + math.cos(math.pi * step / ascent.steps)
            front = front.step(slope, length=length, momentum=ascent.momentum)
            if not front.rows.size:
                break
        self._ask(loss, predict)

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each row the point (n, d) that fools the model or has the highest loss, and that."""
        value = np.where(self.wrong, np.inf, self.highest).reshape(-1, len(self.y))
        row = np.arange(len(self.y))
        index = value.argmax(axis=0) * len(row) + row
        return self.ball.project(self.points[index].astype(float)), self.highest[index]

    def _note(self, front: "_Front", value: np.ndarray) -> None:
        """Keep the points of the front whose loss (m,) is the highest so far."""
        better = np.flatnonzero(value > self.highest[front.rows])
        rows = front.rows[better]
        self.highest[rows] = value[better]
        self.points[rows] = front.points[better]
        self.fresh[rows] = True

    def _ask(self, loss: Loss, predict: Predict) -> bool:
        """Whether the model errs where a loss rose high enough for it; true if it newly does."""
        suspects = np.flatnonzero(self.fresh & (self.highest >= loss.wrong_from - _SLACK))
        rows = suspects % len(self.y)
        suspects, rows = suspects[~self.broken[rows]], rows[~self.broken[rows]]
        self.fresh[:] = False
        if not suspects.size:
            return False
        points = self.ball.take(rows).project(self.points[suspects].astype(float))
        wrong = predict(points) != self.y[rows]
        self.wrong[suspects[wrong]] = self.broken[rows[wrong]] = True
        return bool(wrong.any())


@dataclass(frozen=True, slots=True, eq=False)
class _Front:
    """The m points of a climb that may still gain something, as precise as those are."""

    ball: Ball  # where they may go
    rows: np.ndarray  # their indexes among the points of the climb, shape (m,)
    y: np.ndarray  # their labels, shape (m,)
    points: np.ndarray  # where they are, shape (m, d)
    velocity: np.ndarray | None = None  # where momentum takes them, shape (m, d)

    @classmethod
    def of(cls, climb: Climb) -> "_Front":
        """All of them, at their start."""
        rows = np.arange(len(climb.points))
        at = rows % len(climb.y)
        ball = climb.ball.astype(climb.points.dtype).take(at)
        return cls(ball, rows, climb.y[at], climb.points.copy())

    def take(self, index: np.ndarray) -> "_Front":
        """Some of them."""
        velocity = None if self.velocity is None else self.velocity[index]
        return _Front(
            self.ball.take(index), self.rows[index], self.y[index], self.points[index], velocity
        )

    def step(self, slope: np.ndarray, *, length: float, momentum: float) -> "_Front":
        """Go on along ``slope`` (m, d), ``length`` radii far, and back into the ball.

        Who came to rest leaves: where a step leads nowhere, a shorter one that follows the same
        slope leads nowhere either. Momentum may still carry it away.
        """
        direction = self.ball.uphill(slope)
        if momentum and self.velocity is not None:
            direction = direction + momentum * self.velocity
        points = direction * (self.points.dtype.type(length) * self.ball.radius)
        points += self.points
        self.ball.project(points)
        moved = np.ones(len(points), dtype=bool)
        if not momentum:
            moved = (points != self.points).any(axis=1)
        there = _Front(self.ball, self.rows, self.y, points, direction if momentum else None)
        resting = len(moved) - np.count_nonzero(moved)
        return there.take(np.flatnonzero(moved)) if resting > _IDLE * len(moved) else there
