"""White-box evasion by many gradient steps, inside an L-infinity or L2 ball."""

from seclab.attacks.projected_gradient.losses import Ascent, Loss, LossGradient, Predict
from seclab.attacks.projected_gradient.search import projected_gradient_descent

__all__ = ["Ascent", "Loss", "LossGradient", "Predict", "projected_gradient_descent"]
