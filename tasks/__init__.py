"""Prefect tasks, one stage a file: each hands its work to the library."""
