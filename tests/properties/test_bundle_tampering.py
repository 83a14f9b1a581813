"""Every field of a bundle changed: with its signature, with the ledger alone, and with neither."""

import copy
import re

import pytest

from seclab.evidence import verify
from seclab.evidence.ledger import place_differences
from seclab.evidence.verification import signature_differences, signature_of
from tests.properties.tampering import another, resealed, tampered
from tests.sealed import sealed


def test_every_change_of_a_signed_bundle_is_found_and_its_place_is_named(proof):
    envelope = proof.folder / "evidence" / "bundle.dsse.json"
    document = copy.deepcopy(proof.bundle.document)
    count = 0

    for how, path, changed in tampered(document):
        bundle = resealed(changed)
        signed = signature_of(bundle, envelope, keyring=proof.keyring)
        differences = signature_differences(bundle, envelope, signed)
        assert differences, (how, path)
        assert differences[0].startswith("signature: "), (how, path)
        assert any(d.startswith((f"{path}: ", f"{path}[")) for d in differences[1:]), (how, path)
        count += 1

    assert document == proof.bundle.document
    assert count > 800


def test_every_change_of_an_unsigned_bundle_is_found_by_the_ledger(proof):
    document = copy.deepcopy(proof.bundle.document)

    for how, path, changed in tampered(document):
        bundle = resealed(changed)
        assert place_differences(proof.ledger, bundle) == [
            f"bundle {bundle.digest}: the ledger has no entry for it"
        ], (how, path)


# What an unsigned trial does not show when its owner seals anew: no rule of the schema forbids the
# other value, nothing else in the bundle repeats it, and the decision is the same with it. A path
# without its indexes stands here when that is so in one place at least.
SILENT = {
    "added": """
        $.predicate.champion.measurements[].parameters.added
        $.predicate.description.added
        $.predicate.environment.libraries.added
        $.predicate.evaluations[].measurements[].parameters.added
        $.predicate.evaluations[].parameters.added
        $.predicate.thresholds[].parameters.added
    """,
    "changed": """
        $.predicate.champion.bundle
        $.predicate.champion.measurements[].better
        $.predicate.champion.measurements[].dataset_digest
        $.predicate.champion.measurements[].evaluation
        $.predicate.champion.measurements[].interval.high
        $.predicate.champion.measurements[].interval.low
        $.predicate.champion.measurements[].interval.method
        $.predicate.champion.measurements[].metric
        $.predicate.champion.measurements[].parameters.attack
        $.predicate.champion.measurements[].parameters.epsilon
        $.predicate.champion.measurements[].per_sample.samples
        $.predicate.champion.measurements[].risks[]
        $.predicate.champion.measurements[].seed
        $.predicate.champion.measurements[].subject_digest
        $.predicate.champion.measurements[].unit
        $.predicate.champion.run
        $.predicate.champion.version
        $.predicate.checks[].dataset
        $.predicate.checks[].dataset_digest
        $.predicate.checks[].results[].expectation
        $.predicate.checks[].results[].explanation
        $.predicate.checks[].results[].observed
        $.predicate.checks[].results[].risks[]
        $.predicate.checks[].results[].rows[]
        $.predicate.checks[].results[].severity
        $.predicate.checks[].results[].status
        $.predicate.checks[].suite
        $.predicate.checks[].suite_digest
        $.predicate.datasets[].feature_range[]
        $.predicate.datasets[].provenance.licence
        $.predicate.datasets[].provenance.obtained
        $.predicate.datasets[].provenance.sampling
        $.predicate.datasets[].provenance.source
        $.predicate.decision.criteria[].measured
        $.predicate.decision.criteria[].reason
        $.predicate.decision.warnings[]
        $.predicate.description.digest
        $.predicate.description.seed
        $.predicate.environment.git_clean
        $.predicate.environment.git_revision
        $.predicate.environment.libraries.numpy
        $.predicate.environment.platform
        $.predicate.environment.python
        $.predicate.evaluations[].evaluation
        $.predicate.evaluations[].measurements[].better
        $.predicate.evaluations[].measurements[].dataset_digest
        $.predicate.evaluations[].measurements[].evaluation
        $.predicate.evaluations[].measurements[].interval.high
        $.predicate.evaluations[].measurements[].interval.low
        $.predicate.evaluations[].measurements[].interval.method
        $.predicate.evaluations[].measurements[].metric
        $.predicate.evaluations[].measurements[].parameters.attack
        $.predicate.evaluations[].measurements[].parameters.epsilon
        $.predicate.evaluations[].measurements[].per_sample.samples
        $.predicate.evaluations[].measurements[].risks[]
        $.predicate.evaluations[].measurements[].seed
        $.predicate.evaluations[].measurements[].subject_digest
        $.predicate.evaluations[].measurements[].unit
        $.predicate.evaluations[].missing
        $.predicate.evaluations[].notes[]
        $.predicate.evaluations[].parameters.epsilons
        $.predicate.evaluations[].parameters.repeats
        $.predicate.evaluations[].parameters.samples
        $.predicate.evaluations[].queries
        $.predicate.evaluations[].reason
        $.predicate.evaluations[].risks[]
        $.predicate.evaluations[].seed
        $.predicate.evaluations[].status
        $.predicate.previous
        $.predicate.profile
        $.predicate.registers.risks.csv
        $.predicate.registers.thresholds.yaml
        $.predicate.seed
        $.predicate.thresholds[].bound
        $.predicate.thresholds[].effort.samples
        $.predicate.thresholds[].evaluation
        $.predicate.thresholds[].id
        $.predicate.thresholds[].judged
        $.predicate.thresholds[].kind
        $.predicate.thresholds[].least_n
        $.predicate.thresholds[].metric
        $.predicate.thresholds[].oldest_days
        $.predicate.thresholds[].parameters.attack
        $.predicate.thresholds[].parameters.epsilon
        $.predicate.thresholds[].risk
        $.predicate.thresholds[].why
        $.predicate.tier
        $.predicate.waivers[].approver
        $.predicate.waivers[].owner
        $.predicate.waivers[].reason
        $.predicate.waivers[].until
    """,
    "deleted": """
        $.predicate.champion.measurements[].parameters.attack
        $.predicate.champion.measurements[].parameters.epsilon
        $.predicate.checks[].results[].patterns
        $.predicate.checks[].results[].released
        $.predicate.custody
        $.predicate.description.digest
        $.predicate.description.seed
        $.predicate.environment.libraries.numpy
        $.predicate.evaluations[].measurements[].parameters.attack
        $.predicate.evaluations[].measurements[].parameters.epsilon
        $.predicate.evaluations[].parameters.repeats
        $.predicate.registers.risks.csv
        $.predicate.registers.thresholds.yaml
        $.predicate.thresholds[].effort.epsilons.count
        $.predicate.thresholds[].effort.samples
        $.predicate.thresholds[].parameters.attack
        $.predicate.thresholds[].parameters.epsilon
    """,
    "longer": """
        $.predicate.champion.measurements
        $.predicate.champion.measurements[].risks
        $.predicate.checks[].results
        $.predicate.checks[].results[].risks
        $.predicate.checks[].results[].rows
        $.predicate.decision.warnings
        $.predicate.evaluations
        $.predicate.evaluations[].measurements
        $.predicate.evaluations[].measurements[].risks
        $.predicate.evaluations[].notes
        $.predicate.evaluations[].risks
        $.predicate.required
        $.predicate.thresholds
        $.predicate.waivers
    """,
    "reordered": """
        $.predicate.champion.measurements
        $.predicate.checks[].results
        $.predicate.checks[].results[].rows
        $.predicate.custody.manifests
        $.predicate.datasets[].feature_range
        $.predicate.decision.criteria
        $.predicate.evaluations
        $.predicate.evaluations[].measurements
        $.predicate.thresholds
    """,
    "shorter": """
        $.predicate.champion.measurements[].risks
        $.predicate.checks[].results
        $.predicate.checks[].results[].risks
        $.predicate.checks[].results[].rows
        $.predicate.decision.warnings
        $.predicate.evaluations
        $.predicate.evaluations[].measurements
        $.predicate.evaluations[].measurements[].risks
        $.predicate.evaluations[].notes
        $.predicate.evaluations[].risks
        $.predicate.thresholds
    """,
}


def test_what_an_unsigned_bundle_shows_by_itself_is_known_to_the_last_field(proof):
    document = copy.deepcopy(proof.bundle.document)
    found = {}

    for how, path, changed in tampered(document):
        if not verify(resealed(changed), expected_digest=None):
            found.setdefault(how, set()).add(re.sub(r"\[\d+\]", "[]", path))

    assert found == {how: set(paths.split()) for how, paths in SILENT.items()}
    deciding = ("decision.verdict", "decision.criteria[].verdict", "artifacts", "predicateType")
    assert not [path for paths in found.values() for path in paths if path.endswith(deciding)]


@pytest.mark.parametrize("robust", [0.8, 0.3])
def test_an_unsigned_bundle_cannot_be_given_another_verdict(robust, tmp_path):
    document = copy.deepcopy(sealed(tmp_path, noise=0.9, robust=robust).document)
    decision = document["predicate"]["decision"]
    decision["verdict"] = another(decision["verdict"])

    (difference,) = verify(resealed(document), expected_digest=None)

    assert difference.startswith("decision: expected verdict ")
