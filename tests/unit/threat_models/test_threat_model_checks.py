from dataclasses import replace
from datetime import date

import pytest

from seclab.threat_models import (
    Actor,
    Asset,
    Control,
    Dismissal,
    Element,
    Exclusion,
    Stage,
    check_threat_models,
    template,
)


def test_the_shipped_threat_models_have_no_findings(shipped):
    assert shipped.check() == []
    assert len(shipped.models) == 4


def test_every_risk_of_the_register_is_in_a_system(shipped):
    carried = {risk for model in shipped.models.values() for risk in model.risks}

    assert carried == set(shipped.registers.risks)


@pytest.mark.parametrize(
    "name", ["database-assistant", "digits-service", "rag-bot", "spam-classifier"]
)
def test_each_shipped_system_is_complete(shipped, name):
    model = shipped.models[name]

    assert len(model.assets) >= 4
    assert len(model.actors) >= 3
    assert len(model.boundaries) >= 3
    assert len(model.elements) >= 8
    assert len(model.flows) >= 10
    assert len(model.abuse_cases) >= 4
    assert list(model.unanswered()) == []
    assert {threat.stride for threat in model.threats} == set("STRIDE")
    assert model.review_date.year == 2027


def test_only_systems_with_measured_controls_call_threats_mitigated(shipped):
    for name in ("spam-classifier", "database-assistant"):
        model = shipped.models[name]
        assert not any(control.evaluations for control in model.controls)
        assert not any(threat.status == "mitigated" for threat in model.threats)


def put(records, at, **values):
    """Records with one of them changed."""
    changed = list(records)
    changed[at] = replace(changed[at], **values)
    return tuple(changed)


def without(records, ids):
    return tuple(each for each in records if each.id not in ids)


CASES = {
    "unknown-reference": lambda m: {"entry_points": put(m.entry_points, 0, flow="F99")},
    "two-boundaries": lambda m: {"boundaries": put(m.boundaries, 4, elements=("E12", "E13", "E6"))},
    "element-without-flow": lambda m: {
        "elements": (*m.elements, Element("E99", "Idle", "actor", "Idle.", ())),
        "dismissed": (*m.dismissed, Dismissal("E99", ("S", "R"), "Idle.")),
    },
    "unanswered-stride": lambda m: {"dismissed": m.dismissed[1:]},
    "wrong-stride": lambda m: {"dismissed": (*m.dismissed, Dismissal("F1", ("S",), "No."))},
    "contradictory-dismissal": lambda m: {
        "dismissed": (*m.dismissed, Dismissal("F1", ("T",), "No."))
    },
    "unlisted-risk": lambda m: {"threats": put(m.threats, 0, risk="R-SQL-09", status="open")},
    "risk-without-threat": lambda m: {"risks": (*m.risks, "R-SQL-09")},
    "asset-without-element": lambda m: {
        "assets": (*m.assets, Asset("A99", "Lost", "training-data", "Lost.", ("integrity",)))
    },
    "idle-actor": lambda m: {
        "actors": (*m.actors, Actor("ACT99", "Nobody", "Nothing.", "None.", "black-box"))
    },
    "idle-abuse-case": lambda m: {"abuse_cases": put(m.abuse_cases, 0, threats=())},
    "idle-control": lambda m: {
        "controls": (*m.controls, Control("C99", "Idle", "Idle.", "preventive", (), (), ()))
    },
    "unknown-mitigation": lambda m: {"controls": put(m.controls, 0, mitigations=("AML.M9999",))},
    "unsupported-control": lambda m: {"controls": put(m.controls, 0, mitigations=("AML.M0031",))},
    "unknown-evaluation": lambda m: {"controls": put(m.controls, 0, evaluations=("evasion_l0",))},
    "unfit-evaluation": lambda m: {"controls": put(m.controls, 0, evaluations=("random_noise",))},
    "pasta-stages": lambda m: {"pasta": m.pasta[:6]},
    "review-past": lambda _: {"review_date": date(2026, 11, 27)},
    "unknown-subject": lambda m: {"subjects": (*m.subjects, "mlp-large")},
    "mitigated-without-control": lambda m: {
        "controls": put(m.controls, 0, threats=("T3",), evaluations=())
    },
    "unknown-exclusion": lambda m: {
        "out_of_scope": (*m.out_of_scope, Exclusion("AML.T9999", "No."))
    },
    "contradictory-exclusion": lambda m: {
        "out_of_scope": (*m.out_of_scope, Exclusion("R-EVA-01", "No."))
    },
    "open-crossing": lambda m: {"flows": put(m.flows, 13, encrypted=False, authenticated=False)},
    "empty-part": lambda _: {"assumptions": ()},
    "placeholder": lambda m: {"assumptions": put(m.assumptions, 0, text="TODO: think")},
}


WARNINGS = {"unsupported-control", "open-crossing", "review-past"}


@pytest.mark.parametrize("rule", CASES)
def test_one_mistake_gives_exactly_one_finding(shipped, rule):
    model = shipped.models["digits-service"]
    changed = replace(model, **CASES[rule](model))

    findings = shipped.check(digits_service=changed)

    # A threat that moved to a risk of another system leaves its own behind where it was the last.
    assert [each.rule for each in findings] == [rule]
    assert findings[0].file == "threat_models/digits-service.yaml"
    assert findings[0].level == ("warning" if rule in WARNINGS else "error")
    assert findings[0].suggestion


@pytest.mark.parametrize("number", [(1, 2, 3, 4, 5, 7, 6), (1, 1, 2, 3, 4, 5, 6), ()])
def test_stages_of_pasta_are_each_given_once_and_in_order(shipped, number):
    changed = shipped.changed("rag-bot", pasta=tuple(Stage(each, "Text.") for each in number))

    assert [each.rule for each in shipped.check(rag_bot=changed)] == ["pasta-stages"]


def test_a_system_is_worth_at_least_what_its_parts_are_worth(shipped):
    subjects = {"subjects": ("support-agent",)}
    entry = shipped.registers.models.models["support-agent"]
    costly = replace(entry, sensitivity="restricted", criticality="critical")
    models = replace(
        shipped.registers.models,
        models={**shipped.registers.models.models, "support-agent": costly},
    )
    changed = replace(shipped, registers=replace(shipped.registers, models=models))

    findings = changed.check(rag_bot=shipped.changed("rag-bot", **subjects))

    assert [(each.rule, each.column) for each in findings] == [
        ("understated", "sensitivity"),
        ("understated", "criticality"),
    ]


def test_a_risk_of_no_system_is_named_in_its_line_of_the_register(shipped):
    model = shipped.models["spam-classifier"]
    changed = replace(
        model,
        risks=tuple(risk for risk in model.risks if risk != "R-SPM-05"),
        threats=put(model.threats, 12, risk="R-SPM-06"),
    )

    findings = shipped.check(spam_classifier=changed)

    rows = (shipped.lines["risks.csv"].starts).items()
    line = next(number for risk, number in rows if risk == "R-SPM-05")
    assert [(each.rule, each.place) for each in findings] == [
        ("risk-without-system", f"risks.csv:{line} id")
    ]


def test_a_system_without_a_risk_is_named(shipped):
    model = shipped.models["spam-classifier"]

    rules = {each.rule for each in shipped.check(spam_classifier=replace(model, risks=()))}

    assert rules == {"system-without-risk", "unlisted-risk", "risk-without-system"}


def test_a_finding_says_the_line_of_its_entry(shipped):
    model = shipped.models["rag-bot"]
    changed = replace(model, threats=put(model.threats, 3, risk="R-XXX-01"))

    finding = shipped.check(rag_bot=changed)[0]

    assert (finding.rule, finding.column) == ("unknown-risk", "risk")
    assert finding.line == shipped.lines["rag-bot"].of("T4") > 1


def test_without_lines_a_finding_stands_in_the_first(shipped):
    findings = check_threat_models(
        shipped.models,
        shipped.registers,
        shipped.frameworks,
        sources=shipped.sources,
        lines={},
        at=date(2030, 1, 1),
    )

    assert {each.rule for each in findings} == {"review-past"}
    assert {each.line for each in findings} == {1}


def test_the_template_is_told_apart_from_a_finished_model(shipped):
    begun = template("kiosk", title="Kiosk", review_date=date(2027, 2, 28))

    findings = [
        each for each in shipped.check(kiosk=begun) if each.file == "threat_models/kiosk.yaml"
    ]

    assert {each.rule for each in findings} == {
        "placeholder",
        "unanswered-stride",
        "unknown-risk",
    }
