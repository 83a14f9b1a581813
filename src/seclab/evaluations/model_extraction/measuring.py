"""How good the copies are: measured on the rows of the test split, anywhere, and by evasion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seclab.attacks.extraction import Copy, Network, uniform_queries
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.measurement import Reading, Scalar
from seclab.models import Target
from seclab.per_sample import mean_rate

TRANSFER = "transfer_success_rate"
UNIFORM_ROWS = 1000
_STEPS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """One copy, and where it does well.

    Attributes:
        repeat: Number of the campaign, from 0 on.
        answers: What was served.
        queries: How the rows were chosen.
        budget: How many there were.
        family: What was fitted to the answers.
        copy: The copy.
        faithful: Test rows on which it says what the model says, shape (n,).
        right: Test rows that it classifies rightly, shape (n,).
        uniform_faithful: Uniform rows on which it says what the model says, shape (m,).
    """

    repeat: int
    answers: str
    queries: str
    budget: int
    family: str
    copy: Copy
    faithful: np.ndarray
    right: np.ndarray
    uniform_faithful: np.ndarray

    @property
    def fidelity(self) -> float:
        """Share of the test rows on which it is faithful."""
        return float(self.faithful.mean())

    @property
    def uniform_fidelity(self) -> float:
        """Share of the uniform rows on which it is faithful."""
        return float(self.uniform_faithful.mean())


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """What the model says of the rows that copies are measured on."""

    features: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    uniform: np.ndarray
    uniform_predicted: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The labels that the model gives the test rows."""
        labels: np.ndarray = self.probabilities.argmax(axis=1)
        return labels

    def hits(self, copy: Copy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where a copy is faithful, where it is right, and where it is faithful to noise."""
        found = copy(self.features).argmax(axis=1)
        uniform = copy(self.uniform).argmax(axis=1)
        return found == self.predicted, found == self.labels, uniform == self.uniform_predicted


def scoring_of(target: Target, rng: np.random.Generator) -> Scoring:
    """Ask the model about the test split and about uniform rows, once."""
    test = target.data.test
    columns = test.features.shape[1]
    uniform = uniform_queries(columns, budget=UNIFORM_ROWS, bounds=test.feature_range, rng=rng)
    return Scoring(
        features=test.features,
        labels=test.labels,
        probabilities=target.predict_proba(test.features),
        uniform=uniform,
        uniform_predicted=target.predict(uniform),
    )


def transferred(
    target: Target, scoring: Scoring, made: Sequence[Made], epsilon: float
) -> Reading | None:
    """Evasion of the most faithful copy with a gradient, tried on the model itself.

    Args:
        target: The model; each campaign asks it once for each test row it classifies rightly.
        scoring: What it says of the test rows.
        made: Copies to choose from, all of one kind of answers and one budget; in each campaign
            one is chosen.
        epsilon: L-infinity radius as a fraction of the feature range.

    Returns:
        The share of those rows that evasion made wrong, lower is better, mean over the campaigns;
        ``None`` where no copy has a gradient or no row was right before.
    """
    networks = [(one, one.copy) for one in made if isinstance(one.copy, Network)]
    right = np.flatnonzero(scoring.predicted == scoring.labels)
    if not networks or not right.size:
        return None
    wrong = []
    for repeat in sorted({one.repeat for one, _ in networks}):
        # Copies equal on images can differ where images never go, and evasion leads there.
        _, network = max(
            (pair for pair in networks if pair[0].repeat == repeat),
            key=lambda pair: (pair[0].fidelity, pair[0].uniform_fidelity),
        )
        wrong.append(_made_wrong(target, scoring, network, right, epsilon))
    one = made[0]
    where: dict[str, Scalar] = {
        "answers": one.answers,
        "query_budget": one.budget,
        "epsilon": epsilon,
    }
    return Reading(TRANSFER, mean_rate(np.stack(wrong)), where)


def _made_wrong(
    target: Target, scoring: Scoring, network: Network, right: np.ndarray, epsilon: float
) -> np.ndarray:
    """Which of the rows of the given indexes the model reads wrong, once evasive to a copy."""
    test, y = target.data.test, scoring.labels[right]
    # What only just fools the copy would not carry over: no row is taken off before the end.
    loss = Loss(network.loss_gradient, wrong_from=math.inf)
    evasive = projected_gradient_descent(
        [loss],
        network.predict,
        scoring.features[right],
        y,
        norm="linf",
        epsilon=epsilon * test.scale,
        bounds=test.feature_range,
        ascent=Ascent(steps=_STEPS, restarts=1),
        rng=np.random.default_rng(0),  # a single start is the input itself: nothing is drawn
    )
    wrong: np.ndarray = target.predict(evasive) != y
    return wrong
