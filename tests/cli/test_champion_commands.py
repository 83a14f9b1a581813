"""The way to the champion in a tier that asks for signatures and approvals, and back again."""

import json

import pytest

pytestmark = [pytest.mark.flow, pytest.mark.slow]


@pytest.fixture
def fresh(signed, tmp_path):
    """The signed project, nothing approved and nothing promoted; to be changed."""
    return signed.lab.copy(tmp_path / "fresh")


@pytest.fixture
def serving(promoted, tmp_path):
    """The signed project with its champion; to be changed."""
    return promoted.lab.copy(tmp_path / "serving")


def _ledger(lab, tmp_path, seclab):
    """What the ledger says happened, in its own words."""
    path = tmp_path / "ledger.jsonl"
    path.unlink(missing_ok=True)
    assert seclab(lab, "export-ledger", "-o", str(path)).code == 0
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _tags(lab, version):
    """The tags of a model version, read past MLflow."""
    return dict(lab.sql(f"SELECT key, value FROM model_version_tags WHERE version = '{version}'"))  # noqa: S608


def _aliases(lab):
    return dict(lab.sql("SELECT alias, CAST(version AS TEXT) FROM registered_model_aliases"))


def _version(signed, run):
    return next(each["version"] for each in signed.listed if each["run_id"] == run)


def _key(lab, seclab, role):
    shown = seclab(lab, "keys", "show", "--json").json["keys"]
    return next(key["keyid"] for key in shown if key["role"] == role)


def test_an_evaluation_in_a_high_tier_ends_well_and_says_why_nothing_was_promoted(
    signed, fresh, seclab, tmp_path
):
    answer = signed.answer

    assert answer.code == 0, answer.text
    rows = [line.split()[:3] for line in answer.out.splitlines()]
    assert ["PASS", "softmax-regression", "v1"] in rows
    assert ["BLOCK", "random-forest", "v2"] in rows
    assert "champion" not in answer.out
    for role in ("security", "ml-engineering"):
        assert f"run {signed.softmax} is not promoted: E-APP-{role}: {role} has not" in answer.text
    refused = [entry for entry in _ledger(fresh, tmp_path, seclab) if "refused" in entry["kind"]]
    assert [entry["run"] for entry in refused] == [signed.softmax]
    assert _aliases(fresh) == {}


@pytest.mark.usefixtures("flows_inside")
def test_the_gate_opens_with_the_last_approval_and_not_before(signed, fresh, seclab):
    run = signed.softmax

    def missing():
        answer = seclab(fresh, "gate", run, "--json")
        criteria = answer.json["decision"]["criteria"]
        return answer.code, [each["criterion"] for each in criteria if each["verdict"] != "PASS"]

    assert missing() == (3, ["E-APP-security", "E-APP-ml-engineering"])
    approved = seclab(fresh, "approve", run[:12], "--role", "security")
    assert missing() == (3, ["E-APP-ml-engineering"])
    refused = seclab(fresh, "promote", run)
    again = seclab(fresh, "approve", run, "--role", "security")
    assert missing() == (3, ["E-APP-ml-engineering"])
    assert seclab(fresh, "approve", run, "--role", "ml-engineering").code == 0
    assert missing() == (0, [])

    assert (approved.code, again.code) == (0, 0)
    assert approved.out.startswith("security approves PASS softmax-regression v1")
    assert f"signed with key {_key(fresh, seclab, 'security')}" in approved.out
    assert (refused.code, refused.out) == (1, "")
    assert f"run {run} is not promoted: E-APP-ml-engineering" in refused.text
    assert "E-APP-security" not in refused.text
    assert _aliases(fresh) == {}


def test_the_champion_may_be_served_with_its_whole_chain_named(signed, serving, seclab):
    listed = next(each for each in signed.listed if each["run_id"] == signed.softmax)
    key = _key(serving, seclab, "pipeline")

    answer = seclab(serving, "serve-check")
    document = seclab(serving, "serve-check", "--json").json

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("digits v1 may be served\n")
    assert f"evidence  {listed['bundle_digest']} of run {signed.softmax}" in answer.out
    assert f"signed    with key {key}" in answer.out
    assert "FORCED" not in answer.out
    assert document["key"] == key
    assert document["champion"]["number"] == "1"
    assert document["record"]["run"] == signed.softmax
    assert document["record"]["decision"]["verdict"] == "PASS"
    assert _aliases(serving) == {"champion": "1"}
    assert seclab(serving, "verify", "--all").code == 0


@pytest.mark.usefixtures("flows_inside")
def test_there_is_nothing_to_serve_before_a_promotion_and_nothing_to_roll_back_after_the_first(
    fresh, serving, seclab
):
    unserved = seclab(fresh, "serve-check")
    back = seclab(serving, "rollback", "--reason", "customers complain")

    assert (unserved.code, unserved.out) == (3, "")
    assert "digits has no champion: nothing was promoted yet" in unserved.text
    assert (back.code, back.out) == (2, "")
    assert "digits has no previous version to go back to" in back.text
    assert _aliases(serving) == {"champion": "1"}


@pytest.mark.usefixtures("flows_inside")
def test_a_forced_promotion_is_loud_everywhere_and_can_be_rolled_back(
    signed, serving, seclab, tmp_path
):
    reason = "the contract ends today"
    forced = seclab(serving, "promote", signed.forest, "--force", reason)

    assert forced.code == 0, forced.text
    assert "digits v2 is the champion" in forced.out
    assert f"FORCED   digits v2 in spite of the gate: {reason}" in forced.err
    assert f"FORCED    in spite of the gate: {reason}" in seclab(serving, "serve-check").out
    assert seclab(serving, "serve-check", "--json").json["record"]["forced"] == reason
    assert _tags(serving, "2")["promotion.forced"] == reason
    assert _aliases(serving) == {"champion": "2", "previous": "1"}
    assert seclab(serving, "verify", "--all").code == 0

    back = seclab(serving, "rollback", "--reason", "it was a bad idea")

    assert (back.code, back.err) == (0, "")
    assert "digits v1 is the champion again: it was a bad idea" in back.out
    assert _aliases(serving) == {"champion": "1", "previous": "2"}
    served = seclab(serving, "serve-check")
    assert served.out.startswith("digits v1 may be served\n")
    assert "FORCED" not in served.out
    kinds = [entry["kind"] for entry in _ledger(serving, tmp_path, seclab)]
    assert kinds[-4:] == ["promotion-intent", "promotion", "promotion-intent", "rollback"]
    assert seclab(serving, "verify", "--all").code == 0


@pytest.mark.usefixtures("flows_inside")
def test_a_tier_that_forbids_force_refuses_it_and_the_refusal_is_recorded(
    signed, fresh, seclab, tmp_path
):
    before = _ledger(fresh, tmp_path, seclab)

    answer = seclab(fresh, "promote", signed.softmax, "--force", "the contract ends today")

    assert (answer.code, answer.out) == (1, "")
    assert "is not promoted: models of tier high may not be forced" in answer.text
    assert "is not promoted: E-APP-security" in answer.text
    assert _aliases(fresh) == {}
    entries = _ledger(fresh, tmp_path, seclab)
    assert entries[: len(before)] == before
    assert [(each["kind"], each["run"]) for each in entries[len(before) :]] == [
        ("promotion-refused", signed.softmax)
    ]
    assert _tags(fresh, _version(signed, signed.softmax))["promotion.refused"] == signed.softmax


@pytest.mark.usefixtures("flows_inside")
def test_nobody_forces_or_approves_without_a_key(signed, fresh, seclab):
    for private in fresh.keys.glob("*.pem"):
        private.unlink()

    forced = seclab(fresh, "promote", signed.forest, "--force", "the contract ends today")
    approved = seclab(fresh, "approve", signed.softmax, "--role", "legal")
    lost = seclab(fresh, "approve", signed.softmax, "--role", "security")

    assert (forced.code, forced.out) == (2, "")
    assert "forcing a promotion needs a key of the role pipeline" in forced.text
    for role, answer in (("legal", approved), ("security", lost)):
        assert (answer.code, answer.out) == (2, "")
        hint = (
            f"no usable key of the role {role} here: `seclab keys init --role {role} --owner TEAM`"
        )
        assert hint in answer.text
    assert _aliases(fresh) == {}


def test_evidence_that_was_changed_is_approved_by_nobody(signed, fresh, seclab):
    table = min(fresh.evidence(signed.softmax).glob("tables/*.json"))
    table.unlink()

    answer = seclab(fresh, "approve", signed.softmax, "--role", "security")

    assert (answer.code, answer.out) == (1, "")
    assert f"tables/{table.name}: expected sha256:" in answer.text
    assert not (fresh.evidence(signed.softmax) / "approvals").exists()


def test_an_alias_moved_by_hand_gains_nothing(serving, seclab):
    serving.sql("UPDATE registered_model_aliases SET version = 2 WHERE alias = 'champion'")

    for command in (("serve-check",), ("verify", "--all")):
        answer = seclab(serving, *command)

        assert (answer.code, answer.out) == (1, "")
        assert "moved by hand" in answer.text
        assert "v2" in answer.text


def test_a_champion_whose_file_was_exchanged_is_not_served(serving, seclab):
    files = sorted(serving.root.glob("mlruns/artifacts/models/*/artifacts/model.skops"))
    one, other = (path.read_bytes() for path in files)
    for path, data in zip(files, (other, one), strict=True):
        path.write_bytes(data)

    answer = seclab(serving, "serve-check")

    assert answer.code != 0
    assert answer.out == ""
    assert "the file of digits v1: expected sha256:" in answer.text


@pytest.mark.usefixtures("flows_inside")
def test_what_a_revoked_key_signed_counts_no_more(signed, serving, seclab):
    key = _key(serving, seclab, "pipeline")
    assert seclab(serving, "keys", "revoke", key, "--reason", "laptop stolen").code == 0

    gate = seclab(serving, "gate", signed.softmax)
    served = seclab(serving, "serve-check")
    verified = seclab(serving, "verify", "--all")
    promoted = seclab(serving, "promote", signed.softmax)

    assert gate.code == 1
    assert gate.out.startswith("BLOCK  model softmax-regression\nBlocked by:\n  E-SIG ")
    for answer in (gate, served, verified, promoted):
        assert answer.code == 1
        assert "revoked" in answer.text
        assert "laptop stolen" in answer.text
    assert seclab(serving, "rollback", "--reason", "x").code == 2


def test_a_revoked_approval_closes_the_gate_again(signed, serving, seclab):
    key = _key(serving, seclab, "security")
    assert seclab(serving, "keys", "revoke", key, "--reason", "she has left").code == 0

    answer = seclab(serving, "gate", signed.softmax)

    assert answer.code == 3
    assert "E-APP-security (-): security has not approved this bundle" in answer.text
    assert "she has left" in answer.text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("approve", "latest"), "Missing option '--role'"),
        (("approve", "latest", "--role", "pipeline"), "'pipeline' is not one of"),
        (("approve", "ffffffff", "--role", "security"), "there is no run ffffffff"),
        (("rollback",), "Missing option '--reason'"),
        (("rollback", "--reason", " "), "a rollback needs a reason"),
    ],
)
def test_a_wrong_use_is_2(fresh, seclab, arguments, complaint):
    answer = seclab(fresh, *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert complaint in answer.text
