import shutil
from dataclasses import replace

import pytest

from seclab import project, registry
from seclab.errors import Misconfigured
from seclab.fingerprint import of_file


@pytest.fixture
def settings(settings_at, tmp_path):
    """Settings of a project with registers of its own."""
    ours = settings_at(tmp_path)
    shutil.copytree(ours.registers, tmp_path / "registers")
    return replace(ours, registers=tmp_path / "registers")


def _rewrite(settings, register, old, new):
    path = settings.registers / register
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_project_pins_every_register_it_was_judged_by(settings):
    loaded = project.load(settings)
    digests = dict(loaded.digests)

    assert digests.pop("custody/digits") == loaded.histories["digits"].newest.digest
    assert {name: of_file(settings.registers / name) for name in digests} == digests
    assert {"models.yaml", "waivers.yaml", "thresholds.yaml"} <= digests.keys()


@pytest.mark.parametrize(("name", "known_as"), [("mlp-hardened", "mlp-hard"), ("digits", "digit")])
def test_a_project_with_something_that_has_no_tier_is_not_loaded(settings, name, known_as):
    _rewrite(settings, "models.yaml", f"\n  {name}:\n", f"\n  {known_as}:\n")

    with pytest.raises(Misconfigured) as caught:
        project.load(settings)

    assert caught.value.problems == (
        f"models.yaml: {name} is not listed; add it with its sensitivity and criticality",
    )


def test_all_that_does_not_agree_comes_at_once(settings):
    _rewrite(settings, "models.yaml", "\n  mlp:\n", "\n  mlp-2:\n")
    _rewrite(settings, "thresholds.yaml", "{repeats: 3}", "{repeat: 3}")

    with pytest.raises(Misconfigured) as caught:
        project.load(replace(settings, dataset="letters"))

    for words in ("mlp is not listed", "letters is not listed", "no parameter 'repeat'"):
        assert sum(words in problem for problem in caught.value.problems) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digits-deeper", "unknown suite 'digits-deeper'; known: any, arrivals, digits"),
        ("digits", "digits runs anyway"),
        ("splits", "splits runs anyway"),
    ],
)
def test_a_suite_that_a_profile_cannot_name_is_refused(settings, name, words):
    _rewrite(settings, "profiles.yaml", "suites: [digits-deep]", f"suites: [{name}]")

    with pytest.raises(Misconfigured) as caught:
        project.load(settings)

    (problem,) = caught.value.problems
    assert problem.startswith(f"profiles.yaml, deep: {words}")


def test_a_recorded_row_that_was_relabelled_is_refused(settings):
    (rows,) = (settings.registers / "custody" / "digits").glob("*.rows")
    lines = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join([lines[0].replace(" 0", " 8"), *lines[1:]]))

    with pytest.raises(Misconfigured) as caught:
        project.load(settings)

    (problem,) = caught.value.problems
    assert problem.startswith(f"{rows}: it has digest ")


def test_a_project_without_a_recorded_version_of_its_data_is_not_loaded(settings):
    shutil.rmtree(settings.registers / "custody")

    with pytest.raises(Misconfigured, match="holds no recorded version"):
        project.load(settings)


def test_what_each_evaluation_and_suite_is_evidence_for_is_known(settings):
    sources = project.evidence_sources(settings)

    assert sources["rag_prompt_injection"] == {"R-RAG-01", "R-RAG-02"}
    assert sources["data_checks:splits"] == {"R-POI-02", "R-POI-03"}
    assert set(registry.registered()) < set(sources)
