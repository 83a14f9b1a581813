"""Detectors of poisoned training data: arrays in, a suspicion for every row out."""

from seclab.defenses.suspicion import Pattern, Suspicion

__all__ = ["Pattern", "Suspicion"]
