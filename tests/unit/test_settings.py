import os

import pytest

from seclab import settings
from seclab.errors import Misconfigured

TABLE = """\
[tool.seclab]
evaluation_flow = "flows.security_evaluation:security_evaluation"
promotion_flow = "flows.promotion:promotion"
flow_server = "flows.server:embedded"
registers = "registers"
expectations = "checks"
store = "mlruns"
registered_model = "digits"
dataset = "digits"
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "pyproject.toml").write_text(TABLE)
    return tmp_path


def _problems(folder):
    with pytest.raises(Misconfigured) as caught:
        settings.find(folder, {})
    return caught.value.problems


def test_everything_is_found_relative_to_the_project(root):
    found = settings.find(root, {})

    assert found.root == root
    assert found.registers == root / "registers"
    assert found.expectations == root / "checks"
    assert found.store == root / "mlruns"
    assert found.tracking_uri == f"sqlite:///{root}/mlruns/mlflow.db"
    assert found.evaluation_flow == "flows.security_evaluation:security_evaluation"
    assert found.promotion_flow == "flows.promotion:promotion"
    assert found.flow_server == "flows.server:embedded"
    assert (found.registered_model, found.dataset) == ("digits", "digits")
    assert found.embedded


def test_the_project_is_found_from_below(root):
    deep = root / "src" / "deep"
    deep.mkdir(parents=True)

    assert settings.find(deep, {}).root == root


def test_the_nearest_project_counts(root):
    inner = root / "vendored"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(TABLE.replace('dataset = "digits"', 'dataset = "other"'))

    assert settings.find(inner, {}).dataset == "other"
    assert settings.find(root, {}).dataset == "digits"


@pytest.mark.parametrize("text", ["[tool.ruff]\nline-length = 100\n", "", "[tool]\nseclab = 5\n"])
def test_a_pyproject_of_something_else_is_passed_over(root, text):
    inner = root / "package"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(text)

    assert settings.find(inner, {}).root == root


def test_a_relative_start_is_one_from_the_working_directory(root, monkeypatch):
    (root / "sub").mkdir()
    monkeypatch.chdir(root / "sub")

    assert settings.find(settings.Path(), {}).root == root
    assert settings.find(None, {}).root == root


def test_without_a_project_it_is_told_where_was_looked_and_what_to_do(tmp_path):
    (problem,) = _problems(tmp_path)

    assert f"neither {tmp_path} nor a folder above it has a pyproject.toml" in problem
    assert "change into the project's folder" in problem


@pytest.mark.parametrize("text", ["[tool.seclab\n", "store = \n", "\udcff\udcfe"])
def test_a_malformed_pyproject_is_named(tmp_path, text):
    (tmp_path / "pyproject.toml").write_bytes(text.encode("utf-8", "surrogateescape"))

    (problem,) = _problems(tmp_path)

    assert problem.startswith(f"{tmp_path / 'pyproject.toml'} is not valid TOML: ")


def test_every_wrong_key_is_told_at_once(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        TABLE.replace('store = "mlruns"\n', "")
        .replace('"registers"', "5")
        .replace("dataset =", "datset =")
    )

    problems = [p.partition("[tool.seclab]: ")[2] for p in _problems(tmp_path)]

    assert problems == [
        "unknown key 'datset'",
        "dataset is missing",
        "store is missing",
        "registers must be a text, got 5",
    ]


def test_the_environment_moves_the_store(root):
    elsewhere = settings.find(root, {"SECLAB_STORE": "elsewhere"})
    absolute = settings.find(root, {"SECLAB_STORE": "/srv/evidence"})

    assert elsewhere.tracking_uri == f"sqlite:///{root}/elsewhere/mlflow.db"
    assert str(absolute.store) == "/srv/evidence"
    assert absolute.embedded


def test_a_tracking_server_takes_the_place_of_the_embedded_store(root):
    found = settings.find(root, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"})

    assert found.tracking_uri == "http://127.0.0.1:5000"
    assert not found.embedded


@pytest.mark.parametrize("name", ["SECLAB_STORE", "MLFLOW_TRACKING_URI"])
def test_an_empty_variable_says_nothing(root, name):
    assert settings.find(root, {name: ""}) == settings.find(root, {})


def test_the_process_environment_is_read_where_none_is_given(root, monkeypatch):
    monkeypatch.setenv("SECLAB_STORE", "from-the-process")

    assert settings.find(root).store == root / "from-the-process"
    assert settings.find(root, {}).store == root / "mlruns"


@pytest.fixture
def environment(monkeypatch):
    """The process environment without anything that Prefect or MLflow read; put back at the end."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_", "DO_"))}
    monkeypatch.setattr(os, "environ", kept)
    return kept


def test_prefect_and_mlflow_are_kept_quiet_and_inside_the_project(root, environment):
    settings.prepare_environment(settings.find(root, {}))

    assert environment["PREFECT_HOME"] == str(root / ".prefect")
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == environment["DO_NOT_TRACK"] == "true"


def test_what_the_user_has_set_is_left_alone(root, environment):
    environment["PREFECT_HOME"] = "/home/me/.prefect"
    environment["MLFLOW_DISABLE_TELEMETRY"] = "false"

    settings.prepare_environment(settings.find(root, {}))

    assert environment["PREFECT_HOME"] == "/home/me/.prefect"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_with_a_server_of_the_users_own_prefect_keeps_its_home(root, environment):
    environment["PREFECT_API_URL"] = "http://127.0.0.1:4200/api"

    settings.prepare_environment(settings.find(root, {}))

    assert "PREFECT_HOME" not in environment


def test_private_keys_are_in_the_home_folder_unless_the_environment_moves_them(root, monkeypatch):
    monkeypatch.setenv("HOME", "/home/lab")

    def keys(value):
        return str(settings.find(root, {"SECLAB_KEYS": value}).keys)

    assert settings.find(root, {}).keys == settings.Path("/home/lab/.config/seclab/keys")
    assert keys("") == "/home/lab/.config/seclab/keys"
    assert keys("/srv/keys") == "/srv/keys"
    assert keys("~/keys") == "/home/lab/keys"


@pytest.mark.parametrize("place", [".", "keys", "deep/below", "../{name}/keys", "{root}/registers"])
def test_private_keys_inside_the_project_are_refused(root, place):
    place = place.format(name=root.name, root=root)

    with pytest.raises(Misconfigured, match="is inside the project") as caught:
        settings.find(root, {"SECLAB_KEYS": place})

    assert "set SECLAB_KEYS to a folder outside it" in str(caught.value)


def test_a_link_does_not_hide_that_private_keys_are_inside_the_project(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "keys").symlink_to(root / "registers")
    (outside / "project").symlink_to(root)

    for folder, keys in ((root, outside / "keys"), (outside / "project", root / "keys")):
        with pytest.raises(Misconfigured, match="is inside the project"):
            settings.find(folder, {"SECLAB_KEYS": str(keys)})


def test_a_folder_beside_the_project_is_not_inside_it(root):
    beside = root.parent / f"{root.name}-keys"

    assert settings.find(root, {"SECLAB_KEYS": str(beside)}).keys == beside


def test_a_user_without_home_is_told_to_name_a_folder(root, monkeypatch):
    monkeypatch.setenv("HOME", "/home/lab")

    with pytest.raises(Misconfigured, match="set SECLAB_KEYS to a folder"):
        settings.find(root, {"SECLAB_KEYS": "~nobody-of-this-name/keys"})
