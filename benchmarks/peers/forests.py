"""Evasion of a forest, which has no gradient: search by scores, and walks by labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from peers.art_models import HopSkipJump, counted, wrapped
from peers.lab import SEED, Aim, Lab, in_turns, robust_accuracy, table, title

from seclab.attacks.boundary_walk import Walk, Walked, hop_skip_jump
from seclab.attacks.score_search import SearchResult, linf_square_search
from seclab.datasets import Dataset
from seclab.models import Target

_FASTER = 30.0
# ART's own default starts at 100 evaluations a direction; ours at 60. Both get ours.
_DIRECTIONS = Walk().directions


def black_box(lab: Lab) -> list[Aim]:
    """Attacks of a forest at about equal numbers of queries a row."""
    target = lab.target("random-forest")
    few = _some(lab.data.test, 5 if lab.quick else 20)
    many = _some(lab.data.test, 60 if lab.quick else len(lab.data.test))
    title(f"forest: random forest of 100 full-depth trees, L-infinity, {len(few)} rows")
    print("ART attacks one row at a time and is slow: few rows must do, test rows in random order.")
    print("It sees labels; of ours hop skip jump sees labels, square search probabilities. Ours")
    print("may ask at most as often as ART did: a walk serves all epsilons, the search divides the")
    print("queries among them. Ours attack all rows at once: in brackets, how long a row takes")
    print(f"of {len(many)}. The last columns are robust accuracy by epsilon; ours is held against")
    print("the quicker and the lower of ART's two. ART's walks have no seed: they differ by run.")
    calls = {
        "ART hop skip jump": partial(_art, target, few, None),
        "ART, from our starts": partial(_art, target, few, _nearest(target, few)),
    }
    iterations = 3 if lab.quick else 10
    peers = in_turns({name: partial(call, iterations) for name, call in calls.items()}, 1)
    budget = min(each.result[1] for each in peers.values()) // len(few)
    each = min(each.seconds for each in peers.values()) / len(few)
    rows: list[tuple[object, ...]] = []
    for name, peer in peers.items():
        found, asked = peer.result
        left = [robust_accuracy(target, few, found, epsilon) for epsilon in lab.epsilons]
        rows.append((name, 1e3 * peer.seconds / len(few), asked / len(few), None, *left))
    art = [min(left) for left in zip(*(row[4:] for row in rows), strict=True)]
    aims = []
    alone = _ours(lab, target, few, budget)
    together = _ours(lab, target, many, budget)
    for attack, mine in alone.items():
        crowd = together[attack]
        for name, one in ((attack, mine), (f"({attack})", crowd)):
            rows.append((name, 1e3 * one.seconds, one.queries, each / one.seconds, *one.left))
        gains = [his - our for his, our in zip(art, mine.left, strict=True)]
        lower = ", ".join(f"{gain:+.3f}" for gain in gains)
        for count, faster in ((few, each / mine.seconds), (many, each / crowd.seconds)):
            aims.append(
                Aim(
                    f"forest: {attack} >= {_FASTER:g}x faster than ART a row, {len(count)} rows at "
                    "once, lower robust accuracy at every epsilon",
                    f"{faster:.1f}x, lower on the same {len(few)} rows by {lower}",
                    met=faster >= _FASTER and min(gains) > 0.0,
                )
            )
    columns = ("attack", "ms / row", "queries / row", "time / ours")
    table((*columns, *(f"at {epsilon:g}" for epsilon in lab.epsilons)), rows)
    return aims


@dataclass(frozen=True)
class _Found:
    """What an attack took a row, and robust accuracy by epsilon."""

    seconds: float
    queries: float
    left: list[float]


def _some(images: Dataset, count: int) -> Dataset:
    return images.take(np.random.default_rng(SEED).permutation(len(images))[:count])


def _ours(lab: Lab, target: Target, images: Dataset, budget: int) -> dict[str, _Found]:
    taken = in_turns(
        {
            "hop skip jump": partial(_walk, target, images, budget),
            "square search": partial(_sweep, target, images, lab.epsilons, budget),
        },
        3 if len(images) <= 100 and not lab.quick else 1,
    )
    walk, sweep = (each.result for each in taken.values())
    queries = {
        "hop skip jump": walk.queries.mean() + walk.shared / len(images),
        "square search": sum(one.queries.mean() for one in sweep),
    }
    adversarial = {
        "hop skip jump": [walk.adversarial] * len(lab.epsilons),
        "square search": [one.adversarial for one in sweep],
    }
    return {
        name: _Found(
            each.seconds / len(images),
            float(queries[name]),
            [
                robust_accuracy(target, images, found, epsilon)
                for found, epsilon in zip(adversarial[name], lab.epsilons, strict=True)
            ],
        )
        for name, each in taken.items()
    }


def _walk(target: Target, images: Dataset, budget: int) -> Walked:
    return hop_skip_jump(
        target.predict,
        images.features,
        images.labels,
        norm="linf",
        starts=target.data.population.features,
        bounds=images.feature_range,
        walk=_longest(budget),
        rng=np.random.default_rng(SEED),
    )


def _longest(budget: int) -> Walk:
    """The longest walk that cannot ask more than the budget."""
    walk, spent, iterations = Walk(), Walk().halvings + 1, 0
    while spent <= budget:
        iterations += 1
        spent += int(walk.directions * np.sqrt(iterations)) + 2 * walk.halvings
    return Walk(iterations=max(1, iterations - 1))


def _sweep(
    target: Target, images: Dataset, epsilons: Sequence[float], budget: int
) -> list[SearchResult]:
    """One search after the other, each from what broke the smaller ball, as an evaluation does."""
    rng = np.random.default_rng(SEED)
    found: list[SearchResult] = []
    for epsilon in epsilons:
        search = linf_square_search(
            target.predict_proba,
            images.features,
            np.searchsorted(target.classes, images.labels),
            epsilon=epsilon * images.scale,
            bounds=images.feature_range,
            queries=max(1, budget // len(epsilons)),
            rng=rng,
            image_shape=images.image_shape,
            start=found[-1].adversarial if found else None,
        )
        found.append(search)
    return found


def _nearest(target: Target, images: Dataset) -> np.ndarray:
    """For each row the nearest image of the population that the model reads as something else."""
    starts = target.data.population.features
    distances = np.abs(starts[None] - images.features[:, None]).max(axis=2)
    distances[target.predict(starts)[None] == images.labels[:, None]] = np.inf
    return np.asarray(starts[distances.argmin(axis=1)])


def _art(
    target: Target, images: Dataset, starts: np.ndarray | None, iterations: int
) -> tuple[np.ndarray, int]:
    """What ART found, and how many rows it asked the model about."""
    classifier = wrapped(target)
    asked = counted(classifier)
    attack = HopSkipJump(
        classifier,
        norm=np.inf,
        max_iter=iterations,
        init_eval=_DIRECTIONS,
        batch_size=1024,
        verbose=False,
    )
    begin = {} if starts is None else {"x_adv_init": (starts / images.scale).astype(np.float32)}
    found = attack.generate(images.features / images.scale, images.labels, **begin)
    return found * images.scale, asked[0]
