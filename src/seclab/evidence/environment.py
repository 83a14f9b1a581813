"""What the numbers were measured with: code, libraries, machine."""

import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from seclab.fingerprint import of_file

_LIBRARIES = (
    "ai-security-lab",
    "great-expectations",
    "mlflow",
    "numpy",
    "pandas",
    "prefect",
    "scikit-learn",
    "scipy",
    "skops",
)


@dataclass(frozen=True, slots=True)
class Environment:
    """The surroundings of a run, as far as they can change a number.

    Attributes:
        python: Version of the interpreter.
        platform: Operating system and processor architecture.
        libraries: Version of each library that computes or judges.
        lock_digest: Digest of ``requirements.lock``, ``None`` where there is none.
        git_revision: Commit the code stood at, ``None`` outside a repository.
        git_clean: Whether nothing tracked was changed, ``None`` outside a repository.
    """

    python: str
    platform: str
    libraries: dict[str, str]
    lock_digest: str | None
    git_revision: str | None
    git_clean: bool | None


def observe(root: Path) -> Environment:
    """The surroundings of a project at ``root``."""
    lock = root / "requirements.lock"
    revision = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
        lock_digest=str(of_file(lock)) if lock.is_file() else None,
        git_revision=revision,
        git_clean=None if revision is None or changes is None else not changes,
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - git is looked up on PATH on purpose
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
