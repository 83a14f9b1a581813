"""Where a project keeps its parts: the only reader of the environment and of ``pyproject.toml``."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seclab.errors import Misconfigured

_KEYS_FOLDER = "~/.config/seclab/keys"
_KEYS = {
    "evaluation_flow",
    "promotion_flow",
    "flow_server",
    "registers",
    "expectations",
    "store",
    "registered_model",
    "dataset",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """A project, found.

    Attributes:
        root: Folder of the ``pyproject.toml``.
        evaluation_flow: Dotted name of the flow that evaluates, ``module:function``.
        promotion_flow: Dotted name of the flow that promotes.
        flow_server: Dotted name of the context manager that serves flow runs.
        registers: Folder of the risk register and its companions.
        expectations: Folder of the check suites.
        store: Folder of the embedded evidence store.
        tracking_uri: Address of the MLflow store: embedded, or a server from
            ``MLFLOW_TRACKING_URI``.
        registered_model: Name under which model versions are registered.
        dataset: Name of the dataset evaluated by default.
        pages: Where people open MLflow's pages when that is not where this process reaches it,
            from ``SECLAB_PAGES``; otherwise empty.
        keys: Folder of the private keys, from ``SECLAB_KEYS``; never inside the project.
    """

    root: Path
    evaluation_flow: str
    promotion_flow: str
    flow_server: str
    registers: Path
    expectations: Path
    store: Path
    tracking_uri: str
    registered_model: str
    dataset: str
    keys: Path
    pages: str = ""

    @property
    def public_keys(self) -> Path:
        """Folder of the public keys whose signatures count."""
        return self.registers / "keys"

    @property
    def embedded(self) -> bool:
        """Whether the evidence store is the project's own folder."""
        return self.tracking_uri.startswith("sqlite:")


def find(start: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of the nearest project, upwards from ``start``.

    Args:
        start: Where to begin; the working directory when ``None``.
        environ: Environment to read; the process's own when ``None``.

    Raises:
        Misconfigured: There is no project, or its table has wrong or missing keys.
    """
    environ = os.environ if environ is None else environ
    start = Path.cwd() if start is None else start.absolute()
    for folder in (start, *start.parents):
        table = _table(folder / "pyproject.toml")
        if table is not None:
            return _settings(folder, table, environ)
    raise Misconfigured(
        f"no project here: neither {start} nor a folder above it has a pyproject.toml with a "
        "[tool.seclab] table; change into the project's folder and try again"
    )


def _table(path: Path) -> Mapping[str, object] | None:
    if not path.is_file():
        return None
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} is not valid TOML: {error}") from error
    table = document.get("tool", {}).get("seclab")
    return table if isinstance(table, Mapping) else None


def _settings(root: Path, table: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    path = root / "pyproject.toml"
    problems = [f"{path} [tool.seclab]: unknown key {key!r}" for key in sorted(set(table) - _KEYS)]
    problems += [f"{path} [tool.seclab]: {key} is missing" for key in sorted(_KEYS - set(table))]
    problems += [
        f"{path} [tool.seclab]: {key} must be a text, got {table[key]!r}"
        for key in sorted(_KEYS & set(table))
        if not isinstance(table[key], str)
    ]
    if problems:
        raise Misconfigured(problems)
    values = {key: str(value) for key, value in table.items()}
    store = root / (environ.get("SECLAB_STORE") or values["store"])
    return Settings(
        root=root,
        evaluation_flow=values["evaluation_flow"],
        promotion_flow=values["promotion_flow"],
        flow_server=values["flow_server"],
        registers=root / values["registers"],
        expectations=root / values["expectations"],
        store=store,
        tracking_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store / 'mlflow.db'}",
        registered_model=values["registered_model"],
        dataset=values["dataset"],
        pages=environ.get("SECLAB_PAGES", ""),
        keys=_keys_folder(root, environ.get("SECLAB_KEYS") or _KEYS_FOLDER),
    )


def _keys_folder(root: Path, name: str) -> Path:
    """Where private keys are: never where a commit or an image would take them along."""
    try:
        folder = root / Path(name).expanduser()
    except RuntimeError as error:
        raise Misconfigured(
            "this user has no home folder for private keys; set SECLAB_KEYS to a folder"
        ) from error
    if folder.resolve().is_relative_to(root.resolve()):
        raise Misconfigured(
            f"the folder of the private keys, {folder}, is inside the project {root}, where a "
            "commit or an image would take them along; set SECLAB_KEYS to a folder outside it"
        )
    return folder


def prepare_environment(settings: Settings) -> None:
    """Set what Prefect and MLflow read from the environment, before either is imported.

    Nothing that the user has set is overridden. Without a Prefect server of the user's, Prefect
    keeps everything inside the project.
    """
    defaults = {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        # What people watch is printed by this tool; Prefect keeps all of it with the run.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "seclab.progress",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    if "PREFECT_API_URL" not in os.environ:
        defaults["PREFECT_HOME"] = str(settings.root / ".prefect")
    for key, value in defaults.items():
        os.environ.setdefault(key, value)
