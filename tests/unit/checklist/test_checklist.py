"""What is held of the checklist for a subject, from evidence that was really sealed."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from seclab.checklist import CHECKLIST, Known, listings, load_checklist
from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence.ledger import following
from seclab.registers.tiers import Models, Tier
from seclab.shelf import Evidence
from tests.programmes import modelled, run
from tests.runs import MODEL, MODELS, REGISTERS, STARTED
from tests.sealed import RUN, proven

AT = STARTED + timedelta(days=3)
ITEM = """\
- id: MOD-01
  family: model
  holds: It
  why: So.
  applies: [model]
  place: {place}
  ages: true
"""


@dataclass(frozen=True)
class OneRun:
    """A store with one run in it, whose evidence was sealed for real."""

    proof: object
    summary: object
    problem: str = ""
    older: object = None

    def ledger(self):
        return self.proof.ledger

    def newest(self, *, risks, subjects):
        assert list(risks) == list(REGISTERS.risks)
        return [self.summary] if self.summary.subject in subjects else []

    def find(self, reference):
        for each in (self.summary, self.older):
            if each and each.run_id == reference:
                return each
        raise Misconfigured(f"there is no run {reference}")

    def evidence(self, each):
        if self.problem:
            raise EvidenceMismatch(self.problem)
        envelope = json.loads((self.proof.folder / "evidence/bundle.dsse.json").read_bytes())
        return Evidence(each, self.proof.bundle, self.proof.folder, envelope, ())

    def page(self, each):
        return f"http://pages/{each.run_id}"


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proven(tmp_path_factory.mktemp("proof"))


@pytest.fixture
def shelf(proof):
    summary = run(RUN, subject=MODEL.name, started=STARTED)
    return OneRun(proof, replace(summary, bundle_digest=str(proof.bundle.digest)))


def registers_of(**changes):
    tier = replace(Tier("low", False, False, (), 90, (), True), **changes)
    return replace(REGISTERS, models=Models({"low": tier}, MODELS.matrix, MODELS.models))


@pytest.fixture
def held(proof, shelf, tmp_path):
    """What becomes of one item, found in a place, for a subject."""

    def of(place, *, subject=MODEL.name, at=AT, models=(), shelf=shelf, **tier):
        (tmp_path / CHECKLIST).write_text(ITEM.format(place=place))
        known = Known(
            registers_of(**tier), {each.id: each for each in models}, proof.keyring, "digits"
        )
        items = load_checklist(tmp_path)
        [listing] = listings(items, known, shelf, subjects=[subject], at=at)
        [found] = listing.held
        return found

    return of


PLACES = {
    "measurement\n  name: evasion_linf/robust_accuracy": "evasion_linf/robust_accuracy (3)",
    "checks\n  name: bars": "2 checks of bars.json",
    "artifact\n  name: report.html": "report.html",
    "artifact\n  name: tables/*.json": "tables/evasion_linf.sweep.json",
    "statement\n  name: environment": "environment in the bundle",
    "signature": "a good signature of platform",
    "approvals": "approved by security",
    "ledger": "ledger entry 2",
}


@pytest.mark.parametrize(("place", "what"), PLACES.items(), ids=[p.split()[-1] for p in PLACES])
def test_what_is_in_the_evidence_is_present_and_stale_in_time(held, place, what):
    tier = {"approvals": ("security",)}

    found = held(place, **tier)
    old = held(place, at=STARTED + timedelta(days=91), **tier)

    assert (found.status, old.status) == ("present", "stale")
    assert found.reason.startswith(what)
    assert "91.0 days old, at most 90 by tier low" in old.reason
    assert found.link.startswith("http://pages/") or found.link.endswith(found.reason.split(",")[0])


def test_what_was_used_again_is_as_old_as_it_is(held, shelf, monkeypatch):
    evaluations = shelf.proof.bundle.predicate["evaluations"]
    made = (STARTED - timedelta(days=89)).isoformat()
    monkeypatch.setitem(evaluations[0], "measured_at", made)

    assert held("measurement\n  name: evasion_linf/robust_accuracy").status == "stale"


@pytest.mark.parametrize(
    "place",
    [
        "measurement\n  name: evasion_l2/robust_accuracy",
        "measurement\n  name: evasion_linf/no_such_metric",
        "checks\n  name: splits",
        "artifact\n  name: figures/*",
        "statement\n  name: nothing_like_it",
    ],
)
def test_what_is_not_in_the_evidence_is_missing(held, place):
    found = held(place)

    assert (found.status, found.reason, found.link) == ("missing", "not in its newest evidence", "")


def test_what_broke_is_missing_and_says_so_with_its_run(held):
    found = held("measurement\n  name: random_noise/noisy_accuracy")

    assert (found.status, found.reason, found.link) == (
        "missing",
        "random_noise was errored: ValueError: broke",
        f"http://pages/{RUN}",
    )


def test_what_nothing_produces_is_missing_and_says_so(held):
    found = held("nothing")

    assert (found.status, found.reason) == ("missing", "nothing in this project produces it")


def test_who_was_never_evaluated_holds_nothing_and_is_excused_from_nothing(held):
    found = held("ledger", subject="mlp")

    assert (found.status, found.reason) == ("missing", "it was never evaluated")


def test_what_is_asked_of_another_kind_is_not_applicable(held, shelf):
    agent = replace(shelf, summary=replace(shelf.summary, kind="agent"))

    found = held("ledger", shelf=agent)

    assert (found.status, found.reason) == (
        "not-applicable",
        "asked of every model; this is of kind agent",
    )
    assert held("ledger", subject="digits").status == "not-applicable"


def test_approvals_are_asked_as_the_tier_asks(held):
    assert held("approvals").status == "not-applicable"
    found = held("approvals", approvals=("security", "legal"))
    assert (found.status, found.reason) == ("missing", "approved by security, but not by legal")


def test_evidence_that_cannot_be_read_is_missing_with_the_reason(held, shelf):
    found = held("ledger", shelf=replace(shelf, problem="the bundle is not JSON"))

    assert (found.status, found.reason) == (
        "missing",
        "not in what can be read; the bundle is not JSON",
    )


def test_a_bundle_that_is_not_the_recorded_one_holds_nothing(held, shelf):
    other = replace(shelf, summary=replace(shelf.summary, bundle_digest="sha256:rfc8785:00"))

    assert "is not the recorded one" in held("ledger", shelf=other).reason


def test_a_signature_of_a_key_that_is_not_trusted_is_none(held, proof, monkeypatch):
    monkeypatch.setattr(type(proof.keyring), "problem", lambda *_, **__: "the key is revoked")

    assert held("signature").status == "missing"


def test_a_threat_model_counts_until_its_review_is_due(held):
    due = date(2026, 3, 4)
    model = replace(modelled("service", subjects=(MODEL.name,)), review_date=due)
    other = modelled("other", subjects=("mlp",))

    assert held("threat-model", models=[model]).status == "present"
    assert held("threat-model", models=[model]).link == "threat_models/service.yaml"
    late = held("threat-model", models=[model], at=AT + timedelta(days=1))
    assert (late.status, late.reason) == ("stale", "service was to be reviewed by 2026-03-04")
    assert held("threat-model", models=[other]).status == "missing"


def test_a_malformed_bundle_holds_nothing(held, shelf, monkeypatch):
    evaluations = shelf.proof.bundle.predicate["evaluations"]
    monkeypatch.setitem(evaluations[0], "measured_at", "2026-01-01")
    naive = held("measurement\n  name: evasion_linf/robust_accuracy")
    monkeypatch.delitem(shelf.proof.bundle.predicate, "artifacts")

    for found in (naive, held("artifact\n  name: report.html"), held("ledger")):
        assert found.status == "missing"
        assert found.reason.endswith(f"the bundle of run {RUN[:12]} is malformed")


def test_what_lies_in_the_future_is_stale(held):
    found = held("ledger", at=STARTED - timedelta(days=1))

    assert (found.status, "it lies in the future" in found.reason) == ("stale", True)


def test_a_promotion_is_asked_of_what_was_promoted(held, shelf):
    assert held("promotion").status == "not-applicable"
    promoted = following(
        shelf.proof.ledger,
        at=STARTED.isoformat(),
        kind="promotion",
        subject="digits",
        run=RUN,
        digest="sha256:rfc8785:11",
        about={"version": "1", "forced": "It had to be."},
    )
    proof = replace(shelf.proof, ledger=[*shelf.proof.ledger, promoted])

    assert held("promotion", shelf=replace(shelf, proof=proof)).reason.startswith(
        "digits v1, forced, ledger"
    )

    # What serves is older than the newest evidence about it, and may be gone.
    newer = replace(shelf.summary, run_id="newer")
    again = replace(shelf, proof=proof, summary=newer, older=shelf.summary)
    found = held("promotion", shelf=again)
    assert (found.status, found.link) == ("present", f"http://pages/{RUN}")
    gone = held("promotion", shelf=replace(again, older=None))
    entry = promoted.sequence
    assert (gone.status, gone.reason) == (
        "missing",
        f"the run behind ledger entry {entry} is gone",
    )


FAULTS = {
    "no list": (ITEM.format(place="ledger"), "{}", "a list of items is needed"),
    "a key that means nothing": ("why: So.", "why: So.\n  wy: So.", "wy: unknown key"),
    "a key that is missing": ("  why: So.\n", "", "why: this key is missing"),
    "an id of another form": ("MOD-01", "M1", "has not the form of MOD-01"),
    "an unknown family": ("family: model", "family: models", "is not one of data, model"),
    "an unknown kind": ("applies: [model]", "applies: [modle]", "'modle' is not one of"),
    "no kind at all": ("applies: [model]", "applies: []", "name at least one of"),
    "an unknown place": ("place: ledger", "place: drawer", "'drawer' is not one of"),
    "a place without its name": ("place: ledger", "place: checks", "add the key name"),
    "a name too many": ("place: ledger", "place: ledger\n  name: it", "leave the name out"),
    "an age that is none": ("ages: true", "ages: soon", "neither true nor false"),
}


@pytest.mark.parametrize(("old", "new", "said"), FAULTS.values(), ids=FAULTS)
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, said):
    text = ITEM.format(place="ledger")
    assert old in text
    (tmp_path / CHECKLIST).write_text(text.replace(old, new))

    with pytest.raises(Misconfigured, match=said):
        load_checklist(tmp_path)


def test_all_mistakes_are_told_at_once_and_an_id_is_given_once(tmp_path):
    item = ITEM.format(place="ledger")
    (tmp_path / CHECKLIST).write_text(item + item.replace("family: model", "family: x") + "- 3\n")

    with pytest.raises(Misconfigured) as refused:
        load_checklist(tmp_path)
    assert len(refused.value.problems) == 3
    assert "MOD-01 stands in line 1 already" in str(refused.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(Misconfigured, match="it belongs into"):
        load_checklist(tmp_path)
