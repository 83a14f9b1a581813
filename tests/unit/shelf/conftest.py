"""A store that MLflow wrote, with the files of a run that is kept as evidence."""

import dataclasses
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from seclab.evidence.ledger import following, to_lines
from seclab.settings import Settings
from seclab.shelf import EmbeddedShelf
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden" / "2026-11-21" / "mlp-hardened"
DIGEST = "sha256:rfc8785:e733c5e6cce400ba76a2008d0c68f7d4828aab2149c7436063bd35ef6ec387b2"
# When the kept run began.
STARTED = datetime(2026, 11, 21, 22, 52, 9, 928000, tzinfo=UTC)
MINUTE = 60_000
ENVELOPE = {"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": []}


def tags_of(subject="mlp-hardened", *, kind="model", **more):
    return {"seclab.kind": kind, "seclab.subject": subject, "seclab.profile": "quick"} | more


# What the evidence of the kept run says of each risk.
SAID = {f"risk.R-{risk}": "pass" for risk in ("EVA-01", "EVA-02", "EXT-01", "PRV-01")} | {
    f"risk.R-POI-0{number}": "pass" for number in (1, 2, 3, 4)
}
FINISHED = tags_of(
    **{
        "seclab.batch": "b-1",
        "seclab.verdict": "PASS",
        "bundle.digest": DIGEST,
        "model.version": "2",
        **SAID,
        "mlflow.note.content": "**PASS** " + "long " * 1000,
    }
)
SIGNED = FINISHED | {"seclab.signed": "pipeline-1", "seclab.batch": "b-2"}


@dataclass(frozen=True)
class Written:
    """A store, the client that wrote it, and its runs by what they are."""

    settings: Settings
    client: object
    runs: dict

    @property
    def shelf(self):
        return EmbeddedShelf(self.settings)

    def files(self, name):
        return self.settings.store / "artifacts" / self.runs[name] / "artifacts"

    def copy(self, root):
        """The project copied elsewhere, as a folder is copied."""
        shutil.copytree(self.settings.root, root)
        store = root / "mlruns"
        return dataclasses.replace(
            self.settings, root=root, store=store, tracking_uri=f"sqlite:///{store / 'mlflow.db'}"
        )


def entries(count):
    """A ledger in miniature."""
    written = []
    for number in range(count):
        about = {"kind": "model", "note": "line\u2028end"}
        entry = following(
            written,
            at=STARTED.isoformat(),
            kind="bundle",
            subject="mlp-hardened",
            run=f"{number:032x}",
            digest=DIGEST,
            about=about,
        )
        written.append(entry)
    return written


def write_ledger(client, ledger):
    """A run with one parameter an entry."""
    found = client.get_experiment_by_name("security-evidence-ledger")
    id_ = found.experiment_id if found else client.create_experiment("security-evidence-ledger")
    run = client.create_run(id_, run_name="LEDGER").info.run_id
    for entry in ledger:
        client.log_param(run, f"entry.{entry.sequence:08d}", to_lines([entry]).strip())
    return run


@pytest.fixture
def client_of():
    """The client of a project's store."""
    from mlflow import MlflowClient  # noqa: PLC0415 - most tests do without MLflow

    return lambda settings: MlflowClient(settings.tracking_uri, settings.tracking_uri)


@pytest.fixture(scope="session")
def written(new_project, tmp_path_factory):
    """The store. To be read only; a test that changes something copies it."""
    from mlflow import MlflowClient  # noqa: PLC0415 - as above

    settings = new_project(tmp_path_factory.mktemp("shelf") / "with ümläut #1")
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    experiment = client.create_experiment(
        "security-evaluations", artifact_location=(settings.store / "artifacts").as_uri()
    )
    runs = {}

    def run(what, name, minute, tags, *, of=experiment, status=None):
        start = int(STARTED.timestamp() * 1000) + minute * MINUTE
        made = client.create_run(of, start_time=start, tags=tags, run_name=name)
        runs[what] = made.info.run_id
        if status:
            client.set_terminated(made.info.run_id, status)
        return made.info.run_id

    run("finished", "PASS mlp-hardened v2 quick", 0, FINISHED, status="FINISHED")
    run("signed", "PASS mlp-hardened v2 again", 5, SIGNED, status="FINISHED")
    run("twin", "PASS mlp-hardened v2 twin", 5, FINISHED, status="FINISHED")
    run("agent", "KILLED agent", 2, tags_of("support-agent", kind="agent"), status="KILLED")
    run("running", "RUNNING mlp", 9, tags_of("mlp"))
    run("part", "R-EVA-01 evasion_linf", 1, {"mlflow.parentRunId": runs["finished"]})
    run("foreign", "somebody else's", 20, {})
    run("deleted", "PASS deleted", 30, FINISHED, status="FINISHED")
    client.delete_run(runs["deleted"])
    elsewhere = client.create_experiment("another experiment")
    run("elsewhere", "elsewhere", 40, FINISHED, of=elsewhere, status="FINISHED")
    for what in ("finished", "signed"):
        client.log_artifacts(runs[what], str(GOLDEN))
    client.log_dict(runs["signed"], ENVELOPE, "evidence/bundle.dsse.json")
    for role in ("security", "legal"):
        client.log_dict(runs["signed"], {"role": role}, f"approvals/{role}.json")
    write_ledger(client, entries(12))
    _register(client, runs["finished"])
    return Written(settings, client, runs)


def _register(client, run_id):
    client.create_registered_model("digits")
    for number in ("1", "2", "3"):
        tags = {"model.digest": f"sha256:bytes:{number}"} | (
            {"promotion.run": run_id} if number == "2" else {}
        )
        client.create_model_version("digits", "/nowhere", tags=tags)
    client.set_registered_model_alias("digits", "champion", "2")
    client.set_registered_model_alias("digits", "previous", "1")
    client.set_registered_model_alias("digits", "doomed", "3")
    client.delete_model_version("digits", "3")


@pytest.fixture
def copy(written, tmp_path):
    """Settings of a copy of the store, to be spoiled."""
    return written.copy(tmp_path / "copy")
