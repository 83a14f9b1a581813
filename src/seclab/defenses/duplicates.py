"""Copies: rows that stand many times, exactly or nearly, and weigh more than they should."""

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors

from seclab.defenses.suspicion import Suspicion
from seclab.errors import Misconfigured

_VOTERS = 5
_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class _Nearness:
    """How near the distinct rows are to one another.

    Attributes:
        distances: To the nearest other distinct rows, ascending, shape (m, k).
        neighbours: Which these are, shape (m, k).
        scales: Distance to the nearest other row that is usual in the class, shape (m,).
        reach: Up to which fraction of the usual distance a row counts as a near copy.
        crowd_reach: The same for three and more together.
    """

    distances: np.ndarray
    neighbours: np.ndarray
    scales: np.ndarray
    reach: float
    crowd_reach: float


def duplicate_clusters(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    expected_share: float = 0.001,
    tolerated_share: float = 0.003,
    contradiction_weight: float = 3.0,
    chance_level: float = 0.004,
    crowd_factor: float = 4.0,
    most_reach: float = 0.5,
    usual_quantile: float = 0.75,
    neighbours: int = 10,
    directions: int = 64,
) -> Suspicion:
    """Clusters of equal and nearly equal rows, all but one of each to be set aside.

    Near is what is nearer than rows of these classes are: where rows fill d dimensions evenly, a
    share of about r^d log(1 / (1 - q)) of them has another within the fraction r of the distance
    that a share q of them has; the r is taken at which this share is ``expected_share``. Nothing
    depends on units or on the number of features, and d is measured (Levina and Bickel).
    Neighbours come from scikit-learn, whose search by brute force needs memory for n *
    ``neighbours`` numbers and a block, not for n * n. With many features they are searched along
    the main directions, where near copies are as near at least, and their distances then taken in
    full.

    The row that is kept of a cluster is the first; where labels contradict one another, the first
    one with the label that most of the nearest rows outside of all clusters have.

    Args:
        features: Rows of shape (n, d), finite.
        labels: Their labels, integers of shape (n,).
        expected_share: Share of clean rows that may be as near to another by chance, 0 to 1.
        tolerated_share: Share of rows set aside above which there is an alarm, 0 to 1; for near
            copies only if there are also more than chance gives.
        contradiction_weight: What a row set aside from a cluster with several labels counts in
            this share, 1 for no more than any other.
        chance_level: Probability that as many near copies come by chance, at most, 0 to 1.
        crowd_factor: How many times ``expected_share`` holds for three or more rows together,
            which lie further apart than two and yet come about by chance less often; at least 1.
        most_reach: Upper limit of r, 0 to 1, which in many dimensions would be near 1.
        usual_quantile: q above, strictly between 0 and 1: as long as fewer than that share of the
            rows of a class are copies, the usual distance is that of genuine rows.
        neighbours: How many nearest rows are looked at, at least 3.
        directions: Along how many main directions they are searched, at least 1; all features are
            used where there are no more.

    Returns:
        Scores of 0 to 2: nearness to another row, 1 for an equal one, and 1 more in clusters
        with several labels; half of it for rows that are kept. Flagged are rows to set aside.

    Raises:
        Misconfigured: A parameter outside its range.

    References:
        Levina and Bickel (2004), Maximum likelihood estimation of intrinsic dimension, NIPS.
        Lee, Ippolito, Nystrom, Zhang, Eck, Callison-Burch and Carlini (2022), Deduplicating
        training data makes language models better, arXiv:2107.06499.
    """
    _require_possible(
        fractions=(expected_share, tolerated_share, chance_level, most_reach),
        usual_quantile=usual_quantile,
        factors=(contradiction_weight, crowd_factor),
        sizes=(neighbours, directions),
    )
    content = _content(features)
    firsts = np.unique(content, return_index=True)[1]
    near = _nearness(
        features if firsts.size == len(features) else features[firsts],
        labels[firsts],
        shares=(expected_share, expected_share * crowd_factor),
        most=most_reach,
        quantile=usual_quantile,
        sizes=(neighbours, directions),
    )
    groups = _groups(near)[content]
    closeness = _closeness(near, content)
    sizes = np.bincount(groups)
    clustered = sizes[groups] > 1
    contradicted = _contradicted(groups, labels)
    kept = _kept(features, labels, groups, clustered, contradicted)
    flagged = clustered & ~kept
    weights = np.where(contradicted, contradiction_weight, 1.0) * flagged
    repeated = np.bincount(content)[content] > 1
    exact = weights[repeated].sum() > tolerated_share * len(labels)
    chance = stats.poisson.isf(chance_level, expected_share * len(labels))
    near_too = weights.sum() > tolerated_share * len(labels) and flagged.sum() > chance
    scores = (closeness + contradicted) * np.where(clustered & kept, 0.5, 1.0)
    return Suspicion(
        "duplicate_clusters",
        scores,
        flagged,
        bool(exact or near_too),
        f"{flagged.sum()} of {len(labels)} rows repeat another, exactly or nearly, in "
        f"{(sizes > 1).sum()} clusters; {(flagged & contradicted).sum()} of them in clusters with "
        "several labels",
    )


def _require_possible(
    fractions: tuple[float, ...],
    usual_quantile: float,
    factors: tuple[float, float],
    sizes: tuple[int, int],
) -> None:
    problems = []
    if min(fractions) < 0.0 or max(fractions) > 1.0:
        given = ", ".join(f"{fraction}" for fraction in fractions)
        problems.append(
            "expected_share, tolerated_share, chance_level and most_reach are fractions from 0 to "
            f"1, got {given}"
        )
    if not 0.0 < usual_quantile < 1.0:
        problems.append(f"a usual_quantile lies strictly between 0 and 1, got {usual_quantile}")
    if min(factors) < 1.0:
        problems.append(
            f"contradiction_weight and crowd_factor are at least 1, got {factors[0]}, {factors[1]}"
        )
    if sizes[0] < 3 or sizes[1] < 1:
        problems.append(
            f"at least 3 neighbours and 1 of the directions are needed, got {sizes[0]}, {sizes[1]}"
        )
    if problems:
        raise Misconfigured(problems)


def _content(features: np.ndarray) -> np.ndarray:
    """A number per row, shape (n,), in order of appearance, equal for rows of equal values.

    Adding zero makes -0.0 and 0.0 one.
    """
    groups: dict[bytes, int] = {}
    digests = (hashlib.sha256((row + 0.0).tobytes()).digest() for row in features)
    return np.array([groups.setdefault(digest, len(groups)) for digest in digests], dtype=np.int64)


def _nearness(
    distinct: np.ndarray,
    labels: np.ndarray,
    *,
    shares: tuple[float, float],
    most: float,
    quantile: float,
    sizes: tuple[int, int],
) -> _Nearness:
    k = min(sizes[0], len(distinct) - 1)
    if k < 3:
        empty = np.empty((len(distinct), 0))
        return _Nearness(empty, empty.astype(int), np.ones(len(distinct)), 0.0, 0.0)
    distances, found = _nearest(distinct, k, sizes[1])
    scales = np.empty(len(distinct))
    for label in np.unique(labels):
        own = labels == label
        scales[own] = np.quantile(distances[own, 0], quantile)
    usual, power = -np.log(1.0 - quantile), 1.0 / _dimension(distances)
    reach, crowd_reach = (min((share / usual) ** power, most) for share in shares)
    return _Nearness(distances, found, scales, reach, crowd_reach)


def _nearest(distinct: np.ndarray, k: int, directions: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the k nearest other rows, ascending, and which these are."""
    searched = distinct
    if distinct.shape[1] > directions:
        main = np.linalg.eigh(np.cov(distinct, rowvar=False))[1][:, -directions:]
        searched = distinct @ main
    found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(searched)
    neighbours = found.kneighbors(return_distance=False)
    distances = np.empty(neighbours.shape)
    for start in range(0, len(distinct), _CHUNK):
        part = slice(start, start + _CHUNK)
        away = distinct[part, None] - distinct[neighbours[part]]
        distances[part] = np.sqrt((away**2).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, 1), np.take_along_axis(neighbours, order, 1)


def _dimension(distances: np.ndarray) -> float:
    """In how many dimensions rows spread, middle of the estimates around each of them."""
    tiny = np.finfo(float).tiny
    ratios = np.log(np.maximum(distances[:, -1:], tiny) / np.maximum(distances[:, :-1], tiny))
    # Without bias: one neighbour fewer than logarithms are summed (MacKay and Ghahramani 2005).
    each = (distances.shape[1] - 2) / np.maximum(ratios.sum(axis=1), tiny)
    return float(np.clip(np.median(each), 1.0, 1e6))


def _groups(near: _Nearness) -> np.ndarray:
    """The cluster of each distinct row, numbers of shape (m,)."""
    size, k = near.distances.shape
    scales = np.minimum(near.scales[:, None], near.scales[near.neighbours])
    relative = near.distances / np.maximum(scales, np.finfo(float).tiny)
    crowded = (relative <= near.crowd_reach).sum(axis=1) >= 2
    either = crowded[:, None] | crowded[near.neighbours]
    linked = relative <= np.where(either, near.crowd_reach, near.reach)
    one = np.repeat(np.arange(size), k)[linked.ravel()]
    links = coo_array((np.ones(one.size), (one, near.neighbours[linked])), shape=(size, size))
    groups: np.ndarray = connected_components(links, directed=False)[1]
    return groups


def _closeness(near: _Nearness, content: np.ndarray) -> np.ndarray:
    """1 for rows that stand twice, falling with the distance to the nearest other row."""
    nearest = near.distances[:, :1].min(axis=1, initial=np.inf)
    relative = nearest / np.maximum(near.scales, np.finfo(float).tiny)
    alone = np.bincount(content)[content] == 1
    closeness: np.ndarray = 1.0 / (1.0 + np.where(alone, relative[content], 0.0))
    return closeness


def _contradicted(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rows whose cluster has several labels."""
    pairs = np.unique(np.stack([groups, labels], axis=1), axis=0)
    contradicted: np.ndarray = (np.bincount(pairs[:, 0]) > 1)[groups]
    return contradicted


def _kept(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    clustered: np.ndarray,
    contradicted: np.ndarray,
) -> np.ndarray:
    """The one row of each cluster that stays."""
    support = np.zeros(len(labels))
    outside = np.flatnonzero(~clustered)
    asked = np.flatnonzero(contradicted)
    if outside.size and asked.size:
        asked = asked[np.unique(groups[asked], return_index=True)[1]]
        voters = NearestNeighbors(n_neighbors=min(_VOTERS, outside.size), algorithm="brute")
        found = voters.fit(features[outside]).kneighbors(features[asked], return_distance=False)
        for row, votes in zip(asked, labels[outside[found]], strict=True):
            members = np.flatnonzero(groups == groups[row])
            support[members] = (labels[members, None] == votes).sum(axis=1)
    # The first of each cluster after sorting by support, then by place.
    order = np.lexsort((np.arange(len(labels)), -support, groups))
    first = np.unique(groups[order], return_index=True)[1]
    kept = np.zeros(len(labels), dtype=bool)
    kept[order[first]] = True
    return kept
