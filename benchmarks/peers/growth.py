"""How time and memory of our own attacks grow with rows, features, models and shadows.

Every measurement is a process of its own. It calls once for the time, and once more for the peak
of memory, counted by tracemalloc from the start of the call: numpy's arrays and all of Python's
objects are in it, the model and the rows, which are there before, are not.
"""

import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from peers.lab import SEED, Aim, Lab, table, title

from seclab.attacks.bound_propagation import relaxed_margin_bounds
from seclab.attacks.linear_worst_case import linf_linear_worst_case
from seclab.attacks.membership import ask_shadows, shadow_plan
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.models import AffineLayer

CLASSES, HIDDEN = 10, 100
_BOUNDS = (0.0, 1.0)
# Small enough that a part of the rows survives: an attack that breaks all at once takes no time.
_EPSILON = 0.004
_ASCENT = Ascent(steps=10, restarts=2)
_EACH = 1_000  # rows that each of several models is attacked on

# Name, rows and columns; the first of each name is what the others are held against.
_QUICK = (
    ("linear worst case", 1_000, 64),
    ("linear worst case", 10_000, 784),
    ("pgd softmax", 1_000, 64),
    ("pgd softmax", 2_000, 784),
    ("certified mlp", 100, 64),
    ("certified mlp", 1_000, 64),
)
_FULL = (
    ("linear worst case", 1_000, 64),
    ("linear worst case", 10_000, 64),
    ("linear worst case", 1_000, 784),
    ("linear worst case", 10_000, 784),
    ("pgd softmax", 1_000, 64),
    ("pgd softmax", 10_000, 64),
    ("pgd softmax", 1_000, 784),
    ("pgd softmax", 10_000, 784),
    ("pgd mlp", 1_000, 64),
    ("pgd mlp", 10_000, 64),
    ("pgd mlp", 1_000, 784),
    ("pgd mlp", 10_000, 784),
    ("certified mlp", 1_000, 64),
    ("certified mlp", 10_000, 64),
    ("certified mlp", 1_000, 784),
    ("certified mlp", 10_000, 784),
    ("models", 1, 64),
    ("models", 4, 64),
    ("models", 16, 64),
    ("shadows", 4, 64),
    ("shadows", 8, 64),
    ("shadows", 16, 64),
)
_COUNTED = ("models", "shadows")  # what is counted there are no rows


def growth(lab: Lab) -> list[Aim]:
    """Ten times the rows, and features of MNIST's size."""
    title("growth: our own costs, each in a process of its own")
    print(
        f"Random rows and weights, {CLASSES} classes, {HIDDEN} hidden units, epsilon {_EPSILON:g}."
    )
    print(f"Projected gradient descent makes {_ASCENT.steps} steps from {_ASCENT.restarts} starts.")
    print(f"Models: rows are the number of MLPs attacked, {_EACH} rows each. Shadows: rows are the")
    print("number of forests trained. MB: the peak of the call, with the answer in it, beside what")
    print("the rows take. linear: time per entry beside that of the first, 1 is linear growth.")
    print("left: share of rows that survived or were certified.")
    first: dict[str, float] = {}
    found = []
    for name, rows, columns in _QUICK if lab.quick else _FULL:
        seconds, peak, left = _alone(name, rows, columns)
        each = seconds / (rows * columns)
        first.setdefault(name, each)
        size = rows * columns * 8 / 2**20
        held = None if name in _COUNTED else size
        found.append((name, rows, columns, seconds, each / first[name], peak, held, left))
    columns_named = ("attack", "rows", "columns", "seconds", "linear", "MB", "rows MB", "left")
    table(columns_named, found)
    return []


def _alone(name: str, rows: int, columns: int) -> tuple[float, float, float | None]:
    """Seconds, megabytes and what was left of a case in another process."""
    script = Path(__file__).resolve().parent.parent / "attacks_vs_peers.py"
    case = [name, str(rows), str(columns)]
    done = subprocess.run(
        [sys.executable, str(script), "--case", *case], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{case} ended with {done.returncode}:\n{done.stderr}")
    seconds, peak, left = json.loads(done.stdout)
    return seconds, peak, left


def run_case(name: str, rows: int, columns: int) -> None:
    """Measure one case in this process and print it as JSON."""
    call = _CASES[name](rows, columns)
    start = time.process_time()
    left = call()
    seconds = time.process_time() - start
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    print(json.dumps([seconds, peak / 2**20, left]))


def _network(rng: np.random.Generator, *widths: int) -> list[AffineLayer]:
    """Random layers that keep the size of what goes through them."""
    return [
        AffineLayer(rng.normal(0.0, np.sqrt(2.0 / below), (below, above)), np.zeros(above))
        for below, above in pairwise(widths)
    ]


class _Model:
    """Random layers behind a softmax, and rows that it reads right by definition."""

    def __init__(self, rows: int, *widths: int, seed: int = SEED) -> None:
        rng = np.random.default_rng(seed)
        self.layers = _network(rng, *widths)
        self.x = rng.uniform(*_BOUNDS, (rows, widths[0]))
        self.y = self.predict(self.x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Labels of shape (n,)."""
        return np.asarray(self._activations(x)[-1].argmax(axis=1))

    def gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Margin of the best other class, shape (n,), and its gradient (n, d)."""
        *below, scores = self._activations(x)
        at = np.arange(len(x))
        true = scores[at, y]
        scores[at, y] = -np.inf
        rival = scores.argmax(axis=1)
        slope = np.zeros_like(scores)
        slope[at, rival], slope[at, y] = 1.0, -1.0
        for index in range(len(self.layers) - 1, -1, -1):
            slope = slope @ self.layers[index].weights.T.astype(x.dtype)
            if index:
                slope *= below[index] > 0.0
        return scores[at, rival] - true, slope

    def _activations(self, x: np.ndarray) -> list[np.ndarray]:
        found = [x]
        for index, layer in enumerate(self.layers):
            sums = found[-1] @ layer.weights.astype(x.dtype) + layer.bias.astype(x.dtype)
            found.append(sums if index == len(self.layers) - 1 else np.maximum(sums, 0.0))
        return found


def _linear(rows: int, columns: int) -> Callable[[], float]:
    model = _Model(rows, columns, CLASSES)
    (layer,) = model.layers

    def call() -> float:
        worst = linf_linear_worst_case(
            layer.weights, layer.bias, model.x, model.y, epsilon=_EPSILON, bounds=_BOUNDS
        )
        return float((worst.margin > 0.0).mean())

    return call


def _descent(rows: int, *widths: int) -> Callable[[], float]:
    model = _Model(rows, *widths)
    return lambda: _survived(model)


def _models(count: int, columns: int) -> Callable[[], float]:
    models = [_Model(_EACH, columns, HIDDEN, CLASSES, seed=SEED + at) for at in range(count)]
    return lambda: float(np.mean([_survived(model) for model in models]))


def _survived(model: _Model) -> float:
    """Share of a model's rows that projected gradient descent does not break."""
    found = projected_gradient_descent(
        [Loss.margin(model.gradient)],
        model.predict,
        model.x,
        model.y,
        norm="linf",
        epsilon=_EPSILON,
        bounds=_BOUNDS,
        ascent=_ASCENT,
        rng=np.random.default_rng(SEED),
    )
    return float((model.predict(found) == model.y).mean())


def _certified(rows: int, columns: int) -> Callable[[], float]:
    model = _Model(rows, columns, HIDDEN, CLASSES)

    def call() -> float:
        lowest = relaxed_margin_bounds(
            model.layers, model.x, model.y, epsilon=_EPSILON, bounds=_BOUNDS
        )
        return float((lowest > 0.0).mean())

    return call


def _shadows(count: int, _: int) -> Callable[[], None]:
    lab = Lab(quick=True)
    target, pool = lab.target("random-forest"), lab.data.train

    def fit(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return target.retrain(pool.take(rows), seed=SEED).predict_proba

    plan = shadow_plan(pool.labels, shadows=count, rng=np.random.default_rng(SEED))

    def call() -> None:
        ask_shadows(fit, plan, pool.features)

    return call


_CASES: dict[str, Callable[[int, int], Callable[[], float | None]]] = {
    "linear worst case": _linear,
    "pgd softmax": lambda rows, columns: _descent(rows, columns, CLASSES),
    "pgd mlp": lambda rows, columns: _descent(rows, columns, HIDDEN, CLASSES),
    "certified mlp": _certified,
    "models": _models,
    "shadows": _shadows,
}
