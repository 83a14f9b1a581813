"""How much poison the checks find, what they blame wrongly, and what is left after a repair.

The suite of the digits, as the pipeline runs it, but without the recorded version, which would
find every change. Each set is 1,257 of the 1,797 digits, another draw for each seed, poisoned by a
trigger and classes drawn at random; the rest judges the models. A repair drops the named rows and
trains the MLP again. Attack success counts rows that a model which was never poisoned does not send
to the target when they bear the trigger; the figure for all rows stands beside it. On the sets of
the aims cleanlab and two defences of adversarial-robustness-toolbox (ART) are asked too. Clean sets
are parts of the digits of four sizes. Unseen kinds are ones that no detector was made for.

Prints for every kind and rate how many sets raise the alarm, the share of poisoned rows that are
named, of named rows that are poison, and of clean rows that are named, mean and worst; and at the
end which aims are met, and which are MISSED. Then what the suite costs, and how that grows.

Needs the dependency group ``bench``. About an hour on one core, with ``--quick`` about a minute:
too few sets there for a statement.

    python benchmarks/poison_detection.py [--quick] [--section NAME] [--seeds N] [--first SEED]
"""

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from poisoning.growth import compare, measure
from poisoning.peers import PEERS
from poisoning.scores import Aim, Scores, aims, repair_aims, successes, told
from poisoning.trials import checked, clean_set, repaired, suite, trained, trial
from poisoning.unseen import UNSEEN
from threadpoolctl import threadpool_limits

from seclab import custody, data_checks
from seclab.attacks.poisoning import KINDS
from seclab.datasets import digits

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = ("clean", "aims", "known", "unseen", "deep", "cost", "growth")
AIMED_AT = (
    ("patch", 0.01),
    ("patch", 0.02),
    ("blended", 0.05),
    ("random_flips", 0.05),
    ("targeted_flips", 0.05),
)
RATES = (0.01, 0.02, 0.05)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a little of it, about a minute")
    parser.add_argument("--section", choices=SECTIONS, help="only this one")
    parser.add_argument("--seeds", type=int, default=20, help="sets of each kind and rate")
    parser.add_argument("--first", type=int, default=1000, help="the first seed")
    parser.add_argument("--size", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", module="art|sklearn")
    with threadpool_limits(limits=1):
        if arguments.size:
            measure(*arguments.size)
            return
        wanted = [arguments.section] if arguments.section else list(SECTIONS)
        if arguments.quick and not arguments.section:
            wanted = ["clean", "aims", "cost"]
        count = 1 if arguments.quick else arguments.seeds
        run(wanted, range(arguments.first, arguments.first + count), quick=arguments.quick)


def run(sections: Sequence[str], seeds: range, *, quick: bool) -> None:
    """All the sections wanted, then the aims."""
    judged: list[Aim] = []
    if "clean" in sections:
        judged += clean(range(seeds.start, seeds.start + (4 if quick else 10 * len(seeds))))
    if "aims" in sections:
        print("\nthe sets of the aims, with a repair and peers", flush=True)
        for kind, rate in AIMED_AT:
            judged += aimed_at(kind, rate, seeds)
    if "known" in sections:
        by_kind("kinds of the library", tuple(KINDS), seeds)
    if "unseen" in sections:
        by_kind("unseen kinds", tuple(UNSEEN), seeds)
    if "deep" in sections:
        deep(seeds)
    if "cost" in sections:
        judged += cost()
    if "growth" in sections:
        compare()
    print()
    for aim in judged:
        print(aim.line())


def clean(seeds: range) -> list[Aim]:
    """False alarms."""
    expectations = suite()
    answers = [checked(clean_set(seed), expectations) for seed in seeds]
    alarms = sum(answer.alarm for answer in answers)
    rows = float(np.mean([answer.flagged.mean() for answer in answers]))
    whole = checked(digits(), expectations)
    print(
        f"clean: {alarms} of {len(answers)} sets stopped, {rows:.3%} of their rows named; the "
        f"digits themselves {'stopped' if whole.alarm else 'pass'}",
        flush=True,
    )
    return [
        Aim("clean sets stopped", alarms / len(answers), 0.05, at_most=True),
        Aim("clean rows named, clean sets", rows, 0.01, at_most=True),
    ]


def aimed_at(kind: str, rate: float, seeds: range) -> list[Aim]:
    """One kind and rate: detection, repair, and peers beside it."""
    sets, expectations = [trial(kind, rate, seed) for seed in seeds], suite()
    answers = [checked(one.dataset, expectations) for one in sets]
    scores = Scores.of(sets, answers)
    print(told(kind, rate, "seclab", scores), flush=True)
    for name, peer in PEERS.items():
        print(told(kind, rate, name, Scores.of(sets, [peer(one) for one in sets])), flush=True)
    before = [trained(one, one.dataset) for one in sets]
    after = [
        trained(one, repaired(one, answer.flagged))
        for one, answer in zip(sets, answers, strict=True)
    ]
    never = [trained(one, one.clean) for one in sets]
    for when, models in (("poisoned", before), ("repaired", after), ("never poisoned", never)):
        raw, won = successes(models), successes(models, never)
        success = (
            f"success {np.mean(won):6.1%} (most {max(won):6.1%}; {np.mean(raw):.1%} with what the "
            "trigger does by itself), "
            if raw and won
            else ""
        )
        accuracy = np.mean([model.accuracy for model in models])
        print(f"    {when:15} {success}clean accuracy {accuracy:.2%}", flush=True)
    return [*aims(kind, rate, scores), *repair_aims(kind, rate, after, never)]


def by_kind(title: str, kinds: Sequence[str], seeds: range) -> None:
    """Recall of many kinds, one after the other."""
    print(f"\n{title}", flush=True)
    expectations = suite()
    for kind in kinds:
        for rate in RATES:
            sets = [trial(kind, rate, seed) for seed in seeds]
            answers = [checked(one.dataset, expectations) for one in sets]
            print(told(kind, rate, "seclab", Scores.of(sets, answers)), flush=True)


def deep(seeds: range) -> None:
    """What the suite that trains a model adds: sets that it stops."""
    print("\nsuite digits-deep.json", flush=True)
    expectations = suite("digits-deep")
    parts = [checked(clean_set(seed), expectations) for seed in range(seeds.start, seeds.stop)]
    alarms = sum(part.alarm for part in parts)
    print(f"clean: {alarms} of {len(parts)} sets stopped", flush=True)
    for kind in ("patch", "blended", "moving_patch", "patch_any_source", "moved", "erased_pixels"):
        sets = [trial(kind, 0.05, seed) for seed in seeds]
        answers = [checked(one.dataset, expectations) for one in sets]
        print(told(kind, 0.05, "deep", Scores.of(sets, answers)), flush=True)


def cost() -> list[Aim]:
    """The default suite with everything in it, on the digits."""
    data = digits()
    recorded = custody.load_histories(ROOT / "registers" / custody.FOLDER)[data.name]
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        report = data_checks.check(data, suite(), baseline=recorded)
        seconds.append(time.perf_counter() - start)
    passed = not report.stopping()
    took = float(np.median(seconds[1:]))
    print(
        f"\ndigits.json on {len(data)} digits: {took:.2f} s after imports "
        f"({'all passed' if passed else 'NOT passed'})",
        flush=True,
    )
    return [Aim("seconds of the default suite", took, 3.0, at_most=True, unit="s")]


if __name__ == "__main__":
    main()
