"""The layer of the ATT&CK Navigator: its form, its scores, and that untested never looks safe."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.coverage import STATES, Coverage, Link, TechniqueCoverage
from seclab.exchange.navigator import COLOURS, SCORES, to_navigator
from seclab.frameworks import load_frameworks
from tests.conftest import ROOT
from tests.unit.reports.gated import HOSTILE

SCHEMA = json.loads((ROOT / "tests/assets/navigator-layer-4.3.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FRAMEWORKS = load_frameworks(ROOT / "registers" / "frameworks")
IDS = [entry.id for entry in FRAMEWORKS.techniques()]
NOW = datetime(2026, 11, 28, tzinfo=UTC)
LINK = Link(
    risk="R-EVA-01",
    subject="mlp",
    state="failed",
    reason="T-EVA-01 blocks",
    run_id="a" * 32,
    verdict="block",
    made=datetime(2026, 11, 20, tzinfo=UTC),
    age_days=8.0,
    limit_days=90,
    stale="",
    page="http://127.0.0.1:5000/#/experiments/1/runs/a",
)


def technique(id_, state="never-tested", **changes):
    found = TechniqueCoverage(
        id=id_,
        name="A technique",
        tactics=("AML.TA0000",),
        state=state,
        reason="no evaluation exercises it",
        evidence=(),
        evaluations=(),
        risks=(),
    )
    return replace(found, **changes)


def layer(*techniques, name="Coverage"):
    found = Coverage(
        at=NOW,
        risks={},
        techniques={each.id: each for each in techniques},
        asset_classes={},
        systems={},
        tactics={},
        gaps=(),
    )
    document = to_navigator(found, FRAMEWORKS, name=name)
    return document, {each["techniqueID"]: each for each in document["techniques"]}


def problems(document):
    return [error.message for error in VALIDATOR.iter_errors(json.loads(json.dumps(document)))]


def test_a_failed_technique_says_so_in_words_and_names_its_runs():
    failed = technique(
        "AML.T0015",
        "failed",
        reason="failed on mlp",
        evidence=(LINK, replace(LINK, risk="R-EVA-02")),
        evaluations=("evasion_linf",),
        risks=("R-EVA-01", "R-EVA-02"),
    )

    document, found = layer(failed)

    assert problems(document) == []
    said = "R-EVA-01 on mlp, run " + "a" * 32
    assert found["AML.T0015"] == {
        "techniqueID": "AML.T0015",
        "score": 0,
        "comment": "FAILED: failed on mlp",
        "metadata": [
            {"name": "state", "value": "failed"},
            {"name": "risks", "value": "R-EVA-01, R-EVA-02"},
            {"name": "evaluations", "value": "evasion_linf"},
            {
                "name": "evidence 1",
                "value": f"failed: {said}, measured 2026-11-20, 8.0 of 90 days old: "
                "T-EVA-01 blocks",
            },
            {
                "name": "evidence 2",
                "value": f"failed: {said.replace('01', '02', 1)}, measured 2026-11-20, 8.0 of 90 "
                "days old: T-EVA-01 blocks",
            },
        ],
        "links": [{"label": f"run {'a' * 32} of mlp", "url": LINK.page}],
    }


def test_what_was_never_tested_is_scored_and_only_what_passed_has_the_highest_score():
    document, found = layer(
        *(technique(id_, state) for id_, state in zip(IDS, STATES, strict=False))
    )

    scores = dict(zip(STATES, (each.get("score") for each in found.values()), strict=False))
    assert scores.pop("out-of-scope") is None
    assert scores == SCORES
    assert [state for state, score in scores.items() if score == 5] == ["passed"]
    assert scores["never-tested"] < scores["passed"] - 1
    assert found[IDS[STATES.index("never-tested")]]["comment"].startswith("NEVER TESTED, so not")
    assert document["description"].startswith("1 of 6 techniques in scope passed. ")


def test_out_of_scope_is_disabled_with_its_reason():
    document, found = layer(technique("AML.T0015", "out-of-scope", reason="no image leaves"))

    assert problems(document) == []
    assert found["AML.T0015"]["enabled"] is False
    assert found["AML.T0015"]["comment"] == "OUT OF SCOPE: no image leaves"
    assert "score" not in found["AML.T0015"]


def test_sub_techniques_are_shown_and_a_parent_has_no_score_but_its_own():
    document, found = layer(technique("AML.T0043.001", "passed"), technique("AML.T0015"))

    assert problems(document) == []
    assert found["AML.T0043"] == {"techniqueID": "AML.T0043", "showSubtechniques": True}
    assert "showSubtechniques" not in found["AML.T0015"]


def test_the_whole_matrix_of_atlas_has_one_entry_each():
    document, found = layer(*map(technique, IDS))

    assert problems(document) == []
    assert [*found] == IDS
    assert len(document["techniques"]) == len(IDS)
    parents = {entry.parent for entry in FRAMEWORKS.techniques()} - {""}
    assert {id_ for id_, each in found.items() if "showSubtechniques" in each} == parents
    assert {"name": "atlas_data_version", "value": "2026.09"} in document["metadata"]


def test_the_schema_would_object():
    document, found = layer(technique("AML.T0015"))
    found["AML.T0015"] |= {"color": "#ff0000", "tactic": "impact"}
    document["metadata"].append({"name": "number", "value": 1})

    assert len(problems(document)) == 2


def test_colours_and_legend_can_be_told_apart_without_colour():
    document, _ = layer(technique("AML.T0015"))

    luma = [
        sum(w * int(c[i : i + 2], 16) for w, i in ((0.299, 1), (0.587, 3), (0.114, 5)))
        for c in COLOURS
    ]
    assert all(later - earlier > 15 for earlier, later in itertools.pairwise(luma))
    assert document["gradient"] == {"colors": list(COLOURS), "minValue": 0, "maxValue": 5}
    assert [each["label"] for each in document["legendItems"]] == [
        "0 failed",
        "1 never-tested",
        "2 errored",
        "3 skipped",
        "4 stale",
        "5 passed",
        "disabled: out-of-scope",
    ]


@pytest.mark.parametrize("words", [each for each in HOSTILE if each] + ["9" * 100_000])
def test_hostile_words_stay_words(words):
    link = replace(LINK, reason=words, subject=words, run_id=words, page=f"javascript:{words}")
    hostile = technique(
        "AML.T0015", "failed", reason=words, evidence=(link,), evaluations=(words,), risks=(words,)
    )

    document, found = layer(hostile, name=words)

    assert problems(document) == []
    assert "links" not in found["AML.T0015"]
    assert not {*"\0\x1b\u202e\ud800"} & {*json.dumps(document, ensure_ascii=False)}


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.sampled_from(IDS), st.tuples(st.sampled_from(STATES), st.text(max_size=5)), max_size=8
    )
)
def test_every_layer_is_valid_and_scores_follow_states(drawn):
    techniques = [technique(id_, state, reason=why) for id_, (state, why) in drawn.items()]

    document, found = layer(*techniques)

    assert problems(document) == []
    for each in techniques:
        entry = found[each.id]
        assert entry.get("score") == SCORES.get(each.state)
        assert (entry["metadata"][0]["value"], "enabled" in entry) == (
            each.state,
            each.state == "out-of-scope",
        )
