"""Where the thresholds of the detectors come from: how far clean digits come near them.

Draws parts of the digits without replacement, all, 90%, 70% or half of them in turn, and prints
for every test the largest values on them, and the value that one set in 800 exceeds by Gumbel's
distribution, which largest values of many follow. Thresholds of ``expect_no_shared_patterns`` are
in units of the test; the others are shown as a fraction of what the suite allows, so that 1 is an
alarm. No poison is looked at here: that is ``benchmarks/poison_detection.py``.

    python benchmarks/calibrate_defenses.py [--sets 200] [--first SEED] [--deep]
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from poisoning.trials import clean_set, suite
from threadpoolctl import threadpool_limits

from seclab.datasets import Dataset
from seclab.defenses.backdoors.counts import value_counts
from seclab.defenses.backdoors.enrichment import Excess, excesses
from seclab.defenses.backdoors.looks import looks
from seclab.defenses.backdoors.patches import uncontradicted
from seclab.defenses.backdoors.spikes import Spike, spikes
from seclab.defenses.influence import group_influence
from seclab.defenses.label_noise import neighbour_labels
from seclab.defenses.nested_groups import main_directions, of_equal_length
from seclab.defenses.representations import activation_clusters, spectral_signatures
from seclab.models.specs import spec
from seclab.models.structure import affine_layers
from seclab.models.training import fit

ONE_IN = 800.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200, help="clean sets")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--deep", action="store_true", help="the suite that trains a model")
    arguments = parser.parse_args()
    measure = deep if arguments.deep else ordinary
    parameters = {
        each.type: each.kwargs
        for each in suite("digits-deep" if arguments.deep else "digits").expectations
    }
    with threadpool_limits(limits=1):
        found = [
            measure(clean_set(seed), parameters)
            for seed in range(arguments.first, arguments.first + arguments.sets)
        ]
    print(f"{arguments.sets} clean sets: largest values, and what one in {ONE_IN:g} exceeds")
    for name in found[0]:
        values = np.sort([each[name] for each in found])[::-1]
        scale = values.std() * np.sqrt(6.0) / np.pi
        level = values.mean() + scale * (-np.log(-np.log1p(-1.0 / ONE_IN)) - np.euler_gamma)
        print(f"{name:28}", *(f"{value:7.2f}" for value in values[:5]), f"  {level:7.2f}")


def ordinary(data: Dataset, parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The tests of the default suite."""
    x, y, rng = data.features, data.labels, np.random.default_rng(0)
    seen = looks(x, y, image_shape=data.image_shape, rng=rng, trusted=uncontradicted(x, y, rng))
    pixels = parameters["expect_no_shared_patterns"]
    near = pixels["reach"] * float(np.ptp(x))
    tests: dict[str, Sequence[Spike | Excess]] = {
        "spikes": spikes(x, y, near=pixels["near"]),
        "excess of a value": excesses(x, y, seen, reaches=(0.0,)),
        "excess near a value": excesses(x, y, seen, reaches=(near,)),
        "excess of counts": excesses(value_counts(x, data.image_shape), y, seen, reaches=(np.inf,)),
    }
    groups = dict(parameters["expect_groups_to_look_like_their_label"])
    directions, seed = groups.pop("directions"), groups.pop("seed")
    judged = of_equal_length(x) if groups.pop("ignore_brightness") else x
    level = group_influence(
        judged,
        y,
        rng=np.random.default_rng(seed),
        representations=main_directions(x, directions),
        **groups,
    )
    votes = dict(parameters["expect_neighbours_to_share_labels"])
    voted = neighbour_labels(x, y, rng=np.random.default_rng(votes.pop("seed")), **votes)
    return {
        **{name: float(test[0].surprise) if test else 0.0 for name, test in tests.items()},
        "groups": float(level.scores.max()),
        "neighbours": voted.flagged.sum() / (votes["spare"] + votes["spare_share"] * len(y)),
    }


def deep(data: Dataset, parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The tests on what a model learnt."""
    signatures = dict(parameters["expect_rows_to_lie_with_their_label"])
    clusters = dict(parameters["expect_clusters_to_look_like_their_label"])
    for kwargs in (signatures, clusters):
        model, seed = kwargs.pop("model"), kwargs.pop("seed")
        kwargs.pop("most_rows")
    first = affine_layers(fit(spec(model), data, seed=seed))[0]
    hidden = np.maximum(data.features @ first.weights + first.bias, 0.0)
    far = spectral_signatures(hidden, data.labels, **signatures).scores > signatures["sure"]
    alien = activation_clusters(
        hidden, data.labels, features=data.features, rng=np.random.default_rng(seed), **clusters
    )
    allowed = signatures["spare"] + signatures["spare_share"] * len(data)
    return {"signatures": far.sum() / allowed, "clusters": float(alien.scores.max())}


if __name__ == "__main__":
    main()
