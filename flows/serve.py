"""Run the schedules of ``prefect.yaml`` on this machine until stopped: ``python -m flows.serve``.

The Prefect server with its pages is this process's own, unless ``PREFECT_API_URL`` names another.
"""

import contextlib
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from flows.server import Server, running
from seclab import settings
from seclab.cli.output import complain, say, table
from seclab.errors import NotEvaluated, SeclabError

# The older of Prefect's two sets of pages: the newer one asks hosts elsewhere for parts of itself.
_PAGES = {
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
}


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code is 0 then."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _serve()
    except KeyboardInterrupt:
        pass
    except SeclabError as error:
        for problem in error.problems:
            complain(f"seclab: {problem}")
        return error.exit_code
    say("stopped; the schedules are paused")
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _serve() -> None:
    project = settings.find()
    settings.prepare_environment(project)
    with _server() as server:
        # Here and not above: Prefect reads the environment when it is imported, and its server
        # comes up meanwhile.
        from flows import deployments  # noqa: PLC0415

        found = deployments.load_deployments(project.root / "prefect.yaml")
        if server:
            server.wait()
        api = os.environ["PREFECT_API_URL"]
        say(f"Prefect  {api.removesuffix('/api')}")
        say()
        table(("deployment", "when", "parameters"), deployments.timetable(found))
        say()
        for ready in [d.full_name for d in found if d.parameters and not d.schedules]:
            say(f"run one now: PREFECT_API_URL={api} prefect deployment run {ready}")
        say("stop with Ctrl-C")
        deployments.serve(found)


@contextlib.contextmanager
def _server() -> Iterator[Server | None]:
    """A full server of our own with its address in the environment, unless the user has one."""
    if address := os.environ.get("PREFECT_API_URL"):
        _require_answer(address)
        yield None
        return
    port = int(os.environ.get("PREFECT_SERVER_API_PORT", "4200"))
    home = Path(os.environ["PREFECT_HOME"])
    with running(home, port=port, environment=_PAGES, log="schedule.log") as server:
        os.environ["PREFECT_API_URL"] = server.api
        try:
            yield server
        finally:
            del os.environ["PREFECT_API_URL"]


def _require_answer(api: str) -> None:
    try:
        urllib.request.urlopen(f"{api}/health", timeout=10).close()  # noqa: S310 - the user's own
    except (OSError, ValueError) as error:
        raise NotEvaluated(
            f"the Prefect server {api} does not answer ({error}): start it, or unset "
            "PREFECT_API_URL to have one started"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
