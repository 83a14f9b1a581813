"""What an earlier run has measured is not measured again, and nothing but good evidence counts."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from seclab import admission, project, registry, settings, tracking
from seclab.audit import audit
from seclab.evidence import outcomes_of, verify
from seclab.evidence.bundle import BUNDLE_FILE
from seclab.evidence.keys import create, load_keyring
from seclab.outcome import Origin

pytestmark = pytest.mark.flow

AGENT = {"evaluations": ["rag_prompt_injection"]}
MODEL = {
    "models": ["softmax-regression"],
    "evaluations": ["evasion_linf", "random_noise", "membership_inference"],
}


@pytest.fixture
def told():
    """What people who watch are told, by its first word."""
    logger, lines = logging.getLogger("seclab.progress"), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    yield lambda word: [line for line in lines if line.startswith(word)]
    logger.removeHandler(handler)


def _outcomes(lab, state):
    return {
        (subject, outcome.evaluation): outcome
        for subject, run in lab.runs(state).items()
        for outcome in outcomes_of(lab.bundle(run))
    }


def _findings(lab):
    shelf = tracking.StoreShelf(lab.store)
    keyring = load_keyring(lab.root / "registers" / "keys")
    return list(audit(shelf, keyring=keyring, registered_model="digits"))


def test_a_second_run_measures_nothing_and_says_where_everything_was_measured(lab, told):
    lab.loosen()
    first = lab.evaluate(**MODEL)
    second = lab.evaluate(**MODEL)

    before, after = lab.runs(first)["softmax-regression"], lab.runs(second)["softmax-regression"]
    assert len(told("measured ")) == 3
    assert told("reused ") == [
        f"reused   softmax-regression  {name} from run {before.run_id[:12]}"
        for name in registry.registered("model")
        if name in MODEL["evaluations"]
    ]
    assert (after.verdict, after.risks) == (before.verdict, before.risks)
    old, new = _outcomes(lab, first), _outcomes(lab, second)
    assert {outcome.reused_from for outcome in old.values()} == {None}
    origin = Origin(before.run_id, before.bundle_digest)
    for name, outcome in new.items():
        assert outcome.reused_from == origin
        assert outcome.measurements == old[name].measurements
        for field in ("key", "measured_at", "queries", "notes", "parameters", "seed"):
            assert getattr(outcome, field) == getattr(old[name], field)
    decisions = [lab.bundle(run).predicate["decision"] for run in (before, after)]
    assert decisions[0] == decisions[1]


def test_a_reused_result_brings_its_files_and_the_store_stays_whole(lab):
    first, second = lab.evaluate(**MODEL), lab.evaluate(**MODEL)

    before, after = lab.runs(first)["softmax-regression"], lab.runs(second)["softmax-regression"]
    bundle, folder = tracking.load_bundle(lab.store, after)
    assert verify(bundle, expected_digest=after.bundle_digest, artifacts=folder) == []
    artifacts = bundle.predicate["artifacts"]
    assert artifacts == lab.bundle(before).predicate["artifacts"]
    assert {name.partition("/")[0] for name in artifacts} == {"figures", "tables"}
    assert [finding.differences for finding in _findings(lab)] == [()] * 5


@pytest.mark.exhaustive
def test_people_see_on_the_pages_that_a_result_was_reused(lab):
    first, second = lab.evaluate(**AGENT), lab.evaluate(**AGENT)

    source = lab.runs(first)["support-agent"].run_id
    again = lab.runs(second)["support-agent"]
    pages = {run.info.run_id: run for run in lab.everything()}
    [child] = [
        run for run in pages.values() if run.data.tags.get("mlflow.parentRunId") == again.run_id
    ]
    assert child.data.tags["seclab.reused_from"] == source
    assert source in child.data.tags["mlflow.note.content"]
    assert source in pages[again.run_id].data.tags["mlflow.note.content"]
    assert "Reused" not in pages[source].data.tags["mlflow.note.content"]


@pytest.mark.exhaustive
def test_a_result_reused_twice_still_names_the_run_that_measured_it(lab):
    states = [lab.evaluate(**AGENT) for _ in range(3)]

    runs = [lab.runs(state)["support-agent"] for state in states]
    [[first], *others] = [list(_outcomes(lab, state).values()) for state in states]
    for [other] in others:
        assert other.reused_from == Origin(runs[0].run_id, runs[0].bundle_digest)
        assert other.measured_at == first.measured_at


@pytest.mark.exhaustive
def test_asked_to_refresh_a_run_measures_everything(lab, told):
    first, second = lab.evaluate(**AGENT), lab.evaluate(**AGENT, refresh=True)

    [old], [new] = (list(_outcomes(lab, state).values()) for state in (first, second))
    assert (len(told("measured ")), told("reused ")) == (2, [])
    assert (new.reused_from, new.measurements) == (None, old.measurements)
    assert new.measured_at > old.measured_at


@pytest.mark.exhaustive
def test_another_seed_or_effort_is_other_work(lab, told):
    lab.evaluate(**AGENT)
    lab.evaluate(**AGENT, seed=1)
    cases = {"rag_prompt_injection": {"cases": 13, "benign_tasks": 6}}
    lab.rewrite(
        "profiles.yaml", lambda all_: all_ | {"quick": {**all_["quick"], "evaluations": cases}}
    )
    lab.evaluate(**AGENT)

    assert (len(told("measured ")), told("reused ")) == (3, [])


@pytest.mark.exhaustive
def test_what_failed_is_tried_again(lab, told, monkeypatch):
    from tasks import processes  # noqa: PLC0415 - flows.server goes before

    call = processes.call

    def dying(function, *arguments, **keywords):
        if function is registry.run:
            raise processes.Died("out of memory")
        return call(function, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(processes, "call", dying)
        failed = lab.evaluate(**AGENT)
    state = lab.evaluate(**AGENT)

    [before], [after] = (list(_outcomes(lab, each).values()) for each in (failed, state))
    assert before.key == after.key != ""
    assert (len(told("measured ")), told("reused ")) == (1, [])


def _damage_number(lab, run):
    path = tracking.load_bundle(lab.store, run)[1] / BUNDLE_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    document["predicate"]["evaluations"][0]["measurements"][0]["value"] = 0.999
    path.write_text(json.dumps(document), encoding="utf-8")
    return "bundle: expected digest"


def _damage_table(lab, run):
    folder = tracking.load_bundle(lab.store, run)[1]
    path = next(folder.glob("tables/*.json"))
    path.write_text("{}", encoding="utf-8")
    return f"{path.relative_to(folder)}: expected"


def _damage_page(lab, run):
    (tracking.load_bundle(lab.store, run)[1] / "report.html").write_text("all is well")
    return "report: expected"


def _damage_digest(lab, run):
    """As somebody does who changes a bundle and its recorded digest, but not the ledger."""
    _damage_number(lab, run)
    changed = tracking.load_bundle(lab.store, run)[0]
    lab.store.client.set_tag(run.run_id, "bundle.digest", str(changed.digest))
    return "the ledger has no"


def _damage_beyond_reading(lab, run):
    path = tracking.load_bundle(lab.store, run)[1] / BUNDLE_FILE
    path.write_text("{", encoding="utf-8")
    return "the bundle is not JSON"


@pytest.mark.parametrize(
    "damage",
    [
        _damage_digest,
        *(
            pytest.param(damage, marks=pytest.mark.exhaustive)
            for damage in (_damage_number, _damage_table, _damage_page, _damage_beyond_reading)
        ),
    ],
)
def test_of_evidence_that_was_changed_nothing_is_reused_and_the_run_is_named(lab, told, damage):
    run = lab.runs(lab.evaluate(**AGENT))["support-agent"]
    expected = damage(lab, run)

    [outcome] = _outcomes(lab, lab.evaluate(**AGENT)).values()

    assert (outcome.reused_from, told("reused ")) == (None, [])
    assert any(run.run_id[:12] in line and expected in line for line in told("not reused"))


@pytest.mark.exhaustive
def test_a_planted_tag_gives_nobody_a_result(lab, told):
    """A run of another seed, said to hold what this one asks for."""
    other = lab.runs(lab.evaluate(**AGENT, seed=1))["support-agent"]
    [outcome] = _outcomes(lab, lab.evaluate(**AGENT)).values()
    for run in lab.runs().values():
        lab.store.client.delete_run(run.run_id)
    lab.store.client.set_tag(other.run_id, "key.rag_prompt_injection", outcome.key)

    [again] = _outcomes(lab, lab.evaluate(**AGENT)).values()

    assert again.reused_from is None
    assert again.measurements == outcome.measurements
    assert any("holds no such result" in line for line in told("not reused"))


@pytest.fixture
def with_key(monkeypatch, tmp_path_factory):
    """Make a key of the pipeline for a project."""

    def make(lab):
        private = tmp_path_factory.mktemp("private")
        monkeypatch.setenv("SECLAB_KEYS", str(private))
        create(
            "pipeline",
            owner="platform",
            public_folder=lab.root / "registers" / "keys",
            private_folder=private,
            at=datetime.now(UTC) - timedelta(minutes=1),
        )

    return make


@pytest.mark.exhaustive
def test_signed_evidence_takes_nothing_from_unsigned(lab, told, with_key):
    unsigned = lab.runs(lab.evaluate(**AGENT))["support-agent"]
    with_key(lab)
    signed = lab.evaluate(**AGENT)
    again = lab.evaluate(**AGENT)

    source = lab.runs(signed)["support-agent"]
    [outcome], [reused] = (list(_outcomes(lab, state).values()) for state in (signed, again))
    assert (unsigned.signed_by, bool(source.signed_by), outcome.reused_from) == ("", True, None)
    assert any("it is not signed" in line for line in told("not reused"))
    assert reused.reused_from == Origin(source.run_id, source.bundle_digest)
    assert lab.runs(again)["support-agent"].signed_by == source.signed_by
    assert [finding.differences for finding in _findings(lab)] == [()] * 5


@pytest.mark.exhaustive
def test_a_reused_result_is_as_old_as_it_is(lab):
    """The age of evidence is that of its measurement."""
    first = lab.evaluate(**AGENT)
    second = lab.evaluate(**AGENT)
    run = lab.runs(second)["support-agent"]
    [outcome] = _outcomes(lab, first).values()
    parts = project.load(settings.find(lab.root, {}))
    shelf = tracking.StoreShelf(lab.store)
    days = parts.registers.tier_of("support-agent").oldest_days
    # A moment at which the run is fresh still, and its measurement is not.
    assert outcome.measured_at < run.started
    at = run.started + timedelta(days=days)
    admitted = admission.judge(
        shelf.evidence(run),
        registers=parts.registers,
        keyring=parts.keyring,
        ledger=shelf.ledger(),
        champion=None,
        at=at,
    )

    [age] = [each for each in admitted.decision.criteria if each.criterion == "E-AGE"]
    assert age.verdict == "NOT_EVALUATED"
    assert "rag_prompt_injection is stale" in age.reason
    assert run.measured == dict.fromkeys(outcome.risks, outcome.measured_at)


@pytest.fixture
def interrupted(lab, monkeypatch):
    """A run that was interrupted when everything was measured, but not yet sealed."""

    def interrupting(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.keeping.WORTH_KEEPING", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "previous_bundle", interrupting)
        with pytest.raises(KeyboardInterrupt):
            lab.evaluate(**AGENT)
    [run] = lab.everything_without_children()
    assert run.info.status == "KILLED"
    return run


def test_a_run_goes_on_where_an_interrupted_one_ended(lab, told, interrupted):
    state = lab.evaluate(**AGENT)
    run = lab.runs(state)["support-agent"]
    [outcome] = _outcomes(lab, state).values()

    origin = interrupted.info.run_id
    assert (len(told("measured ")), len(told("reused "))) == (1, 1)
    assert outcome.reused_from.run == origin
    [kept] = [entry for entry in tracking.read_ledger(lab.store) if entry.kind == "partial"]
    assert (kept.run, kept.digest) == (origin, outcome.reused_from.bundle)
    bundle, folder = tracking.load_bundle(lab.store, run)
    assert verify(bundle, expected_digest=run.bundle_digest, artifacts=folder) == []
    assert any(name.startswith("tables/") for name in bundle.predicate["artifacts"])
    assert outcome.measured_at < run.started
    assert run.measured == dict.fromkeys(outcome.risks, outcome.measured_at)
    assert [finding.differences for finding in _findings(lab)] == [()] * 3
    # Lists of runs show no parts.
    assert {each.run_id for each in tracking.runs(lab.store)} == {origin, run.run_id}


@pytest.mark.exhaustive
def test_of_a_kept_result_that_was_changed_nothing_is_reused(lab, told, interrupted):
    [part] = [run for run in lab.everything() if run.info.run_id != interrupted.info.run_id]
    path = tracking.load_evidence(lab.store, _holding(lab, part).run).folder / BUNDLE_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    document["predicate"]["evaluations"][0]["measurements"][0]["value"] = 0.999
    path.write_text(json.dumps(document), encoding="utf-8")
    changed = tracking.load_evidence(lab.store, _holding(lab, part).run).bundle
    lab.store.client.set_tag(part.info.run_id, "bundle.digest", str(changed.digest))

    [outcome] = _outcomes(lab, lab.evaluate(**AGENT)).values()

    assert outcome.reused_from is None
    name = interrupted.info.run_id[:12]
    assert any(name in line and "the ledger has no" in line for line in told("not reused"))


def _holding(lab, part):
    key = part.data.tags["key.rag_prompt_injection"]
    [found] = tracking.holding(lab.store, "rag_prompt_injection", key)
    return found


@pytest.mark.exhaustive
def test_what_was_kept_for_an_interruption_goes_when_the_run_is_sealed(lab, monkeypatch):
    monkeypatch.setattr("tasks.keeping.WORTH_KEEPING", 0.0)
    run = lab.runs(lab.evaluate(**AGENT))["support-agent"]

    children = [each for each in lab.everything() if each.info.run_id != run.run_id]
    assert [child.info.run_name.split()[-1] for child in children] == ["rag_prompt_injection"]
    assert not children[0].info.run_name.startswith("KEPT")
    key = lab.everything_without_children()[0].data.tags["key.rag_prompt_injection"]
    [found] = tracking.holding(lab.store, "rag_prompt_injection", key)
    assert found.measured_by == found.run.run_id == run.run_id


@pytest.mark.exhaustive
def test_what_is_measured_quickly_is_not_kept(lab):
    lab.evaluate(**AGENT)

    assert {entry.kind for entry in tracking.read_ledger(lab.store)} == {"bundle"}
