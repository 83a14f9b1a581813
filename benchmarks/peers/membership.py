"""Membership inference against a forest that knows its training rows by heart."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from peers.art_models import MembershipInferenceBlackBox, ShadowModels, wrapped
from peers.lab import SEED, Aim, Lab, in_turns, table, title

from seclab.attacks.membership import Shadows, ask_shadows, shadow_plan, shadow_scores
from seclab.evaluations.membership_inference.candidates import Candidates
from seclab.models import Target
from seclab.statistics import auc, tpr_at_fpr

_AUC, _TPR = 0.95, 0.5


@dataclass(frozen=True)
class _Rows:
    """Half of the candidates, on which all attacks are judged; ART may learn from the others."""

    candidates: Candidates
    known: np.ndarray
    judged: np.ndarray

    @classmethod
    def of(cls, target: Target) -> "_Rows":
        candidates = Candidates.draw(target.data, np.random.default_rng(SEED))
        # Members come first, both in random order: of each the first half, and the second.
        rows = np.arange(2 * candidates.count)
        first = rows % candidates.count < candidates.count // 2
        return cls(candidates, rows[first], rows[~first])

    def measured(self, scores: np.ndarray) -> tuple[float, float]:
        """AUC, and members recognised at 1% of false alarms, of scores of all candidates."""
        inside = self.judged < self.candidates.count
        own, others = scores[self.judged[inside]], scores[self.judged[~inside]]
        return auc(own, others).value, tpr_at_fpr(own, others, fpr=0.01).value


def membership(lab: Lab) -> list[Aim]:
    """Attacks by shadows, beside a classifier of answers learned from members that are known."""
    target = lab.target("random-forest")
    rows = _Rows.of(target)
    half = len(rows.judged) // 2
    title(f"membership: random forest, {half} members, {half} others")
    print("ART's attack model learns from as many other rows of which it is told who is a member.")
    print("'ART, shadows' is not told: it learns from shadow models and, like ours, owns all rows")
    print("and knows how the target is trained.")
    shadows = 8 if lab.quick else 64
    shadows_few = 4 if lab.quick else 16
    calls: dict[str, Callable[[], dict[str, np.ndarray]]] = {
        f"seclab, {count} shadows": partial(_ours, target, rows.candidates, count)
        for count in (shadows_few, shadows)
    }
    calls |= {
        f"ART, {kind} attack model": partial(_art, target, rows, kind) for kind in ("rf", "gb")
    }
    calls[f"ART, {shadows_few} shadows, rf"] = partial(_art_shadows, target, rows, shadows_few)
    taken = in_turns(calls, 1)
    found = [
        (name, attack, each.seconds, *rows.measured(scores))
        for name, each in taken.items()
        for attack, scores in each.result.items()
    ]
    table(("attack", "score", "seconds", "AUC", "TPR at 1% FPR"), found)
    return [
        Aim(
            f"membership: AUC >= {_AUC:g} and TPR at 1% FPR >= {_TPR:g}, best score of {name}",
            f"{attack}, {area:.3f} and {rate:.3f}",
            met=area >= _AUC and rate >= _TPR,
        )
        for name in list(taken)[:2]
        for attack, area, rate in [_best([row for row in found if row[0] == name])]
    ]


def _best(found: list[tuple[str, str, float, float, float]]) -> tuple[str, float, float]:
    """The score with the most members recognised, of those of enough AUC if there are any."""
    _, attack, _, area, rate = max(found, key=lambda row: (row[3] >= _AUC, row[4]))
    return attack, area, rate


def _ours(target: Target, candidates: Candidates, count: int) -> dict[str, np.ndarray]:
    """All scores by shadows, online and offline."""
    rng = np.random.default_rng(SEED)
    pool, asked = candidates.pool, candidates.asked
    x, y = pool.features[:asked], pool.labels[:asked]

    def fit(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return target.retrain(pool.take(rows), seed=int(rng.integers(2**31))).predict_proba

    plan = shadow_plan(pool.labels, shadows=count, rng=rng)
    trained = Shadows(plan[:, :asked], ask_shadows(fit, plan, x))
    answers = target.predict_proba(x)
    return shadow_scores(answers, y, shadows=trained, candidates=2 * candidates.count)


def _art(target: Target, rows: _Rows, kind: str) -> dict[str, np.ndarray]:
    """ART's attack, told of half of the candidates who is a member."""
    x, y = _candidates(target, rows)
    inside = rows.known < rows.candidates.count
    members, others = rows.known[inside], rows.known[~inside]
    attack = MembershipInferenceBlackBox(wrapped(target), attack_model_type=kind)
    attack.attack_model.set_params(random_state=SEED)
    attack.fit(x[members], y[members], x[others], y[others])
    return {"membership": attack.infer(x, y, probabilities=True)[:, 0]}


def _art_shadows(target: Target, rows: _Rows, count: int) -> dict[str, np.ndarray]:
    """ART's attack, told nothing: its shadows learn halves of all rows, as ours do."""
    x, y = _candidates(target, rows)
    pool = rows.candidates.pool
    shadows = ShadowModels(wrapped(target), num_shadow_models=count, random_state=SEED)
    (_, own_y, own), (_, other_y, other) = shadows.generate_shadow_dataset(
        pool.features / pool.scale, np.eye(len(pool.class_names))[pool.labels]
    )
    attack = MembershipInferenceBlackBox(wrapped(target), attack_model_type="rf")
    attack.attack_model.set_params(random_state=SEED)
    attack.fit(None, own_y, None, other_y, pred=own, test_pred=other)
    return {"membership": attack.infer(x, y, probabilities=True)[:, 0]}


def _candidates(target: Target, rows: _Rows) -> tuple[np.ndarray, np.ndarray]:
    pool = rows.candidates.pool.take(np.arange(2 * rows.candidates.count))
    return pool.features / target.data.test.scale, pool.labels
