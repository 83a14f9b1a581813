"""Models: what is trained, how it is kept, and what an evaluation may ask of it."""

from seclab.models.specs import SPECS, AdversarialTraining, ModelSpec, spec
from seclab.models.structure import AffineLayer, DecisionTree
from seclab.models.target import Target
from seclab.models.training import TrainedModel, fit, restore, train

__all__ = [
    "SPECS",
    "AdversarialTraining",
    "AffineLayer",
    "DecisionTree",
    "ModelSpec",
    "Target",
    "TrainedModel",
    "fit",
    "restore",
    "spec",
    "train",
]
