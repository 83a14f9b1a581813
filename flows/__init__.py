"""Prefect flows: order and schedule, one deployable flow a file."""
