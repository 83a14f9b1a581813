import hashlib
import subprocess
import sys
from datetime import date

import pytest

from seclab.registers import NEVER_TESTED

RISKS, MATRIX = "risks.csv", "attack_defense_matrix.csv"
THRESHOLDS, PROFILES = "thresholds.yaml", "profiles.yaml"
MODELS, WAIVERS = "models.yaml", "waivers.yaml"
FILES = (RISKS, MATRIX, THRESHOLDS, PROFILES, MODELS, WAIVERS)


def test_every_cell_arrives_with_its_meaning(folder):
    found = folder.load()
    evasion = found.risks["R-EVA-01"]
    assert list(found.risks) == ["R-EVA-01", "R-POI-02", "R-RAG-04"]
    assert evasion.attack_pattern == "Search, then send"
    assert evasion.nist_id == "NISTAML.022"
    assert evasion.atlas_ids == ("AML.T0015", "AML.T0043.000")
    assert evasion.stride == ("S", "T")
    assert (evasion.likelihood, evasion.impact) == (4, 4)
    assert evasion.review_date == date(2027, 3, 31)
    assert found.matrix[0].metric == "robust_accuracy"
    assert found.matrix[0].atlas_ids == ("AML.T0015", "AML.T0043.000")
    assert found.matrix[1].atlas_ids == ()
    assert [row.line for row in found.matrix] == [2, 3, 4, 5, 6]


def test_the_word_none_is_read_as_no_id(folder):
    risks = folder.load().risks
    assert risks["R-POI-02"].nist_id is None
    assert risks["R-RAG-04"].atlas_ids == ()
    assert risks["R-RAG-04"].owasp_ids == ()


def test_a_risk_says_what_it_rests_on(folder):
    risks = folder.load().risks
    assert risks["R-EVA-01"].sources == ("evasion_linf",)
    assert risks["R-POI-02"].sources == ("data_checks", "random_noise")
    assert risks["R-RAG-04"].evidence == NEVER_TESTED
    assert risks["R-RAG-04"].sources == ()


def test_thresholds_keep_bound_kind_and_parameters(folder):
    first, second = folder.load().thresholds
    assert (first.kind, first.bound, first.judged) == ("at_least", 0.7, "pessimistic")
    assert first.parameters == {"attack": "strongest", "epsilon": 0.1}
    assert (second.kind, second.bound, second.judged) == ("at_most", 0.1, "value")


def test_a_threshold_has_a_label_for_people(folder):
    first, second = folder.load().thresholds
    assert first.label == (
        "robust_accuracy (attack=strongest, epsilon=0.1) >= 0.70, judged at the pessimistic end"
    )
    assert second.label == "noisy_accuracy <= 0.10, judged at the point estimate"


@pytest.mark.parametrize(("bound", "shown"), [("1", "1.00"), ("0.125", "0.125"), ("1e-9", "1e-09")])
def test_a_label_never_rounds_the_bound(folder, bound, shown):
    folder.replace(THRESHOLDS, "at_least: 0.7", f"at_least: {bound}")
    assert f">= {shown}," in folder.load().thresholds[0].label


def test_lists_in_profiles_are_frozen(folder):
    quick = folder.load().profiles["quick"]
    assert quick.evaluations == {
        "evasion_linf": {"epsilons": (0.05, 0.1), "steps": 20},
        "random_noise": {},
    }


def test_digests_are_those_of_the_files(folder):
    digests = folder.load().digests
    assert set(digests) == set(FILES)
    for name, digest in digests.items():
        data = (folder.path / name).read_bytes()
        assert digest.value == hashlib.sha256(data).hexdigest()


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(folder):
    expected = folder.load()
    for name in FILES:
        folder.write(name, b"\xef\xbb\xbf" + folder.read(name).encode().replace(b"\n", b"\r\n"))
    found = folder.load()
    assert (found.risks, found.matrix) == (expected.risks, expected.matrix)
    assert (found.thresholds, found.profiles) == (expected.thresholds, expected.profiles)
    assert (found.models, found.waivers) == (expected.models, expected.waivers)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_the_only_finding(folder, name):
    (folder.path / name).unlink()
    (problem,) = folder.problems()
    assert problem.startswith(f"{name}: the file is missing")


def test_a_missing_folder_names_every_file(folder):
    for name in FILES:
        (folder.path / name).unlink()
    folder.path.rmdir()
    assert len(folder.problems()) == len(FILES)


def test_a_folder_in_place_of_a_file_is_reported(folder):
    (folder.path / RISKS).unlink()
    (folder.path / RISKS).mkdir()
    assert folder.problems()[0].startswith("risks.csv: the file cannot be read")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_an_empty_file_is_the_only_finding(folder, name, content):
    folder.write(name, content)
    assert folder.problems() == (f"{name}: the file is empty",)


@pytest.mark.parametrize("name", FILES)
def test_another_encoding_is_reported_with_its_line(folder, name):
    text = folder.read(name).splitlines(keepends=True)
    text[1] = text[1].rstrip("\n") + " Zürich\n"
    folder.write(name, "".join(text).encode("latin-1"))
    assert f"{name} line 2: not UTF-8; save the file as UTF-8" in folder.problems()


def test_all_mistakes_of_all_files_come_at_once(folder):
    folder.set_cell(RISKS, 2, "asset_class", "model")
    folder.set_cell(RISKS, 3, "likelihood", "6")
    folder.set_cell(RISKS, 4, "review_date", "31.03.2027")
    folder.set_cell(MATRIX, 2, "risk_id", "R-EVA-77")
    folder.replace(THRESHOLDS, "judged: value", "judged: best")
    folder.replace(THRESHOLDS, "risk: R-EVA-01", "risk: R-EVA-78")
    folder.replace(PROFILES, "steps: 20", "steps: {}")
    folder.replace(MODELS, "oldest_days: 60", "oldest_days: none")
    folder.replace(WAIVERS, "approver: Bob", "approver: ann")
    found = folder.problems()
    for beginning in (
        "risks.csv line 2, column asset_class: 'model'",
        "risks.csv line 3, column likelihood: '6'",
        "risks.csv line 4, column review_date: '31.03.2027'",
        "attack_defense_matrix.csv line 2, column risk_id: R-EVA-77",
        "thresholds.yaml line 17, column judged: 'best'",
        "thresholds.yaml line 2, column risk: T-EVA-01: R-EVA-78",
        "profiles.yaml line 4, column steps: ",
        "models.yaml line 13, column oldest_days: 'none'",
        "waivers.yaml line 7, column approver: ann cannot",
    ):
        assert sum(problem.startswith(beginning) for problem in found) == 1, beginning
    assert len(found) == 9


def test_mistakes_in_one_file_do_not_hide_those_in_another(folder):
    folder.write(PROFILES, "quick: [")
    (folder.path / MATRIX).unlink()
    folder.set_cell(RISKS, 2, "impact", "0")
    folder.replace(THRESHOLDS, "id: T-POI-01", "id: T-EVA-01")
    found = folder.problems()
    assert [problem.split(":")[0].split(" ")[0] for problem in found] == [
        RISKS,
        MATRIX,
        THRESHOLDS,
        PROFILES,
    ]


def test_loading_needs_nothing_heavy():
    program = (
        "import sys, seclab.registers;"
        "heavy = {'pandas', 'scipy', 'sklearn', 'pydantic', 'mlflow', 'prefect'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
