"""What the attempts came to: numbers, tables and figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seclab.artifacts import Chart, ImageGrid, Series, Table
from seclab.datasets import Dataset
from seclab.evasion.attempts import STRONGEST, Attempt
from seclab.evasion.exact import Solution
from seclab.evasion.geometry import Geometry
from seclab.measurement import Estimate, Metric, Reading, Scalar
from seclab.per_sample import rate
from seclab.statistics import mean_of, median_of, proportion_of

_WORST_SHOWN = 8
_FEWEST = 6  # values that a median with its interval needs

METRICS = (
    Metric("clean_accuracy", "fraction", "higher", "Accuracy on unchanged test images."),
    Metric(
        "robust_accuracy",
        "fraction",
        "higher",
        "Share of test images classified right whatever the attack tried.",
    ),
    Metric(
        "attack_success_rate",
        "fraction",
        "lower",
        "Share of rightly classified test images that the attack made wrong.",
    ),
    Metric(
        "certified_accuracy",
        "fraction",
        "higher",
        "Share of test images proven to be classified right in the whole ball.",
    ),
    Metric(
        "masked_share",
        "fraction",
        "lower",
        "Share of test images that an attack without gradients broke and those with them did not.",
    ),
    Metric(
        "full_range_accuracy",
        "fraction",
        "lower",
        "Accuracy left when every pixel may become anything: above 0 the attack is at fault.",
    ),
    Metric(
        "median_smallest_change",
        "distance",
        "higher",
        "Median over the test images of the smallest change found that the model reads wrong, in "
        "feature ranges.",
    ),
    Metric(
        "median_queries",
        "count",
        "higher",
        "Median number of answers that an attack used on the images it broke.",
    ),
    Metric(
        "confidence_drop",
        "difference",
        "lower",
        "Mean loss of probability of the true class under the strongest attack.",
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Everything the attacks and proofs gave, image by image in dataset order.

    Attributes:
        images: What was attacked.
        geometry: The norm.
        clean: The unchanged images.
        attempts: Every attack at every size.
        strongest: The worst of them at every size.
        certified: For each size, which images are proven; empty where nothing can be.
        masked: For each size, which images only a black box broke; empty without a white box.
        full_range: Which images survive when there is no ball; shape (n,).
        smallest: Smallest change found, as a fraction of the feature range, 0 where the image is
            read wrong unchanged, infinite where none was found; shape (n,).
        radii: Radius in which each image is proven right, as a fraction of the feature range, 0
            where nothing is proven; shape (n,). ``None`` where nothing can be.
        solved: What is computed of the model, ``None`` where it was searched for.
    """

    images: Dataset
    geometry: Geometry
    clean: Attempt
    attempts: Sequence[Attempt]
    strongest: Sequence[Attempt]
    certified: Mapping[float, np.ndarray]
    masked: Mapping[float, np.ndarray]
    full_range: np.ndarray
    smallest: np.ndarray
    radii: np.ndarray | None
    solved: Solution | None = None

    @property
    def correct(self) -> np.ndarray:
        """Whether the unchanged image is read right; shape (n,)."""
        return ~self.clean.fooled

    def readings(self) -> Iterator[Reading]:
        """Every number, the clean accuracy first."""
        yield rate("clean_accuracy", self.correct, self.images)
        for attempt in (*self.attempts, *self.strongest):
            where: dict[str, Scalar] = {"epsilon": attempt.epsilon, "attack": attempt.attack}
            yield rate("robust_accuracy", self.correct & ~attempt.fooled, self.images, where)
            if self.correct.any():
                success = proportion_of(attempt.fooled[self.correct])
                yield Reading("attack_success_rate", success, where)
            broken = attempt.fooled & self.correct
            if attempt.queries is not None and broken.sum() >= _FEWEST:
                yield Reading("median_queries", median_of(attempt.queries[broken]), where)
        for metric, flags in (
            ("certified_accuracy", self.certified),
            ("masked_share", self.masked),
        ):
            for epsilon, hits in flags.items():
                yield rate(metric, hits, self.images, {"epsilon": epsilon})
        yield rate("full_range_accuracy", self.full_range, self.images)
        longest = self.geometry.diameter(self.images.features.shape[1])
        if len(self.images) >= _FEWEST:
            yield Reading("median_smallest_change", median_of(np.minimum(self.smallest, longest)))
        for attempt in self.strongest:
            drop = self.clean.confidence - attempt.confidence
            if len(drop) > 1:
                where = {"epsilon": attempt.epsilon}
                yield Reading("confidence_drop", _within_one(mean_of(drop)), where)

    def sweep(self, readings: Sequence[Reading]) -> Table:
        """Every number of the sweep as a row."""
        rows = [
            (
                reading.parameters.get("attack"),
                reading.parameters.get("epsilon"),
                reading.metric,
                reading.estimate.value,
                reading.estimate.low,
                reading.estimate.high,
                reading.estimate.n,
            )
            for reading in readings
        ]
        columns = ("attack", "epsilon", "metric", "value", "low", "high", "n")
        caption = f"Epsilon is the {self.geometry.norm} radius as a fraction of the feature range."
        return Table("evasion_sweep", caption, columns, tuple(rows))

    def per_image(self) -> Table:
        """What is known of every image: between which changes it breaks."""
        proven = np.full(len(self.images), np.nan) if self.radii is None else self.radii
        rows = tuple(
            (
                index,
                self.images.class_names[label],
                bool(right),
                float(safe) if np.isfinite(safe) else None,
                float(change) if np.isfinite(change) else None,
            )
            for index, (label, right, safe, change) in enumerate(
                zip(self.images.labels, self.correct, proven, self.smallest, strict=True)
            )
        )
        return Table(
            "evasion_images",
            "Per attacked image, in dataset order: no change up to the certified radius breaks it, "
            "the smallest change is the shortest found that does; both in feature ranges.",
            ("image", "label", "correct_when_clean", "certified_radius", "smallest_change"),
            rows,
        )

    def curve(self) -> Chart:
        """Accuracy by size of the ball, one line an attack, and what is proven."""
        clean = float(self.correct.mean())
        lines: dict[str, list[tuple[float, float]]] = {}
        for attempt in (*self.attempts, *self.strongest):
            left = float((self.correct & ~attempt.fooled).mean())
            lines.setdefault(attempt.attack, []).append((attempt.epsilon, left))
        proven = [(epsilon, float(hits.mean())) for epsilon, hits in self.certified.items()]
        if proven:
            lines["certified"] = proven
        return Chart(
            name="evasion_curve",
            title="Accuracy under attack",
            x_label=f"epsilon ({self.geometry.norm}, fraction of the feature range)",
            y_label="accuracy",
            series=tuple(
                Series(
                    label,
                    x=(0.0, *(epsilon for epsilon, _ in points)),
                    y=(clean, *(value for _, value in points)),
                )
                for label, points in lines.items()
            ),
        )

    def worst_failures(self) -> tuple[ImageGrid, ...]:
        """The images broken in the smallest ball, above what they were changed into."""
        shape = self.images.image_shape
        if shape is None:
            return ()
        chosen: list[tuple[int, Attempt]] = []
        for attempt in self.strongest:
            taken = {index for index, _ in chosen}
            broken = np.flatnonzero(attempt.fooled & self.correct)
            new = [int(index) for index in broken if index not in taken]
            chosen += [(index, attempt) for index in new[: _WORST_SHOWN - len(chosen)]]
        if not chosen:
            return ()
        low, scale = self.images.feature_range[0], self.images.scale
        clean = [self.images.features[index].reshape(shape) for index, _ in chosen]
        broken_images = [attempt.adversarial[index].reshape(shape) for index, attempt in chosen]
        captions = [self.images.class_names[self.images.labels[index]] for index, _ in chosen]
        captions += [f"epsilon {attempt.epsilon:g}" for _, attempt in chosen]
        return (
            ImageGrid(
                name="evasion_failures",
                title="The images broken by the smallest change, clean above, attacked below",
                images=(np.stack([clean, broken_images]) - low) / scale,
                captions=tuple(captions),
            ),
        )

    def notes(self) -> Iterator[str]:
        """What a reader has to know, findings about the attacks themselves among it."""
        if self.full_range.any():
            yield (
                f"FINDING: {int(self.full_range.sum())} images survive although every pixel may "
                "become anything: the attacks are led nowhere, and the numbers are too good."
            )
        for epsilon, hits in self.masked.items():
            if hits.any():
                yield (
                    f"FINDING: at epsilon {epsilon:g} an attack without gradients broke "
                    f"{int(hits.sum())} images that those with gradients did not: the model may "
                    "mask its gradients."
                )
        if self.solved is not None:
            yield f"The model is {self.solved.model}: its worst case is computed, not searched for."
        else:
            yield "Robust accuracy is an upper bound: another attack may find more."
            if self.certified:
                yield "Certified accuracy is a lower bound: what is not proven may still be safe."
        yield f"{STRONGEST} takes the worst of all attacks image by image."


def _within_one(mean: Estimate) -> Estimate:
    """A mean of differences of probabilities, with no interval beyond what one can be."""
    if mean.interval is None:
        return mean
    low, high = max(mean.low, -1.0), min(mean.high, 1.0)
    return replace(mean, interval=replace(mean.interval, low=low, high=high))
