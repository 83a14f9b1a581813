"""Threat models as pictures and pages."""
