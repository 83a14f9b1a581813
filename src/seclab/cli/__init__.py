"""The command ``seclab``: parses, calls, prints. The exit code is the verdict."""

from seclab.cli.app import main

__all__ = ["main"]
