"""Detection of poisoned data: what is asked of a dataset's checks, and what it is asked about."""

from seclab.detection.poisoned_sets import PoisonedSet, clean_set, poisoned_set
from seclab.detection.target import DatasetTarget, Screen, Screening

__all__ = [
    "DatasetTarget",
    "PoisonedSet",
    "Screen",
    "Screening",
    "clean_set",
    "poisoned_set",
]
