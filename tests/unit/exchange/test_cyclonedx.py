"""The bill of materials of a model, read by the strict schema of CycloneDX 1.6."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.evidence import Facts, decision_of, outcomes_of, read, seal
from seclab.exchange.cyclonedx import to_cyclonedx
from seclab.measurement import Subject
from seclab.outcome import Evaluated
from seclab.registers import load_registers
from seclab.scoring import load_scoring
from tests.conftest import ROOT
from tests.runs import ENVIRONMENT, REGISTERS, ROWS, risk
from tests.sealed import WAIVER, sealed
from tests.strategies import DIGEST, cases, names
from tests.unit.reports.gated import HOSTILE

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
SHIPPED = load_registers(ROOT / "registers")
SCORING = load_scoring((ROOT / "registers" / "scoring.yaml").read_bytes())
GOLDEN = ROOT / "tests" / "golden"


def problems(document):
    return VALIDATOR.validate_str(json.dumps(document, allow_nan=False))


def bom(bundle, *, registers=REGISTERS, **options):
    options = {"version": "0.1.0"} | options
    return to_cyclonedx(bundle, registers=registers, scoring=SCORING, **options)


def golden(name):
    return read((GOLDEN / name / "evidence" / "bundle.json").read_bytes())


def values(part):
    return {each["name"].removeprefix("seclab:"): each["value"] for each in part["properties"]}


def by_id(document):
    return {each["id"]: each for each in document["vulnerabilities"]}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """One criterion waived, one of an evaluation that broke."""
    return sealed(tmp_path_factory.mktemp("sealed"))


@pytest.mark.parametrize("name", ["2026-11-21/mlp-hardened", "2026-11-22/mlp-hardened"])
def test_evidence_of_real_runs_is_valid_and_whole(name):
    bundle = golden(name)

    document = bom(bundle, registers=SHIPPED, run="a" * 32, carried=("R-PRV-02",))

    assert problems(document) is None
    model = document["metadata"]["component"]
    digest = bundle.predicate["subject"]["digest"]
    assert model["name"] == "mlp-hardened"
    assert model["hashes"] == [{"alg": "SHA-256", "content": digest.rpartition(":")[2]}]
    parameters = model["modelCard"]["modelParameters"]
    assert parameters["approach"] == {"type": "supervised"}
    assert (parameters["task"], parameters["architectureFamily"]) == ("classification", "mlp")
    (trained_on,) = parameters["datasets"]
    (data,) = (each for each in document["components"] if each["bom-ref"] == trained_on["ref"])
    assert (data["type"], data["name"]) == ("data", "digits/train")
    assert "hashes" not in data
    assert values(data)["digest-of-ordered-rows"] == bundle.predicate["description"]["trained_on"]
    libraries = {each["purl"] for each in document["components"] if each["type"] == "library"}
    assert "pkg:pypi/numpy@2.4.6" in libraries
    assert document["metadata"]["timestamp"] == bundle.predicate["finished"]
    assert values(document["metadata"])["bundle"] == str(bundle.digest)
    assert values(document["metadata"])["run"] == "a" * 32


def test_every_number_of_the_run_is_there_and_is_a_text():
    bundle = golden("2026-11-22/mlp-hardened")

    card = bom(bundle, registers=SHIPPED)["metadata"]["component"]["modelCard"]

    found = card["quantitativeAnalysis"]["performanceMetrics"]
    measured = [m for o in outcomes_of(bundle) for m in o.measurements]
    assert [float(each["value"]) for each in found] == [m.value for m in measured]
    (robust,) = (
        each
        for each in found
        if each["type"] == "evasion_linf.robust_accuracy"
        and each["slice"].startswith("attack=strongest, epsilon=0.1,")
    )
    assert robust == {
        "type": "evasion_linf.robust_accuracy",
        "value": "0.85",
        "slice": "attack=strongest, epsilon=0.1, n=360, data=digits/test",
        "confidenceInterval": {
            "lowerBound": "0.8094291103638213",
            "upperBound": "0.8831802498140934",
        },
    }
    limits = card["considerations"]["technicalLimitations"]
    assert "membership_inference: 360 members against 360 non-members, each asked once." in limits


def test_the_state_of_a_risk_follows_from_its_evidence(bundle):
    registers = replace(
        REGISTERS, risks=REGISTERS.risks | {"R-PRV-02": risk("R-PRV-02", title="Inversion")}
    )

    document = bom(bundle, registers=registers, carried=["R-PRV-02", "R-XXX-01"])

    assert problems(document) is None
    found = by_id(document)
    states = {name: each["analysis"]["state"] for name, each in found.items()}
    assert states == {
        "R-EVA-01": "exploitable",  # blocked, if waived
        "R-EVA-02": "in_triage",  # its evaluation broke
        "R-POI-02": "resolved",
        "R-PRV-02": "in_triage",  # never tested
        "R-XXX-01": "in_triage",  # not in the register
    }
    assert values(found["R-PRV-02"])["evidence"] == "never-tested"
    waived = values(found["R-EVA-01"])[f"waiver:{WAIVER.id}"]
    assert waived == (
        "T-EVA-04 until 2026-12-31, owner ml-engineering, approved by security: "
        "It is read by people only."
    )
    assert "Waived by W-001 until 2026-12-31" in found["R-EVA-01"]["analysis"]["detail"]
    assert "T-EVA-03 NOT_EVALUATED: " in found["R-EVA-02"]["analysis"]["detail"]
    assert "ratings" not in found["R-XXX-01"]


@pytest.mark.parametrize("status", ["open", "accepted"])
def test_what_its_owner_does_not_call_mitigated_is_not_resolved(bundle, status):
    risks = {name: replace(each, status=status) for name, each in REGISTERS.risks.items()}

    found = by_id(bom(bundle, registers=replace(REGISTERS, risks=risks)))["R-POI-02"]

    assert found["analysis"]["state"] == "in_triage"
    assert values(found)["evidence"] == "pass"
    assert values(found).get("accepted-until") == ("2027-03-31" if status == "accepted" else None)


def test_what_was_not_measured_by_all_of_its_evidence_is_not_resolved():
    found = by_id(bom(golden("2026-11-22/mlp-hardened"), registers=SHIPPED))

    evasion, backdoor = found["R-EVA-01"], found["R-POI-01"]
    assert values(evasion)["evidence"] == "pass"
    assert values(evasion)["not-measured"] == "evasion_l2 transfer_evasion"
    assert evasion["analysis"]["state"] == "in_triage"
    # What else it rests on, poisoning_detection, is of datasets alone.
    assert backdoor["analysis"]["state"] == "resolved"
    assert "not-measured" not in values(backdoor)


def test_a_risk_has_the_words_and_the_score_of_the_register(bundle):
    found = by_id(bom(bundle))["R-EVA-01"]

    assert found["description"] == "Evasion by small perturbations"
    assert found["recommendation"] == "Adversarial training."
    (rating,) = found["ratings"]
    assert (rating["score"], rating["severity"], rating["method"]) == (12, "high", "other")
    assert [each["id"] for each in found["references"]] == [
        "NISTAML.022",
        "AML.T0015",
        "ML01:2023",
    ]
    assert found["affects"] == [{"ref": "model"}]


@pytest.mark.parametrize(
    ("likelihood", "impact", "word"),
    [(1, 1, "low"), (1, 5, "medium"), (2, 5, "high"), (4, 4, "high"), (4, 5, "critical")],
)
def test_severity_follows_the_score(likelihood, impact, word, bundle):
    scored = replace(risk("R-EVA-01"), likelihood=likelihood, impact=impact)
    registers = replace(REGISTERS, risks=REGISTERS.risks | {"R-EVA-01": scored})

    (rating,) = by_id(bom(bundle, registers=registers))["R-EVA-01"]["ratings"]

    assert (rating["score"], rating["severity"]) == (likelihood * impact, word)


def test_the_same_evidence_gives_the_same_document_and_other_words_another_serial(bundle):
    first, again = bom(bundle), bom(read(bundle.text()))
    risks = REGISTERS.risks | {"R-EVA-01": risk("R-EVA-01", title="Another title")}
    other = bom(bundle, registers=replace(REGISTERS, risks=risks))

    assert first == again
    assert first["serialNumber"] != other["serialNumber"]


def test_a_digest_by_another_recipe_is_no_hash(bundle):
    document = json.loads(bundle.text())
    document["predicate"]["subject"]["digest"] = "sha256:rfc8785:" + "a" * 64

    model = bom(read(json.dumps(document)))["metadata"]["component"]

    assert "hashes" not in model
    assert values(model)["digest"] == "sha256:rfc8785:" + "a" * 64


def test_only_a_model_has_a_model_card():
    with pytest.raises(Misconfigured, match="support-agent is an agent"):
        bom(golden("2026-11-21/support-agent"), registers=SHIPPED)


def _registers(words):
    hostile = {
        name: replace(each, title=words, control=words, residual_risk=words, attack_pattern=words)
        for name, each in REGISTERS.risks.items()
    }
    return replace(REGISTERS, risks=hostile)


@pytest.mark.parametrize("words", [*HOSTILE, "9" * 10_000])
def test_hostile_words_stay_words(words):
    document = bom(_plain(words.replace("\ud800", "")), registers=_registers(words), run=words)

    assert problems(document) is None
    assert not {*"\0\x1b\u202e\ud800"} & {*json.dumps(document, ensure_ascii=False)}


def _plain(words):
    outcome = Evaluated(words, ("R-EVA-01",), 0, {}, 1, (), (), (), (words,))
    return _sealed([outcome], [], words=words)


def _sealed(outcomes, reports, *, words, case=None):
    subject = Subject("model", words, DIGEST)
    provenance = replace(ROWS.provenance, source=words, licence=words)
    facts = Facts(
        subject=subject,
        profile=words,
        seed=0,
        started=datetime(2026, 3, 1, tzinfo=UTC),
        finished=datetime(2026, 3, 2, tzinfo=UTC),
        description={"spec": {"family": words, "parameters": {words: words}}, "trained_on": words},
        datasets=(replace(ROWS, name=words, provenance=provenance),),
        registers=REGISTERS.digests,
        environment=replace(ENVIRONMENT, libraries={words: words, "numpy": words}),
    )
    decision = case.decide() if case else decision_of(golden("2026-11-22/mlp-hardened"))
    return seal(
        facts,
        outcomes=outcomes,
        reports=reports,
        thresholds=case.thresholds if case else (),
        decision=replace(decision, subject=subject),
        artifacts={},
    )


@settings(max_examples=15)
@given(case=cases(reports=0), words=names, carried=st.lists(names, max_size=2))
def test_whatever_was_measured_is_valid(case, words, carried):
    bundle = _sealed(case.outcomes, case.reports, words=words, case=case)

    document = bom(bundle, carried=carried)

    assert problems(document) is None
    metrics = document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]
    assert len(metrics["performanceMetrics"]) == len(case.measurements)
    words_of = decision_of(bundle).risks()
    for name, each in by_id(document).items():
        if each["analysis"]["state"] == "resolved":
            assert words_of[name] == "PASS"
        assert (each["analysis"]["state"] == "exploitable") == (words_of.get(name) == "BLOCK")
