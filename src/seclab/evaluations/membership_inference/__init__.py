"""Membership inference (R-PRV-01): whether the model's answers tell who was in the training."""

from collections.abc import Callable

import numpy as np

from seclab.attacks.membership import (
    NoiseProbe,
    Shadows,
    ask_shadows,
    noise_robustness,
    shadow_plan,
    shadow_scores,
    threshold_scores,
)
from seclab.before_after import Memo
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.evaluations.membership_inference import reporting
from seclab.evaluations.membership_inference.candidates import Candidates
from seclab.evaluations.membership_inference.measuring import measure
from seclab.measurement import Metric, Reading
from seclab.models import Target
from seclab.models.controlled import ControlledTarget
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import mean_difference


@evaluation(
    risks=("R-PRV-01",),
    metrics=(
        Metric(
            "membership_auc",
            unit="auc",
            better="lower",
            description="Probability that the attack ranks a member above a non-member; 0.5 is "
            "guessing, less means no leak.",
        ),
        Metric(
            "tpr_at_1pct_fpr",
            unit="fraction",
            better="lower",
            description="Members recognised while at most 1% of non-members are taken for one.",
        ),
        Metric(
            "tpr_at_0_1pct_fpr",
            unit="fraction",
            better="lower",
            description="Members recognised while at most 0.1% of non-members are taken for one.",
        ),
        Metric(
            "balanced_accuracy",
            unit="fraction",
            better="lower",
            description="Members and non-members told apart by a threshold chosen on other rows; "
            "0.5 is guessing.",
        ),
        Metric(
            "epsilon_lower_bound",
            unit="nats",
            better="lower",
            description="What the attack proves at 95% against a claim of differential privacy.",
        ),
        Metric(
            "confidence_gap",
            unit="difference",
            better="lower",
            description="Mean confidence in the true label, members minus non-members.",
        ),
    ),
)
def membership_inference(
    target: Target,
    *,
    rng: np.random.Generator,
    shadows: int = 16,
    label_only_directions: int = 10,
    label_only_sizes: int = 16,
    memo: Memo | None = None,
) -> Result:
    """Membership inference by thresholds, shadow models and labels alone.

    Members are training rows, non-members test rows, as many of the one as of the other; no
    image stands in both or in the population. Who the attacker is depends on the attack:

    - ``confidence``, ``entropy``, ``modified_entropy``: sees the probabilities and knows the true
      labels. The loss ranks rows as the confidence does and is not listed twice.
    - the same ``_by_class``: holds the population besides, as known non-members.
    - ``lira_online_*``, ``rmia_online``: holds the candidates with their labels among the rows of
      all splits and knows how the target was trained, spec and all but its seed, and that about
      half of the rows were in it; not which ones. It trains ``shadows`` models on random halves,
      every row in exactly half of them.
    - ``lira_offline_*``, ``rmia_offline``: the same, without the shadows that saw the row itself.
    - ``label_only``: sees labels alone, knows the true ones, and tries how much noise they survive.

    All attacks are reported, whichever comes out strongest. Attacks by gradients, by many
    augmented copies of a row or by hundreds of shadows are stronger: a lower bound on the leak.

    Args:
        target: The model; columns of its probabilities are the labels in order. Where it cannot
            be trained again there are no attacks by shadows, which a note says.
        rng: Draws members, non-members, shadows and noise.
        shadows: Shadow models, an even number from 4 on, or 0 for no attacks that need them.
        label_only_directions: Random directions tried on each row, at least 1.
        label_only_sizes: Sizes of the noise tried along each, at least 1.
        memo: Keeps what the shadows answer, for the same candidates behind a control; the
            shadows themselves are never kept. ``None`` trains them anew.

    Returns:
        For each attack ``membership_auc`` (0 to 1), ``tpr_at_1pct_fpr`` (0 to 1, guessing gives
        0.01), ``balanced_accuracy`` (0 to 1, threshold chosen on the other half of the rows) and
        ``epsilon_lower_bound`` (nats from 0 on, proven at 95%, likewise), and once
        ``confidence_gap`` (-1 to 1); lower is better for all. With fewer than 100 non-members no
        ``tpr_at_1pct_fpr`` is claimed, and ``tpr_at_0_1pct_fpr`` (0 to 1, guessing gives 0.001)
        only with at least 1000.

    Raises:
        Misconfigured: Shadows that are odd or fewer than 4 but not 0, a probe without noise.

    References:
        Yeom et al. (2018), arXiv:1709.01604. Song and Mittal (2021), arXiv:2003.10595. Carlini et
        al. (2022), arXiv:2112.03570. Zarifzadeh et al. (2024), arXiv:2312.03262. Choquette-Choo
        et al. (2021), arXiv:2007.14321. Jagielski et al. (2020), arXiv:2006.07709.
    """
    _require_possible(shadows, label_only_directions, label_only_sizes)
    candidates = Candidates.draw(target.data, rng)
    scores = _attack(target, candidates, shadows, rng, memo or Memo())
    probe = NoiseProbe(label_only_directions, label_only_sizes)
    scores["label_only"] = _by_labels(target, candidates, probe, rng)
    count = candidates.count
    gap = mean_difference(scores["confidence"][:count], scores["confidence"][count:])
    attacks = [measure(name, each[:count], each[count:]) for name, each in scores.items()]
    roc = reporting.roc(scores, count)
    return Result(
        readings=(
            Reading("confidence_gap", gap),
            *(reading for attack in attacks for reading in attack.readings()),
        ),
        tables=(reporting.table(attacks), roc, *reporting.exposed(candidates, scores)),
        figures=(reporting.chart(roc, count),),
        notes=tuple(
            reporting.notes(
                candidates,
                scores,
                shadows=shadows,
                trained_on=len(target.data.train),
                retrainable=hasattr(target, "retrain"),
            )
        ),
    )


def _require_possible(shadows: int, directions: int, sizes: int) -> None:
    problems = []
    if shadows != 0 and (shadows < 4 or shadows % 2):
        problems.append(
            "membership_inference: shadows is 0 or an even number from 4 on, two with and two "
            f"without each row, got {shadows}"
        )
    problems += [
        f"membership_inference: {name} is a number from 1 on, got {value}"
        for name, value in (("label_only_directions", directions), ("label_only_sizes", sizes))
        if value < 1
    ]
    if problems:
        raise Misconfigured(problems)


def _attack(
    target: Target, candidates: Candidates, shadows: int, rng: np.random.Generator, memo: Memo
) -> dict[str, np.ndarray]:
    """Scores of the candidates, members first, by every attack that goes by probabilities."""
    pool, asked, in_question = candidates.pool, candidates.asked, 2 * candidates.count
    answers, y = target.predict_proba(pool.features[:asked]), pool.labels[:asked]
    scores = threshold_scores(answers, y, candidates=in_question)
    if shadows and hasattr(target, "retrain"):
        trained = _shadows(target, candidates, shadows, rng, memo)
        scores |= shadow_scores(answers, y, shadows=trained, candidates=in_question)
    return scores


def _by_labels(
    target: Target, candidates: Candidates, probe: NoiseProbe, rng: np.random.Generator
) -> np.ndarray:
    pool = candidates.pool.take(np.arange(2 * candidates.count))
    return noise_robustness(
        target.predict, pool.features, pool.labels, bounds=pool.feature_range, probe=probe, rng=rng
    )


def _shadows(
    target: Target | ControlledTarget,
    candidates: Candidates,
    count: int,
    rng: np.random.Generator,
    memo: Memo,
) -> Shadows:
    """The spec of the target, trained on halves of the pool, asked what the target is asked.

    The attacker owns the shadows, and puts them behind the control that the target is behind.
    Training them is what costs; without and behind every control they are the same ones.
    """
    pool, asked = candidates.pool, candidates.asked
    x, plan = pool.features[:asked], shadow_plan(pool.labels, shadows=count, rng=rng)
    seeds = tuple(int(rng.integers(2**31)) for _ in range(count))
    model = target.uncontrolled if isinstance(target, ControlledTarget) else target
    key = (model.subject, pool.fingerprint().ordered, asked, plan.tobytes(), seeds)
    answers = memo.once(key, lambda: _answers(model, pool, plan, seeds, x))
    if isinstance(target, ControlledTarget):
        streams = map(np.random.default_rng, seeds)
        served = [target.imitated(x, *each) for each in zip(answers, streams, strict=True)]
        answers = np.stack(served)
    return Shadows(plan[:, :asked], answers)


def _answers(
    target: Target, pool: Dataset, plan: np.ndarray, seeds: tuple[int, ...], x: np.ndarray
) -> np.ndarray:
    """What the shadows answer, shape (m, n, k)."""
    seed = iter(seeds)

    def fit(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return target.retrain(pool.take(rows), seed=next(seed)).predict_proba

    return ask_shadows(fit, plan, x)
