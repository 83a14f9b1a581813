"""The deployments of ``prefect.yaml``, for a process that serves them without a worker."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.runner import Runner
from prefect.schedules import Schedule
from prefect.types.entrypoint import EntrypointType

from seclab.cli.output import say
from seclab.errors import Misconfigured

# An evaluation and, beside it, a promotion or another evaluation.
_AT_ONCE = 2


def load_deployments(path: Path) -> list[RunnerDeployment]:
    """The deployments that ``prefect deploy --all`` would register, less what only workers need.

    Args:
        path: The ``prefect.yaml``.

    Raises:
        Misconfigured: The file is missing or no YAML, or names a flow that cannot be imported, or
            says something that Prefect refuses; all problems at once.
    """
    found, problems = [], []
    for number, entry in enumerate(_entries(path), start=1):
        try:
            found.append(_deployment(entry))
        # An entry point may raise anything while it is imported.
        except Exception as error:  # noqa: BLE001 - collected, and raised with the others
            reason = f"{type(error).__name__}: {error}"
            problems.append(f"{path}: deployment {number} cannot be served: {reason}")
    if problems:
        raise Misconfigured(problems)
    return found


def _entries(path: Path) -> list[Mapping[str, Any]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
    entries = document.get("deployments") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise Misconfigured(f"{path} lists no deployments")
    return entries


def _deployment(entry: Mapping[str, Any]) -> RunnerDeployment:
    # Without the placeholder, which would hide an import error until the first run.
    flow: Flow[..., Any] = load_flow_from_entrypoint(
        entry["entrypoint"], use_placeholder_flow=False
    )
    limit = entry.get("concurrency_limit")
    deployment = flow.to_deployment(
        entry["name"],
        description=entry.get("description"),
        tags=entry.get("tags"),
        parameters=entry.get("parameters"),
        schedules=[Schedule(**schedule) for schedule in entry.get("schedules", ())],
        concurrency_limit=ConcurrencyLimitConfig(**limit) if isinstance(limit, dict) else limit,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    if not isinstance(deployment, RunnerDeployment):
        raise TypeError("it was loaded inside an event loop")
    return deployment


def timetable(deployments: Sequence[RunnerDeployment]) -> list[tuple[str, str, str]]:
    """Name, schedules and parameters of every deployment, for people."""
    return [
        (
            deployment.full_name,
            "; ".join(_when(planned.schedule) for planned in deployment.schedules or ())
            or "when asked for",
            _flat(deployment.parameters),
        )
        for deployment in deployments
    ]


def _when(schedule: Any) -> str:
    return f"{schedule.cron} {schedule.timezone}"


def _flat(parameters: Mapping[str, Any]) -> str:
    pairs = parameters.get("parameters", {}).items()
    return ", ".join(f"{name} {value}" for name, value in pairs)


def serve(deployments: Sequence[RunnerDeployment]) -> None:
    """Register deployments and run what becomes due, until Ctrl-C or a request to end.

    Their schedules are paused at the end, so that no queue of missed runs waits for the next start.
    """
    runner = Runner(name="schedule", limit=_AT_ONCE)
    for deployment in deployments:
        runner.add_deployment(deployment)
    asyncio.run(_run(runner))


async def _run(runner: Runner) -> None:
    stopping = asyncio.Event()
    running = asyncio.ensure_future(runner.start())
    # The runner takes SIGTERM for itself in its first step, but its way to stop does nothing
    # when the event loop is in the same thread.
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    asked = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not running.done():
        say("stopping; a run that is under way has 30 s to close its evidence")
        await runner.astop()
    await running
