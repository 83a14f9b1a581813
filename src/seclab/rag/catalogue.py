"""Drawing attack cases and benign tasks from all there are, and pinning all there are."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TypeVar

import numpy as np

from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_json
from seclab.rag.attacks import AttackCase, attack_cases
from seclab.rag.benign import BENIGN_TASKS, BenignTask
from seclab.rag.false_answers import FalseAnswer, false_answers

_Item = TypeVar("_Item")


def sample_attacks(n: int, *, rng: np.random.Generator) -> tuple[AttackCase, ...]:
    """``n`` attack cases, as evenly over the techniques as can be.

    Raises:
        Misconfigured: There are not that many.
    """
    return _stratified("attack cases", attack_cases(), n, key=lambda case: case.technique, rng=rng)


def sample_tasks(n: int, *, rng: np.random.Generator) -> tuple[BenignTask, ...]:
    """``n`` benign tasks, as evenly over their kinds as can be.

    Raises:
        Misconfigured: There are not that many.
    """
    return _stratified("benign tasks", BENIGN_TASKS, n, key=lambda task: task.kind, rng=rng)


def sample_false_answers(n: int, *, rng: np.random.Generator) -> tuple[FalseAnswer, ...]:
    """``n`` false answers, as evenly over forms and authors as can be.

    Raises:
        Misconfigured: There are not that many.
    """
    return _stratified(
        "false answers", false_answers(), n, key=lambda case: f"{case.form}/{case.author}", rng=rng
    )


def catalogue_digest() -> Digest:
    """Digest of every attack, benign task and false answer: what an agent is measured on."""
    return of_json(
        {
            "attacks": [asdict(case) for case in attack_cases()],
            "tasks": [asdict(task) for task in BENIGN_TASKS],
            "false_answers": [asdict(case) for case in false_answers()],
        }
    )


def _stratified(
    what: str,
    items: Sequence[_Item],
    n: int,
    *,
    key: Callable[[_Item], str],
    rng: np.random.Generator,
) -> tuple[_Item, ...]:
    """``n`` different items, in their own order, as many of each group as of any other.

    Where ``n`` does not divide evenly, the groups that come first in ``items`` give one more;
    where a group runs out, the others give more.
    """
    if not 1 <= n <= len(items):
        raise Misconfigured(
            f"{n} {what} asked for: the catalogue has {len(items)}; ask for 1 to that many"
        )
    groups: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        groups[key(item)].append(index)
    # Groups take turns: an item's turn is its place in its shuffled group.
    turns = [
        (int(turn), order, index)
        for order, members in enumerate(groups.values())
        for turn, index in zip(rng.permutation(len(members)), members, strict=True)
    ]
    return tuple(items[index] for index in sorted(index for _, _, index in sorted(turns)[:n]))
