"""A whole store, changed in one place at a time: whatever is changed is named by somebody.

Who names it stands with each change: the audit of everything (`verify --all`), or only an earlier
export of the ledger. What not even that shows stands at the end. What is kept with the versions of
the model is changed in `test_audit_versions.py`.
"""

# ruff: noqa: E501, S608 - a table is read by the line; its queries are ours

import re
import shutil

import pytest

from seclab.audit import audit, audit_run
from seclab.evidence.keys import revoke
from seclab.evidence.ledger import following, from_lines, to_lines
from seclab.fingerprint import of_file
from seclab.shelf.records import LEDGER_EXPERIMENT
from seclab.tracking import StoreShelf
from tests.laboratory import (
    CHAMPION,
    NOW,
    changed_entry,
    edited,
    entries,
    relinked,
    version_tag,
    with_about,
)

PARAMETERS = "key = ? AND run_uuid IN (SELECT run_uuid FROM runs JOIN experiments USING \
(experiment_id) WHERE experiments.name = ?)"


def tag(name, key, value):
    """Change a tag of a run in the database."""

    def change(lab):
        return lab.sql(
            "UPDATE tags SET value = ? WHERE run_uuid = ? AND key = ?", value, lab.runs[name], key
        )

    return change


def no_tag(name, key):
    return lambda lab: lab.sql(
        "DELETE FROM tags WHERE run_uuid = ? AND key = ?", lab.runs[name], key
    )


def file(name, path, change):
    """Change a file of a run; None removes it."""

    def spoil(lab):
        found = lab.files(name) / path
        if change is None:
            found.unlink()
        else:
            found.parent.mkdir(exist_ok=True)
            found.write_bytes(change(found.read_bytes() if found.exists() else b""))
        return 1

    return spoil


def second_ledger(lab):
    experiment = lab.store.client.get_experiment_by_name(LEDGER_EXPERIMENT)
    return lab.store.client.create_run(experiment.experiment_id)


def removed_run(lab):
    lab.store.client.delete_run(lab.runs["blocked"])
    return 1


def copied_run(lab):
    """The same files and tags under another ID."""
    original = lab.store.client.get_run(lab.runs["second"])
    copy = lab.store.client.create_run(
        lab.store.experiment_id,
        start_time=original.info.start_time,
        tags=original.data.tags,
        run_name=original.info.run_name,
    )
    target = lab.folder / "artifacts" / copy.info.run_id / "artifacts"
    shutil.copytree(lab.files("second"), target, dirs_exist_ok=True)
    lab.store.client.set_terminated(copy.info.run_id)
    return 1


def moved_alias(lab):
    return lab.sql("UPDATE registered_model_aliases SET version = 2 WHERE alias = ?", CHAMPION)


def no_alias(lab):
    return lab.sql("DELETE FROM registered_model_aliases WHERE alias = ?", CHAMPION)


def forged_approval(lab):
    (approval,) = (lab.files("second") / "approvals").glob("*.json")
    shutil.copy(approval, approval.with_name("legal-0123.dsse.json"))
    edited(
        approval.with_name("legal-0123.dsse.json"), lambda d: d["signatures"][0].update(sig="AA==")
    )
    return 1


def hide_as_void(lab):
    """What the tool itself does with a run whose process died, done to one that says BLOCK."""
    ledger = lab.ledger()
    (sealed,) = (e for e in ledger if (e.kind, e.run) == ("bundle", lab.runs["blocked"]))
    void = following(
        ledger,
        at=NOW.isoformat(),
        kind="void",
        subject=sealed.subject,
        run=sealed.run,
        digest=sealed.digest,
        about={"reason": "its process died before the run was closed"},
    )
    return entries(lambda ledger: [*ledger, void])(lab) and removed_run(lab)


def key_file(lab, role):
    (found,) = (k for k in lab.parts.keyring.keys.values() if k.role == role)
    return lab.parts.settings.public_keys / f"{found.keyid}.json"


def other_role(lab):
    edited(key_file(lab, "pipeline"), lambda d: d.update(role="legal"))
    return 1


def revoked(lab):
    path = key_file(lab, "security")
    revoke(path.stem, public_folder=path.parent, at=NOW, reason="its laptop was stolen")
    return 1


def no_key(lab):
    key_file(lab, "pipeline").unlink()
    return 1


TAMPERED = {
    # Files of a run.
    "bundle": (file("blocked", "evidence/bundle.json", lambda b: b.replace(b'"BLOCK"', b'"PASS"')),
               r"BLOCK softmax.*: bundle: expected digest sha256:rfc8785:\w+, found"),
    "bundle removed": (file("blocked", "evidence/bundle.json", None), "BLOCK softmax.*bundle.json"),
    "bundle no JSON": (file("blocked", "evidence/bundle.json", lambda _: b"{"), "is not JSON"),
    "signature": (file("first", "evidence/bundle.dsse.json", lambda b: b.replace(b'"sig": "', b'"sig": "AAAA')),
                  r"PASS softmax.*: signature: "),
    "signature removed": (file("first", "evidence/bundle.dsse.json", None),
                          r"signature: the signature was removed: expected one by key \w{64}, found none"),
    "signature of another run": (
        lambda lab: bool(shutil.copy(lab.files("second") / "evidence/bundle.dsse.json",
                                     lab.files("first") / "evidence/bundle.dsse.json")),
        "signature: .*"),
    "report": (file("blocked", "report.html", lambda b: b.replace(b"BLOCK", b"PASS")),
               r"report: expected sha256:bytes:\w+ by the ledger, found sha256:bytes"),
    "report removed": (file("blocked", "report.html", None), "report: expected .*found no file"),
    "table": (file("first", "tables/evasion_linf.sweep.json", lambda b: b + b" "),
              r"tables/evasion_linf\.sweep\.json: expected sha256:bytes"),
    "table removed": (file("first", "tables/evasion_linf.sweep.json", None),
                      r"tables/evasion_linf\.sweep\.json: expected .* found no file"),
    "figure added": (file("first", "figures/made-up.svg", lambda _: b"<svg/>"),
                     r"figures/made-up\.svg: expected no file, found"),
    "approval removed": (lambda lab: [p.unlink() for p in (lab.files("second") / "approvals").iterdir()],
                         r"approval sha256:\S+ for security: expected by the ledger, found nothing"),
    "approval forged": (forged_approval, "approval sha256:\\S+: the ledger has no entry for it"),
    "approval of no kind": (file("second", "approvals/legal.txt", lambda _: b"fine"),
                            r"approvals/legal\.txt: expected approvals alone, found another file"),
    "approval no JSON": (file("second", "approvals/legal.json", lambda _: b"{"), "legal.json is not JSON"),
    # Tags of a run.
    "digest tag": (tag("first", "bundle.digest", "sha256:rfc8785:" + "0" * 64),
                   "bundle: expected digest sha256:rfc8785:0000"),
    "digest tag removed": (no_tag("first", "bundle.digest"), "holds no evidence"),
    "signer tag": (tag("first", "seclab.signed", "0" * 64), "signature: expected one by 0000"),
    "signer tag removed": (no_tag("first", "seclab.signed"), "signature: expected one by nobody"),
    "signer tag set": (tag("trial", "seclab.signed", "0" * 64), "the signature was removed: expected"),
    "verdict tag": (tag("blocked", "seclab.verdict", "PASS"),
                    "tag seclab.verdict: expected BLOCK by the bundle, found PASS"),
    "verdict tag emptied": (tag("blocked", "seclab.verdict", ""),
                            "tag seclab.verdict: expected BLOCK by the bundle, found none"),
    "verdict tag removed": (no_tag("blocked", "seclab.verdict"),
                            "tag seclab.verdict: expected BLOCK by the bundle, found none"),
    "all tags of the verdict removed": (
        lambda lab: no_tag("blocked", "seclab.verdict")(lab) + no_tag("blocked", "bundle.digest")(lab),
        "holds no evidence"),
    "kind tag removed": (no_tag("blocked", "seclab.kind"), "bundle sha256.*: expected by ledger entry 5, found nothing"),
    "subject tag": (tag("blocked", "seclab.subject", "mlp"),
                    "tag seclab.subject: expected softmax-regression by the bundle, found mlp"),
    "profile tag": (tag("blocked", "seclab.profile", "full"), "tag seclab.profile: expected quick"),
    "risk tag": (tag("blocked", "risk.R-EVA-01", "pass"),
                 r"tag risk\.R-EVA-01: expected block by the bundle, found pass"),
    "risk tag removed": (no_tag("blocked", "risk.R-EVA-01"), r"tag risk\.R-EVA-01: expected block"),
    "risk tag added": (lambda lab: lab.store.client.set_tag(lab.runs["first"], "risk.R-AAA-01", "pass") or 1,
                       r"tag risk\.R-AAA-01: expected none by the bundle, found pass"),
    "name": (lambda lab: lab.sql("UPDATE runs SET name = 'PASS softmax-regression' WHERE run_uuid = ?", lab.runs["blocked"]),
             "name of the run: expected it to begin with 'BLOCK softmax-regression'"),
    "start": (lambda lab: lab.sql("UPDATE runs SET start_time = start_time + 86400000 WHERE run_uuid = ?", lab.runs["first"]),
              "start of the run: expected 2026-03-01T12:30:00.00:00, found 2026-03-02T12:30"),
    # Runs.
    "run deleted": (removed_run, r"ledger of .*: bundle sha256:\S+ of run \w+ \(softmax-regression\): expected by ledger entry 5, found nothing"),
    "run copied": (copied_run, r"run \w{32}: the ledger has no entry of this run for bundle"),
    "run deleted and declared void": (hide_as_void, "it declares bundle .* void, expected the run .* to be killed, found nothing"),
    # The ledger.
    "entry changed": (entries(lambda e: [*e[:3], with_about(e[3], verdict="PASS", report="x"), *e[4:]]),
                      "ledger entry 5: expected previous"),
    "entry deleted": (entries(lambda e: [*e[:3], *e[4:]]), "numbers that are not theirs: entry.00000004"),
    "entry deleted, the rest relinked": (entries(lambda e: relinked([*e[:3], *e[4:]])),
                                         "the ledger has no entry for it"),
    "entries swapped": (entries(lambda e: [*e[:3], e[4], e[3], *e[5:]]), "numbers that are not theirs"),
    "entries swapped and relinked": (entries(lambda e: relinked([*e[:3], e[4], e[3], *e[5:]])),
                                     r"ledger entry 4: bundle \S+: expected previous"),
    "entry renumbered": (lambda lab: lab.sql("UPDATE params SET key = 'entry.00000099' WHERE " + PARAMETERS, "entry.00000004", LEDGER_EXPERIMENT),
                         "numbers that are not theirs: entry.00000004, entry.00000099"),
    "entry no JSON": (lambda lab: lab.sql("UPDATE params SET value = '{}' WHERE " + PARAMETERS, "entry.00000004", LEDGER_EXPERIMENT),
                      "ledger line 4"),
    "last entry deleted": (entries(lambda e: e[:-1]), "the ledger has no entry for it"),
    "last entry of a bundle changed": (entries(lambda e: [*e[:-1], with_about(e[-1], verdict="BLOCK")]),
                                       "verdict: expected BLOCK by the ledger, found PASS"),
    "time of the last bundle changed": (entries(lambda e: [*e[:-1], changed_entry(e[-1], at=NOW.isoformat())]),
                                        "at: expected 2026-03-02T09:00:00.* by the ledger, found 2026-03-01"),
    "end of a promotion taken away": (entries(lambda e: e[:2]),
                                      r"champion of digits: the change to v1 .* \(ledger entry 2\) is not completed"),
    "promotion of another version": (entries(lambda e: relinked([*e[:2], with_about(e[2], version="2"), *e[3:]])),
                                     "ledger entry 3: expected version 1 as in its intent, found 2"),
    "promotion without intent": (entries(lambda e: relinked([*e, changed_entry(e[2], about={**e[2].about, "version": "2"})])),
                                 "ledger entry 9: expected an intent before the promotion, found none"),
    "second ledger": (second_ledger, "the store holds 2 ledgers, expected one"),
    "ledger deleted": (lambda lab: lab.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid IN (SELECT run_uuid FROM params WHERE key = ?)", "entry.00000001"),
                       "the ledger has no entry for it"),
    # The registry.
    "alias moved": (moved_alias, "champion of digits: expected v1 by the ledger, found v2: the alias was moved by hand"),
    "alias deleted": (no_alias, "champion of digits: expected v1 by the ledger, found none"),
    "promotion tag": (version_tag("promotion.run", "0" * 32), r"tag promotion\.run of v1: expected \w{32} by the ledger"),
    # Public keys.
    "key of another role": (other_role, "signature: the key .* has the role legal, needed is pipeline"),
    "key revoked": (revoked, "approval for security: the key .* was revoked on 2026-03-02: its laptop was stolen"),
    "key removed": (no_key, "signature: the key .* is not among the public keys"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_whatever_is_changed_in_a_store_is_named_by_the_audit(lab, name):
    change, expected = TAMPERED[name]
    assert change(lab), "nothing was changed"

    found = lab.reread().findings()

    assert [what for what in found if re.search(expected, what)], "\n".join(found) or "whole"


def test_an_untouched_store_is_whole_however_it_is_read(lab):
    shelf = StoreShelf(lab.store)

    for read in (shelf, lab.shelf):
        found = list(audit(read, keyring=lab.parts.keyring, registered_model="digits"))
        assert [finding.differences for finding in found] == [()] * len(found)
        assert len(found) == len(lab.runs) + len(("v1", "v2", "ledger", "champion"))
    assert found[-2].what == "ledger of 8 entries"
    signed = {finding.run_id: bool(finding.signed_by) for finding in found if finding.run_id}
    assert signed == {run: name != "trial" for name, run in lab.runs.items()}


@pytest.mark.parametrize(
    "name",
    ["verdict tag", "risk tag", "report", "signature removed", "approval removed", "entry changed"],
)
def test_one_run_alone_is_verified_as_thoroughly(lab, name):
    change, expected = TAMPERED[name]
    assert change(lab)
    lab = lab.reread()

    found = [
        what
        for run in lab.runs
        for what in audit_run(lab.shelf, lab.run(run), keyring=lab.parts.keyring).differences
    ]

    assert [what for what in found if re.search(expected.rpartition(".*: ")[2], what)], found


def _end_with_its_run(lab):
    lab.store.client.delete_run(lab.runs["trial"])
    return entries(lambda e: e[:-1])(lab)


def _end_and_refusal(lab):
    lab.store.client.delete_run(lab.runs["trial"])
    lab.sql("DELETE FROM model_version_tags WHERE key GLOB 'promotion.refused*'")
    return entries(lambda e: e[:-2])(lab)


def _unsigned_run_sealed_anew(lab):
    """An unsigned trial, its report exchanged, and the last entry with it."""
    page = lab.files("trial") / "report.html"
    page.write_bytes(page.read_bytes().replace(b"PASS", b"BEST"))
    return entries(lambda e: [*e[:-1], with_about(e[-1], report=str(of_file(page)))])(lab)


# Nothing comes after the last entries, and nobody signed them: only who kept a copy knows better.
HIDDEN = {
    "the last run with its entry": _end_with_its_run,
    "the last refusal with all that followed": _end_and_refusal,
    "the report of the last unsigned run with its entry": _unsigned_run_sealed_anew,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_hides_at_the_end_of_the_ledger_shows_by_an_earlier_export(lab, name):
    earlier = from_lines(to_lines(lab.ledger()))
    assert HIDDEN[name](lab)

    assert lab.findings() == []  # when this fails, the audit has become better: move it up
    assert any("as in the earlier export" in what for what in lab.findings(anchor=earlier))


def test_a_key_whose_revocation_is_taken_back_is_for_the_review_of_commits(lab):
    """No store knows who was revoked. The folder of public keys is kept in git, as the registers
    are: taking a revocation back is a commit, and whoever may commit there decides who is trusted.
    """
    assert revoked(lab)
    assert lab.reread().findings()
    edited(key_file(lab, "security"), lambda d: d.update(revoked=None))

    assert lab.reread().findings() == []


def test_a_run_of_another_store_is_not_of_this_one(lab, evidence_base, tmp_path):
    """Signed by the same key and whole in itself, but entered into another ledger."""
    from tests import laboratory  # noqa: PLC0415

    other = laboratory.lab_in(tmp_path / "other", *evidence_base)
    removed = entries(lambda e: relinked([*e[:5], *e[7:]]))  # here, it was never evaluated
    assert removed(lab)
    lab.store.client.delete_run(lab.runs["trial"])
    assert entries(lambda e: e[:-1])(lab)
    run = other.store.client.get_run(other.runs["trial"])
    brought = lab.store.client.create_run(
        lab.store.experiment_id, start_time=run.info.start_time, tags=run.data.tags,
        run_name=run.info.run_name,
    )  # fmt: skip
    lab.store.client.set_terminated(brought.info.run_id)
    shutil.copytree(
        other.files("trial"),
        lab.folder / "artifacts" / brought.info.run_id / "artifacts",
        dirs_exist_ok=True,
    )

    assert any(
        what.startswith(brought.info.run_id[:12]) and "has no entry of this run" in what
        for what in lab.findings()
    )
