"""What the attempts say about each other: whether the attacks, or the proofs, are at fault."""

from collections.abc import Mapping, Sequence

import numpy as np

from seclab.evasion.attempts import Attempt


def masked(attempts: Sequence[Attempt]) -> dict[float, np.ndarray]:
    """Per size, which images only attacks without gradients broke.

    Who sees less should not find more: where it does, the gradients lead the others astray.

    Returns:
        Booleans of shape (n,) by radius; empty where only one of the two kinds was tried.

    References:
        Athalye, Carlini and Wagner (2018), Obfuscated gradients give a false sense of security,
        arXiv:1802.00420, section 3.1.
    """
    black = _broken([attempt for attempt in attempts if attempt.black_box])
    white = _broken([attempt for attempt in attempts if not attempt.black_box])
    return {
        epsilon: black[epsilon] & ~white[epsilon] for epsilon in sorted(black.keys() & white.keys())
    }


def unbroken(attempts: Sequence[Attempt]) -> np.ndarray:
    """Which images none of the attempts, at least one, broke; shape (n,)."""
    return np.asarray(~np.any([attempt.fooled for attempt in attempts], axis=0))


def require_no_contradiction(
    certified: Mapping[float, np.ndarray], strongest: Sequence[Attempt]
) -> None:
    """Nothing that is proven may have been broken.

    Args:
        certified: Which images are proven, by radius.
        strongest: The worst attempt at each radius.

    Raises:
        ArithmeticError: An image is both; then neither proof nor attack can be believed.
    """
    for attempt in strongest:
        both = np.flatnonzero(certified.get(attempt.epsilon, False) & attempt.fooled)
        if both.size:
            raise ArithmeticError(
                f"at epsilon {attempt.epsilon:g} images {both.tolist()} are proven safe and broken"
            )


def _broken(attempts: Sequence[Attempt]) -> dict[float, np.ndarray]:
    found: dict[float, np.ndarray] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.epsilon):
        found[attempt.epsilon] = found.get(attempt.epsilon, False) | attempt.fooled
    return found
