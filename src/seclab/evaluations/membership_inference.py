"""Membership inference (R-PRV-01): whether the model's confidence tells who was in the training."""

from collections.abc import Callable

import numpy as np
from sklearn.metrics import roc_curve

from seclab.artifacts import Chart, Series, Table
from seclab.attacks.membership_inference import true_label_confidence
from seclab.datasets import Dataset
from seclab.measurement import Metric, Reading
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation
from seclab.statistics import auc, mean_difference, tpr_at_fpr

_FPR = 0.01
_FEWEST = 100
_POINTS = 25


@evaluation(
    risks=("R-PRV-01",),
    metrics=(
        Metric(
            "membership_auc",
            unit="auc",
            better="lower",
            description="Probability that a member gets more confidence than a non-member; 0.5 "
            "is guessing, less means no leak.",
        ),
        Metric(
            "tpr_at_1pct_fpr",
            unit="fraction",
            better="lower",
            description="Members recognised while at most 1% of non-members are taken for one.",
        ),
        Metric(
            "confidence_gap",
            unit="difference",
            better="lower",
            description="Mean confidence in the true label, members minus non-members.",
        ),
    ),
)
def membership_inference(target: Target, *, rng: np.random.Generator) -> Result:
    """Membership inference by a threshold on the confidence in the true label.

    Members are training rows, non-members test rows, as many of the one as of the other; no
    image stands in both. The attacker knows the true labels and asks every row once. Attacks
    that train shadow models are stronger: this is a lower bound on the leak.

    Args:
        target: The model; columns of its probabilities are the labels in order.
        rng: Draws equal numbers of members and non-members.

    Returns:
        ``membership_auc`` (0 to 1), ``tpr_at_1pct_fpr`` (0 to 1, guessing gives 0.01) and
        ``confidence_gap`` (-1 to 1); lower is better for all three. With fewer than 100
        non-members no ``tpr_at_1pct_fpr`` is claimed.

    References:
        Yeom et al. (2018), Privacy risk in machine learning: analyzing the connection to
        overfitting, arXiv:1709.01604. Carlini et al. (2022), Membership inference attacks from
        first principles, arXiv:2112.03570.
    """
    train, test = target.data.train, target.data.test
    count = min(len(train), len(test))
    members = _scores(target.predict_proba, train, count, rng=rng)
    others = _scores(target.predict_proba, test, count, rng=rng)
    readings = [
        Reading("membership_auc", auc(members, others)),
        Reading("confidence_gap", mean_difference(members, others)),
    ]
    if count >= _FEWEST:
        readings.append(Reading("tpr_at_1pct_fpr", tpr_at_fpr(members, others, fpr=_FPR)))
    curve = _curve(members, others)
    return Result(
        readings=tuple(readings),
        tables=(
            Table(
                name="membership_roc",
                caption="Points of the ROC curve; rows at or above the confidence are called "
                "members, no confidence means that nobody is.",
                columns=("false_positive_rate", "true_positive_rate", "confidence"),
                rows=curve,
            ),
        ),
        figures=(_chart(curve),),
        notes=tuple(_notes(others)),
    )


def _scores(
    predict_proba: Callable[[np.ndarray], np.ndarray],
    dataset: Dataset,
    count: int,
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    rows = rng.choice(len(dataset), count, replace=False)
    return true_label_confidence(predict_proba, dataset.features[rows], dataset.labels[rows])


def _notes(others: np.ndarray) -> list[str]:
    notes = [f"{others.size} members against {others.size} non-members, each asked once."]
    if others.size < _FEWEST:
        notes.append(
            f"No tpr_at_1pct_fpr: {others.size} non-members cannot support a false-positive rate "
            f"of 1%, {_FEWEST} are needed."
        )
    elif (tied := int((others == others.max()).sum())) > others.size * _FPR:
        notes.append(
            f"{tied} non-members share the highest confidence among them: tpr_at_1pct_fpr counts "
            "only members above it and can be 0 although the AUC shows a leak."
        )
    return notes


def _curve(
    members: np.ndarray, others: np.ndarray
) -> tuple[tuple[float, float, float | None], ...]:
    """ROC points (false positives, true positives, confidence), log-spaced from the strict end.

    Each is the best point that keeps false positives within one of the log-spaced rates.
    """
    truth = np.repeat([True, False], [members.size, others.size])
    fpr, tpr, confidence = roc_curve(
        truth, np.concatenate([members, others]), drop_intermediate=False
    )
    allowed = np.geomspace(1.0 / others.size, 1.0, _POINTS)
    chosen = np.unique([0, *(np.searchsorted(fpr, allowed, side="right") - 1)])
    return tuple(
        (
            float(fpr[point]),
            float(tpr[point]),
            float(confidence[point]) if np.isfinite(confidence[point]) else None,
        )
        for point in chosen
    )


def _chart(curve: tuple[tuple[float, float, float | None], ...]) -> Chart:
    return Chart(
        name="membership_roc",
        title="Membership inference by confidence",
        x_label="non-members taken for members",
        y_label="members recognised",
        series=(
            Series(
                "confidence threshold",
                x=tuple(fpr for fpr, _, _ in curve),
                y=tuple(tpr for _, tpr, _ in curve),
            ),
            Series("guessing", x=(0.0, 1.0), y=(0.0, 1.0)),
        ),
    )
