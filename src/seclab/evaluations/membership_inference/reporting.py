"""What stands behind the numbers: every attack, ROC curves, the members most exposed."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import roc_curve

from seclab.artifacts import Chart, Series, Table
from seclab.evaluations.membership_inference.candidates import Candidates
from seclab.evaluations.membership_inference.measuring import TPR_METRICS, Measured
from seclab.measurement import Scalar

EXPOSED_BY = "lira_online_fixed"
_EXPOSED = 20
_POINTS = 25


def table(attacks: Sequence[Measured]) -> Table:
    """One row an attack, its metrics and what is no metric."""
    rows = []
    for found in attacks:
        cells: list[Scalar] = [found.attack]
        for estimate in (found.auc, *map(found.rates.get, TPR_METRICS)):
            cells += [estimate.value, estimate.low, estimate.high] if estimate else [None] * 3
        cells += [found.balanced.value, found.balanced.low, found.balanced.high, found.epsilon]
        rows.append(tuple(cells))
    measures = ("membership_auc", *TPR_METRICS.values(), "balanced_accuracy")
    columns = tuple(f"{name}{end}" for name in measures for end in ("", "_low", "_high"))
    return Table(
        name="membership_attacks",
        caption="Every attack. epsilon_lower_bound, in nats: what is proven at 95% against a claim "
        "of differential privacy (delta 0), the threshold chosen on the other half of the rows.",
        columns=("attack", *columns, "epsilon_lower_bound"),
        rows=tuple(rows),
    )


def roc(scores: Mapping[str, np.ndarray], count: int) -> Table:
    """ROC points, log-spaced from the strict end: the best that keeps false positives within."""
    truth = np.repeat([True, False], count)
    allowed = np.geomspace(1.0 / count, 1.0, _POINTS)
    rows: list[tuple[Scalar, ...]] = []
    for attack, found in scores.items():
        fpr, tpr, score = roc_curve(truth, found, drop_intermediate=False)
        chosen = np.unique([0, *(np.searchsorted(fpr, allowed, side="right") - 1)])
        rows += [
            (
                attack,
                float(fpr[point]),
                float(tpr[point]),
                float(score[point]) if np.isfinite(score[point]) else None,
            )
            for point in chosen
        ]
    return Table(
        name="membership_roc",
        caption="Points of the ROC curves; rows at or above the score are called members, no "
        "score means that nobody is.",
        columns=("attack", "false_positive_rate", "true_positive_rate", "score"),
        rows=tuple(rows),
    )


def exposed(candidates: Candidates, scores: Mapping[str, np.ndarray]) -> tuple[Table, ...]:
    """The members that online LiRA is surest of."""
    if EXPOSED_BY not in scores:
        return ()
    ratios = scores[EXPOSED_BY][: candidates.count]
    rows = tuple(
        (
            int(candidates.train_rows[member]),
            candidates.pool.class_names[candidates.pool.labels[member]],
            float(ratios[member]),
            float(scores["confidence"][member]),
        )
        for member in np.argsort(-ratios, kind="stable")[:_EXPOSED]
    )
    return (
        Table(
            name="membership_exposed",
            caption=f"The members most exposed, by index in the train split; {EXPOSED_BY} is a "
            "log-likelihood ratio in nats.",
            columns=("train_row", "label", EXPOSED_BY, "confidence"),
            rows=rows,
        ),
    )


def chart(roc: Table, count: int) -> Chart:
    """The ROC curves on logarithmic axes, where the strict end is seen."""
    points: dict[str, list[tuple[float, float]]] = {}
    for attack, fpr, tpr, _ in roc.rows:
        if isinstance(fpr, float) and isinstance(tpr, float) and tpr > 0.0:
            # None of so many is drawn as one of them: zero has no place on the axis.
            points.setdefault(str(attack), []).append((max(fpr, 1.0 / count), tpr))
    return Chart(
        name="membership_roc",
        title="Membership inference",
        x_label="non-members taken for members",
        y_label="members recognised",
        series=(
            *(
                Series(attack, x=tuple(x for x, _ in line), y=tuple(y for _, y in line))
                for attack, line in points.items()
            ),
            Series("guessing", x=(1.0 / count, 1.0), y=(1.0 / count, 1.0)),
        ),
        scale="log",
    )


def notes(
    candidates: Candidates,
    scores: Mapping[str, np.ndarray],
    *,
    shadows: int,
    trained_on: int,
    retrainable: bool,
) -> list[str]:
    """What a reader has to know of the numbers."""
    count = candidates.count
    asked = (
        f"{count} members against {count} non-members, each asked once for its probabilities, as "
        f"the {candidates.asked - 2 * count} rows of the population; all other queries are those "
        "of label_only."
    )
    several = (
        f"{len(scores)} attacks, each with an interval of its own: that the worst of them crosses "
        "a limit by chance is likelier than 5%. To judge by the worst errs on the side of caution."
    )
    epsilon = (
        "epsilon_lower_bound holds at 95% for each attack by itself, and counts the rows of one "
        "training as independent trials."
    )
    notes = [asked, several, epsilon]
    if shadows and retrainable:
        notes.append(
            f"{shadows} shadows, each trained on a random half of {len(candidates.pool)} rows; the "
            f"target was trained on {trained_on}."
        )
    else:
        why = "0 shadows were asked for" if shadows == 0 else "the target cannot be trained again"
        notes.append(f"No attack by shadow models: {why}. The leak may be much larger.")
    notes += [
        f"No {metric}: {count} non-members cannot support a false-positive rate of {fpr * 100:g}%, "
        f"{math.ceil(1.0 / fpr)} are needed."
        for fpr, metric in TPR_METRICS.items()
        if count * fpr < 1.0
    ]
    return notes + [note for name, found in scores.items() for note in _tied(name, found[count:])]


def _tied(attack: str, others: np.ndarray) -> list[str]:
    tied = int((others == others.max()).sum())
    claimed = [metric for fpr, metric in TPR_METRICS.items() if 1.0 <= others.size * fpr < tied]
    if not claimed:
        return []
    note = (
        f"{attack}: {tied} non-members share its highest score among them: for "
        f"{' and '.join(claimed)} only members above it count, which may be none although the AUC "
        "shows a leak."
    )
    return [note]
