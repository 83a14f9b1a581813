import pytest

THRESHOLDS, PROFILES = "thresholds.yaml", "profiles.yaml"


def only(folder, place, words):
    (problem,) = folder.problems()
    assert problem.startswith(f"{place}: "), problem
    assert words in problem


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("id: T-EVA-01", "id: EVA-01", (1, "id"), "has not the form of T-EVA-01"),
        ("id: T-POI-01", "id: T-EVA-01", (10, "id"), "T-EVA-01 stands in line 1 already"),
        ("risk: R-EVA-01", "risk: R-EVA-99", (2, "risk"), "R-EVA-99 is not in risks.csv"),
        ("risk: R-EVA-01", "risk: 7", (2, "risk"), "a text is needed"),
        ("at_least: 0.7", "at_most: 0.7\n  at_least: 0.7", (7, "at_most"), "both are given"),
        ("at_least: 0.7", "at_least: a lot", (7, "at_least"), "'a lot' is not a number"),
        ("at_least: 0.7", "at_least: '0.7'", (7, "at_least"), "is not a number"),
        ("at_least: 0.7", "at_least: true", (7, "at_least"), "is not a number"),
        ("at_least: 0.7", "at_least:", (7, "at_least"), "is not a number"),
        ("at_least: 0.7", "at_least: .nan", (7, "at_least"), "a finite number is needed"),
        ("at_least: 0.7", "at_least: .inf", (7, "at_least"), "a finite number is needed"),
        ("at_least: 0.7", "at_least: 1e999", (7, "at_least"), "a finite number is needed"),
        ("at_least: 0.7", "at_leest: 0.7\n  at_least: 0.7", (7, "at_leest"), "unknown key"),
        ("judged: pessimistic", "judged: best", (8, "judged"), "'best' is not one of pessimistic"),
        ("  judged: pessimistic\n", "", (1, "judged"), "this key is missing"),
        ("  why: People still read the digit.\n", "", (1, "why"), "this key is missing"),
        ("why: People still read the digit.", "why: ' '", (9, "why"), "a text is needed"),
        ("  parameters: {}\n", "", (10, "parameters"), "this key is missing"),
        ("parameters: {}", "parameters:", (15, "parameters"), "a mapping is needed"),
        ("parameters: {}", "parameters: {a: [1]}", (15, "parameters"), "parameter a must be one"),
        ("parameters: {}", "parameters: {a: .nan}", (15, "parameters"), "parameter a must be one"),
        ("metric: robust_accuracy", "metric: Robust", (5, "metric"), "has not the form"),
        ("evaluation: evasion_linf", "evaluation: a b", (4, "evaluation"), "has not the form"),
    ],
)
def test_a_wrong_criterion_is_found_at_its_key(folder, old, new, place, words):
    folder.replace(THRESHOLDS, old, new)
    line, key = place
    only(folder, f"{THRESHOLDS} line {line}, column {key}", words)


GROWN = """\
at_least: 0.7
  least_n: 300
  effort: {steps: 20, epsilons.count: 2.5}
  oldest_days: 7
  worse_than_champion_by: 0.02"""


def test_a_criterion_without_the_optional_keys_asks_for_nothing_more(folder):
    found = folder.load().thresholds[0]
    assert (found.least_n, found.effort) == (0, {})
    assert (found.oldest_days, found.worse_than_champion_by) == (None, None)


def test_a_criterion_may_ask_for_samples_effort_age_and_no_loss(folder):
    folder.replace(THRESHOLDS, "at_least: 0.7", GROWN)
    found = folder.load().thresholds[0]
    assert (found.kind, found.bound, found.least_n) == ("at_least", 0.7, 300)
    assert found.effort == {"steps": 20.0, "epsilons.count": 2.5}
    assert (found.oldest_days, found.worse_than_champion_by) == (7, 0.02)
    assert found.label.endswith(
        ">= 0.70 and at most 0.02 worse than the champion, judged at the pessimistic end"
    )


def test_a_criterion_may_be_about_the_champion_alone(folder):
    folder.replace(THRESHOLDS, "at_least: 0.7", "worse_than_champion_by: 0")
    found = folder.load().thresholds[0]
    assert (found.kind, found.bound, found.worse_than_champion_by) == (None, None, 0.0)
    assert ") at most 0.00 worse than the champion, judged" in found.label


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("least_n", "0", "0 is not a whole number from 1 on"),
        ("least_n", "2.5", "2.5 is not a whole number from 1 on"),
        ("least_n", "true", "True is not a whole number from 1 on"),
        ("least_n", "", "None is not a whole number from 1 on"),
        ("oldest_days", "-1", "-1 is not a whole number from 1 on"),
        ("oldest_days", "a week", "'a week' is not a whole number from 1 on"),
        ("worse_than_champion_by", "-0.1", "-0.1 is not a number from 0 on"),
        ("worse_than_champion_by", ".nan", "nan is not a number from 0 on"),
        ("worse_than_champion_by", ".inf", "inf is not a number from 0 on"),
        ("worse_than_champion_by", "'1'", "'1' is not a number from 0 on"),
        ("worse_than_champion_by", "1" + "0" * 400, "is not a number from 0 on"),
        ("effort", "[steps]", "a mapping is needed"),
        ("effort", "{steps: many}", "steps needs a number above 0, got 'many'"),
        ("effort", "{steps: 0}", "steps needs a number above 0, got 0"),
        ("effort", "{steps: true}", "steps needs a number above 0, got True"),
        ("effort", "{steps: .inf}", "steps needs a number above 0, got inf"),
        ("effort", "{Steps: 1}", "'Steps' has not the form of steps or epsilons.count"),
        ("effort", "{epsilons.length: 1}", "has not the form of steps or epsilons.count"),
    ],
)
def test_a_wrong_optional_key_is_found_at_its_place(folder, key, value, words):
    folder.replace(THRESHOLDS, "at_least: 0.7", f"at_least: 0.7\n  {key}: {value}")
    only(folder, f"{THRESHOLDS} line 8, column {key}", words)


def test_a_criterion_may_judge_a_dataset(folder):
    text = folder.read(THRESHOLDS)
    folder.write(THRESHOLDS, text.replace("subject: model", "subject: dataset", 1))
    assert folder.load().thresholds[0].subject == "dataset"


@pytest.mark.parametrize("subject", ["pipeline", "Model"])
def test_a_criterion_judges_nothing_else_than_models_agents_and_datasets(folder, subject):
    text = folder.read(THRESHOLDS)
    folder.write(THRESHOLDS, text.replace("subject: model", f"subject: {subject}", 1))
    only(folder, f"{THRESHOLDS} line 3, column subject", "is not one of model, agent, dataset")


def test_a_criterion_without_a_bound_is_found(folder):
    folder.replace(THRESHOLDS, "  at_least: 0.7\n", "")
    only(folder, f"{THRESHOLDS} line 1", "one of at_least and at_most: neither is given")


def test_a_key_given_twice_is_found(folder):
    folder.replace(THRESHOLDS, "at_least: 0.7", "at_least: 0.7\n  at_least: 0.1")
    only(folder, f"{THRESHOLDS} line 8", "the key at_least stands twice, first in line 7")


def test_malformed_yaml_is_found_with_its_line(folder):
    folder.replace(THRESHOLDS, "judged: value", "judged: [value")
    (problem,) = folder.problems()
    assert problem.startswith(f"{THRESHOLDS} line 18: malformed YAML: ")


@pytest.mark.parametrize("content", ["[]", "{}", "id: T-EVA-01", "7"])
def test_no_criteria_are_refused_because_then_everything_would_pass(folder, content):
    folder.write(THRESHOLDS, content)
    only(folder, THRESHOLDS, "at least one: without any, nothing is judged")


def test_a_criterion_that_is_no_mapping_is_found(folder):
    folder.write(THRESHOLDS, folder.read(THRESHOLDS) + "- T-EVA-02\n")
    only(folder, THRESHOLDS, "criterion 3 is no mapping")


def test_an_unquoted_on_is_the_text_that_measurements_record(folder):
    folder.replace(THRESHOLDS, "parameters: {}", "parameters: {guard: on}")
    assert folder.load().thresholds[1].parameters == {"guard": "on"}


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("quick:", "Quick Run:", (1, "Quick Run"), "a name like quick"),
        ("  description: A first answer.\n", "", (2, "description"), "this key is missing"),
        ("description: A first answer.", "description:", (2, "description"), "a text is needed"),
        ("description:", "budget: 3\n  description:", (2, "budget"), "unknown key"),
        ("random_noise: {}", "random_noise:", (5, "random_noise"), "write {} for the defaults"),
        ("random_noise: {}", "random_noise: 3", (5, "random_noise"), "write {} for the defaults"),
        ("random_noise: {}", "Random: {}", (5, "Random"), "a name like evasion_linf"),
        (
            "description:",
            "suites: digits-deep\n  description:",
            (2, "suites"),
            "a list of texts is needed",
        ),
        ("steps: 20", "steps: {a: 1}", (4, "steps"), "or a list of them"),
        ("steps: 20", "steps: [[1]]", (4, "steps"), "or a list of them"),
        ("steps: 20", "steps: .inf", (4, "steps"), "or a list of them"),
    ],
)
def test_a_wrong_profile_is_found_at_its_key(folder, old, new, place, words):
    folder.replace(PROFILES, old, new)
    line, key = place
    only(folder, f"{PROFILES} line {line}, column {key}", words)


def test_a_profile_may_name_suites_that_look_besides(folder):
    assert folder.load().profiles["quick"].suites == ()

    folder.replace(PROFILES, "  evaluations:", "  suites: [digits-deep]\n  evaluations:")

    assert folder.load().profiles["quick"].suites == ("digits-deep",)


def test_a_profile_without_evaluations_is_found(folder):
    folder.write(PROFILES, "quick:\n  description: Nothing.\n  evaluations: {}\n")
    only(folder, f"{PROFILES} line 3, column evaluations", "no evaluation is named")


@pytest.mark.parametrize("content", ["quick:", "quick: fast", "quick: []"])
def test_a_profile_that_is_no_mapping_is_found(folder, content):
    folder.write(PROFILES, content)
    only(folder, f"{PROFILES} line 1, column quick", "a description and evaluations are needed")


@pytest.mark.parametrize("content", ["{}", "[]", "quick"])
def test_a_file_without_profiles_is_found(folder, content):
    folder.write(PROFILES, content)
    only(folder, PROFILES, "a mapping from profile to description and evaluations is needed")
