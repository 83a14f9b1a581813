"""Which class a model can be sent to by the smallest change: a backdoor is a short way there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seclab.defenses.suspicion import Pattern
from seclab.errors import Misconfigured

_TO_DEVIATION = 1.4826  # of the median absolute deviation of a normal distribution
_BETA, _GAMMA, _TINY = 0.9, 0.999, 1e-8  # of Adam
_HARDER = 1.3  # factor on the price of a mask while the trigger works, its inverse while not
_SHOWN = 0.1  # opacity from which a pixel is part of the pattern


@dataclass(frozen=True, slots=True, eq=False)
class InvertedTriggers:
    """The smallest trigger found for every class of a model.

    Attributes:
        classes: Labels, shape (k,).
        masks: Opacity of each feature, 0 to 1, shape (k, d).
        values: What is put there, in native units, shape (k, d).
        norms: Sum of each mask, shape (k,); the number of features where none was found.
        success: Share of the rows looked at that it sends to the class, shape (k,).
        index: How many deviations the norm is below the middle one of the classes, shape (k,).
        alarm: Whether one class is much easier to reach than the others.
        found: What was found, short, for people.
        patterns: The triggers of suspicious classes, the smallest first; no rows.
    """

    classes: np.ndarray
    masks: np.ndarray
    values: np.ndarray
    norms: np.ndarray
    success: np.ndarray
    index: np.ndarray
    alarm: bool
    found: str
    patterns: tuple[Pattern, ...]


def invert_triggers(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    loss_gradient: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    bounds: tuple[float, float],
    rng: np.random.Generator,
    rows: int = 60,
    steps: int = 250,
    rate: float = 0.1,
    price: float = 0.01,
    works: float = 0.9,
    suspicious: float = 2.0,
    much_smaller: float = 0.25,
) -> InvertedTriggers:
    """Search one mask and one pattern for each class that send rows of the others there.

    All classes are searched at once, by Adam on the loss plus a price for the mask that rises
    while the trigger works and falls while it does not. This judges a model, not rows, and finds
    triggers that work on all classes; one for a single class need not be a short way for the
    others.

    Args:
        features: Rows to send, shape (n, d), inside ``bounds``; trusted ones.
        labels: Their labels, shape (n,).
        loss_gradient: Rows (m, d) and labels (m,) to the model's cross-entropy (m,) and its
            gradient (m, d) per native unit.
        bounds: Smallest and largest feature value.
        rng: Draws the rows.
        rows: How many rows are sent to each class, at least 1.
        steps: Of the search, at least 1.
        rate: Step size of the search, above 0.
        price: Of the mask at first, above 0.
        works: Share of the rows that a trigger has to send, 0 to 1.
        suspicious: A class is, when its norm is this many deviations below the middle one.
        much_smaller: And at most this share of it.

    Raises:
        Misconfigured: Fewer than three classes, or a parameter outside its range.

    References:
        Wang et al. (2019), Neural Cleanse: identifying and mitigating backdoor attacks in neural
        networks, IEEE Symposium on Security and Privacy.
    """
    classes = np.unique(labels)
    low, high = bounds
    if classes.size < 3:
        raise Misconfigured(
            f"a class stands out among three at least, and here there are {classes.size}"
        )
    if not low < high or min(rows, steps) < 1 or min(rate, price) <= 0.0:
        raise Misconfigured(
            f"bounds have to rise, rows and steps be at least 1, rate and price above 0: got "
            f"{bounds}, {rows}, {steps}, {rate}, {price}"
        )
    sent = np.stack(
        [features[rng.choice(np.flatnonzero(labels != label), size=rows)] for label in classes]
    )
    search = _Search(classes, sent, loss_gradient, bounds)
    masks, values, success = search.run(steps=steps, rate=rate, price=price, works=works)
    norms = np.where(success >= works, masks.sum(axis=1), features.shape[1])
    middle = float(np.median(norms))
    spread = _TO_DEVIATION * float(np.median(np.abs(norms - middle)))
    index = (middle - norms) / max(spread, 1e-9 * features.shape[1])
    worse = (index > suspicious) & (norms < much_smaller * middle)
    order = np.flatnonzero(worse)[np.argsort(norms[worse], kind="stable")]
    patterns = tuple(_pattern(int(classes[i]), masks[i], values[i]) for i in order)
    told = [
        f"a mask of {norms[i]:.1f} sends {success[i]:.0%} of rows to {classes[i]}, against "
        f"{middle:.1f} for the middle class"
        for i in order
    ]
    found = "; ".join(told) or "no class is much easier to reach than the others"
    return InvertedTriggers(
        classes, masks, values, norms, success, index, bool(told), found, patterns
    )


def _pattern(label: int, mask: np.ndarray, values: np.ndarray) -> Pattern:
    columns = np.flatnonzero(mask >= _SHOWN)
    return Pattern(label, columns, values[columns], np.array([], dtype=np.intp))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    classes: np.ndarray
    sent: np.ndarray  # Shape (k, rows, d).
    loss_gradient: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    bounds: tuple[float, float]

    def run(
        self, *, steps: int, rate: float, price: float, works: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mask, values and success of the smallest trigger that works, for each class."""
        count, rows, width = self.sent.shape
        low, high = self.bounds
        targets = np.repeat(self.classes, rows)
        # Logits of mask and of pattern.
        logits = np.zeros((2, count, width))
        logits[0] -= 1.0
        first, second = np.zeros_like(logits), np.zeros_like(logits)
        prices = np.full(count, price)
        masks, values = np.ones((count, width)), np.full((count, width), (low + high) / 2.0)
        best, success = np.full(count, np.inf), np.zeros(count)
        for step in range(1, steps + 1):
            mask, pattern = _logistic(logits[0]), _logistic(logits[1])
            native = low + (high - low) * pattern
            mixed = self.sent + mask[:, None, :] * (native[:, None, :] - self.sent)
            loss, slope = self.loss_gradient(mixed.reshape(-1, width), targets)
            # A loss below log 2 is a probability above a half.
            reached = (loss.reshape(count, rows) < np.log(2.0)).mean(axis=1)
            norm = mask.sum(axis=1)
            better = (reached >= works) & (norm < best)
            masks[better], values[better] = mask[better], native[better]
            best[better], success[better] = norm[better], reached[better]
            prices *= np.where(reached >= works, _HARDER, 1.0 / _HARDER)
            prices = np.clip(prices, price / 100.0, price * 100.0)
            slope = slope.reshape(self.sent.shape)
            by_mask = (slope * (native[:, None, :] - self.sent)).mean(axis=1) + prices[:, None]
            by_pattern = slope.mean(axis=1) * mask * (high - low)
            down = np.stack([by_mask * mask * (1.0 - mask), by_pattern * pattern * (1.0 - pattern)])
            first = _BETA * first + (1.0 - _BETA) * down
            second = _GAMMA * second + (1.0 - _GAMMA) * down**2
            moved = first / (1.0 - _BETA**step)
            logits -= rate * moved / (np.sqrt(second / (1.0 - _GAMMA**step)) + _TINY)
        return masks, values, success


def _logistic(logits: np.ndarray) -> np.ndarray:
    odds: np.ndarray = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    return odds
