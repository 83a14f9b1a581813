"""Backdoor poisoning (R-POI-01): what a few poisoned training rows buy an attacker."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seclab.artifacts import Chart, ImageGrid, Series, Table
from seclab.attacks.poisoning import PatchTrigger, poison
from seclab.datasets import Dataset, Splits
from seclab.errors import Misconfigured, NotEvaluated
from seclab.measurement import Estimate, Metric, Reading, Scalar
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import Needs, evaluation
from seclab.statistics import proportion_of

_ACCURACY = "clean_accuracy"
_SUCCESS = "trigger_attack_success_rate"
_PICTURES = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Backdoor:
    """The attack in numbers, and the rows it is judged on."""

    source: int
    target: int
    trigger: PatchTrigger
    image_shape: tuple[int, int]
    clean: np.ndarray
    triggered: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """One poison rate: the model it leads to, measured."""

    rate: float
    poisoned_rows: int
    accuracy: Estimate
    success: Estimate | None
    answers: tuple[np.ndarray, np.ndarray]


@evaluation(
    risks=("R-POI-01",),
    metrics=(
        Metric(
            _ACCURACY,
            unit="fraction",
            better="higher",
            description="Accuracy on clean test rows of the model trained at a poison rate.",
        ),
        Metric(
            _SUCCESS,
            unit="fraction",
            better="lower",
            description="Held-out source-class rows, classified correctly when clean, that the "
            "trigger turns into the target class.",
        ),
    ),
    needs=Needs.RETRAINING,
)
def backdoor_poisoning(
    target: Target,
    *,
    rng: np.random.Generator,
    rates: Sequence[float] = (0.0, 0.005, 0.01, 0.02, 0.05),
    source_class: int = 1,
    target_class: int = 7,
    patch_size: int = 2,
) -> Result:
    """Backdoor by dirty-label poisoning, for a sweep of poison rates.

    A square patch of the highest feature value in the lower-right corner is the trigger. Rows of
    the source class get it and the target label; the same spec is then trained once at each rate,
    with equal seeds and nested choices of rows. Rate 0 poisons nothing: there the evaluated model
    itself is asked, as the control. The intervals cover the choice of held-out rows, not the
    randomness of training.

    Args:
        target: The model; its spec is trained again for every rate above 0.
        rng: Chooses the poisoned rows and the training seed.
        rates: Poisoned rows as fractions of all training rows, 0 to 1.
        source_class: Class that rows are taken from, and that triggered inputs belong to.
        target_class: Label that the trigger is to cause.
        patch_size: Height and width of the trigger in pixels.

    Returns:
        For each rate ``clean_accuracy`` (0 to 1, higher is better) and
        ``trigger_attack_success_rate`` (0 to 1, lower is better) over the held-out source-class
        rows, of test and population, that this model classifies correctly without the trigger.
        A rate at which there is none has no success rate.

    Raises:
        NotEvaluated: The rows are no images.
        Misconfigured: Rates or classes that cannot be, or a patch larger than the image.

    References:
        Gu, Dolan-Gavitt and Garg (2017), BadNets: identifying vulnerabilities in the machine
        learning model supply chain, arXiv:1708.06733.
    """
    data = target.data
    if data.train.image_shape is None:
        raise NotEvaluated(
            f"backdoor_poisoning stamps a patch on images, and {data.train.name} holds none"
        )
    _require_possible(data.train, rates, (source_class, target_class))
    trigger = _corner_patch(data.train, data.train.image_shape, patch_size)
    clean = _held_out(data, source_class)
    backdoor = _Backdoor(
        source=source_class,
        target=target_class,
        trigger=trigger,
        image_shape=data.train.image_shape,
        clean=clean,
        triggered=trigger.stamp(clean, data.train.image_shape),
    )
    seed = int(rng.integers(2**31))
    cells = tuple(_cell(target, backdoor, rate, seed=seed) for rate in rates)
    return Result(
        readings=tuple(_readings(cells)),
        tables=(_table(cells),),
        figures=(
            _chart(cells),
            _pictures(data.train, backdoor, max(cells, key=lambda cell: cell.rate)),
        ),
        notes=tuple(_notes(cells, data.train)),
    )


def _require_possible(train: Dataset, rates: Sequence[float], classes: tuple[int, int]) -> None:
    problems = [
        f"backdoor_poisoning: a poison rate is a fraction from 0 to 1, got {rate}"
        for rate in rates
        if not 0.0 <= rate <= 1.0
    ]
    if not rates or len(set(rates)) < len(rates):
        problems.append("backdoor_poisoning: rates must name at least one rate, and each once")
    known = len(train.class_names)
    problems += [
        f"backdoor_poisoning: class {label} is none of the classes 0 to {known - 1} of "
        f"{train.name}; set source_class and target_class"
        for label in classes
        if label not in range(known)
    ]
    if classes[0] == classes[1]:
        problems.append(
            f"backdoor_poisoning: source_class and target_class are both {classes[0]}; "
            "choose two different ones"
        )
    if problems:
        raise Misconfigured(problems)


def _corner_patch(train: Dataset, image_shape: tuple[int, int], size: int) -> PatchTrigger:
    height, width = image_shape
    return PatchTrigger((height - size, width - size), (size, size), train.feature_range[1])


def _held_out(data: Splits, label: int) -> np.ndarray:
    """Rows of a class that no training saw: test first, then population."""
    parts = (data.test, data.population)
    return np.vstack([part.features[part.labels == label] for part in parts])


def _cell(target: Target, backdoor: _Backdoor, rate: float, *, seed: int) -> _Cell:
    train, test = target.data.train, target.data.test
    poisoned = poison(
        train.features,
        train.labels,
        trigger=backdoor.trigger,
        image_shape=backdoor.image_shape,
        source=backdoor.source,
        target=backdoor.target,
        rate=rate,
        rng=np.random.default_rng(seed),
    )
    model = target
    if poisoned.mask.any():
        model = target.retrain(train.with_rows(poisoned.features, poisoned.labels), seed=seed)
    answers = model.predict(np.vstack([test.features, backdoor.clean, backdoor.triggered]))
    on_test, on_clean, on_triggered = np.split(
        answers, [len(test), len(test) + len(backdoor.clean)]
    )
    won = on_triggered[on_clean == backdoor.source] == backdoor.target
    return _Cell(
        rate=rate,
        poisoned_rows=int(poisoned.mask.sum()),
        accuracy=proportion_of(on_test == test.labels),
        success=proportion_of(won) if won.size else None,
        answers=(on_clean, on_triggered),
    )


def _readings(cells: tuple[_Cell, ...]) -> list[Reading]:
    readings = []
    for cell in cells:
        parameters = {"poison_rate": cell.rate}
        readings.append(Reading(_ACCURACY, cell.accuracy, parameters))
        if cell.success:
            readings.append(Reading(_SUCCESS, cell.success, parameters))
    return readings


def _table(cells: tuple[_Cell, ...]) -> Table:
    return Table(
        name="backdoor_poisoning",
        caption="One retrained model for each poison rate; the success rate is over eligible rows.",
        columns=(
            "poison_rate",
            "poisoned_rows",
            _ACCURACY,
            _SUCCESS,
            f"{_ACCURACY}_low",
            f"{_ACCURACY}_high",
            f"{_SUCCESS}_low",
            f"{_SUCCESS}_high",
            "eligible_rows",
        ),
        rows=tuple(_row(cell) for cell in cells),
    )


def _row(cell: _Cell) -> tuple[Scalar, ...]:
    return (
        cell.rate,
        cell.poisoned_rows,
        cell.accuracy.value,
        cell.success.value if cell.success else None,
        cell.accuracy.low,
        cell.accuracy.high,
        cell.success.low if cell.success else None,
        cell.success.high if cell.success else None,
        cell.success.n if cell.success else 0,
    )


def _chart(cells: tuple[_Cell, ...]) -> Chart:
    accuracy = [(cell.rate, cell.accuracy) for cell in cells]
    success = [(cell.rate, cell.success) for cell in cells if cell.success]
    return Chart(
        name="backdoor_poisoning",
        title="Backdoor success and clean accuracy by poison rate",
        x_label="poisoned fraction of the training rows",
        y_label="fraction",
        series=(Series.of("trigger attack success", success), Series.of(_ACCURACY, accuracy)),
    )


def _pictures(train: Dataset, backdoor: _Backdoor, cell: _Cell) -> ImageGrid:
    """The first held-out rows without and with the trigger, as the model at one rate reads them."""
    shown = np.stack([backdoor.clean[:_PICTURES], backdoor.triggered[:_PICTURES]])
    scaled = (shown - train.feature_range[0]) / train.scale
    names = train.class_names
    return ImageGrid(
        name="backdoor_trigger",
        title=f"Clean and triggered inputs, read by the model at poison rate {cell.rate}",
        images=scaled.reshape(*shown.shape[:2], *backdoor.image_shape),
        captions=tuple(
            f"read as {names[answer]}" for answers in cell.answers for answer in answers[:_PICTURES]
        ),
    )


def _notes(cells: tuple[_Cell, ...], train: Dataset) -> list[str]:
    notes = [
        "One training a rate: the intervals do not cover the randomness of training.",
        "Queries are those to the evaluated model, not to the retrained ones.",
    ]
    for cell in cells:
        wanted = round(cell.rate * len(train))
        if cell.poisoned_rows < wanted:
            notes.append(
                f"Poison rate {cell.rate} asks for {wanted} rows, more than the source class can "
                f"give; {cell.poisoned_rows} were poisoned."
            )
        if cell.rate > 0.0 and cell.poisoned_rows == 0:
            notes.append(
                f"Poison rate {cell.rate} of {len(train)} rows is less than half a row: nothing "
                "was poisoned and the evaluated model itself was asked."
            )
        if cell.success is None:
            notes.append(
                f"No success rate at poison rate {cell.rate}: the model classifies no clean "
                "held-out row of the source class correctly, so there is nothing to attack."
            )
    return notes
