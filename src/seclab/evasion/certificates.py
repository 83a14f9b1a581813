"""What is proven: images that nothing inside a ball can change the answer to."""

from collections.abc import Mapping, Sequence

import numpy as np

from seclab.attacks.bound_propagation import relaxed_margin_bounds
from seclab.attacks.tree_boxes import MeasuredForest
from seclab.evasion.attempts import Attacker, Attempt

# Joining trees proves of one image in thirty what they do not prove one by one. It costs seconds
# if it is tried only where it can help: on what no attack broke and what is not far from proven.
_CELLS = 100
_HOPELESS = -0.35
_HALVINGS = 6  # of the bracket of each image; one round costs as much as one more radius
_ROUNDING = 2e-9  # of the feature range: nothing that is solved for is proven to the last bits


class Certifier:
    """Proofs about a model, image by image; none where ``can_prove`` is false.

    Args:
        attacker: Model, images and norm.
    """

    def __init__(self, attacker: Attacker) -> None:
        target, images = attacker.target, attacker.images
        self._attacker = attacker
        self._is_network = attacker.exact is None and target.has_affine_layers
        self._forest = (
            MeasuredForest.around(
                images.features,
                attacker.classes,
                target.decision_trees(),
                bounds=images.feature_range,
                norm=attacker.geometry.norm,
            )
            if attacker.exact is None and target.has_decision_trees
            else None
        )

    @property
    def can_prove(self) -> bool:
        """Whether a proof is known for such a model."""
        exact = self._attacker.exact is not None
        return exact or self._is_network or self._forest is not None

    def certificates(self, strongest: Sequence[Attempt]) -> dict[float, np.ndarray]:
        """Which images are proven right in balls of each size.

        Every ball is as wide as the longest change that is counted as an attack of that size, and
        what the model's own rounding could turn is not proven.

        Args:
            strongest: The worst attempt at each size. What was broken is not given up for it: it
                is proven as well if it can be, but no more trouble is taken.

        Returns:
            Booleans of shape (n,) by radius; empty where nothing can be proven.
        """
        if not self.can_prove:
            return {}
        return {attempt.epsilon: self._proven(attempt) for attempt in strongest}

    def radii(
        self, certified: Mapping[float, np.ndarray], smallest: np.ndarray
    ) -> np.ndarray | None:
        """For each image a radius in which it is proven right.

        Halved out between the largest radius at which it is certified and the smallest change
        that breaks it.

        Args:
            certified: Which images are certified, by radius.
            smallest: Smallest change found, as a fraction of the feature range, shape (n,).

        Returns:
            Fractions of the feature range, shape (n,), 0 where nothing is proven, ``None`` where
            nothing can be. Higher is better.
        """
        if not self.can_prove:
            return None
        attacker, exact = self._attacker, self._attacker.exact
        longest = attacker.geometry.diameter(attacker.images.features.shape[1])
        if exact is not None:
            distance = np.minimum(exact.nearest.distance / attacker.images.scale, longest)
            return np.maximum(distance - _ROUNDING, 0.0)
        safe = np.max([epsilon * hits for epsilon, hits in certified.items()], axis=0)
        broken = np.maximum(np.minimum(smallest, longest), safe)
        for _ in range(_HALVINGS):
            middle = (safe + broken) / 2
            proven = self._margins(attacker.reach(middle)) > 0.0
            safe, broken = np.where(proven, middle, safe), np.where(proven, broken, middle)
        return np.asarray(safe)

    def _proven(self, attempt: Attempt) -> np.ndarray:
        reach = self._attacker.reach(attempt.epsilon)
        if self._attacker.exact is not None:
            return self._attacker.exact.proven(reach)
        margins = self._margins(reach)
        if self._forest is not None:
            unknown = (margins <= 0.0) & (margins > _HOPELESS) & ~attempt.fooled
            rows = np.flatnonzero(unknown)
            margins[rows] = self._forest.joined_margins(rows, reach, cells=_CELLS)
        return np.asarray(margins > 0.0)

    def _margins(self, reach: float | np.ndarray) -> np.ndarray:
        """Lower bounds of the margins in balls of one radius, or of one for each image."""
        if self._forest is not None:
            return self._forest.margins(reach)
        images = self._attacker.images
        return relaxed_margin_bounds(
            self._attacker.target.affine_layers(),
            images.features,
            self._attacker.classes,
            epsilon=reach,
            bounds=images.feature_range,
            norm=self._attacker.geometry.norm,
        )
