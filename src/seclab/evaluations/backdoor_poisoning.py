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
from seclab.per_sample import mean_rate
from seclab.registry import Needs, evaluation

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
    """One poison rate: the models it leads to, measured.

    Attributes:
        rate: Poisoned rows as a fraction of all.
        poisoned_rows: How many these are.
        right: Whether each model classifies each test row rightly, shape (models, n).
        clean: What each model answers to each held-out row, shape (models, m).
        triggered: What it answers once the row carries the trigger, shape (models, m).
        source: Class of the held-out rows.
        target: Label that the trigger is to cause.
    """

    rate: float
    poisoned_rows: int
    right: np.ndarray
    clean: np.ndarray
    triggered: np.ndarray
    source: int
    target: int

    @property
    def accuracy(self) -> Estimate:
        """Accuracy on clean test rows, mean over the models."""
        return mean_rate(self.right)

    @property
    def won(self) -> np.ndarray:
        """Rows that every model reads right clean: whether the trigger works, (models, rows)."""
        eligible = (self.clean == self.source).all(axis=0)
        won: np.ndarray = self.triggered[:, eligible] == self.target
        return won

    @property
    def success(self) -> Estimate | None:
        """Share of these rows that the trigger turns, mean over the models."""
        return mean_rate(self.won) if self.won.size else None

    @property
    def spread(self) -> tuple[float, float] | tuple[None, None]:
        """The success rate of the model that resists most and of the one that does least."""
        each = self.won.mean(axis=1) if self.won.size else None
        return (None, None) if each is None else (float(each.min()), float(each.max()))


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
    repeats: int = 3,
) -> Result:
    """Backdoor by dirty-label poisoning, for a sweep of poison rates.

    A square patch of the highest feature value in the lower-right corner is the trigger. Rows of
    the source class get it and the target label; the same spec is then trained anew at each rate,
    ``repeats`` times, each time with other poisoned rows and another seed, the same at every rate;
    the choice of rows at a low rate is part of that at a higher one. Rate 0 poisons nothing: there
    the evaluated model itself is asked, once, as the control. Intervals rest on the held-out rows;
    what the randomness of poison and training adds shows in the spread over the repeats.

    Args:
        target: The model; its spec is trained again for every rate above 0.
        rng: Chooses the poisoned rows and the training seed.
        rates: Poisoned rows as fractions of all training rows, 0 to 1.
        source_class: Class that rows are taken from, and that triggered inputs belong to.
        target_class: Label that the trigger is to cause.
        patch_size: Height and width of the trigger in pixels.
        repeats: Trainings at each rate above 0, at least 1.

    Returns:
        For each rate, as means over its trainings, ``clean_accuracy`` (0 to 1, higher is better)
        and ``trigger_attack_success_rate`` (0 to 1, lower is better) over the held-out
        source-class rows, of test and population, that every model of this rate classifies
        correctly without the trigger. A rate at which there is none has no success rate.

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
    _require_possible(data.train, rates, (source_class, target_class), repeats)
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
    seeds = range(seed, seed + repeats)
    cells = tuple(_cell(target, backdoor, rate, seeds=seeds) for rate in rates)
    return Result(
        readings=tuple(_readings(cells)),
        tables=(_table(cells),),
        figures=(
            _chart(cells),
            _pictures(data.train, backdoor, max(cells, key=lambda cell: cell.rate)),
        ),
        notes=tuple(_notes(cells, data.train)),
    )


def _require_possible(
    train: Dataset, rates: Sequence[float], classes: tuple[int, int], repeats: int
) -> None:
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
    if repeats < 1:
        problems.append(f"backdoor_poisoning: repeats is a number from 1 on, got {repeats}")
    if problems:
        raise Misconfigured(problems)


def _corner_patch(train: Dataset, image_shape: tuple[int, int], size: int) -> PatchTrigger:
    height, width = image_shape
    return PatchTrigger((height - size, width - size), (size, size), train.feature_range[1])


def _held_out(data: Splits, label: int) -> np.ndarray:
    """Rows of a class that no training saw: test first, then population."""
    parts = (data.test, data.population)
    return np.vstack([part.features[part.labels == label] for part in parts])


def _cell(target: Target, backdoor: _Backdoor, rate: float, *, seeds: Sequence[int]) -> _Cell:
    count, first = _asked(target, backdoor, rate, seed=seeds[0])
    # Where nothing is poisoned it is the evaluated model that was asked: it stays the same.
    others = seeds[1:] if count else ()
    answers = np.stack([first, *(_asked(target, backdoor, rate, seed=s)[1] for s in others)])
    test, held_out = target.data.test, len(backdoor.clean)
    on_test, on_clean, on_triggered = np.split(answers, [len(test), len(test) + held_out], axis=1)
    return _Cell(
        rate=rate,
        poisoned_rows=count,
        right=on_test == test.labels,
        clean=on_clean,
        triggered=on_triggered,
        source=backdoor.source,
        target=backdoor.target,
    )


def _asked(
    target: Target, backdoor: _Backdoor, rate: float, *, seed: int
) -> tuple[int, np.ndarray]:
    """How many rows were poisoned, and what the model then says of all rows in question."""
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
    return int(poisoned.mask.sum()), answers


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
        caption="Means over the models trained at each poison rate; the success rate is over "
        "eligible rows, least and most are those of single models.",
        columns=(
            "poison_rate",
            "poisoned_rows",
            _ACCURACY,
            _SUCCESS,
            f"{_ACCURACY}_low",
            f"{_ACCURACY}_high",
            f"{_SUCCESS}_low",
            f"{_SUCCESS}_high",
            f"{_SUCCESS}_least",
            f"{_SUCCESS}_most",
            "eligible_rows",
            "trainings",
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
        *cell.spread,
        cell.success.n if cell.success else 0,
        len(cell.right) if cell.poisoned_rows else 0,
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
            f"read as {names[answer]}"
            for answers in (cell.clean[0], cell.triggered[0])
            for answer in answers[:_PICTURES]
        ),
    )


def _notes(cells: tuple[_Cell, ...], train: Dataset) -> list[str]:
    notes = [
        "Means over the trainings of a rate: intervals rest on rows, the table has the spread.",
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
