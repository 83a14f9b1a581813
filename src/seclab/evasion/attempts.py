"""Every attack that a model allows, tried at every size of the ball."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from seclab.attacks.boundary_walk import Walk
from seclab.attacks.linf_gradient import linf_fast_gradient_sign
from seclab.attacks.minimal_perturbation import minimal_perturbation
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.datasets import Dataset
from seclab.evasion.exact import Solution, solved
from seclab.evasion.geometry import Geometry
from seclab.models import Target

Radius = TypeVar("Radius", float, np.ndarray)

STRONGEST = "strongest"
# Of the feature range: a distance computed from x + epsilon - x may exceed epsilon by a few bits.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the attacks try.

    Attributes:
        steps: Projected-gradient steps per start.
        restarts: Projected-gradient starts.
        queries: Answers that the search by scores may use on one image at one size.
        walk_iterations: Rounds of the walk along the boundary, which sees labels alone.
    """

    steps: int
    restarts: int
    queries: int
    walk_iterations: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """What one attack achieved at one size of the ball, image by image in dataset order.

    Attributes:
        attack: Its name.
        epsilon: Radius as a fraction of the feature range.
        adversarial: What the images became, inside ball and box, shape (n, d); the image itself
            where what the attack found lies outside.
        fooled: Whether the model reads them wrong, by its own answer; shape (n,).
        confidence: Probability of the true class there, 0 to 1; shape (n,).
        queries: Answers it used on each image up to this size, shape (n,); ``None`` where it does
            not count them.
        black_box: Whether it knows nothing but answers.
    """

    attack: str
    epsilon: float
    adversarial: np.ndarray
    fooled: np.ndarray
    confidence: np.ndarray
    queries: np.ndarray | None = None
    black_box: bool = False


@dataclass(frozen=True, eq=False)
class Attacker:
    """Who attacks: the model, the images, the norm, and how much trouble is taken.

    Attributes:
        target: The model.
        images: What is attacked.
        geometry: The norm.
        effort: How hard to try.
        rng: Source of everything random.
    """

    target: Target
    images: Dataset
    geometry: Geometry
    effort: Effort
    rng: np.random.Generator

    @property
    def classes(self) -> np.ndarray:
        """The true classes as columns of the model's answers, shape (n,)."""
        return np.searchsorted(self.target.classes, self.images.labels)

    @cached_property
    def exact(self) -> Solution | None:
        """What is computed of the model, ``None`` where it has to be searched for."""
        return solved(self.target, self.images, self.classes, self.geometry)

    def reach(self, epsilon: Radius) -> Radius:
        """Longest change that counts as one of ``epsilon``, in native units; proofs cover it too.

        Args:
            epsilon: Radius as a fraction of the feature range, or several.
        """
        return (epsilon + _ROUNDING) * self.images.scale

    def judge(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the images, as changed to ``x`` (n, d), are read wrong, and the confidence.

        Returns:
            Booleans (n,), and the probability of the true class, 0 to 1, shape (n,).
        """
        probabilities = self.target.predict_proba(x)
        answers = self.target.classes[probabilities.argmax(axis=1)]
        confidence = probabilities[np.arange(len(x)), self.classes]
        return np.asarray(answers != self.images.labels), confidence

    def unchanged(self) -> Attempt:
        """The images as they are."""
        fooled, confidence = self.judge(self.images.features)
        return Attempt("none", 0.0, self.images.features, fooled, confidence)

    def attempts(self, epsilons: Sequence[float]) -> list[Attempt]:
        """Every attack at every size, by size and then from the weakest to the strongest.

        Args:
            epsilons: Radii as fractions of the feature range, ascending.
        """
        found: list[Attempt] = []
        white = self.target.has_gradient
        found += self._white_box(epsilons) if white else []
        if self.exact is not None:
            found += self._exact(self.exact, epsilons)  # no search can find what it does not
        else:
            found += self._for_small_changes(epsilons) if white else []
            found += self._by_scores(epsilons)
            found += [] if white else self._by_labels(epsilons)
        return sorted(found, key=lambda attempt: attempt.epsilon)

    def tried(
        self,
        attack: str,
        epsilon: float,
        found: np.ndarray,
        *,
        queries: np.ndarray | None = None,
        black_box: bool = False,
    ) -> Attempt:
        """What an attack found counts where it is inside ball and box and is read wrong.

        Args:
            attack: Its name, without the norm.
            epsilon: Radius as a fraction of the feature range.
            found: What the images became, shape (n, d).
            queries: Answers it used on each image, shape (n,).
            black_box: Whether it knows nothing but answers.
        """
        images, name = self.images, f"{self.geometry.norm}_{attack}"
        near = self.geometry.lengths(found - images.features) <= self.reach(epsilon)
        near &= (found == found.clip(*images.feature_range)).all(axis=1)
        inside = np.where(near[:, None], found, images.features)
        fooled, confidence = self.judge(inside)
        return Attempt(name, epsilon, inside, fooled, confidence, queries, black_box)

    def _exact(self, exact: Solution, epsilons: Sequence[float]) -> Iterator[Attempt]:
        for epsilon in epsilons:
            yield self.tried(exact.attack, epsilon, exact.worst(epsilon * self.images.scale))

    def _white_box(self, epsilons: Sequence[float]) -> Iterator[Attempt]:
        target, images, effort = self.target, self.images, self.effort
        losses = [Loss.cross_entropy(target.loss_gradient), Loss.margin(target.margin_gradient)]
        found = images.features
        for epsilon in epsilons:
            radius, bounds = epsilon * images.scale, images.feature_range
            if self.geometry.norm == "linf":
                single = linf_fast_gradient_sign(
                    target.loss_gradient,
                    images.features,
                    images.labels,
                    epsilon=radius,
                    bounds=bounds,
                )
                yield self.tried("fast_gradient_sign", epsilon, single)
            found = projected_gradient_descent(
                losses,
                target.predict,
                images.features,
                images.labels,
                norm=self.geometry.norm,
                epsilon=radius,
                bounds=bounds,
                ascent=Ascent(effort.steps, effort.restarts),
                rng=self.rng,
                start=found,
            )
            yield self.tried("projected_gradient_descent", epsilon, found)

    def _for_small_changes(self, epsilons: Sequence[float]) -> Iterator[Attempt]:
        """One search serves every size, as that by labels does."""
        images = self.images
        found = minimal_perturbation(
            self.target.margin_gradient,
            self.target.predict,
            images.features,
            images.labels,
            norm=self.geometry.norm,
            bounds=images.feature_range,
            steps=self.effort.steps,
        )
        for epsilon in epsilons:
            yield self.tried("minimal_perturbation", epsilon, found)

    def _by_scores(self, epsilons: Sequence[float]) -> Iterator[Attempt]:
        images, start = self.images, None
        spent, broken = np.zeros(len(images), dtype=int), np.zeros(len(images), dtype=bool)
        for epsilon in epsilons:
            search = self.geometry.search(
                self.target.predict_proba,
                images.features,
                self.classes,
                epsilon=epsilon * images.scale,
                bounds=images.feature_range,
                queries=self.effort.queries,
                rng=self.rng,
                image_shape=images.image_shape,
                start=start,
            )
            start = search.adversarial
            # What was learned in smaller balls was paid for there.
            spent = np.where(broken, spent, spent + search.queries)
            tried = self.tried("square_search", epsilon, start, queries=spent, black_box=True)
            broken |= tried.fooled
            yield tried

    def _by_labels(self, epsilons: Sequence[float]) -> Iterator[Attempt]:
        """One walk serves every size: it makes the distance small, which is then compared."""
        images = self.images
        walked = self.geometry.walk(
            self.target.predict,
            images.features,
            images.labels,
            starts=self.target.data.population.features,
            bounds=images.feature_range,
            walk=Walk(iterations=self.effort.walk_iterations),
            rng=self.rng,
        )
        for epsilon in epsilons:
            yield self.tried(
                "hop_skip_jump",
                epsilon,
                walked.adversarial,
                queries=walked.queries,
                black_box=True,
            )


def strongest(attempts: Sequence[Attempt], clean: Attempt) -> list[Attempt]:
    """Image by image the worst of all attacks; what breaks once breaks at every larger size.

    Worst is what fools the model, and of two that do or two that do not, the one that leaves the
    true class less probable.

    Args:
        attempts: Every attack at every size.
        clean: The unchanged images, an attempt of size 0.

    Returns:
        One attempt by size, ascending.
    """
    worst, so_far = [], clean
    for epsilon in sorted({attempt.epsilon for attempt in attempts}):
        for attempt in attempts:
            if attempt.epsilon == epsilon:
                so_far = _worse(so_far, attempt)
        so_far = replace(so_far, attack=STRONGEST, epsilon=epsilon)
        worst.append(so_far)
    return worst


def _worse(one: Attempt, other: Attempt) -> Attempt:
    less_sure = (other.fooled == one.fooled) & (other.confidence < one.confidence)
    new = (other.fooled & ~one.fooled) | less_sure
    return replace(
        one,
        adversarial=np.where(new[:, None], other.adversarial, one.adversarial),
        fooled=one.fooled | other.fooled,
        confidence=np.where(new, other.confidence, one.confidence),
    )
