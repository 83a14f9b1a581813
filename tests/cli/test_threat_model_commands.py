"""``seclab threat-model``: systems listed, read, checked and begun."""

SYSTEMS = ["database-assistant", "digits-service", "rag-bot", "spam-classifier"]


def test_every_system_is_listed_with_its_tier(seclab, lab):
    answer = seclab(lab, "threat-model", "list")
    found = seclab(lab, "threat-model", "list", "--json").json

    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == ["system", *SYSTEMS]
    assert [(each["id"], each["tier"]) for each in found] == list(
        zip(SYSTEMS, ["critical", "low", "high", "high"], strict=True)
    )
    assert found[1]["threats"]["mitigated"] > found[1]["threats"]["open"] > 0


def test_a_system_is_shown_with_what_its_tier_asks_and_every_stride_cell(seclab, lab):
    answer = seclab(lab, "threat-model", "show", "rag-bot")

    assert answer.code == 0
    assert "tier high: confidential data, moderate criticality" in answer.out
    assert "approvals: security, ml-engineering" in answer.out
    line = next(each for each in answer.out.splitlines() if each.startswith("E8 Tool policy"))
    assert line.split()[-6:] == ["-", "-", "-", "-", "-", "T3"]
    assert "unanswered STRIDE questions: none" in answer.out


def test_a_system_is_shown_as_json(seclab, lab):
    found = seclab(lab, "threat-model", "show", "digits-service", "--json").json

    assert found["tier"] == "low"
    assert found["model"]["flows"][0]["source"] == "E1"
    assert found["model"]["review_date"] == "2027-03-31"


def test_the_shipped_systems_pass_the_check(seclab, lab):
    answer = seclab(lab, "threat-model", "check")

    assert (answer.code, answer.out) == (0, "4 threat models: errors 0, warnings 0\n")


def test_a_new_system_loads_and_the_check_says_what_is_left(seclab, lab):
    begun = seclab(lab, "threat-model", "new", "kiosk-reader", "--name", "Kiosk: reads numbers")
    listed = seclab(lab, "threat-model", "list").out
    checked = seclab(lab, "threat-model", "check", "kiosk-reader")

    assert begun.code == 0
    assert "seclab threat-model check kiosk-reader" in begun.out
    assert "Kiosk: reads numbers" in listed
    assert checked.code == 1
    assert "A1 still holds the text of the template" in checked.out
    assert "R-NEW-01 is not in risks.csv" in checked.out
    assert "T (tampering)" in checked.out


def test_a_system_that_is_there_is_not_overwritten(seclab, lab):
    path = lab.root / "registers/threat_models/rag-bot.yaml"
    before = path.read_bytes()

    answer = seclab(lab, "threat-model", "new", "rag-bot")

    assert answer.code == 2
    assert "is there already" in answer.text
    assert path.read_bytes() == before


def test_mistakes_of_use_are_named(seclab, lab):
    unknown = seclab(lab, "threat-model", "show", "rag")
    wrong = seclab(lab, "threat-model", "new", "../Kiosk")
    blank = seclab(lab, "threat-model", "new", "kiosk", "--name", " ")

    assert (unknown.code, wrong.code, blank.code) == (2, 2, 2)
    assert "there is no threat model 'rag'; known: database-assistant" in unknown.text
    assert "cannot be an id" in wrong.text
    assert "one line of text" in blank.text


def test_mistakes_of_form_in_all_files_are_named_at_once(seclab, lab):
    folder = lab.root / "registers/threat_models"
    for name in ("rag-bot", "spam-classifier"):
        path = folder / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("owner: ", "chief: ", 1))

    answer = seclab(lab, "threat-model", "check")

    assert answer.code == 1
    assert answer.out.count("unknown key") == 2
    assert "threat_models/rag-bot.yaml" in answer.out
    assert "threat_models/spam-classifier.yaml" in answer.out
    assert seclab(lab, "threat-model", "check", "digits-service").code == 0
    assert seclab(lab, "threat-model", "check", "rag-bot").code == 1
    assert seclab(lab, "threat-model", "check", "../models").code == 2
    assert seclab(lab, "threat-model", "list").code == 2


def test_a_project_without_threat_models_says_how_to_begin(seclab, lab):
    for path in (lab.root / "registers/threat_models").glob("*"):
        path.unlink()

    listed = seclab(lab, "threat-model", "list")
    checked = seclab(lab, "threat-model", "check")

    assert listed.out.startswith("no threat models yet: `seclab threat-model new")
    assert checked.code == 1
    assert "R-EVA-01 is in the risks of no threat model" in checked.out


def test_an_id_too_long_for_a_file_is_refused(seclab, lab):
    answer = seclab(lab, "threat-model", "new", "a" * 300)

    assert answer.code == 2
    assert "File name too long" in answer.err


def test_findings_are_sorted_by_line(seclab, lab):
    seclab(lab, "threat-model", "new", "kiosk")

    out = seclab(lab, "threat-model", "check", "kiosk").out

    lines = [int(line.split("kiosk.yaml:")[1].split()[0]) for line in out.splitlines()
             if "kiosk.yaml:" in line]  # fmt: skip
    assert lines == sorted(lines)
    assert len(lines) > 20
