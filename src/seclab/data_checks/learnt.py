"""Expectations that train a model on the rows, and look at what it has learnt of them.

They cost a training each, see less than those in :mod:`seclab.data_checks.poison` where both look,
and something else where they do not: what a model made of the rows. They are for suites that may
take a minute. Their thresholds come from clean resamples, as those do.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from seclab.data_checks.catalogue import expectation
from seclab.data_checks.suspected import finding_of, patterns_of, require_finite
from seclab.data_checks.table import Finding, Table
from seclab.datasets import Dataset, Provenance
from seclab.defenses.representations import activation_clusters, spectral_signatures
from seclab.defenses.trigger_inversion import invert_triggers
from seclab.models.gradients import LossGradient, fixed_gradients
from seclab.models.specs import spec
from seclab.models.structure import affine_layers
from seclab.models.training import fit

_Count = Annotated[int, Field(ge=1)]
_Whole = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Above = Annotated[float, Field(gt=0)]


@expectation(
    why="A model holds rows apart from the others of their label where it has learnt something "
    "else from them: what poison was made for."
)
def expect_rows_to_lie_with_their_label(
    table: Table,
    *,
    model: str,
    most_rows: _Count,
    directions: _Count,
    central: _Above,
    far: _Above,
    sure: _Above,
    spare: _Whole,
    spare_share: _Share,
    seed: _Whole,
) -> Finding:
    """No rows lie far from the centre of their label, in what a trained model makes of them."""
    require_finite(table)
    return finding_of(
        spectral_signatures(
            _learnt(table, model, most_rows=most_rows, seed=seed).hidden(table.features),
            table.labels,
            directions=directions,
            central=central,
            far=far,
            sure=sure,
            spare=spare,
            spare_share=spare_share,
        ),
        f"rows near the centre of their label, but for {spare} rows and {spare_share:.1%}",
    )


@expectation(
    why="Where one of the two clusters that a model makes of a label looks like another class to "
    "a fit without it, its rows carry what makes the model read them as that label."
)
def expect_clusters_to_look_like_their_label(
    table: Table,
    *,
    model: str,
    most_rows: _Count,
    landmarks: _Count,
    width: _Above,
    ridge: _Above,
    directions: _Count,
    smallest: Annotated[int, Field(ge=2)],
    quantile: _Share,
    alien: _Above,
    steady: _Above,
    seed: _Whole,
) -> Finding:
    """Neither cluster of a label, in what a trained model makes of it, looks like another class."""
    require_finite(table)
    return finding_of(
        activation_clusters(
            _learnt(table, model, most_rows=most_rows, seed=seed).hidden(table.features),
            table.labels,
            features=table.features,
            rng=np.random.default_rng(seed),
            landmarks=landmarks,
            width=width,
            ridge=ridge,
            directions=directions,
            smallest=smallest,
            quantile=quantile,
            alien=alien,
            steady=steady,
        ),
        "no cluster of a label that looks like another class",
    )


@expectation(
    why="A backdoor is a short way to a class: where one is much easier to reach than the others, "
    "what was found is perhaps the trigger. It judges what a model learnt, and names no rows."
)
def expect_no_class_to_be_easy_to_reach(
    table: Table,
    *,
    model: str,
    most_rows: _Count,
    rows: _Count,
    steps: _Count,
    rate: _Above,
    price: _Above,
    works: _Share,
    suspicious: _Above,
    much_smaller: _Share,
    seed: _Whole,
) -> Finding:
    """No class of a model trained on the rows is reached by a much smaller change than others."""
    require_finite(table)
    inverted = invert_triggers(
        table.features,
        table.labels,
        loss_gradient=_learnt(table, model, most_rows=most_rows, seed=seed).loss_gradient,
        bounds=table.feature_range,
        rng=np.random.default_rng(seed),
        rows=rows,
        steps=steps,
        rate=rate,
        price=price,
        works=works,
        suspicious=suspicious,
        much_smaller=much_smaller,
    )
    return Finding(
        not inverted.alarm,
        "no class that is much easier to reach than the others",
        inverted.found,
        patterns=patterns_of(inverted.patterns),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Learnt:
    """A network trained on the rows of a table.

    Attributes:
        classes: Labels that it knows, ascending.
        layers: Weights and bias of each, the first one takes native features.
    """

    classes: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    def hidden(self, features: np.ndarray) -> np.ndarray:
        """What the last hidden layer makes of rows (n, d): shape (n, h)."""
        values = features
        for weights, bias in self.layers[:-1]:
            values = np.maximum(values @ weights + bias, 0.0)
        return values

    @property
    def loss_gradient(self) -> LossGradient:
        """Its cross-entropy and gradient, for labels and not for their places."""
        gradient, _ = fixed_gradients(self.layers)
        return lambda x, y: gradient(x, np.asarray(np.searchsorted(self.classes, y)))


def _learnt(table: Table, model: str, *, most_rows: int, seed: int) -> _Learnt:
    """Train the model, on a draw of the rows where there are too many.

    Raises:
        Misconfigured: There is no model of that name.
        NotEvaluated: It is not made of layers.
    """
    kept = np.arange(len(table.labels))
    if most_rows < kept.size:
        kept = np.sort(np.random.default_rng(seed).choice(kept, most_rows, replace=False))
    rows = Dataset(
        name="table",
        features=table.features[kept],
        labels=table.labels[kept],
        feature_names=table.feature_names,
        class_names=table.class_names,
        feature_range=table.feature_range,
        image_shape=table.image_shape,
        provenance=Provenance("rows under check", "as theirs", "drawn for a training", "at random"),
    )
    layers = affine_layers(fit(spec(model), rows, seed=seed))
    return _Learnt(np.unique(rows.labels), tuple((layer.weights, layer.bias) for layer in layers))
