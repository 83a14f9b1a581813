"""A model without and with a control on its answers: what changes, and what it costs."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from seclab.artifacts import Table
from seclab.errors import NotEvaluated
from seclab.measurement import CONTROL, Estimate, Reading, Scalar, label
from seclab.models import Target
from seclab.models.controlled import ControlledTarget
from seclab.models.output_controls import control
from seclab.outcome import Result
from seclab.statistics import difference, mcnemar, paired_difference

_TINY = 1e-12  # a probability of zero would cost a client infinitely much


def with_controls(
    before: Result,
    target: Target,
    controls: Sequence[str],
    measure: Callable[[ControlledTarget], Result],
) -> Result:
    """Measure again behind each control, and set the numbers side by side.

    The attacker is an adaptive one: it sees what is served, knows the control, and uses whatever
    it could use before, the gradient and the file of the model included.

    Args:
        before: What was measured without any control.
        target: The model; besides what ``measure`` asks, the test split is asked once.
        controls: Names of :data:`seclab.models.output_controls.CONTROLS`.
        measure: Gives the result for the model behind a control, with the same random numbers.

    Returns:
        ``before`` with the readings behind each control, which have the parameter ``control``, a
        table of the changes, a table of what each control costs a client, and what is to be known.
    """
    readings: list[Reading] = []
    notes: list[str] = []
    changes: list[tuple[Scalar, ...]] = []
    for name in controls:
        try:
            after = measure(ControlledTarget(target, control(name))).readings
        except NotEvaluated as error:
            notes.append(f"Behind {name} nothing was measured: {error}")
            continue
        changes += _changes(name, before.readings, after)
        readings += [
            Reading(one.metric, one.estimate, {**one.parameters, CONTROL: name}, one.per_sample)
            for one in after
        ]
    return Result(
        readings=(*before.readings, *readings),
        tables=(*before.tables, _table(changes), _costs(target, controls)),
        figures=before.figures,
        notes=(*before.notes, *notes, *_words(changes)),
    )


def _changes(
    name: str, before: Sequence[Reading], after: Sequence[Reading]
) -> Iterator[tuple[Scalar, ...]]:
    """A row for every number that there is on both sides."""
    known = {label(one.metric, one.parameters): one for one in after}
    for old in before:
        new = known.get(label(old.metric, old.parameters))
        if new is None:
            continue
        change, p_value = _change(old, new)
        low, high = (change.low, change.high) if change.interval else (None, None)
        method = change.interval.method if change.interval else None
        values = (old.estimate.value, new.estimate.value, change.value)
        what = label(old.metric, old.parameters)
        yield (name, what, *values, low, high, method, p_value)


def _change(old: Reading, new: Reading) -> tuple[Estimate, float | None]:
    """After minus before: sample by sample where the single answers are known."""
    one, other = new.per_sample, old.per_sample
    if one and other and one.samples == other.samples:
        first, second = ([hit == "1" for hit in each.hits] for each in (one, other))
        return paired_difference(first, second), mcnemar(first, second)
    return difference(new.estimate, old.estimate), None


def _table(changes: Sequence[tuple[Scalar, ...]]) -> Table:
    return Table(
        name="behind_output_controls",
        caption="Every number without and behind each control. With a p-value (McNemar, exact, "
        "two-sided) the change is one sample by sample, with Tango's interval; without, the "
        "interval takes the two for independent, which makes it wider than it need be.",
        columns=(
            *(CONTROL, "number", "before", "after"),
            *("change", "change_low", "change_high", "method", "p_value"),
        ),
        rows=tuple(changes),
    )


def _costs(target: Target, controls: Sequence[str]) -> Table:
    """What a client loses who takes what is served for the truth."""
    test = target.data.test
    probabilities = target.predict_proba(test.features)
    truth = np.searchsorted(target.classes, test.labels)
    rows: list[tuple[Scalar, ...]] = [("none", *_cost(probabilities, probabilities, truth))]
    for name in controls:
        served = ControlledTarget(target, control(name)).seen(test.features, probabilities)
        rows.append((name, *_cost(served, probabilities, truth)))
    return Table(
        name="cost_of_output_controls",
        caption="What a client has of the answers on the test split: accuracy of the label, mean "
        "absolute error of the confidences against the model's own, Brier score and log loss (in "
        "nats) against the truth; lower is better for the last three.",
        columns=(CONTROL, "accuracy", "confidence_error", "brier_score", "log_loss"),
        rows=tuple(rows),
    )


def _cost(
    served: np.ndarray, probabilities: np.ndarray, truth: np.ndarray
) -> tuple[float, float, float, float]:
    own = served[np.arange(len(truth)), truth]
    one_hot = np.eye(served.shape[1])[truth]
    return (
        float((served.argmax(axis=1) == truth).mean()),
        float(np.abs(served - probabilities).mean()),
        float(((served - one_hot) ** 2).sum(axis=1).mean()),
        float(-np.log(np.maximum(own, _TINY)).mean()),
    )


def _words(changes: Sequence[tuple[Scalar, ...]]) -> list[str]:
    tested = sum(row[-1] is not None for row in changes)
    words = ["Behind a control the attacker knows it, and keeps every access it had without it."]
    if tested:
        words.append(
            f"{tested} changes were tested. Nothing is corrected for their number: at 5% over all "
            f"of them only a p-value below {0.05 / tested:.2g} counts (Bonferroni)."
        )
    return words
