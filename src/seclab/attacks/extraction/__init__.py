"""Model extraction: a copy of a model from nothing but the answers of a service."""

from seclab.attacks.extraction.campaign import (
    EQUATION_SOLVING,
    FAMILIES,
    PATH_FINDING,
    STRATEGIES,
    Campaign,
)
from seclab.attacks.extraction.equations import solve_softmax
from seclab.attacks.extraction.networks import Network, fit_network
from seclab.attacks.extraction.paths import find_paths
from seclab.attacks.extraction.queries import (
    draw_queries,
    mixed_queries,
    query_actively,
    uniform_queries,
)
from seclab.attacks.extraction.regions import Exploration, Region
from seclab.attacks.extraction.surrogates import SURROGATES, Copy, train_surrogate

__all__ = [
    "EQUATION_SOLVING",
    "FAMILIES",
    "PATH_FINDING",
    "STRATEGIES",
    "SURROGATES",
    "Campaign",
    "Copy",
    "Exploration",
    "Network",
    "Region",
    "draw_queries",
    "find_paths",
    "fit_network",
    "mixed_queries",
    "query_actively",
    "solve_softmax",
    "train_surrogate",
    "uniform_queries",
]
