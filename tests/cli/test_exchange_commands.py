"""``seclab threat-model render``, ``export`` and ``import``."""

import json
from dataclasses import replace

import pytest

from seclab.threat_models import read_threat_model, write_threat_model
from tests.cli.projects import make_lab
from tests.small_model import small_model


@pytest.fixture(scope="module")
def modelled(tmp_path_factory):
    """A project with one threat model more. To be read only."""
    lab = make_lab(tmp_path_factory.mktemp("modelled") / "project")
    folder = lab.root / "registers" / "threat_models"
    folder.mkdir(exist_ok=True)
    (folder / "small-bot.yaml").write_text(write_threat_model(small_model()), encoding="utf-8")
    return lab


def render(seclab, modelled, out):
    return seclab(modelled, "threat-model", "render", "small-bot", "--out", str(out))


def export(seclab, modelled, out):
    options = ("--format", "threat-dragon", "--out", str(out))
    return seclab(modelled, "threat-model", "export", "small-bot", *options)


def bring(seclab, modelled, file, *options, form="threat-dragon"):
    return seclab(modelled, "threat-model", "import", str(file), "--format", form, *options)


@pytest.mark.parametrize(("ending", "begin"), [(".svg", "<svg "), (".html", "<!doctype html>")])
def test_the_ending_decides_what_is_written(seclab, modelled, tmp_path, ending, begin):
    out = tmp_path / f"bot{ending}"
    answer = render(seclab, modelled, out)

    assert (answer.code, answer.out) == (0, f"{out}\n")
    assert out.read_text(encoding="utf-8").startswith(begin)


def test_a_name_that_the_terminal_cannot_show_is_no_traceback(modelled, tmp_path):
    lab = replace(modelled, environment={"PYTHONIOENCODING": "ascii"})
    out = tmp_path / "\u6f22.svg"

    answer = lab.run("threat-model", "render", "small-bot", "--out", str(out))
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("\\u6f22.svg\n")
    assert out.exists()


def test_markdown_has_its_picture_beside_it(seclab, modelled, tmp_path):
    answer = render(seclab, modelled, tmp_path / "bot.md")

    assert answer.out.split() == [str(tmp_path / "bot.md"), str(tmp_path / "bot.svg")]
    assert "](<bot.svg>)" in (tmp_path / "bot.md").read_text(encoding="utf-8")
    assert (tmp_path / "bot.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_other_endings_and_unknown_models_are_2(seclab, modelled, tmp_path):
    answer = render(seclab, modelled, tmp_path / "bot.png")
    assert (answer.code, answer.out) == (2, "")
    assert ".html, .md, .svg" in answer.err

    answer = seclab(modelled, "threat-model", "render", "big-bot")
    assert answer.code == 2
    assert "'big-bot'" in answer.err
    assert "small-bot" in answer.err


def test_an_export_is_imported_as_the_same_model_under_another_name(seclab, modelled, tmp_path):
    answer = export(seclab, modelled, tmp_path / "bot.json")
    assert answer.code == 0
    assert json.loads((tmp_path / "bot.json").read_text(encoding="utf-8"))["version"] == "2.6.2"

    out = tmp_path / "other-bot.yaml"
    answer = bring(seclab, modelled, tmp_path / "bot.json", "--id", "other-bot", "--out", str(out))
    assert answer.code == 0
    assert "3 threats to 8 elements and flows" in answer.out
    assert read_threat_model(out.read_bytes(), file="x") == small_model(id="other-bot")


def test_nothing_is_overwritten(seclab, modelled, tmp_path):
    export(seclab, modelled, tmp_path / "bot.json")
    before = (modelled.root / "registers/threat_models/small-bot.yaml").read_bytes()

    answer = bring(seclab, modelled, tmp_path / "bot.json", "--id", "small-bot")
    assert answer.code == 2
    assert "is not overwritten" in answer.err
    assert (modelled.root / "registers/threat_models/small-bot.yaml").read_bytes() == before


def test_an_export_does_not_take_the_place_of_its_model(seclab, modelled):
    path = modelled.root / "registers/threat_models/small-bot.yaml"
    before = path.read_bytes()

    answer = export(seclab, modelled, path)
    assert answer.code == 2
    assert "is a file of the registers and is not overwritten" in answer.text
    assert path.read_bytes() == before


def test_a_threat_list_becomes_a_model_of_the_project(seclab, modelled, tmp_path):
    header = (
        "Id,Diagram,Changed By,Last Modified,State,Title,Category,Description,Justification,"
        "Interaction,Priority"
    )
    row = "0,Shop,,Generated,Not Started,Lies,Spoofing,Somebody lies,,Browser to server,High"
    (tmp_path / "list.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")

    out = tmp_path / "shop.yaml"
    options = ("--id", "shop", "--out", str(out))
    answer = bring(seclab, modelled, tmp_path / "list.csv", *options, form="tmt")
    assert answer.code == 0, answer.err
    assert read_threat_model(out.read_bytes(), file="x").threats[0].title == "Lies"


@pytest.mark.parametrize(
    ("content", "words"), [("{}", "version"), ("{", "not valid JSON"), (None, "cannot be read")]
)
def test_a_file_that_is_none_is_2_and_leaves_nothing_behind(
    seclab, modelled, tmp_path, content, words
):
    if content is not None:
        (tmp_path / "bad.json").write_text(content, encoding="utf-8")
    out = tmp_path / "new.yaml"
    answer = bring(seclab, modelled, tmp_path / "bad.json", "--id", "new", "--out", str(out))

    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err
    assert not out.exists()


def test_formats_and_ids_that_cannot_be_are_2(seclab, modelled, tmp_path):
    export(seclab, modelled, tmp_path / "bot.json")

    answer = bring(seclab, modelled, tmp_path / "bot.json", "--id", "x", form="visio")
    assert answer.code == 2
    assert "known: threat-dragon, tmt" in answer.err
    answer = bring(seclab, modelled, tmp_path / "bot.json", "--id", "../Big Bot")
    assert answer.code == 2
    assert "'../Big Bot'" in answer.err
