import pytest

from seclab.errors import Misconfigured
from seclab.measurement import Subject

MODELS, THRESHOLDS = "models.yaml", "thresholds.yaml"


def only(folder, place, words):
    (problem,) = folder.problems()
    assert problem.startswith(f"{place}: "), problem
    assert words in problem


def subject(name, kind="model"):
    return Subject(kind, name, "sha256:bytes:aa")


def test_a_tier_arrives_with_what_it_asks_for(folder):
    tiers = folder.load().models.tiers
    assert list(tiers) == ["low", "moderate", "high", "critical"]
    high = tiers["high"]
    assert (high.name, high.signature, high.clean_tree, high.force) == ("high", True, True, False)
    assert (high.approvals, high.oldest_days) == (("security",), 30)
    assert high.evaluations == ("evasion_linf", "random_noise")


def test_a_model_has_the_tier_that_the_matrix_gives_it(folder):
    registers = folder.load()
    assert registers.tier_of("mlp").name == "low"
    assert registers.tier_of("triage-bot").name == "high"
    assert registers.models.models["triage-bot"].owner == "security"


def test_who_is_not_listed_has_no_tier(folder):
    with pytest.raises(Misconfigured, match=r"no entry for 'mlp-2'.*known: mlp, triage-bot"):
        folder.load().tier_of("mlp-2")
    with pytest.raises(Misconfigured, match="no entry for 'mlp-2'"):
        folder.load().required_of(subject("mlp-2"))


def test_a_subject_needs_what_its_tier_requires_of_its_kind(folder):
    agents = folder.read(THRESHOLDS).replace("subject: model", "subject: agent", 1)
    folder.write(THRESHOLDS, agents)
    registers = folder.load()
    assert registers.required_of(subject("triage-bot")) == ("random_noise",)
    assert registers.required_of(subject("triage-bot", "agent")) == ("evasion_linf",)
    assert registers.required_of(subject("triage-bot", "dataset")) == ()
    assert registers.required_of(subject("mlp")) == ()


def test_what_no_threshold_knows_is_required_of_every_kind(folder):
    folder.replace(THRESHOLDS, "evaluation: random_noise", "evaluation: other")
    required = folder.load().required_of(subject("triage-bot", "agent"))
    assert required == ("random_noise",)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("tiers:\n", "tier:\n", (1, "tier"), "unknown key"),
        ("oldest_days: 90", "oldest_days: 0", (6, "oldest_days"), "not a whole number from 1"),
        ("    force: true\n  moderate", "  moderate", (3, "force"), "this key is missing"),
        ("oldest_days: 90", "days: 9\n    oldest_days: 90", (6, "days"), "unknown key"),
        ("approvals: [security]", "approvals: [boss]", (19, "approvals"), "'boss' is not one of"),
        ("approvals: [security]", "approvals: security", (19, "approvals"), "a list of texts"),
        (
            "approvals: [security]",
            "approvals: [security, security]",
            (19, "approvals"),
            "'security' is named more than once",
        ),
        ("signature: false", "signature: 'no'", (3, "signature"), "'no' is neither true nor false"),
        ("evaluations: []", "evaluations: [7]", (7, "evaluations"), "a list of texts"),
        ("  low:\n    sig", "  tiny:\n    sig", (2, "tiny"), "unknown key"),
        ("{low: low,", "{low: tiny,", (31, "low"), "'tiny' is not one of low, moderate"),
        ("{low: low, ", "{", (31, "low"), "this key is missing"),
        ("  internal: {", "  secret: {", (32, "secret"), "unknown key"),
        ("sensitivity: public", "sensitivity: open", (37, "sensitivity"), "'open' is not one of"),
        ("criticality: low", "criticality: none", (38, "criticality"), "'none' is not one of"),
        ("    owner: security\n", "", (42, "owner"), "this key is missing"),
        ("why: It reads letters.", "why:", (45, "why"), "a text is needed"),
        ("triage-bot:", "'triage bot':", (41, "triage bot"), "a name like mlp-hardened"),
    ],
)
def test_a_mistake_is_found_at_its_key(folder, old, new, place, words):
    folder.replace(MODELS, old, new)
    line, key = place
    found = folder.problems()
    assert any(
        problem.startswith(f"{MODELS} line {line}, column {key}: ") and words in problem
        for problem in found
    ), found


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("oldest_days: 30", "oldest_days: 61", 20, "oldest_days"),
        ("approvals: [security, legal]", "approvals: [legal]", 26, "approvals"),
        ("evaluations: [evasion_linf]", "evaluations: [other]", 21, "evaluations"),
        (
            "oldest_days: 90\n    evaluations: []\n    force: true",
            "oldest_days: 90\n    evaluations: []\n    force: false",
            15,
            "force",
        ),
    ],
)
def test_a_higher_tier_that_asks_less_is_found(folder, old, new, line, key):
    folder.replace(MODELS, old, new)
    only(folder, f"{MODELS} line {line}, column {key}", "a higher tier never may")


@pytest.mark.parametrize("key", ["signature", "clean_tree"])
def test_a_tier_that_drops_what_a_lower_one_asks_for_is_found(folder, key):
    folder.replace(
        MODELS,
        f"    {key}: true\n"
        + ("    clean_tree: true\n" * (key == "signature"))
        + "    approvals: [security]",
        f"    {key}: false\n"
        + ("    clean_tree: true\n" * (key == "signature"))
        + "    approvals: [security]",
    )
    (problem,) = folder.problems()
    assert f"column {key}: high asks less than moderate" in problem


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("internal: {low: moderate, moderate", "internal: {low: high, moderate", "moderate"),
        ("restricted: {low: critical", "restricted: {low: moderate", "low"),
        (
            "confidential: {low: high, moderate: high, high: high, critical: critical}",
            "confidential: {low: high, moderate: high, high: high, critical: high}",
            "critical",
        ),
    ],
)
def test_more_at_stake_never_gives_a_lower_tier(folder, old, new, place):
    folder.replace(MODELS, old, new)
    (problem,) = folder.problems()
    assert f", column {place}: " in problem
    assert "a lower tier here than with less at stake" in problem


@pytest.mark.parametrize("content", ["[]", "7", "low"])
def test_a_file_without_the_three_parts_is_found(folder, content):
    folder.write("waivers.yaml", "[]")
    folder.write(MODELS, content)
    only(folder, MODELS, "a mapping with tiers, matrix, models is needed")


def test_every_part_and_every_tier_has_to_be_there(folder):
    folder.write("waivers.yaml", "[]")
    folder.write(MODELS, "tiers: {}\nmatrix: {}\n")
    found = folder.problems()
    assert f"{MODELS} line 1, column models: this key is missing" in found
    for key in ("low", "moderate", "high", "critical"):
        assert f"{MODELS} line 1, column {key}: this key is missing" in found
    for key in ("public", "internal", "confidential", "restricted"):
        assert f"{MODELS} line 2, column {key}: this key is missing" in found


@pytest.mark.parametrize("part", ["tiers", "matrix", "models"])
def test_a_part_that_is_no_mapping_is_found(folder, part):
    folder.write("waivers.yaml", "[]")
    text = folder.read(MODELS)
    folder.write(MODELS, text.replace(f"{part}:\n", f"{part}: 7\nold_{part}:\n"))
    assert any(f"column {part}: a mapping is needed" in p for p in folder.problems())


def test_a_model_that_is_no_mapping_is_found(folder):
    folder.write(MODELS, folder.read(MODELS) + "  forest: low\n")
    only(folder, f"{MODELS} line 46, column forest", "a mapping is needed")
