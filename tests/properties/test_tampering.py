"""Every field and file of the evidence, changed, deleted, reordered or re-signed, one at a time.

Three guards stand one behind the other, and each is tried without those before it:

1. Signature, or a recorded digest: finds every change, and with the signed form names its place.
2. Ledger: knows the digest of every bundle, and of every entry before an entry.
3. Self-consistency: all that is left of an unsigned trial on a laptop whose owner seals anew what
   he changed. It finds what has no right shape, what does not fit the statement, and a decision
   that does not follow. What it cannot find is listed below, to the last field.
"""

import copy
import json
import re
import shutil
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from seclab.errors import EvidenceMismatch
from seclab.evidence import Bundle, verify
from seclab.evidence.keys import create, load_keyring, load_signing_key, revoke
from seclab.evidence.ledger import (
    following,
    ledger_differences,
    place_differences,
)
from seclab.evidence.package import read_package, verify_package, write_package
from seclab.evidence.signing import sign
from seclab.evidence.verification import (
    examine,
    signature_differences,
    signature_of,
)
from seclab.fingerprint import of_json
from tests.runs import STARTED
from tests.sealed import FINISHED, proven, sealed


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proven(tmp_path_factory.mktemp("proof"))


@pytest.fixture
def folder(proof, tmp_path):
    """A copy of the run's files, to be spoiled."""
    return shutil.copytree(proof.folder, tmp_path / "run")


def places(node, path="$"):
    """Every container of a JSON document, with its path."""
    if isinstance(node, dict | list):
        yield path, node
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            step = f".{key}" if isinstance(node, dict) else f"[{key}]"
            yield from places(value, path + step)


def another(value):
    """A value of the same kind, which is the hardest to find."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if value is None:
        return "sha256:rfc8785:" + "0" * 64
    if re.fullmatch(r"(sha256:.*:)?[0-9a-f]{64}", value):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if re.match(r"\d{4}-\d\d-\d\d", value):
        return value.replace("2026", "2027", 1)
    return SYNONYMS.get(value, f"{value}x")


SYNONYMS = {
    "PASS": "BLOCK",
    "BLOCK": "PASS",
    "NOT_EVALUATED": "PASS",
    "at_least": "at_most",
    "pessimistic": "optimistic",
    "higher": "lower",
    "fraction": "auc",
    "errored": "skipped",
    "passed": "failed",
    "failed": "passed",
    "critical": "warning",
    "warning": "info",
    "model": "agent",
    "agent": "model",
    "moderate": "low",
}


def tampered(document):
    """Every single change of a document: how, the path that is named for it, and the result."""
    for path, container in list(places(document)):
        keys = list(container) if isinstance(container, dict) else range(len(container))
        if isinstance(container, dict):
            container["added"] = "x"
            yield "added", f"{path}.added", document
            del container["added"]
        else:
            was = list(container)
            if was:
                container.append(was[-1])
                yield "longer", path, document
                container[:] = was[:-1]
                yield "shorter", path, document
            container[:] = was[::-1]
            if container != was:
                yield "reordered", path, document
            container[:] = was
        for key in keys:
            value = container[key]
            here = f"{path}.{key}" if isinstance(container, dict) else f"{path}[{key}]"
            if not isinstance(value, dict | list):
                container[key] = another(value)
                yield "changed", here, document
                container[key] = value
            if isinstance(container, dict):
                order = list(container.items())
                del container[key]
                yield "deleted", here, document
                container.clear()
                container.update(order)


def resealed(document):
    return Bundle(document, of_json(document))


def test_the_untouched_evidence_is_clean(proof, tmp_path):
    package = exported(proof, tmp_path / "evidence.zip")

    assert verify(proof.bundle, expected_digest=None, artifacts=proof.folder) == []
    assert examine(proof.folder, keyring=proof.keyring, expected_digest=None).differences == ()
    assert ledger_differences(proof.ledger, anchor=proof.ledger) == []
    found = verify_package(package, keyring=proof.keyring, anchor=proof.ledger)
    assert (found.differences, found.notes) == ((), ())


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
        $.predicate.datasets[].classes.0
        $.predicate.datasets[].classes.1
        $.predicate.datasets[].feature_range[]
        $.predicate.datasets[].provenance.licence
        $.predicate.datasets[].provenance.obtained
        $.predicate.datasets[].provenance.sampling
        $.predicate.datasets[].provenance.source
        $.predicate.datasets[].rows
        $.predicate.datasets[].unordered
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
        $.predicate.datasets[].classes.0
        $.predicate.datasets[].classes.1
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


def own_key(place, role, *, folder="keys"):
    """A key pair of somebody else."""
    folders = {"public_folder": place / folder, "private_folder": place / "own"}
    made = create(role, owner="mallory", at=STARTED - timedelta(days=1), **folders)
    keyring = load_keyring(place / folder)
    key = load_signing_key(role, keyring=keyring, private_folder=place / "own", at=FINISHED)
    assert key.keyid == made.keyid
    return key


def resign(proof, folder, key):
    """Change a number and sign the whole anew."""
    document = copy.deepcopy(proof.bundle.document)
    document["predicate"]["profile"] = "deep"
    (folder / "evidence" / "bundle.json").write_text(resealed(document).text())
    (folder / "evidence" / "bundle.dsse.json").write_text(json.dumps(sign(document, key)))


def test_a_key_that_nobody_knows_signs_nothing(proof, folder, tmp_path):
    resign(proof, folder, own_key(tmp_path, "pipeline"))

    (difference,) = examine(folder, keyring=proof.keyring, expected_digest=None).differences

    assert re.match(r"signature: the key '?[0-9a-f]{64}'? is not among the public keys", difference)


def test_a_key_of_another_role_signs_no_bundle(proof, folder, tmp_path):
    shutil.copytree(proof.keys, tmp_path / "keys")
    resign(proof, folder, own_key(tmp_path, "security"))

    found = examine(folder, keyring=load_keyring(tmp_path / "keys"), expected_digest=None)

    assert "has the role security, needed is pipeline" in found.differences[0]


def test_a_revoked_key_signs_nothing_and_never_did(proof, tmp_path):
    shutil.copytree(proof.keys, tmp_path / "keys")
    signed = examine(proof.folder, keyring=proof.keyring, expected_digest=None).signed
    revoke(signed.keyid, public_folder=tmp_path / "keys", at=FINISHED, reason="it was stolen")

    found = examine(proof.folder, keyring=load_keyring(tmp_path / "keys"), expected_digest=None)

    assert "was revoked on 2026-03-01: it was stolen" in found.differences[0]


def test_a_trusted_key_that_was_stolen_still_meets_the_ledger(proof, folder, tmp_path):
    """The signature is good then; the record of the digest is not."""
    shutil.copytree(proof.keys, tmp_path / "keys")
    key = own_key(tmp_path, "pipeline")
    resign(proof, folder, key)

    found = examine(folder, keyring=load_keyring(tmp_path / "keys"), expected_digest=None)

    assert found.differences == ()
    assert place_differences(proof.ledger, found.bundle) == [
        f"bundle {found.bundle.digest}: the ledger has no entry for it"
    ]


def test_the_signed_form_of_another_run_is_no_signature_of_this_one(proof, folder, tmp_path):
    """Signed by the very same key."""
    (tmp_path / "other").mkdir()
    other = sealed(tmp_path / "other", robust=0.9)
    private = proof.folder.parent / "private"
    key = load_signing_key("pipeline", keyring=proof.keyring, private_folder=private, at=FINISHED)
    (folder / "evidence" / "bundle.dsse.json").write_text(json.dumps(sign(other.document, key)))

    found = examine(folder, keyring=proof.keyring, expected_digest=None)

    assert found.signed.keyid == key.keyid
    assert "is not the canonical form of this document" in found.signed.problem


def test_every_change_of_the_signed_form_is_found(proof, folder):
    path = folder / "evidence" / "bundle.dsse.json"
    envelope = json.loads(path.read_text())

    for how, where, changed in tampered(envelope):
        path.write_text(json.dumps(changed))
        found = examine(folder, keyring=proof.keyring, expected_digest=None)
        assert any(d.startswith("signature: ") for d in found.differences), (how, where)


def files_of(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def spoiled(folder):
    """Every single change of the files of a folder: how, which, and the folder changed."""
    names = files_of(folder)
    for name in names:
        path = folder / name
        data = path.read_bytes()
        for how, other in (
            ("flipped", bytes([data[0] ^ 1]) + data[1:] if data else b"x"),
            ("cut", data[:-2]),
            ("emptied", b""),
            ("swapped", (folder / next(n for n in names if n != name)).read_bytes()),
        ):
            path.write_bytes(other)
            yield how, name
        path.unlink()
        yield "deleted", name
        path.write_bytes(data)
        (path.parent / f"{path.name}.copy").write_bytes(data)
        yield "added", f"{name}.copy"
        (path.parent / f"{path.name}.copy").unlink()


def problems_of(look):
    """Everything that was found, be it that nothing could be read at all."""
    try:
        found = look()
    except EvidenceMismatch as error:
        return list(error.problems)
    return [*found.differences, *getattr(found, "notes", ())]


def test_every_changed_missing_and_added_file_of_a_run_is_named(proof, folder):
    (folder / "report.html").unlink()  # only the ledger pins it: below

    for how, name in spoiled(folder):
        found = problems_of(
            lambda: examine(folder, keyring=proof.keyring, expected_digest=str(proof.bundle.digest))
        )
        if (how, name) == ("deleted", "evidence/bundle.dsse.json"):
            # Being unsigned is for the gate to judge: it asks for a signature above the low tier.
            assert found == []
            continue
        assert any(named(name) in problem for problem in found), (how, name, found)


def named(name):
    return {
        "evidence/bundle.json": "bundle",
        "evidence/bundle.dsse.json": "signature",
    }.get(name, name)


def test_every_changed_missing_and_added_file_of_a_package_is_named(proof, tmp_path):
    with read_package(exported(proof, tmp_path / "evidence.zip")) as folder:
        for how, name in spoiled(folder):
            found = problems_of(
                lambda: verify_package(folder, keyring=proof.keyring, anchor=proof.ledger)
            )
            assert found, (how, name)
            if not name.startswith(("evidence/", "ledger.jsonl")):
                place = "approvals" if (how, name[:9]) == ("deleted", "approvals") else name
                assert any(place in problem for problem in found), (how, name, found)


def test_every_changed_byte_of_a_package_is_found_or_changes_nothing(proof, tmp_path):
    path = exported(proof, tmp_path / "evidence.zip")
    data = path.read_bytes()
    with read_package(path) as folder:
        expected = {name: (folder / name).read_bytes() for name in files_of(folder)}

    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            with read_package(path) as folder:
                # Times and attributes that nobody reads.
                found = {name: (folder / name).read_bytes() for name in files_of(folder)}
        except EvidenceMismatch:
            continue
        if found != expected:
            assert verify_package(path, keyring=proof.keyring, anchor=proof.ledger).differences


def ledgers(entries):
    """Every single change of a ledger: how, and the ledger changed."""
    for index, entry in enumerate(entries):
        before, after = entries[:index], entries[index + 1 :]
        for field in fields(entry):
            value = getattr(entry, field.name)
            other = {**value, "x": 1} if field.name == "about" else another(value)
            yield (
                f"{field.name} of {index + 1}",
                [*before, replace(entry, **{field.name: other}), *after],
            )
        for key, value in entry.about.items():
            changed = replace(entry, about={**entry.about, key: another(value)})
            yield f"about {key} of {index + 1}", [*before, changed, *after]
        yield f"{index + 1} deleted", [*before, *after]
        yield f"{index + 1} twice", [*before, entry, entry, *after]
        if after:
            yield f"{index + 1} and next swapped", [*before, after[0], entry, *after[1:]]


def long_ledger(proof):
    entries = list(proof.ledger)
    for number in range(3):
        parts = {"kind": "promotion", "subject": "digits", "run": "", "digest": f"{number}x"}
        entries.append(following(entries, at=FINISHED.isoformat(), **parts, about={"n": number}))
    return entries


def test_every_change_of_the_ledger_is_found_with_an_earlier_export(proof):
    entries = long_ledger(proof)

    for how, changed in ledgers(entries):
        assert ledger_differences(changed, anchor=entries), how


def test_without_an_earlier_export_only_the_last_entry_can_be_changed_or_lost(proof):
    entries = long_ledger(proof)
    last = len(entries)
    unseen = {how for how, changed in ledgers(entries) if not ledger_differences(changed)}

    free = {"at", "kind", "subject", "run", "digest", "about", "about n"}
    assert unseen == {f"{name} of {last}" for name in free} | {f"{last} deleted"}


def test_a_ledger_that_was_written_anew_is_found_with_an_earlier_export(proof):
    """Whoever can write all of it can chain it anew: that is what exports are for."""
    entries = long_ledger(proof)
    forged = []
    for entry in entries:
        about = {"forged": True} if entry.sequence == 2 else entry.about
        parts = {name: getattr(entry, name) for name in ("at", "kind", "subject", "run", "digest")}
        forged.append(following(forged, **parts, about=about))

    assert ledger_differences(forged) == []
    assert [d.partition(":")[0] for d in ledger_differences(forged, anchor=entries)] == [
        f"ledger entry {number}" for number in range(2, len(entries) + 1)
    ]


def exported(proof, path):
    write_package(
        path,
        folder=proof.folder,
        ledger=proof.ledger,
        keys=proof.keys,
        approvals=[proof.approval],
    )
    return path
