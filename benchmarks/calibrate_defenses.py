"""False alarms and recall of the screen for backdoor triggers, on digits.

Thresholds come from clean rows alone: ``--thresholds`` draws parts of the digits without
replacement and prints the largest surprise of each test on them. Alarms are set so that at most
one clean set in 200 has a larger one. Then, with other seeds, the other figures: false alarms on
clean parts, and for each kind of poison and rate how many sets raise the alarm, how many poisoned
rows are flagged, and how many clean ones. Every set is another part of the digits, all, 90%, 70%
or 50% of them in turn. ``--peers`` puts ART's two beside it, on the hidden layer of an MLP that
is trained on the poisoned set: they refuse a wrapped scikit-learn MLP, but ask nothing of a model
but these numbers. They name rows and raise no alarm: sets they find are those where at least half
of the named rows are poison.

    python benchmarks/calibrate_defenses.py [--thresholds] [--peers] [--clean 200] [--sets 20]
        [--kinds patch,blended] [--rates 0.01,0.05] [--seed 0]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from seclab.attacks.poisoning import KINDS, Poisoned
from seclab.datasets import Dataset, digits
from seclab.defenses.backdoors import patch_triggers
from seclab.defenses.backdoors.counts import value_counts
from seclab.defenses.backdoors.enrichment import excesses
from seclab.defenses.backdoors.looks import looks
from seclab.defenses.backdoors.spikes import spikes

SHARES = (1.0, 0.9, 0.7, 0.5)
IMAGE = (8, 8)
BOUNDS = (0.0, 16.0)
PATCHES = (
    "patch,patterned_patch,jittered_patch,moving_patch,blended,sinusoidal,"
    "clean_label_patch,clean_label_weakened_patch,clean_label_sinusoidal"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--thresholds", action="store_true", help="only the largest surprises")
    parser.add_argument("--peers", action="store_true", help="ART's defences beside it")
    parser.add_argument("--clean", type=int, default=200, help="clean sets")
    parser.add_argument("--sets", type=int, default=20, help="poisoned sets per kind and rate")
    parser.add_argument("--kinds", default=PATCHES)
    parser.add_argument("--rates", default="0.005,0.01,0.02,0.05,0.1")
    parser.add_argument("--seed", type=int, default=0, help="another one, other sets")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        if arguments.thresholds:
            thresholds(arguments.clean, arguments.seed)
            return
        clean(arguments.clean, arguments.seed)
        screens = {"ours": ours}
        if arguments.peers:
            screens |= {"ART activations": activations, "ART spectral": spectral}
        for kind in arguments.kinds.split(",") if arguments.sets else ():
            for rate in arguments.rates.split(","):
                poisoned(kind, float(rate), arguments.sets, arguments.seed, screens)


def part(index: int, seed: int, purpose: int) -> tuple[Dataset, np.random.Generator]:
    """A part of the digits, drawn without replacement, and its source of randomness."""
    rng = np.random.default_rng([seed, purpose, index])
    whole = digits()
    size = int(SHARES[index % len(SHARES)] * len(whole))
    return whole.take(rng.permutation(len(whole))[:size]), rng


def thresholds(sets: int, seed: int) -> None:
    """The largest surprise of each test on clean parts."""
    found = []
    for index in range(sets):
        rows, rng = part(index, seed, 1)
        x, y = rows.features, rows.labels
        seen = looks(x, y, image_shape=IMAGE, rng=rng)
        tests = (
            spikes(x, y),
            excesses(x, y, seen, reach=0.0),
            excesses(x, y, seen, reach=np.ptp(x) / 8.0),
            excesses(value_counts(x, IMAGE), y, seen, reach=np.inf),
        )
        found.append([test[0].surprise if test else 0.0 for test in tests])
    largest = np.sort(found, axis=0)[::-1]
    print(f"{sets} clean sets: largest surprises of spikes, excess, excess near, counts")
    for row in largest[:6]:
        print("  ", *(f"{value:8.1f}" for value in row))
    # Largest values of many are spread as Gumbel's distribution: mean 0.577, variance pi^2 / 6.
    scale = largest.std(axis=0) * np.sqrt(6.0) / np.pi
    level = largest.mean(axis=0) + scale * (-np.log(-np.log1p(-1.0 / 800.0)) - np.euler_gamma)
    print("   1 in 800, by Gumbel's distribution:", *(f"{value:.1f}" for value in level))


def clean(sets: int, seed: int) -> None:
    """False alarms, and rows flagged without reason."""
    alarms, flagged, seconds = [], [], []
    for index in range(sets):
        rows, _ = part(index, seed, 2)
        start = time.process_time()
        answer = patch_triggers(rows.features, rows.labels, image_shape=IMAGE)
        seconds.append(time.process_time() - start)
        alarms.append(answer.alarm)
        flagged.append(float(answer.flagged.mean()))
    if sets:
        print(
            f"clean: {sum(alarms)} of {sets} sets alarmed, rows flagged {np.mean(flagged):.3%} on "
            f"average, {max(flagged):.3%} at most; {np.median(seconds):.2f} s of processor, "
            f"{max(seconds):.2f} s at most",
            flush=True,
        )


Screen = Callable[[Poisoned], tuple[bool, np.ndarray]]


def poisoned(kind: str, rate: float, sets: int, seed: int, screens: dict[str, Screen]) -> None:
    """Recall of sets and rows, for one kind and rate."""
    made = []
    for index in range(sets):
        rows, rng = part(index, seed, 3)
        made.append(KINDS[kind].draw(rng, rows.features, rows.labels, IMAGE, BOUNDS, rate))
    for name, screen in screens.items():
        answers = [screen(one) for one in made]
        recalls = [
            flagged[one.mask].mean() for one, (_, flagged) in zip(made, answers, strict=True)
        ]
        wrong = [flagged[~one.mask].mean() for one, (_, flagged) in zip(made, answers, strict=True)]
        print(
            f"{kind:28} {rate:6.1%}  {name:16} sets {np.mean([a for a, _ in answers]):4.0%}  rows "
            f"{np.mean(recalls):4.0%} (least {min(recalls):4.0%})  clean rows {np.mean(wrong):.2%}"
            f" (most {max(wrong):.2%})",
            flush=True,
        )


def ours(data: Poisoned) -> tuple[bool, np.ndarray]:
    """Alarm and flagged rows of the screen."""
    answer = patch_triggers(data.features, data.labels, image_shape=IMAGE)
    return answer.alarm, answer.flagged


class Hidden:
    """As much of an ART classifier as its defences ask for: the hidden layer of an MLP."""

    def __init__(self, data: Poisoned) -> None:
        from sklearn.neural_network import MLPClassifier

        rows = data.features / BOUNDS[1]
        model = MLPClassifier((64,), max_iter=60, random_state=0).fit(rows, data.labels)
        self.values = np.maximum(rows @ model.coefs_[0] + model.intercepts_[0], 0.0)
        self.nb_classes = int(data.labels.max()) + 1
        self.layer_names = ("hidden",)

    def get_activations(self, *_: object, **__: object) -> np.ndarray:
        """All rows' hidden values, shape (n, 64)."""
        return self.values


def activations(data: Poisoned) -> tuple[bool, np.ndarray]:
    """ART's activation clustering, rule of the smaller cluster."""
    from art.defences.detector.poison import ActivationDefence

    defence = ActivationDefence(Hidden(data), data.features, one_hot(data.labels))
    _, kept = defence.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA")
    return named(data, np.asarray(kept) == 0)


def spectral(data: Poisoned) -> tuple[bool, np.ndarray]:
    """ART's spectral signatures, told the true rate."""
    from art.defences.detector.poison import SpectralSignatureDefense

    defence = SpectralSignatureDefense(
        Hidden(data),
        data.features,
        one_hot(data.labels),
        expected_pp_poison=float(data.mask.mean()),
    )
    _, kept = defence.detect_poison()
    return named(data, np.asarray(kept) == 0)


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Labels as ART takes them, shape (n, classes)."""
    hot: np.ndarray = np.eye(int(labels.max()) + 1)[labels]
    return hot


def named(data: Poisoned, flagged: np.ndarray) -> tuple[bool, np.ndarray]:
    """Found, when at least half of what is named is poison."""
    return bool(flagged.any() and data.mask[flagged].mean() >= 0.5), flagged


if __name__ == "__main__":
    main()
