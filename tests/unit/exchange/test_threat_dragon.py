"""Files of Threat Dragon: what is in them, and what comes back after somebody changed them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seclab.errors import Misconfigured
from seclab.exchange.placeholders import NEW_RISK, NOT_DESCRIBED
from seclab.exchange.threat_dragon import NEWEST, from_threat_dragon, parse, to_threat_dragon
from seclab.registers import load_registers
from seclab.threat_models import Dismissal
from tests.small_model import small_model

REGISTERS = Path(__file__).parents[3] / "registers"


@pytest.fixture
def document():
    return json.loads(json.dumps(to_threat_dragon(small_model(), version=NEWEST)))


def cells(document):
    return document["detail"]["diagrams"][0]["cells"]


def cell(document, name):
    [found] = [each for each in cells(document) if each["data"]["name"] == name]
    return found


def foreign(document):
    """The file as if it had been drawn in Threat Dragon."""
    del document["detail"]["seclab"]
    for number, each in enumerate(cells(document)):
        for other in cells(document):
            for end in ("source", "target"):
                if other.get(end) == {"cell": each["id"]}:
                    other[end] = {"cell": f"cell-{number}"}
        each["id"] = f"cell-{number}"
        for threat in each["data"].get("threats", []):
            threat["id"] = f"threat-{threat['number']}"
            threat["description"] = threat["description"].partition("\n\nRisk: ")[0]
    return document


def test_what_was_written_is_read_as_the_same_model(document):
    assert from_threat_dragon(document) == small_model()


def test_threat_dragon_finds_its_own_fields(document):
    flow = cell(document, "passages")
    assert (flow["shape"], flow["data"]["type"]) == ("flow", "tm.Flow")
    assert flow["data"]["isEncrypted"] is False
    assert flow["source"] == {"cell": cell(document, "Passages")["id"]}
    assert cell(document, "Back end")["shape"] == "trust-boundary-box"
    assert cell(document, "Bot")["attrs"]["body"]["stroke"] != "red"
    assert flow["attrs"]["line"]["stroke"] == "red"  # a threat to it is open
    assert flow["data"]["hasOpenThreats"] is True
    [threat] = flow["data"]["threats"]
    assert threat["type"] == "Information disclosure"
    assert (threat["status"], threat["severity"]) == ("Open", "Medium")
    assert (threat["number"], document["detail"]["threatTop"]) == (2, 3)
    assert threat["description"] == "The line is open.\n\nRisk: R-RAG-02"


def test_framework_ids_stand_at_the_end_of_the_description_and_come_off_again():
    risks = load_registers(REGISTERS).risks
    document = to_threat_dragon(small_model(), version=NEWEST, risks=risks)

    [threat] = cell(document, "Bot")["data"]["threats"]
    ids = risks["R-RAG-01"].atlas_ids
    assert threat["description"].endswith("; ".join((*ids, *risks["R-RAG-01"].owasp_ids)))
    assert from_threat_dragon(document) == small_model()


def test_the_same_model_gives_the_same_file(document):
    assert to_threat_dragon(small_model(), version=NEWEST) == document


@pytest.mark.parametrize("version", ["1.6.1", "", "2.6.2-nightly", "3.0"])
def test_other_versions_are_refused(version):
    with pytest.raises(Misconfigured, match="version"):
        to_threat_dragon(small_model(), version=version)


def test_an_edited_name_and_description_come_back(document):
    cell(document, "Bot")["data"] |= {"name": "Agent\nof ours", "description": ""}
    document["summary"]["title"] = "Bigger bot"

    model = from_threat_dragon(document)
    assert model.name == "Bigger bot"
    assert model.elements[1] == replace(
        small_model().elements[1], name="Agent of ours", description=NOT_DESCRIBED
    )
    assert model.threats == small_model().threats


def test_an_added_threat_comes_back(document):
    new = {"title": "Flood", "type": "Denial of service", "status": "Open", "severity": "TBD"}
    new |= {"id": "7c", "number": 9, "description": "Too many questions", "mitigation": ""}
    cell(document, "passages")["data"]["threats"].append(new)

    model = from_threat_dragon(document)
    assert model.threats[:3] == small_model().threats
    added = model.threats[3]
    assert (added.id, added.target, added.stride, added.risk) == ("T4", "F4", "D", NEW_RISK)
    assert added.severity == "high"
    # It was dismissed before; a threat has answered since.
    assert Dismissal("F4", ("T",), "A private line.") in model.dismissed


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("Open", "open"),
        ("Mitigated", "mitigated"),
        ("Accepted", "accepted"),
        ("Transferred", "transferred"),
        ("Avoided", "mitigated"),
        ("Eliminated", "mitigated"),
    ],
)
def test_a_changed_status_comes_back(document, status, ours):
    cell(document, "Bot")["data"]["threats"][0]["status"] = status
    assert from_threat_dragon(document).threats[0].status == ours


def test_a_threat_that_no_longer_applies_is_dismissed_with_its_reason(document):
    threat = cell(document, "Bot")["data"]["threats"][0]
    threat |= {"status": "NotApplicable", "mitigation": "It follows no instructions."}

    model = from_threat_dragon(document)
    assert [each.id for each in model.threats] == ["T2", "T3"]
    assert model.dismissed[-1] == Dismissal("E2", ("T",), "It follows no instructions.")
    assert model.abuse_cases[0].threats == ("T3",)
    assert model.controls[0].threats == ()


def test_what_another_threat_of_its_kind_answers_is_not_dismissed(document):
    threats = cell(document, "Bot")["data"]["threats"]
    threats.append(threats[0] | {"id": "7c", "status": "NotApplicable", "mitigation": "No."})

    model = from_threat_dragon(document)
    assert model == small_model()


def test_what_is_dismissed_twice_is_dismissed_once_with_both_reasons(document):
    new = {"title": "?", "type": "Tampering", "status": "NotApplicable", "severity": "TBD"}
    cell(document, "passages")["data"]["threats"] += [
        new | {"id": "7c", "mitigation": "Signed."},
        new | {"id": "7d", "mitigation": "Nobody is there."},
    ]

    model = from_threat_dragon(document)
    assert model.dismissed == (
        Dismissal("E1", ("S", "R"), "Customers are anonymous."),
        Dismissal("F4", ("D",), "A private line."),
        Dismissal("F4", ("T",), "Signed.\nNobody is there."),
    )


def test_a_deleted_flow_takes_along_what_was_about_it(document):
    cells(document).remove(cell(document, "question"))
    cells(document).remove(cell(document, "passages"))

    model = from_threat_dragon(document)
    assert [flow.id for flow in model.flows] == ["F2", "F3"]
    assert [threat.id for threat in model.threats] == ["T1", "T3"]
    assert model.entry_points == ()
    assert [each.target for each in model.dismissed] == ["E1"]


def test_an_element_moved_over_a_boundary_is_inside_it(document):
    cell(document, "Log")["position"] = cell(document, "Passages")["position"]

    model = from_threat_dragon(document)
    assert [each.elements for each in model.boundaries] == [("E2",), ("E4", "E3")]


def test_an_added_element_and_flow_get_ids_of_their_own(document):
    new = {
        "shape": "process",
        "id": "n",
        "zIndex": 1,
        "data": {"name": "Cache", "type": "tm.Process"},
    }
    line = {
        "shape": "flow",
        "id": "l",
        "zIndex": 1,
        "data": {"name": "hit", "isBidirectional": True},
    }
    line |= {"source": {"cell": "n"}, "target": {"cell": cell(document, "Bot")["id"]}}
    cells(document).extend([new, line])

    model = from_threat_dragon(document)
    assert (model.elements[-1].id, model.elements[-1].name) == ("E5", "Cache")
    there, back = model.flows[-2:]
    assert [(each.id, each.source, each.target) for each in (there, back)] == [
        ("F5", "E5", "E2"),
        ("F6", "E2", "E5"),
    ]
    assert model.kinds()["E5"] == "process"


def test_what_is_out_of_scope_is_dismissed(document):
    cell(document, "Log")["data"] |= {"outOfScope": True, "reasonOutOfScope": "Not ours."}
    model = from_threat_dragon(document)
    assert model.dismissed[-1] == Dismissal("E3", ("T", "R", "I", "D"), "Not ours.")


def test_a_changed_risk_in_the_description_comes_back(document):
    threat = cell(document, "Bot")["data"]["threats"][0]
    threat["description"] = "Other words.\n\nRisk: R-EXT-01"

    changed = from_threat_dragon(document).threats[0]
    assert (changed.description, changed.risk) == ("Other words.", "R-EXT-01")


@pytest.mark.parametrize(
    "words", ["Risk: high", "Risk: R-EVA-01 and others", "Risk: x\nFrameworks: y"]
)
def test_words_of_others_that_begin_as_ours_do_are_kept(document, words):
    document = foreign(document)
    cell(document, "Bot")["data"]["threats"][0]["description"] = f"Bad.\n\n{words}"

    threat = from_threat_dragon(document).threats[0]
    assert (threat.description, threat.risk) == (f"Bad.\n\n{words}", NEW_RISK)


def test_threats_beside_the_data_as_the_schema_has_them_are_read_too(document):
    bot = cell(document, "Bot")
    bot["threats"] = bot["data"].pop("threats")
    for threat in bot["threats"]:
        threat["threatId"] = threat.pop("id")

    assert from_threat_dragon(document) == small_model()


def test_a_null_is_what_is_missing(document):
    cell(document, "Bot")["data"]["threats"][0] |= {"number": None, "mitigation": None}
    cell(document, "question")["data"]["threats"] = None
    cells(document).append(
        {"shape": "trust-boundary-curve", "id": "c", "source": None, "data": None}
    )

    model = from_threat_dragon(document)
    assert model.threats[0] == replace(small_model().threats[0], mitigation=NOT_DESCRIBED)
    assert model.boundaries[-1].name == NOT_DESCRIBED


def test_a_foreign_file_is_read_with_placeholders_that_say_so(document):
    document = foreign(document)
    document["summary"] = {"title": "Theirs", "owner": "Somebody", "description": ""}

    model = from_threat_dragon(document)
    ours = small_model()
    assert (model.id, model.name, model.description) == ("imported", "Theirs", NOT_DESCRIBED)
    assert [(e.name, e.kind) for e in model.elements] == [(e.name, e.kind) for e in ours.elements]
    assert [b.elements for b in model.boundaries] == [b.elements for b in ours.boundaries]
    assert [(f.source, f.target) for f in model.flows] == [(f.source, f.target) for f in ours.flows]
    assert [(t.title, t.target, t.stride) for t in model.threats] == [
        (t.title, t.target, t.stride) for t in ours.threats
    ]
    assert {threat.risk for threat in model.threats} == {NEW_RISK} == set(model.risks)
    assert (model.sensitivity, model.criticality) == ("restricted", "critical")
    assert model.review_date.year == 2000


def test_all_mistakes_are_told_at_once(document):
    document["version"] = "1.6.0"
    cell(document, "Bot")["shape"] = "cloud"
    cell(document, "Log")["data"]["name"] = 7
    cell(document, "Passages")["data"]["threats"][0] |= {"type": "Linkability", "status": "Maybe"}
    cell(document, "answer")["id"] = cell(document, "turns")["id"]
    document["summary"]["owner"] = "somebody"

    with pytest.raises(Misconfigured) as caught:
        from_threat_dragon(document)
    text = "\n".join(caught.value.problems)
    for words in (
        "version:",
        "'cloud' is no shape",
        "name: a text",
        "'Linkability'",
        "'Maybe'",
        "have the id",
        "summary.owner: 'somebody'",
    ):
        assert words in text


def test_flows_that_are_not_attached_and_an_owner_who_is_no_role_are_refused(document):
    cell(document, "turns")["target"] = {"x": 1, "y": 2}
    cell(document, "answer")["source"] = {"cell": cell(document, "Back end")["id"]}
    cell(document, "question")["source"] = {"cell": "nowhere"}
    cell(document, "passages")["target"] = None
    document["summary"]["owner"] = "somebody"

    with pytest.raises(Misconfigured) as caught:
        from_threat_dragon(document)
    *flows, owner = caught.value.problems
    for name, problem in zip(("question", "answer", "turns", "passages"), flows, strict=True):
        assert f"the flow '{name}'" in problem
        assert "is not attached at both ends to an element" in problem
    assert "summary.owner: 'somebody' is not one of" in owner


def test_our_own_part_is_read_as_strictly_as_a_file(document):
    document["detail"]["seclab"]["criticality"] = "none"
    with pytest.raises(Misconfigured, match=r"detail\.seclab.*criticality"):
        from_threat_dragon(document)


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b""])
def test_what_is_no_json_is_wrong_use(data):
    with pytest.raises(Misconfigured, match=r"x\.json"):
        parse(data, file="x.json")
