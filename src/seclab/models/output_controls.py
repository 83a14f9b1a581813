"""What a service tells of a model's confidences: all, rounded, blurred, the highest or none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from seclab.errors import Misconfigured

Serve: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
Undo: TypeAlias = Callable[[np.ndarray], np.ndarray]
Imitate: TypeAlias = Callable[[np.ndarray, np.random.Generator], np.ndarray]

_TEMPERATURE, _NOISE = 4.0, 0.05


def rounded(probabilities: np.ndarray, *, decimals: int) -> np.ndarray:
    """Probabilities of shape (n, k) to so many decimals, 0 or more; rows need not sum to 1."""
    return np.round(probabilities, decimals)


def top_only(probabilities: np.ndarray) -> np.ndarray:
    """Only the highest of each row of shape (n, k), the first of several; NaN for the others."""
    rows, top = np.arange(len(probabilities)), probabilities.argmax(axis=1)
    served = np.full(probabilities.shape, np.nan)
    served[rows, top] = probabilities[rows, top]
    return served


def tempered(probabilities: np.ndarray, *, temperature: float) -> np.ndarray:
    """Rows of shape (n, k) flattened by a temperature above 1, sharpened by one below.

    The order within a row stays, and so does everything that ratios of its logarithms tell.

    Raises:
        ValueError: The temperature is not above 0.

    References:
        Guo et al. (2017), On calibration of modern neural networks, arXiv:1706.04599.
    """
    if not temperature > 0.0:
        raise ValueError(f"a temperature is above 0, got {temperature}")
    # The highest becomes 1 first: a power of something tiny must not make a whole row vanish.
    powers = (probabilities / probabilities.max(axis=1, keepdims=True)) ** (1.0 / temperature)
    flattened: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return flattened


def noisy(probabilities: np.ndarray, *, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Independent uniform noise on every probability: asking again averages it away.

    Args:
        probabilities: Rows of shape (n, k).
        scale: Largest change of a probability before the row is made to sum to 1 again, 0 to 1.
        rng: Source of the noise.

    Returns:
        Rows of shape (n, k), 0 to 1, each summing to 1.
    """
    return _blurred(probabilities, rng.uniform(-scale, scale, probabilities.shape))


def consistently_noisy(
    x: np.ndarray, probabilities: np.ndarray, *, scale: float, key: bytes
) -> np.ndarray:
    """Noise as of :func:`noisy`, but always the same for the same question.

    Asking again gains nothing. A question that differs in its last bit gets other noise: many
    questions still average it, and fitting a model to them does just that.

    Args:
        x: The questions, rows of shape (n, d).
        probabilities: The answers, rows of shape (n, k).
        scale: Largest change of a probability before the row is made to sum to 1 again, 0 to 1.
        key: Secret of the service, at most 64 bytes. Who knows it can take the noise off again.

    Returns:
        Rows of shape (n, k), 0 to 1, each summing to 1.
    """
    noise = np.empty_like(probabilities)
    # Adding zero turns -0.0 into 0.0: to the model they are the same question.
    for row, question in enumerate(np.ascontiguousarray(x + 0.0, dtype="<f8")):
        seed = int.from_bytes(blake2b(question.tobytes(), digest_size=16, key=key).digest())
        noise[row] = np.random.default_rng(seed).uniform(-scale, scale, probabilities.shape[1])
    return _blurred(probabilities, noise)


def _blurred(probabilities: np.ndarray, noise: np.ndarray) -> np.ndarray:
    # Not below a trace: a row must have something left to be divided by.
    blurred = np.clip(probabilities + noise, 1e-9, 1.0)
    normalised: np.ndarray = blurred / blurred.sum(axis=1, keepdims=True)
    return normalised


@dataclass(frozen=True, slots=True)
class OutputControl:
    """How the answers of a service differ from those of its model.

    The label is always served, and is the model's own: accuracy is never what a control costs.

    Attributes:
        name: What is served, ``confidences_3_decimals``.
        serve: Questions (n, d) and probabilities (n, k) to what is served of these, (n, k), NaN
            where it is withheld; ``None`` when labels are all there is.
        resolution: About how far a served confidence may be from the true one, 0 when it is
            exact. Public: a control is no secret, only its key is.
        undo: What was served, (n, k), to the model's own probabilities, where no secret is needed
            for that; ``None`` where nothing can be taken back.
        imitate: Probabilities (n, k) of another model to what this control would serve of them,
            by who knows all but the secret; ``None`` where there is no secret.
    """

    name: str
    serve: Serve | None
    resolution: float = 0.0
    undo: Undo | None = None
    imitate: Imitate | None = None

    def imitated(
        self, x: np.ndarray, probabilities: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray | None:
        """What an attacker's copy of the control serves of a model of the attacker's.

        Args:
            x: The questions, shape (n, d).
            probabilities: The answers of that model, shape (n, k).
            rng: Stands for the secret, which the attacker has not.

        Returns:
            As :attr:`serve` gives it; ``None`` when labels are all there is.
        """
        if self.imitate is not None:
            return self.imitate(probabilities, rng)
        return None if self.serve is None else self.serve(x, probabilities)


def _decimals(decimals: int) -> OutputControl:
    return OutputControl(
        f"confidences_{decimals}_decimals",
        lambda _, p: rounded(p, decimals=decimals),
        resolution=10.0**-decimals,
    )


CONTROLS: Mapping[str, OutputControl] = MappingProxyType(
    {
        control.name: control
        for control in (
            OutputControl("confidences", lambda _, p: p),
            _decimals(3),
            _decimals(2),
            _decimals(1),
            OutputControl(
                "tempered",
                lambda _, p: tempered(p, temperature=_TEMPERATURE),
                undo=lambda served: tempered(served, temperature=1.0 / _TEMPERATURE),
            ),
            OutputControl(
                "noisy",
                lambda x, p: consistently_noisy(x, p, scale=_NOISE, key=b"seclab"),
                resolution=_NOISE,
                imitate=lambda p, rng: noisy(p, scale=_NOISE, rng=rng),
            ),
            OutputControl("top1", lambda _, p: top_only(p)),
            OutputControl("labels", None),
        )
    }
)


def control(name: str) -> OutputControl:
    """An output control by name.

    Raises:
        Misconfigured: There is none of that name.
    """
    if name not in CONTROLS:
        raise Misconfigured(f"unknown answers {name!r}; known: {', '.join(CONTROLS)}")
    return CONTROLS[name]
