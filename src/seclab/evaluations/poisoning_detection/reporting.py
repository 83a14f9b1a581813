"""What stands behind the numbers: every kind, every set, and in words what is missed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from seclab.artifacts import Chart, Series, Table
from seclab.detection import DatasetTarget
from seclab.evaluations.poisoning_detection.measuring import Cell, CleanSet, Judged, Trial
from seclab.measurement import Estimate, Scalar
from seclab.statistics import mean_of_groups

_ENOUGH = 0.9
_RATES = (
    "set_detection_rate",
    "row_recall",
    "clean_row_false_alarm_rate",
    "attack_success_rate_before",
    "attack_success_rate_after",
    "clean_accuracy_before",
    "clean_accuracy_after",
)


def flagged_rows(clean: Sequence[CleanSet]) -> Estimate:
    """Share of the rows of clean sets that are named."""
    return mean_of_groups([one.named for one in clean], [one.rows for one in clean])


def tables(cells: Sequence[Cell], clean: Sequence[CleanSet]) -> tuple[Table, ...]:
    """One row a kind and rate, one a poisoned set, and one a clean set."""
    found = (_cells(cells), _sets(cells))
    return (*found, _clean(clean)) if clean else found


def _cells(cells: Sequence[Cell]) -> Table:
    return Table(
        name="poisoning_detection",
        caption="Every kind and rate: sets found, rows named, and a model's attack success and "
        "accuracy before and after the named rows are set aside.",
        columns=(
            *("kind", "poison_rate", "sets", "sets_found"),
            *(f"{name}{end}" for name in _RATES for end in ("", "_low", "_high")),
            *("least_row_recall", "most_clean_rows_named", "batches_until_detected", "found_by"),
        ),
        rows=tuple(_cell(cell) for cell in cells),
    )


def _cell(cell: Cell) -> tuple[Scalar, ...]:
    found = cell.estimates()
    ends: list[Scalar] = []
    for name in _RATES:
        estimate = found.get(name)
        ends += [estimate.value, estimate.low, estimate.high] if estimate else [None] * 3
    waited = found.get("batches_until_detected")
    return (
        cell.kind,
        cell.rate,
        len(cell.trials),
        sum(trial.found for trial in cell.trials),
        *ends,
        min(trial.named_poison / trial.poison for trial in cell.trials),
        max(trial.named_clean / trial.clean for trial in cell.trials),
        waited.value if waited else None,
        _found_by(cell),
    )


def _found_by(cell: Cell) -> str:
    """Which checks raise the alarm, each with the number of sets."""
    counts = Counter(name for trial in cell.trials for name in trial.screening.by)
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _sets(cells: Sequence[Cell]) -> Table:
    return Table(
        name="poisoned_sets",
        caption="Every poisoned set. Source and target are class names; success and accuracy are "
        "those of the models trained on it and on what is left of it.",
        columns=(
            *("kind", "poison_rate", "set", "source", "target", "rows", "poisoned_rows"),
            *("alarm", "found", "poisoned_rows_named", "clean_rows_named", "named_by"),
            *("attack_success_before", "attack_success_after"),
            *("accuracy_before", "accuracy_after", "batches", "found_after_batches"),
        ),
        rows=tuple(
            _set(cell, index, trial) for cell in cells for index, trial in enumerate(cell.trials)
        ),
    )


def _set(cell: Cell, index: int, trial: Trial) -> tuple[Scalar, ...]:
    names, poison = trial.made.rows.class_names, trial.made.poison
    source, target = (
        None if label is None else names[label] for label in (poison.source, poison.target)
    )
    return (
        *(cell.kind, cell.rate, index, source, target),
        *(len(trial.made.rows), trial.poison, trial.screening.alarm, trial.found),
        *(trial.named_poison, trial.named_clean, ", ".join(trial.screening.by)),
        *(_success(trial.before), _success(trial.after)),
        *(_accuracy(trial.before), _accuracy(trial.after)),
        *(trial.arriving, trial.found_after),
    )


def _success(judged: Judged | None) -> float | None:
    return judged.won / judged.tried if judged and judged.tried else None


def _accuracy(judged: Judged | None) -> float | None:
    return judged.right / judged.rows if judged else None


def _clean(clean: Sequence[CleanSet]) -> Table:
    return Table(
        name="clean_sets",
        caption="Every clean part of the dataset: an alarm on one is a false alarm.",
        columns=("set", "rows", "alarm", "rows_named", "named_by"),
        rows=tuple(
            (index, one.rows, one.alarm, one.named, ", ".join(one.by))
            for index, one in enumerate(clean)
        ),
    )


def charts(cells: Sequence[Cell]) -> Iterator[Chart]:
    """Sets found by kind, and attack success before and after repair where it was measured."""
    kinds = list(dict.fromkeys(cell.kind for cell in cells))
    rates = sorted({cell.rate for cell in cells})
    yield _bars(
        "poisoning_detection",
        "Poisoned sets found, by kind",
        "fraction of sets",
        kinds,
        [
            _series(f"rate {rate:g}", kinds, [c for c in cells if c.rate == rate], _RATES[0])
            for rate in rates
        ],
    )
    most = [cell for cell in cells if cell.rate == rates[-1]]
    names = ("attack_success_rate_before", "attack_success_rate_after")
    measured = [kind for kind in kinds if any(_has(cell, kind, names[0]) for cell in most)]
    if measured:
        yield _bars(
            "poisoning_repair",
            f"Attack success before and after repair, rate {rates[-1]:g}",
            "attack success rate",
            measured,
            [
                _series(when, measured, most, name)
                for when, name in zip(("before", "after"), names, strict=True)
            ],
        )


def _has(cell: Cell, kind: str, metric: str) -> bool:
    return cell.kind == kind and metric in cell.estimates()


def _bars(
    name: str, title: str, y_label: str, kinds: Sequence[str], series: Iterable[Series]
) -> Chart:
    return Chart(
        name=name,
        title=title,
        x_label="kind of poison",
        y_label=y_label,
        series=tuple(series),
        kind="bar",
        categories=tuple(kind.replace("_", " ") for kind in kinds),
    )


def _series(label: str, kinds: Sequence[str], cells: Iterable[Cell], metric: str) -> Series:
    places = {cell.kind: cell.estimates().get(metric) for cell in cells}
    points = [
        (float(kinds.index(kind)), estimate)
        for kind, estimate in places.items()
        if estimate and kind in kinds
    ]
    return Series.of(label, points)


def notes(
    target: DatasetTarget,
    cells: Sequence[Cell],
    clean: Sequence[CleanSet],
    *,
    left_out: Sequence[str],
) -> Iterator[str]:
    """What a reader has to know of the numbers, what is missed before all."""
    missed = [_missed(cell) for cell in cells if not _caught(cell)]
    if missed:
        yield "Missed: " + "; ".join(missed) + "."
    else:
        yield "Every poisoned set was found, and at least nine in ten of its rows on average."
    alarms = sum(one.alarm for one in clean)
    if alarms:
        names = Counter(name for one in clean for name in one.by)
        by = ", ".join(f"{name} ({count})" for name, count in names.most_common())
        yield f"{alarms} of {len(clean)} clean sets raised a false alarm: {by}."
    yield target.about
    yield (
        "Rows of a set stand or fall together: recall and attack success count sets, each as one "
        "trial, which is on the safe side. False alarms and accuracy rest on rows, their interval "
        "at least as wide as the spread between sets asks for. Of a single set every interval is "
        "about that set alone."
    )
    if left_out:
        yield f"For images only, and these rows are none: {', '.join(left_out)}."
    for cell in cells:
        yield from _odd(cell)


def _caught(cell: Cell) -> bool:
    recall = cell.estimates()["row_recall"].value
    return recall >= _ENOUGH and all(trial.found for trial in cell.trials)


def _missed(cell: Cell) -> str:
    found = sum(trial.found for trial in cell.trials)
    recall = cell.estimates()["row_recall"].value
    return (
        f"{cell.kind} at {cell.rate:g} ({found} of {len(cell.trials)} sets found, {recall:.0%} of "
        "the rows named)"
    )


def _odd(cell: Cell) -> Iterator[str]:
    """Numbers that are not there, and why."""
    what = f"{cell.kind} at {cell.rate:g}"
    batched = [trial for trial in cell.trials if trial.arriving is not None]
    never = sum(trial.found_after is None for trial in batched)
    if never:
        yield f"{what}: {never} of {len(batched)} sets that came in batches were never found."
    lost = sum(t.before is not None and t.after is None for t in cell.trials)
    if lost:
        yield f"{what}: {lost} sets were left with fewer than two classes, nothing to train on."
