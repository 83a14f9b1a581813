"""``seclab ui``: MLflow's pages on this project's store."""

import os
import socket
import subprocess
import sys

from seclab import settings, tracking
from seclab.cli.output import say
from seclab.errors import Misconfigured

_HOST = "127.0.0.1"


def ui(*, port: int) -> None:
    """Serve the embedded store until interrupted; for a server, say where its pages are."""
    project = settings.find()
    store = tracking.open_store(project)
    if not project.embedded:
        say(f"the pages are at {_runs_page(store.pages, store.experiment_id)}")
        return
    port = _free_port(port)
    say(f"open {_runs_page(f'http://{_HOST}:{port}', store.experiment_id)}")
    say("stop with Ctrl-C")
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        project.tracking_uri,
        "--default-artifact-root",
        (project.store / "artifacts").as_uri(),
        "--no-serve-artifacts",
        "--host",
        _HOST,
        "--port",
        str(port),
        "--workers",
        "1",
        "--uvicorn-opts",
        "--log-level warning",
    ]
    environment = os.environ | {
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        # Seven processes that run nothing of this project, and can outlive the pages.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",
    }
    with subprocess.Popen(command, env=environment) as server:  # noqa: S603 - fixed arguments
        try:
            code = server.wait()
        finally:
            # Asked to end, it ends its workers too; killed, it would leave them behind.
            server.terminate()
            server.wait()
    sys.exit(code)


def _runs_page(server: str, experiment_id: str) -> str:
    return f"{server}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def _free_port(port: int) -> int:
    """The port itself, checked, or one that the system gives for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise Misconfigured(
                f"port {port} is taken: stop what uses it, or choose another with --port"
            ) from error
        return int(probe.getsockname()[1])
