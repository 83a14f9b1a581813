"""A Prefect server of the project's own, for as long as a command runs.

This module imports nothing of Prefect: the command line starts the server first and imports the
flows while it comes up, which halves the wait.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from seclab.errors import Misconfigured, NotEvaluated
from tasks import processes

_HOST = "127.0.0.1"
_PATIENCE = 180.0  # seconds; the first start of all makes the database

# What Prefect sets for the temporary server it would start by itself: no pages, and only those
# of its services that a single flow run needs.
_EMBEDDED = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}


@contextlib.contextmanager
def embedded(home: Path) -> Iterator[Callable[[], None]]:
    """A server for the flow runs of this process, unless the user has one.

    Args:
        home: Folder of the server's database; made where it is missing.

    Yields:
        A function that returns when the server answers, and raises ``NotEvaluated`` if it
        never will.
    """
    if os.environ.get("PREFECT_API_URL"):
        yield lambda: None
        return
    processes.prepare()
    with running(home, port=_free_port(), environment=_EMBEDDED) as server:
        os.environ["PREFECT_API_URL"] = server.api
        try:
            yield server.wait
        finally:
            _hand_over()
            del os.environ["PREFECT_API_URL"]


def _hand_over() -> None:
    """Let Prefect send the logs and events it still holds, before its server goes away."""
    if "prefect" in sys.modules:
        # Here and not above: whoever starts the server must not wait for this import.
        from prefect.events.worker import EventsWorker  # noqa: PLC0415
        from prefect.logging.handlers import APILogHandler  # noqa: PLC0415

        APILogHandler().flush()
        EventsWorker.drain_all()


@contextlib.contextmanager
def running(
    home: Path, *, port: int, environment: dict[str, str], log: str = "server.log"
) -> Iterator["Server"]:
    """A server process, started now and stopped at the end; it may still be coming up.

    Args:
        home: Folder of the server's database; made where it is missing.
        port: Port on the loopback interface.
        environment: Settings of its own, over those of this process.
        log: Name of the file in ``home`` that takes what the server prints.

    Raises:
        Misconfigured: Another process has the port: its answers would be taken for the server's.
    """
    _require_free(port)
    home.mkdir(parents=True, exist_ok=True)
    with (home / log).open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            [
                *(sys.executable, "-m", "uvicorn", "--factory"),
                "prefect.server.api.server:create_app",
                *("--host", _HOST, "--port", str(port)),
                *("--log-level", "error", "--lifespan", "on"),
            ],
            env=os.environ
            | {"PREFECT_HOME": str(home), "PREFECT__SERVER_FINAL": "1"}
            | environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to the flow, which still has states to report before the server ends.
            start_new_session=True,
        )
    try:
        yield Server(process, f"http://{_HOST}:{port}", home / log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """A server that is coming up or running.

    Args:
        process: Its process.
        address: Where it answers.
        log: What it prints.
    """

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
        self._process = process
        self.address = address
        self._log = log

    @property
    def api(self) -> str:
        """Address of the API."""
        return f"{self.address}/api"

    def wait(self) -> None:
        """Return when the server answers.

        Raises:
            NotEvaluated: It ended, or did not answer in time.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                code = self._process.returncode
                raise NotEvaluated(f"the Prefect server ended with code {code}: see {self._log}")
            with (
                contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
                urllib.request.urlopen(f"{self.api}/health", timeout=5),  # noqa: S310 - http, ours
            ):
                return
            time.sleep(0.05)
        raise NotEvaluated(
            f"the Prefect server did not answer within {_PATIENCE:.0f} s: see {self._log}"
        )


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As the server itself binds: a port that only waits for its last connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise Misconfigured(
                f"port {port} is taken: stop what uses it; if that is a Prefect server, set "
                f"PREFECT_API_URL=http://{_HOST}:{port}/api to use it"
            ) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
