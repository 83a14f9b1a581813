import pytest

from seclab.errors import Misconfigured
from seclab.threat_models import (
    lines_of,
    load_lines,
    load_threat_models,
    read_threat_model,
    write_threat_model,
)

MODEL = """\
id: kiosk
name: A kiosk
description: Reads numbers that people write.
owner: security
review_date: 2027-03-31
sensitivity: public
criticality: low
subjects: []
assets:
  - id: A1
    name: The answer
    class: prediction-interface
    description: What people act on.
    protects: [integrity]
actors:
  - id: ACT1
    name: Passer-by
    description: Curious.
    capability: Writes anything.
    knowledge: black-box
boundaries:
  - id: B1
    name: The case
    description: Inside nobody gets without a key.
    elements: [E2]
elements:
  - id: E1
    name: People
    kind: actor
    description: Write.
    assets: []
  - id: E2
    name: Reader
    kind: process
    description: Reads.
    assets: [A1]
flows:
  - id: F1
    name: Numbers
    from: E1
    to: E2
    description: A picture.
    protocol: camera
    encrypted: false
    authenticated: false
entry_points:
  - id: EP1
    name: Camera
    description: Sees what is held before it.
    flow: F1
    actors: [ACT1]
assumptions:
  - id: AS1
    text: The case is locked.
    if_wrong: The reader can be swapped.
threats:
  - id: T1
    title: A number that is misread
    description: Written so that it is taken for another.
    target: F1
    stride: T
    actors: [ACT1]
    risk: R-EVA-01
    severity: low
    status: open
    mitigation: Nothing is done.
dismissed:
  - target: F1
    stride: [I, D]
    reason: Everybody may see it, and there is another kiosk.
abuse_cases:
  - id: AB1
    title: A free coffee
    actor: ACT1
    steps: [Write a one that is read as a seven., Take the coffee.]
    threats: [T1]
controls:
  - id: C1
    name: A second look
    description: Somebody looks at every hundredth.
    kind: detective
    threats: [T1]
    mitigations: []
    evaluations: []
pasta:
  - stage: 1
    result: Coffee is sold.
risks: [R-EVA-01]
out_of_scope: []
"""


def read(text=MODEL):
    return read_threat_model(text.encode(), file="threat_models/kiosk.yaml")


def problems(text):
    with pytest.raises(Misconfigured) as raised:
        read(text)
    return list(raised.value.problems)


def test_a_model_says_what_its_file_says():
    model = read()

    assert (model.id, model.owner, model.review_date.isoformat()) == (
        "kiosk",
        "security",
        "2027-03-31",
    )
    assert model.assets[0].asset_class == "prediction-interface"
    assert (model.flows[0].source, model.flows[0].target) == ("E1", "E2")
    assert model.pasta[0].number == 1
    assert next(iter(model.unanswered())) == ("E1", "S")
    assert model.crosses(model.flows[0])


def test_a_written_file_is_laid_out_for_people():
    long = "It follows that somebody else has to look at every one of the pictures by hand."
    text = write_threat_model(read(MODEL.replace("The reader can be swapped.", long)))

    assert "    protects: [integrity]\n" in text
    assert "    if_wrong: >-\n      It follows" in text
    assert "review_date: 2027-03-31\n" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: kiosk", "id: Kiosk!", "line 1, column id: 'Kiosk!' has not the form of"),
        ("owner: security", "owner: Alice", "line 4, column owner: 'Alice' is not one of"),
        ("review_date: 2027-03-31", "review_date: soon", "line 5, column review_date: 'soon' is"),
        ("sensitivity: public", "sensitivity: secret", "column sensitivity: 'secret' is not one"),
        ("criticality: low\n", "", "line 1, column criticality: this key is missing"),
        ("subjects: []", "subjects: digits", "column subjects: a list of texts is needed"),
        ("id: A1", "id: A01", "line 10, column id: 'A01' has not the form of A1"),
        ("class: prediction-interface", "class: data", "line 12, column class: 'data' is not one"),
        ("protects: [integrity]", "protects: []", "column protects: at least one is needed"),
        ("protects: [integrity]", "protects: [beauty]", "column protects: 'beauty' is not one of"),
        ("knowledge: black-box", "knowledge: some", "column knowledge: 'some' is not one of"),
        ("id: E2", "id: E1", "line 32, column id: E1 stands in line 27 already"),
        ("kind: actor", "kind: person", "column kind: 'person' is not one of"),
        (
            "    from: E1\n",
            "    from: E1\n    via: E9\n",
            "column via: unknown key; known are id, n",
        ),
        ("encrypted: false", "encrypted: maybe", "column encrypted: 'maybe' is neither"),
        ("stride: T\n", "stride: X\n", "column stride: 'X' is not one of S, T, R, I, D, E"),
        ("stride: [I, D]", "stride: [I, X]", "column stride: 'X' is not one of"),
        ("severity: low", "severity: bad", "column severity: 'bad' is not one of"),
        ("status: open", "status: done", "column status: 'done' is not one of"),
        ("kind: detective", "kind: magic", "column kind: 'magic' is not one of"),
        ("stage: 1", "stage: 8", "column stage: PASTA has the stages 1 to 7"),
        ("stage: 1", "stage: 0", "column stage: 0 is not a whole number from 1 on"),
        ("name: Camera", 'name: "Cam\\u200bera"', "column name: the text holds an invisible"),
        ("name: Camera", 'name: "Cam\\nera"', "column name: one line is needed here"),
        (
            "result: Coffee is sold.",
            'result: " Coffee"',
            "column result: blanks or line breaks stand around",
        ),
        ("out_of_scope: []", "out_of_scope: [R-EXT-01]", "a list of mappings is needed"),
        ("risks: [R-EVA-01]", "risks: [R-EVA-01, R-EVA-01]", "'R-EVA-01' is named more than once"),
        ("risks: [R-EVA-01]", "risks: ['']", "column risks: '' is empty"),
    ],
)
def test_a_mistake_of_form_is_named_with_its_line_and_key(old, new, expected):
    assert MODEL.count(old) >= 1

    found = problems(MODEL.replace(old, new, 1))

    assert len(found) == 1
    assert found[0].startswith("threat_models/kiosk.yaml line ")
    assert expected in found[0]


def test_all_mistakes_are_named_at_once():
    found = problems(MODEL.replace("kind: actor", "kind: x").replace("stage: 1", "stage: one"))

    assert len(found) == 2


@pytest.mark.parametrize("text", ["- a list\n", "a text\n"])
def test_a_file_that_is_no_mapping_says_what_is_needed(text):
    assert "a mapping with id, name" in problems(text)[0]


def test_a_folder_is_read_whole_and_its_mistakes_are_named_together(tmp_path):
    (tmp_path / "kiosk.yaml").write_text(MODEL, encoding="utf-8")
    assert list(load_threat_models(tmp_path)) == ["kiosk"]
    assert load_lines(tmp_path)["kiosk"].of("E2") == 32

    (tmp_path / "bar.yaml").write_text(MODEL, encoding="utf-8")
    (tmp_path / "cafe.yaml").write_text("id: [", encoding="utf-8")
    with pytest.raises(Misconfigured) as raised:
        load_threat_models(tmp_path)

    assert [problem.split(":")[0].split()[0] for problem in raised.value.problems] == [
        "threat_models/bar.yaml,",
        "threat_models/cafe.yaml",
    ]
    assert "rename the file to kiosk.yaml" in raised.value.problems[0]


def test_a_folder_that_is_missing_holds_no_models(tmp_path):
    assert load_threat_models(tmp_path / "none") == {}


def test_lines_of_entries_without_an_id_are_known_by_their_place():
    lines = lines_of(MODEL.encode(), file="threat_models/kiosk.yaml")

    assert MODEL.split("\n")[lines.of("dismissed[0]") - 1] == "  - target: F1"
    assert MODEL.split("\n")[lines.of("risks") - 1] == "risks: [R-EVA-01]"
    assert lines.of("T99") == 1
