"""Transfer of evasion (R-EVA-01): what was made on another model, tried on this one."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.artifacts import Chart, Series, Table
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.attacks.score_search import linf_square_search
from seclab.datasets import Dataset
from seclab.errors import Misconfigured, NotEvaluated
from seclab.measurement import Estimate, Metric, Reading, Scalar
from seclab.models import SPECS, Target, spec, train
from seclab.outcome import Result
from seclab.per_sample import rate
from seclab.registry import evaluation
from seclab.statistics import proportion_of

_ACCURACY, _SUCCESS = "transfer_accuracy", "transfer_success_rate"
_ENSEMBLE, _ANY = "ensemble", "any"


@dataclass(frozen=True, slots=True, eq=False)
class _Carried:
    """What one source made at one size, on the target.

    Attributes:
        source: Name of the model it was made on, ``ensemble`` or ``any``.
        epsilon: Radius as a fraction of the feature range.
        fooled: Whether the target reads each image wrong, shape (n,).
        own: Share of the images that the source itself reads wrong; ``None`` for several.
    """

    source: str
    epsilon: float
    fooled: np.ndarray
    own: Estimate | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Workshop:
    """Where the attacker prepares: images, and how hard is tried."""

    images: Dataset
    steps: int
    queries: int
    rng: np.random.Generator

    def along_gradients(self, sources: Sequence[Target], epsilon: float) -> np.ndarray:
        """Raise the mean cross-entropy of the sources to the last step, fooled or not."""

        def gradient(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            found = [source.loss_gradient(x, y) for source in sources]
            return (
                np.mean([loss for loss, _ in found], axis=0),
                np.mean([slope for _, slope in found], axis=0),
            )

        return projected_gradient_descent(
            [Loss(gradient, wrong_from=math.inf)],
            sources[0].predict,
            self.images.features,
            self.images.labels,
            norm="linf",
            epsilon=epsilon * self.images.scale,
            bounds=self.images.feature_range,
            ascent=Ascent(steps=self.steps, restarts=1),
            rng=self.rng,
        )

    def by_scores(self, source: Target, epsilon: float) -> np.ndarray:
        """Lower the margin of a source without gradient for as long as queries last."""
        return linf_square_search(
            source.predict_proba,
            self.images.features,
            np.searchsorted(source.classes, self.images.labels),
            epsilon=epsilon * self.images.scale,
            bounds=self.images.feature_range,
            queries=self.queries,
            rng=self.rng,
            image_shape=self.images.image_shape,
            lead=1.0,
        ).adversarial


@evaluation(
    risks=("R-EVA-01",),
    metrics=(
        Metric(
            _ACCURACY,
            "fraction",
            "higher",
            "Share of test images read right before and after a change made on another model.",
        ),
        Metric(
            _SUCCESS,
            "fraction",
            "lower",
            "Rightly classified test images that a change made on another model turns wrong.",
        ),
    ),
)
def transfer_evasion(
    target: Target,
    *,
    rng: np.random.Generator,
    epsilons: Sequence[float] = (0.05, 0.1, 0.2),
    samples: int = 360,
    steps: int = 40,
    score_queries: int = 500,
    sources: Sequence[str] = tuple(SPECS),
) -> Result:
    """Evasion prepared on the other models of the lab, without a single question to this one.

    The attacker knows the training rows and the recipes of other models, and nothing of the
    target but its task. It trains each source as the lab does, with the seed of the target, so
    that the source is the lab's own model, digest and all. On a source with a gradient it climbs
    the cross-entropy to the last step, on a forest it searches by scores until its queries are
    spent: what only just fools the source would not carry over. ``ensemble`` climbs the mean loss
    of all sources with a gradient, where there are two or more.

    ``any`` counts an image as lost when one of these changes fools the target. To find out which
    takes an answer of the target for each; it is what somebody gets who tries them all.

    Args:
        target: The model; it is asked once about the images and once about every change of them.
        rng: Chooses the images where fewer than all are asked for, and the moves of the search.
        epsilons: L-infinity radii as fractions of the feature range, each above 0, at most 1.
        samples: Test images, at least 1, at most all.
        steps: Gradient steps, at least 1.
        score_queries: Answers of a source without gradient for one image, at least 1.
        sources: Names of the lab's models; the target itself is left out.

    Returns:
        For each source and epsilon ``transfer_accuracy`` (0 to 1, higher is better) and
        ``transfer_success_rate`` among the images read rightly before (0 to 1, lower is better),
        with Wilson's interval.

    Raises:
        Misconfigured: An epsilon, a number or a source that cannot be; all problems at once.
        NotEvaluated: No source is left.

    References:
        Papernot, McDaniel and Goodfellow (2016), Transferability in machine learning,
        arXiv:1605.07277. Liu et al. (2017), Delving into transferable adversarial examples and
        black-box attacks, arXiv:1611.02770.
    """
    _require_possible(
        epsilons, {"samples": samples, "steps": steps, "score_queries": score_queries}
    )
    trained = _trained(target, sources)
    images = target.data.test
    if samples < len(images):
        images = images.take(np.sort(rng.choice(len(images), size=samples, replace=False)))
    workshop = _Workshop(images, steps, score_queries, rng)
    right = target.predict(images.features) == images.labels
    carried = [
        one
        for epsilon in sorted(set(epsilons))
        for one in _with_any(list(_carried(target, trained, workshop, epsilon)))
    ]
    readings = [reading for one in carried for reading in _readings(one, images, right)]
    return Result(
        readings=tuple(readings),
        tables=(_table(carried, trained, right),),
        figures=(_chart(carried, right),),
        notes=tuple(_notes(trained, target)),
    )


def _require_possible(epsilons: Sequence[float], numbers: Mapping[str, int]) -> None:
    problems = [
        f"transfer_evasion: epsilons are fractions above 0 and at most 1, got {epsilon}"
        for epsilon in epsilons
        if not 0.0 < epsilon <= 1.0
    ]
    if not epsilons:
        problems.append("transfer_evasion: epsilons must name at least one")
    problems += [
        f"transfer_evasion: {name} is a number from 1 on, got {number}"
        for name, number in numbers.items()
        if number < 1
    ]
    if problems:
        raise Misconfigured(problems)


def _trained(target: Target, sources: Sequence[str]) -> dict[str, Target]:
    """The sources by name, trained as the lab trains them."""
    others = [name for name in dict.fromkeys(sources) if name != target.subject.name]
    if unknown := [name for name in others if name not in SPECS]:
        known = ", ".join(SPECS)
        raise Misconfigured(
            [f"transfer_evasion: unknown source {name!r}; known: {known}" for name in unknown]
        )
    if not others:
        raise NotEvaluated("there is no other model to prepare the changes on")
    data = target.data
    return {name: Target(train(spec(name), data.train, seed=target.seed), data) for name in others}


def _carried(
    target: Target, trained: Mapping[str, Target], workshop: _Workshop, epsilon: float
) -> Iterable[_Carried]:
    images = workshop.images
    for name, source in trained.items():
        if source.has_gradient:
            made = workshop.along_gradients([source], epsilon)
        else:
            made = workshop.by_scores(source, epsilon)
        own = proportion_of(source.predict(made) != images.labels)
        yield _Carried(name, epsilon, target.predict(made) != images.labels, own)
    climbed = [source for source in trained.values() if source.has_gradient]
    if len(climbed) > 1:
        made = workshop.along_gradients(climbed, epsilon)
        yield _Carried(_ENSEMBLE, epsilon, target.predict(made) != images.labels)


def _with_any(carried: list[_Carried]) -> list[_Carried]:
    fooled = np.logical_or.reduce([one.fooled for one in carried])
    return [*carried, _Carried(_ANY, carried[0].epsilon, fooled)]


def _readings(one: _Carried, images: Dataset, right: np.ndarray) -> list[Reading]:
    where: dict[str, Scalar] = {"source": one.source, "epsilon": one.epsilon}
    readings = [rate(_ACCURACY, right & ~one.fooled, images, where)]
    if right.any():
        readings.append(Reading(_SUCCESS, proportion_of(one.fooled[right]), where))
    return readings


def _table(carried: Sequence[_Carried], trained: Mapping[str, Target], right: np.ndarray) -> Table:
    rows = []
    for one in carried:
        accuracy = proportion_of(right & ~one.fooled)
        success = proportion_of(one.fooled[right]) if right.any() else None
        source = trained.get(one.source)
        rows.append(
            (
                *(one.source, one.epsilon, accuracy.value, accuracy.low, accuracy.high),
                *((success.value, success.low, success.high) if success else (None,) * 3),
                one.own.value if one.own else None,
                source.subject.digest if source else None,
            )
        )
    return Table(
        name="transfer_evasion",
        caption="Changes made on each source, tried on the model; fooled_source is the share of "
        "the images that the source itself reads wrong.",
        columns=(
            *("source", "epsilon"),
            *(f"{name}{end}" for name in (_ACCURACY, _SUCCESS) for end in ("", "_low", "_high")),
            *("fooled_source", "source_digest"),
        ),
        rows=tuple(rows),
    )


def _chart(carried: Sequence[_Carried], right: np.ndarray) -> Chart:
    lines: dict[str, list[tuple[float, float]]] = {}
    for one in carried:
        line = lines.setdefault(one.source, [(0.0, float(right.mean()))])
        line.append((one.epsilon, float((right & ~one.fooled).mean())))
    return Chart(
        name="transfer_evasion",
        title="Accuracy on images changed to fool another model",
        x_label="epsilon (fraction of the feature range)",
        y_label="accuracy",
        series=tuple(
            Series(name, x=tuple(x for x, _ in line), y=tuple(y for _, y in line))
            for name, line in lines.items()
        ),
    )


def _notes(trained: Mapping[str, Target], target: Target) -> list[str]:
    return [
        f"Made on {', '.join(trained)}, trained on the rows of the target with seed {target.seed}.",
        "Queries are those to the target: nothing was asked of it before the changes were made.",
        f"{_ANY} is the worst of {len(trained)} sources, image by image, and their ensemble.",
    ]
