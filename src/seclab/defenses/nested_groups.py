"""Groups of rows inside groups of rows: candidates for what was put into a set together."""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.linalg import eigh
from sklearn.cluster import KMeans

_MOST_LEAVES = 400  # rows of one label that are linked one by one; of more, that many clusters


def main_directions(features: np.ndarray, count: int) -> np.ndarray:
    """Rows in the directions along which they differ most, shape (n, min(count, d))."""
    width = features.shape[1]
    centre = features.mean(axis=0)
    scatter = features.T @ features - len(features) * np.outer(centre, centre)
    kept = min(count, width)
    directions = eigh(scatter, subset_by_index=[width - kept, width - 1])[1]
    projected: np.ndarray = (features @ directions) - centre @ directions
    return projected


def of_equal_length(features: np.ndarray) -> np.ndarray:
    """Rows scaled to the median length of all, shape (n, d); rows of zeros stay as they are."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: np.ndarray = features * (np.median(lengths) / np.where(lengths > 0.0, lengths, 1.0))
    return scaled


def nested_groups(
    representations: np.ndarray, *, smallest: int, largest_share: float, seed: int
) -> list[np.ndarray]:
    """All branches of Ward's tree of the rows, as indexes.

    Args:
        representations: Rows of shape (n, h).
        smallest: Rows of the smallest branch that is wanted.
        largest_share: Rows of the largest, as a share of all n.
        seed: Of the clusters that stand for single rows where there are many.

    References:
        Ward (1963), Hierarchical grouping to optimize an objective function, Journal of the
        American Statistical Association 58.
    """
    rows = len(representations)
    if rows < max(smallest, 2):
        return []
    centres, leaves = representations, [np.array([row]) for row in range(rows)]
    if rows > _MOST_LEAVES:
        clusters = KMeans(_MOST_LEAVES, n_init=1, max_iter=10, random_state=seed)
        of_row = clusters.fit_predict(representations)
        present = np.unique(of_row)
        centres = clusters.cluster_centers_[present]
        leaves = [np.flatnonzero(of_row == cluster) for cluster in present]
    branches = list(leaves)
    for left, right in linkage(centres, "ward")[:, :2].astype(np.intp):
        branches.append(np.concatenate([branches[left], branches[right]]))
    return [b for b in branches if smallest <= len(b) <= largest_share * rows]
