from datetime import date

import pytest

WAIVERS = "waivers.yaml"


def only(folder, place, words):
    (problem,) = folder.problems()
    assert problem.startswith(f"{place}: "), problem
    assert words in problem


def test_a_waiver_arrives_with_its_meaning(folder):
    (waiver,) = folder.load().waivers
    assert (waiver.id, waiver.risk, waiver.criterion) == ("W-001", "R-EVA-01", "T-EVA-01")
    assert (waiver.model, waiver.reason) == ("mlp", "It is behind a login.")
    assert (waiver.owner, waiver.approver, waiver.until) == ("Ann", "Bob", date(2027, 1, 31))


def test_no_waiver_is_an_empty_list(folder):
    folder.write(WAIVERS, "# none\n[]\n")
    assert folder.load().waivers == ()


def test_an_expired_waiver_is_kept(folder):
    folder.replace(WAIVERS, "2027-01-31", "2001-01-31")
    assert folder.load().waivers[0].until == date(2001, 1, 31)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("id: W-001", "id: W1", (1, "id"), "'W1' has not the form of W-001"),
        ("risk: R-EVA-01", "risk: R-POI-02", (2, "risk"), "T-EVA-01 is about R-EVA-01, not about"),
        ("risk: R-EVA-01", "risk: evasion", (2, "risk"), "has not the form of R-EVA-01"),
        ("criterion: T-EVA-01", "criterion: T-EVA-09", (3, "criterion"), "is not in thresholds"),
        ("criterion: T-EVA-01", "criterion: E-SIG", (3, "criterion"), "has not the form"),
        ("model: mlp", "model: mlp-2", (4, "model"), "W-001: mlp-2 is not in models.yaml"),
        ("model: mlp", "model:", (4, "model"), "a text is needed"),
        ("reason: It is behind a login.", "reason: ' '", (5, "reason"), "a text is needed"),
        ("approver: Bob", "approver: Ann", (7, "approver"), "cannot approve a waiver of their own"),
        ("approver: Bob", "approver: ' ANN '", (7, "approver"), "cannot approve a waiver"),
        ("  approver: Bob\n", "", (1, "approver"), "this key is missing"),
        ("2027-01-31", "31.01.2027", (8, "until"), "'31.01.2027' is not a date like 2027-03-31"),
        ("2027-01-31", "2027-02-29", (8, "until"), "is not a date like"),
        ("2027-01-31", "20270131", (8, "until"), "a text is needed"),
        ("2027-01-31", "2027-01-31T00:00", (8, "until"), "is not a date like"),
        ("2027-01-31", "2027-W04-7", (8, "until"), "is not a date like"),
        ("until:", "forever: true\n  until:", (8, "forever"), "unknown key"),
    ],
)
def test_a_wrong_waiver_is_found_at_its_key(folder, old, new, place, words):
    folder.replace(WAIVERS, old, new)
    line, key = place
    found = [p for p in folder.problems() if p.startswith(f"{WAIVERS} line {line}, column {key}: ")]
    assert any(words in problem for problem in found), folder.problems()


def test_an_id_is_given_once(folder):
    folder.write(WAIVERS, folder.read(WAIVERS) * 2)
    only(folder, f"{WAIVERS} line 9, column id", "W-001 stands in line 1 already")


@pytest.mark.parametrize("content", ["{}", "W-001", "7"])
def test_a_file_that_is_no_list_is_found(folder, content):
    folder.write(WAIVERS, content)
    only(folder, WAIVERS, "a list of waivers is needed; write [] for none")


def test_a_waiver_that_is_no_mapping_is_found(folder):
    folder.write(WAIVERS, folder.read(WAIVERS) + "- W-002\n")
    only(folder, WAIVERS, "waiver 2 is no mapping")


def test_thresholds_that_cannot_be_read_do_not_make_waivers_wrong(folder):
    folder.replace("thresholds.yaml", "id: T-EVA-01", "id: EVA-01")
    (problem,) = folder.problems()
    assert problem.startswith("thresholds.yaml")
