"""``seclab evaluate`` and ``seclab promote``: run the project's flows and print what they found."""

import importlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from seclab import settings
from seclab.cli.output import as_json, complain, err, say, table
from seclab.errors import Misconfigured, NotEvaluated, SeclabError
from seclab.gate import Verdict, overall
from seclab.reports.judged import EXIT_CODES
from seclab.settings import Settings


def evaluate(
    *,
    profile: str,
    models: Sequence[str] | None,
    evaluations: Sequence[str] | None,
    controls: Sequence[str] | None,
    poison: str | None,
    rate: float | None,
    seed: int,
    promote: bool,
    refresh: bool,
    json: bool,
) -> None:
    """Run the evaluation flow and exit with its verdict."""
    found = settings.find()
    narrowed = {"--model": models, "--evaluation": evaluations, "--control": controls}
    given = [option for option, names in narrowed.items() if names]
    if poison and given:
        raise Misconfigured(
            f"--poison is about the data and its checks alone: leave out {' and '.join(given)}"
        )
    if rate is not None and not poison:
        raise Misconfigured("--rate is how much --poison poisons: give --poison KIND as well")
    parameters: dict[str, Any] = {
        "profile": profile,
        "seed": seed,
        "promote": promote,
        "refresh": refresh,
    }
    if models:
        parameters["models"] = list(dict.fromkeys(models))
    if evaluations:
        parameters["evaluations"] = list(dict.fromkeys(evaluations))
    if controls:
        parameters["controls"] = list(dict.fromkeys(controls))
    if poison:
        parameters["poison"] = poison
    if rate is not None:
        parameters["poison_rate"] = rate
    with _progress(quiet=json), _serving(found) as ready:
        from seclab import project, registry

        if models and not evaluations:
            # Whoever names models wants these models, not the agent or the data.
            parameters["evaluations"] = list(registry.registered("model"))
        problems = project.unknown_names(
            project.load(found),
            profile=profile,
            models=models or (),
            evaluations=evaluations or (),
            controls=controls or (),
            poison=[poison] if poison else [],
        )
        if problems:
            raise Misconfigured(problems)
        state = _run_flow(found, found.evaluation_flow, parameters, ready=ready)
        batch = str(state.state_details.flow_run_id)
    _report(found, batch, json=json)


def promote(run: str, *, force: str) -> None:
    """Run the promotion flow."""
    project = settings.find()
    with _progress(quiet=False), _serving(project) as ready:
        state = _run_flow(
            project, project.promotion_flow, {"run": run, "force": force}, ready=ready
        )
    say(f"{project.registered_model} v{state.result()} is the champion")


@contextmanager
def _serving(project: Settings) -> Iterator[Callable[[], None]]:
    """The project's server for flow runs, coming up while everything else is imported."""
    settings.prepare_environment(project)
    with _named(project, project.flow_server)(project.root / ".prefect") as ready:
        yield ready


def _run_flow(
    project: Settings, name: str, parameters: dict[str, Any], *, ready: Callable[[], None]
) -> Any:
    """Import a flow by its dotted name and run it to its state."""
    flow = _named(project, name)
    ready()
    state = flow(parameters=parameters, return_state=True)
    if state.name not in ("Completed", "GateFailed", "NotEvaluated"):
        raise _cause(state)
    return state


def _named(project: Settings, name: str) -> Any:
    """What a dotted name of the project's configuration means."""
    module, _, attribute = name.partition(":")
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Misconfigured(
            f"{name!r}, named in {project.root / 'pyproject.toml'}, cannot be imported: {error}; "
            "the pipeline extra may be missing: pip install '.[pipeline]' in a checkout"
        ) from error


def _cause(state: Any) -> Exception:
    """The error a flow ended with, as one a user can read."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, SeclabError):
        return error
    return NotEvaluated(f"the run ended as {state.name}: {state.message or error}")


def _report(project: Settings, batch: str, *, json: bool) -> None:
    """Read back from the store what the run left there, and exit with the verdict."""
    from seclab import tracking

    store = tracking.open_store(project)
    found = sorted(
        (run for run in tracking.runs(store) if run.batch == batch),
        key=lambda run: (run.kind != "model", run.verdict != Verdict.PASS, run.subject),
    )
    champion = tracking.champion(store, project.registered_model)
    verdict = overall((run.kind, Verdict(run.verdict or Verdict.NOT_EVALUATED)) for run in found)
    if json:
        as_json({"verdict": verdict, "runs": [_plain(run) for run in found]})
        sys.exit(EXIT_CODES[verdict])
    say()
    rows = [
        (
            run.verdict or run.status,
            run.subject,
            f"v{run.version}" if run.version else "",
            run.run_id[:12],
            _because(run.risks),
        )
        for run in found
    ]
    table(("verdict", "subject", "version", "run", "because of"), rows)
    say()
    if champion:
        subject = next((run.subject for run in found if run.run_id == champion.run_id), "")
        said = f" ({subject}), promoted by this run" if subject else ""
        say(f"champion: {champion.name} v{champion.number}{said}")
    say("next: seclab show RUN   every number behind a verdict")
    say("      seclab risks      the risk register with its newest evidence")
    say("      seclab ui         the evidence in MLflow")
    sys.exit(EXIT_CODES[verdict])


def _because(risks: Any) -> str:
    failing = [risk for risk, word in sorted(risks.items()) if word in ("block", "not-evaluated")]
    return ", ".join(failing)


def _plain(run: Any) -> dict[str, Any]:
    from seclab.evidence import plain

    document: dict[str, Any] = plain(run)
    return document


class _Lines(logging.Handler):
    """Progress as lines with the seconds since the start."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        complain(f"{time.monotonic() - self._start:6.1f} s  {record.getMessage()}")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[None]:
    """Show what the flow reports while it runs, on standard error."""
    logger = logging.getLogger("seclab.progress")
    handler = logging.NullHandler() if quiet else _Lines()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        if err.is_terminal and not quiet:
            with err.status("starting Prefect, MLflow and Great Expectations"):
                yield
        else:
            yield
    finally:
        logger.removeHandler(handler)
