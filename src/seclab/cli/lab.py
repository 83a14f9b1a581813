"""``seclab lab``: single experiments to CSV, straight from the library."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seclab import datasets, models, rag
from seclab.attacks.linf_gradient import linf_fast_gradient_sign
from seclab.cli.output import say
from seclab.datasets import Splits
from seclab.errors import Misconfigured, NotEvaluated
from seclab.evaluations.backdoor_poisoning import backdoor_poisoning
from seclab.evaluations.membership_inference import membership_inference
from seclab.evaluations.model_extraction import model_extraction
from seclab.measurement import Reading, Scalar
from seclab.models import Target
from seclab.outcome import Result


def fgsm(out: Path, *, quick: bool, seed: int) -> None:
    """One row per epsilon: accuracy before and after one gradient step."""
    target, data = _target("softmax-regression", seed)
    test = data.test
    clean = _accuracy(target.predict(test.features), test.labels)
    rows: list[tuple[Scalar, ...]] = []
    for epsilon in (0.05, 0.1, 0.2) if quick else (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        perturbed = linf_fast_gradient_sign(
            target.loss_gradient,
            test.features,
            test.labels,
            epsilon=epsilon * test.scale,
            bounds=test.feature_range,
        )
        accuracy = _accuracy(target.predict(perturbed), test.labels)
        rows.append((epsilon, clean, accuracy, clean - accuracy))
    _write(out, ("epsilon", "clean_accuracy", "perturbed_accuracy", "accuracy_drop"), rows)


def poisoning(out: Path, *, quick: bool, seed: int) -> None:
    """One row per poison rate: what a planted trigger achieves."""
    target, _ = _target("softmax-regression", seed)
    rates = (0.0, 0.01, 0.05) if quick else (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
    result = backdoor_poisoning(target, rng=np.random.default_rng(seed), rates=rates)
    columns = ("poison_rate", "poisoned_rows", "clean_accuracy", "trigger_attack_success_rate")
    records = result.tables[0].records()
    _write(out, columns, [tuple(record[column] for column in columns) for record in records])


def privacy(out: Path, *, quick: bool, seed: int) -> None:
    """One row: what shadow models learn of the forest's training, and how well it is copied."""
    target, data = _target("random-forest", seed)
    budget = 100 if quick else 250
    leak = membership_inference(target, rng=np.random.default_rng(seed), shadows=4 if quick else 16)
    copy = model_extraction(
        target,
        rng=np.random.default_rng(seed),
        query_budgets=(budget,),
        answers=("labels",),
        queries=("population",),
    )
    accuracy = _accuracy(target.predict(data.test.features), data.test.labels)
    row = (
        _value(leak, "membership_auc", attack="rmia_online"),
        accuracy,
        _value(copy, "surrogate_fidelity", surrogate="strongest"),
        _value(copy, "surrogate_accuracy", surrogate="strongest"),
    )
    columns = (
        "membership_auc",
        "target_clean_accuracy",
        "surrogate_fidelity",
        "surrogate_accuracy",
    )
    _write(out, columns, [row])


def rag_guard(out: Path) -> None:
    """Two rows: the same poisoned episode without the guard and with it."""
    episodes = [rag.single_episode(guard=guard) for guard in (False, True)]
    columns = ("guard_enabled", "blocked_documents", "unauthorized_tool_call_attempt", "answer")
    rows = [
        (e.guard_enabled, e.blocked_documents, e.unauthorized_tool_call_attempt, e.answer)
        for e in episodes
    ]
    _write(out, columns, rows)


def _target(name: str, seed: int) -> tuple[Target, Splits]:
    data = datasets.split(datasets.load("digits"), seed=seed)
    return Target(models.train(models.spec(name), data.train, seed=seed), data), data


def _accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float((predicted == labels).mean())


def _value(result: Result, metric: str, **parameters: Scalar) -> float:
    def fits(reading: Reading) -> bool:
        return reading.metric == metric and all(
            reading.parameters.get(key) == value for key, value in parameters.items()
        )

    found = next((reading for reading in result.readings if fits(reading)), None)
    if found is None:
        raise NotEvaluated(f"{metric} was not measured: {' '.join(result.notes)}")
    return found.estimate.value


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Scalar]]) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}") from error
    say(f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} written to {path}")
