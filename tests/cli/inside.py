"""The command inside this process, which saves its imports."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from flows import server
from seclab.cli import main
from tests.cli.projects import Answer, Lab, Prefect


def inside(patch: pytest.MonkeyPatch, where: Path | Lab, *arguments: str) -> Any:
    """Run the command in this process; give its exit code."""
    patch.chdir(where.root if isinstance(where, Lab) else where)
    patch.setattr(sys, "argv", ["seclab", *arguments])
    # MLflow leaves the address of the store it used last in the environment.
    for name in [key for key in os.environ if key.startswith(("MLFLOW_", "SECLAB_"))]:
        patch.delenv(name)
    if isinstance(where, Lab):
        patch.setenv("SECLAB_KEYS", str(where.keys))
    # MLflow remembers where the files of a run are, and a copied store has the same runs.
    if places := sys.modules.get("mlflow.tracking._tracking_service.utils"):
        places._artifact_repos_cache.clear()
    try:
        main()
    except SystemExit as ending:
        return ending.code or 0
    return 0


def silently(where: Lab, *arguments: str) -> Answer:
    """The command inside this process, for what lives longer than a test."""
    before = signal.getsignal(signal.SIGTERM)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        code = inside(patch, where, *arguments)
    signal.signal(signal.SIGTERM, before)
    return Answer(code, out.getvalue(), err.getvalue())


@contextmanager
def flows_on(service: Prefect) -> Iterator[None]:
    """Let commands inside this process run flows on a server that runs already."""
    from prefect.settings import (  # noqa: PLC0415 - an import of seconds that few tests need
        PREFECT_API_URL,
        PREFECT_HOME,
        temporary_settings,
    )

    with pytest.MonkeyPatch.context() as patch:
        # The command sets what is not set; that must not reach the tests after this one.
        for name in ("DO_NOT_TRACK", "PREFECT_HOME", "PREFECT_LOGGING_EXTRA_LOGGERS"):
            patch.setenv(name, os.environ.get(name, ""))
        patch.setenv("PREFECT_API_URL", service.api)
        patch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with temporary_settings({PREFECT_API_URL: service.api, PREFECT_HOME: service.home}):
            yield
            # Prefect's senders keep the server they began with; other tests have another.
            server._hand_over()
