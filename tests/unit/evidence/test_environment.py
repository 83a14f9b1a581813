import platform
import subprocess
from importlib.metadata import version

import pytest

from seclab.evidence import observe
from seclab.fingerprint import of_bytes


def _git(folder, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)  # noqa: S607


@pytest.fixture
def repository(tmp_path):
    _git(tmp_path, "init", "--initial-branch=main")
    (tmp_path / "code.py").write_text("x = 1\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "--message", "Begin")
    return tmp_path


def test_interpreter_machine_and_libraries_are_named(tmp_path):
    seen = observe(tmp_path)

    assert seen.python == platform.python_version()
    assert seen.platform == f"{platform.system()} {platform.machine()}"
    for library in ("ai-security-lab", "numpy", "scikit-learn", "mlflow", "prefect"):
        assert seen.libraries[library] == version(library)


def test_outside_a_repository_there_is_no_revision(tmp_path):
    seen = observe(tmp_path)

    assert (seen.git_revision, seen.git_clean, seen.lock_digest) == (None, None, None)


def test_a_library_that_is_not_installed_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("seclab.evidence.environment._LIBRARIES", ("numpy", "no-such-library"))

    assert set(observe(tmp_path).libraries) == {"numpy"}


def test_the_lock_is_pinned(tmp_path):
    (tmp_path / "requirements.lock").write_bytes(b"numpy==2.4.6\n")

    assert observe(tmp_path).lock_digest == str(of_bytes(b"numpy==2.4.6\n"))


def test_the_revision_is_that_of_the_checkout(repository):
    head = subprocess.run(
        ["git", "-C", repository, "rev-parse", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )

    seen = observe(repository)

    assert seen.git_revision == head.stdout.strip()
    assert seen.git_clean is True


def test_changes_to_tracked_files_show_and_files_beside_them_do_not(repository):
    (repository / "notes.txt").write_text("untracked")
    assert observe(repository).git_clean is True

    (repository / "code.py").write_text("x = 2\n")
    assert observe(repository).git_clean is False


def test_without_git_there_is_no_revision(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert observe(repository).git_revision is None
