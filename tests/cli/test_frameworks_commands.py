"""``seclab frameworks``: what is listed, shown, found and changed, and what a wrong id is told."""

import pytest

from tests.cli.projects import make_lab


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A project that is only read."""
    return make_lab(tmp_path_factory.mktemp("frameworks"))


@pytest.fixture
def frameworks(seclab, sound):
    return lambda *arguments: seclab(sound, "frameworks", *arguments)


def test_the_editions_are_listed_with_how_they_were_read(frameworks):
    lines = frameworks("list").out.splitlines()

    assert lines[0].split() == ["framework", "edition", "published", "entries", "read"]
    [newest] = [line for line in lines if line.startswith("MITRE ATLAS    2026.09")]
    assert newest.endswith("2026-09-15  264      in copies by others that agree")
    assert len(frameworks("list", "--json").json) == len(lines) - 1


def test_entries_are_listed_of_the_newest_edition_unless_another_is_named(frameworks):
    newest = frameworks("list", "--framework", "OWASP LLM", "--json").json
    older = frameworks("list", "--framework", "OWASP LLM", "--edition", "2023", "--json").json
    tactics = frameworks("list", "--kind", "tactic").out.splitlines()

    assert [each["id"] for each in newest] == [f"LLM{n:02}:2026" for n in range(1, 11)]
    assert [each["id"] for each in older] == [f"LLM{n:02}:2023" for n in range(1, 11)]
    assert len(tactics) == 1 + 16
    assert tactics[1].startswith("AML.TA0002  Reconnaissance")


def test_options_that_select_nothing_are_2_all_at_once(frameworks):
    answer = frameworks("list", "--framework", "ATLAS", "--kind", "sin")
    edition = frameworks("list", "--framework", "STRIDE", "--edition", "7")

    assert (answer.code, answer.out) == (2, "")
    first, second = answer.text.splitlines()
    assert first.startswith("seclab: --framework 'ATLAS' is none of MITRE ATLAS, NIST")
    assert second.startswith("seclab: --kind 'sin' is none of tactic, ")
    assert (edition.code, "it has none" in edition.text) == (2, True)


def test_a_renamed_technique_is_shown_with_everything_that_belongs_to_it(frameworks):
    answer = frameworks("show", "AML.T0020")
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]

    assert answer.code == 0
    assert lines[0] == "AML.T0020 Training Data Poisoning"
    assert "also in 5.6.0 as Poison Training Data" in lines
    assert "formerly Poison Training Data (seen first in 3.0.0)" in lines
    assert "mitigations new since 5.6.0: AML.M0035 AI Red Team" in lines
    assert "tactic AML.TA0006 Persistence" in lines
    assert "mitigation AML.M0007 Sanitize Training Data" in lines
    assert "risk R-POI-01 Backdoor planted in the training data (mitigated)" in lines
    assert any(line.startswith("backdoor-poisoning NISTAML.023 NISTAML.021") for line in lines)


def test_what_is_shown_can_be_read_by_a_program(frameworks):
    document = frameworks("show", "aml.t0020", "--json").json

    assert document["id"] == "AML.T0020"
    assert [each["edition"] for each in document["editions"]] == ["5.6.0", "2026.09"]
    assert document["change"]["kind"] == "renamed"
    assert "R-POI-01" in document["risks"]
    assert {"relation": "tactic", "id": "AML.TA0006", "name": "Persistence"} in document["related"]
    assert "targeted-poisoning" in [each["threat"] for each in document["crosswalk"]]


def test_a_retired_technique_is_shown_with_what_takes_its_place(frameworks):
    answer = frameworks("show", "AML.T0019")

    assert answer.code == 0
    assert "use AML.T0115.000 Publish Poisoned AI Artifacts: Datasets" in answer.out
    assert "MITRE ATLAS 5.6.0, technique, retired" in answer.out


@pytest.mark.parametrize(
    ("id_", "sentences"),
    [
        (
            "T1595",
            [
                "T1595 (where it is about data poisoning): ",
                "write AML.T0020 Training Data Poisoning, or AML.T0006 Active Scanning",
                "write AML.T0006 Active Scanning\n",
            ],
        ),
        ("T1078", ["T1078: ATT&CK technique; ", "write AML.T0012 Valid Accounts\n"]),
        ("T1499", ["T1499: ATT&CK technique; not one of ATLAS; look for words of its name"]),
        ("T1566.001", ["T1566.001: ATT&CK technique; ", "write AML.T0052 Phishing\n"]),
        ("AML.T1595", ["T1595: ATT&CK Enterprise", "write AML.T0006 Active Scanning\n"]),
        (
            "LLM06",
            [
                "LLM06:2023 Sensitive Information Disclosure, ",
                "LLM06:2025 Excessive Agency, LLM06:2026 Unbounded Consumption",
            ],
        ),
        ("ML03", ["ML03: no framework has this id; near it are ML03:2023 Model Inversion Attack"]),
        ("AML.T020", ["AML.T020: no framework has this id; near it are AML.T0020 Training Data"]),
        ("AML.T0045", ["write AML.T0048.004 External Harms: AI Intellectual Property Theft"]),
        ("sponge zebra", ["sponge zebra: no framework has this id, and none is near it"]),
        ("model inversion", ["near it are ML03:2023 Model Inversion Attack"]),
    ],
)
def test_a_wrong_id_is_2_and_told_what_was_probably_meant(frameworks, id_, sentences):
    answer = frameworks("show", id_)

    assert (answer.code, answer.out) == (2, "")
    assert all(sentence in answer.text for sentence in sentences), answer.text


def test_risks_are_left_out_with_a_word_when_the_registers_are_wrong(seclab, lab):
    (lab.root / "registers" / "risks.csv").write_text("id\n")

    answer = seclab(lab, "frameworks", "show", "AML.T0020")

    assert answer.code == 0
    assert "The risks are left out, because the registers are wrong: risks.csv" in answer.out
    assert "R-POI-01" not in answer.out


def test_broken_tables_are_2_with_every_mistake(seclab, lab):
    folder = lab.root / "registers" / "frameworks"
    (folder / "pasta.csv").write_text("id,name\nPASTA-9,None\n")
    (folder / "stride.csv").unlink()

    answer = seclab(lab, "frameworks", "search", "poisoning")

    assert (answer.code, answer.out) == (2, "")
    assert "seclab: frameworks/stride.csv: the file is missing" in answer.text
    assert "seclab: frameworks/pasta.csv line 2, column id: 'PASTA-9' has not" in answer.text


def test_a_former_name_finds_the_entry_of_today(frameworks):
    answer = frameworks("search", "meta", "prompt", "extraction")
    nothing = frameworks("search", "zebra")

    assert answer.out.splitlines()[1].startswith("AML.T0056  Extract LLM System Prompt")
    assert answer.out.splitlines()[1].endswith("LLM Meta Prompt Extraction")
    assert frameworks("search", "meta", "prompt", "--json").json[0]["id"] == "AML.T0056"
    assert (nothing.code, nothing.out) == (
        0,
        "no entry has 'zebra' in its id or in a name it has or had\n",
    )
    assert frameworks("search", "zebra", "--json").json == []


def test_changes_between_two_editions_of_atlas(frameworks):
    lines = frameworks("changes").out.splitlines()
    same = frameworks("changes", "--from", "5.6.0", "--to", "2026.09", "--json").json

    assert len(same) == len(lines) - 1 == 83
    [line] = [line for line in lines if line.startswith("AML.T0020 ")]
    assert "Poison Training Data until 5.6.0; lost AML.TA0003 Resource Development" in line
    [line] = [line for line in lines if line.startswith("AML.T0019 ")]
    assert line.split()[1:5] == ["retired", "Publish", "Poisoned", "Datasets"]


def test_changes_of_an_owasp_list(frameworks):
    ids = [each["id"] for each in frameworks("changes", "--framework", "OWASP LLM", "--json").json]
    far = frameworks("changes", "--framework", "OWASP LLM", "--from", "2023", "--json").json
    near = frameworks("changes", "LLM06:2023", "--to", "2025", "--json").json

    # LLM01 and LLM02 are the same in 2025 and 2026.
    assert ids == [f"LLM{n:02}:2025" for n in range(3, 11)]
    assert {each["id"]: each["kind"] for each in far}["LLM10:2023"] == "nearest"
    assert {each["id"]: each["kind"] for each in far}["LLM08:2026"] == "new"
    assert [(each["replacement"], each["kind"]) for each in near] == [("LLM02:2025", "renumbered")]


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("AML.T0020", "Poison Training Data until 5.6.0"),
        ("AML.T0045", "use AML.T0048.004"),
        ("AML.T0015", "AML.T0015: the same in 5.6.0 and 2026.09"),
        ("AML.T0115.000", "new in 2026.09"),
        ("LLM06:2023", "goes on in 2026 as LLM02:2026"),
        ("LLM01:2025", "goes on in 2026 as LLM01:2026"),
    ],
)
def test_what_became_of_one_entry(frameworks, id_, words):
    answer = frameworks("changes", id_)

    assert answer.code == 0
    assert words in answer.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--framework", "STRIDE"), "two editions to compare are there of MITRE ATLAS, OWASP LLM"),
        (("--framework", "LLM"), "two editions to compare are there of MITRE ATLAS, OWASP LLM"),
        (("--from", "4.0"), "--from '4.0' is no edition of MITRE ATLAS in the tables: 5.6.0, 2026"),
        (("--from", "2026.09"), "2026.09 is not older than 2026.09"),
        (("--from", "2026.09", "--to", "5.6.0"), "there is no edition of MITRE ATLAS before 5.6.0"),
        (("--to", "5.6.0"), "there is no edition of MITRE ATLAS before 5.6.0"),
        (("AML.T0020", "--framework", "OWASP LLM"), "an entry of MITRE ATLAS, not of OWASP LLM"),
        (("NISTAML.022",), "two editions to compare are there of"),
        (("AML.T020",), "near it are AML.T0020"),
    ],
)
def test_what_cannot_be_compared_is_2(frameworks, arguments, sentence):
    answer = frameworks("changes", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.text
