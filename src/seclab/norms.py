"""The two norms that a change is measured in."""

from typing import Literal, TypeAlias

import numpy as np

Norm: TypeAlias = Literal["linf", "l2"]


def lengths(changes: np.ndarray, norm: Norm) -> np.ndarray:
    """Lengths of changes (..., d) along the last axis, shape (...); of no feature it is 0."""
    if norm == "linf":
        return np.asarray(np.abs(changes).max(axis=-1, initial=0.0))
    return np.asarray(np.linalg.norm(changes, axis=-1))


def shortened(changes: np.ndarray, limits: np.ndarray, norm: Norm) -> np.ndarray:
    """Rows of changes (n, d) cut down to at most the limits (n,): the nearest that are as short."""
    at_most = limits[:, None]
    if norm == "linf":
        return np.asarray(np.clip(changes, -at_most, at_most))
    long = lengths(changes, norm)[:, None]
    shrunk = np.divide(at_most, long, out=np.ones_like(long), where=long > at_most)
    return np.asarray(changes * shrunk)


def uphill(slopes: np.ndarray, norm: Norm) -> np.ndarray:
    """Of all steps of length 1 those that gain most on slopes (n, d); none where there is none."""
    if norm == "linf":
        return np.asarray(np.sign(slopes))
    long = lengths(slopes, norm)[:, None]
    return np.asarray(np.divide(slopes, long, out=np.zeros_like(slopes), where=long > 0.0))
