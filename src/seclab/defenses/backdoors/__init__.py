"""Backdoor triggers in raw features, found without a model."""

from seclab.defenses.backdoors.patches import patch_triggers

__all__ = ["patch_triggers"]
