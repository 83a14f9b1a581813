"""Equation solving: the weights of a softmax regression from the confidences that it serves."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from seclab.attacks.extraction.networks import Network, fit_network, scaled

_EXACT = 1e-6  # the penalty where confidences are exact but some are missing or zero
_FIT_STEPS, _REFINE_STEPS = 300, 300


def solve_softmax(
    queries: np.ndarray, targets: np.ndarray, *, bounds: tuple[float, float], resolution: float
) -> Network:
    """The softmax regression behind served confidences.

    Exact confidences are linear equations: the logarithm of the ratio of two is the difference
    of two affine functions, so that d + 1 queries in general position determine all of them; rows
    in which a confidence is zero or withheld are left out where the others determine them. Where
    confidences are rounded, blurred or withheld the logarithm of a small one means nothing, and
    of a zero less than that: it is censored, not infinite. There the weights are fitted to the
    confidences themselves, first by penalised maximum likelihood, which is convex, then from
    there by least squares, which is the likelihood when the error of each is about equal.

    Args:
        queries: Rows asked, shape (n, d), n at least 1. Uniform in the box is best: images leave
            corners and margins of the box unasked.
        targets: What was answered, shape (n, k), as :func:`as_targets` gives it.
        bounds: Smallest and largest feature value.
        resolution: About how far a served confidence is from the true one; 0 when exact.

    Returns:
        A network of one layer, determined up to what softmax does not show: an affine function
        added to all logits.

    References:
        Tramèr et al. (2016), Stealing machine learning models via prediction APIs,
        arXiv:1609.02943, section 4.1.
    """
    x = np.column_stack([scaled(queries, bounds), np.ones(len(queries))])
    # Below the normal numbers too few digits are left for an equation.
    equations = (targets > np.finfo(float).tiny).all(axis=1)
    if resolution == 0.0 and equations.any():
        logs = np.log(targets[equations])
        sides = logs - logs.mean(axis=1, keepdims=True)
        weights, _, rank, _ = np.linalg.lstsq(x[equations], sides, rcond=None)
        if equations.all() or rank == x.shape[1]:
            return Network((weights,), bounds)
    likely = fit_network(
        queries,
        targets,
        bounds=bounds,
        hidden=0,
        penalty=max(resolution, _EXACT),
        iterations=_FIT_STEPS,
        seed=0,
    )
    return Network((_refined(x, targets, likely.layers[0]),), bounds)


def _refined(x: np.ndarray, targets: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Least squares in the probabilities that were served, from a start that is nearly right."""
    served = ~np.isnan(targets)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        q = softmax(x @ flat.reshape(start.shape), axis=1)
        error = np.where(served, q - targets, 0.0)
        slope = q * (error - (q * error).sum(axis=1, keepdims=True))
        return 0.5 * float((error**2).sum()), (x.T @ slope).ravel()

    # The loss of a good fit is tiny: L-BFGS must not take that for the end.
    limits = {"maxiter": _REFINE_STEPS, "maxfun": 2 * _REFINE_STEPS, "ftol": 1e-15, "gtol": 1e-10}
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=limits)
    weights: np.ndarray = found.x.reshape(start.shape)
    return weights
