"""A store with signed runs, a champion, an approval and a refusal, to be copied and spoiled."""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seclab import audit, project, promotion, tracking
from seclab.errors import PromotionRefused
from seclab.evidence.keys import create, load_keyring
from seclab.evidence.ledger import Entry, following, to_lines
from seclab.project import Project
from seclab.registers.tiers import Models, Tier
from seclab.settings import Settings
from seclab.shelf import EmbeddedShelf
from seclab.shelf.records import CHAMPION, LEDGER_ENTRY, LEDGER_EXPERIMENT
from seclab.tracking import Store
from tests.runs import LOW, MODELS, REGISTERS, STARTED
from tests.unit.tracking.conftest import Recorder
from tests.unit.tracking.test_journal import copied

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROLES = ("pipeline", "security", "ml-engineering", "legal")
TIERS = {
    "low": LOW,
    "moderate": Tier("moderate", True, True, (), 60, (), True),
    "high": Tier("high", True, True, ("security", "ml-engineering", "legal"), 30, (), False),
}


def registers_of(tier, **changes):
    """The registers in miniature, with every model in one tier."""
    models = Models(TIERS, {"public": {"low": tier}}, MODELS.models)
    return replace(REGISTERS, models=models, **changes)


@dataclass(frozen=True)
class Lab:
    """A store, its project and what was done in it."""

    parts: Project
    store: Store
    runs: Mapping[str, str]

    @property
    def folder(self):
        return self.parts.settings.store

    @property
    def shelf(self):
        return EmbeddedShelf(self.parts.settings)

    def key(self, role="pipeline", at=NOW):
        return project.signing_key(self.parts, role, at=at)

    def run(self, name):
        return tracking.find_run(self.store, self.runs[name])

    def files(self, name):
        """The folder with the files of a run."""
        uri = self.store.client.get_run(self.runs[name]).info.artifact_uri
        return Path(unquote(urlsplit(uri).path))

    def ledger(self):
        return tracking.read_ledger(self.store)

    def champion(self):
        found = tracking.champion(self.store, "digits")
        return found and found.number

    def under(self, tier, **changes):
        """The same store in a project whose models are of another tier."""
        return replace(self, parts=replace(self.parts, registers=registers_of(tier, **changes)))

    def reread(self):
        """The same with the public keys as they are now."""
        keyring = load_keyring(self.parts.settings.public_keys)
        return replace(self, parts=replace(self.parts, keyring=keyring))

    def promote(self, name, *, at=NOW, key=..., **how):
        signing = self.key(at=at) if key is ... else key
        run = self.run(name)
        return promotion.promote(self.parts, self.store, run, at=at, key=signing, **how)

    def approve(self, name, role, *, at=NOW):
        return promotion.approve(self.parts, self.store, self.run(name), role=role, at=at)

    def serve(self, **how):
        return tracking.load_champion(self.parts.settings, keyring=self.parts.keyring, **how)

    def sql(self, statement, *values):
        """Change the database past MLflow, and give the number of rows that were."""
        with sqlite3.connect(self.folder / "mlflow.db") as database:
            return database.execute(statement, values).rowcount

    def sql_one(self, query, *values):
        """The one value that a question to the database has for answer."""
        with sqlite3.connect(self.folder / "mlflow.db") as database:
            ((value,),) = database.execute(query, values).fetchall()
        return value

    def findings(self, anchor=()):
        """What verifying the whole store finds, as one text per difference."""
        found = audit.audit(
            self.shelf, keyring=self.parts.keyring, registered_model="digits", anchor=anchor
        )
        return [f"{finding.what}: {what}" for finding in found for what in finding.differences]


def parts_at(folder, tier="low"):
    """The project of a store in a folder, its keys beside it."""
    settings = Settings(
        root=folder,
        evaluation_flow="",
        promotion_flow="",
        flow_server="",
        registers=folder / "registers",
        expectations=folder,
        store=folder,
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
        registered_model="digits",
        dataset="digits",
        keys=folder / "private",
    )
    keyring = load_keyring(settings.public_keys)
    return Project(settings, registers_of(tier), {}, {}, keyring, {})


def keys_in(folder, *, at=STARTED - timedelta(days=1), roles=ROLES):
    """A key for every role."""
    for role in roles:
        create(
            role,
            owner=f"the {role}",
            public_folder=folder / "registers" / "keys",
            private_folder=folder / "private",
            at=at,
        )


def built(folder, empty_database, *, models, new_folder):
    """Fill a store: two signed models, of which the first is champion; a block, and a trial."""
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    keys_in(folder)
    parts = parts_at(folder)
    recorder = Recorder(tracking.open_store(parts.settings), new_folder)
    lab = Lab(parts, recorder.store, {})
    key = lab.key()
    first, second = models
    runs = {"first": recorder.run(first, key=key).run_id}
    lab = replace(lab, runs=runs)
    lab.promote("first", at=NOW - timedelta(hours=1))
    runs["second"] = recorder.run(second, minute=1, key=key).run_id
    runs["blocked"] = recorder.run(second, minute=2, robust=0.3, key=key).run_id
    lab.approve("second", "security", at=NOW - timedelta(minutes=30))
    with suppress(PromotionRefused):
        lab.promote("blocked", at=NOW - timedelta(minutes=20))
    runs["trial"] = recorder.run(second, minute=3).run_id
    assert lab.champion() == "1"
    assert lab.findings() == []
    return runs


def lab_in(folder, base, runs):
    """A copy of a store for one test."""
    copied(base, folder)
    parts = parts_at(folder)
    return Lab(parts, tracking.open_store(parts.settings), runs)


def edited(path, change):
    """Change a JSON file."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def entries(change):
    """Change the entries of the ledger: the list, in place, as whoever forgets nothing would."""

    def rewrite(lab):
        ledger = lab.ledger()
        changed = change(ledger)
        run = lab.sql_one(
            "SELECT run_uuid FROM runs JOIN experiments USING (experiment_id) \
WHERE experiments.name = ?",
            LEDGER_EXPERIMENT,
        )
        lab.sql("DELETE FROM params WHERE run_uuid = ?", run)
        for number, entry in enumerate(changed, start=1):
            key = LEDGER_ENTRY.format(number)
            line = to_lines([entry]).strip()
            lab.sql("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", key, line, run)
        return changed != ledger

    return rewrite


def relinked(changed):
    """The ledger with every digest computed again, after something was changed in it."""
    again = []
    for entry in changed:
        parts = {
            name: getattr(entry, name)
            for name in ("at", "kind", "subject", "run", "digest", "about")
        }
        again.append(following(again, **parts))
    return again


def with_about(entry, **about):
    return changed_entry(entry, about={**entry.about, **about})


def changed_entry(entry, **changes):
    fields = ("sequence", "at", "kind", "subject", "run", "digest", "about", "previous")
    return Entry(**{name: getattr(entry, name) for name in fields} | changes)


def version_tag(key, value):
    return lambda lab: lab.sql(
        "UPDATE model_version_tags SET value = ? WHERE key = ? AND version = 1", value, key
    )


__all__ = [
    "CHAMPION",
    "NOW",
    "Lab",
    "built",
    "changed_entry",
    "edited",
    "entries",
    "lab_in",
    "registers_of",
    "relinked",
    "version_tag",
    "with_about",
]
