"""How fast ``seclab verify --all`` is, and whether its time grows with the store and no faster.

Evaluates one model for real (or takes a store that is there: ``--store``), then adds to a copy of
that store until it holds N bundles, in steps of N/4, N/2 and N. Every bundle is one that verifies:
the document of the real run with times of its own, naming the bundle before it, sealed and signed
by the library with a key made here; its files are copied to a folder of its own; and the ledger
has its entry. Not real are that all of them hold the same measurements, and that the rows of the
database were copied by SQL instead of being written through MLflow.

The command is a process of its own, and everything must verify; the system has written, so it
holds, the files. Prints for each size seconds and bundles per second, peak memory, and the
processor time per bundle without what an empty store takes, with its ratio to that of the smallest
size: 1.0 is linear growth. Machines are noisy: compare within one run only, and seconds only where
nothing else runs.

    python benchmarks/verifying.py [--bundles N] [--repeats N] [--store FOLDER]
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reading import MINUTE, ROOT, SECLAB, copy_whole, parts_of, wall

from seclab.evidence.bundle import BUNDLE_FILE, ENVELOPE_FILE, REPORT_FILE, Bundle, read
from seclab.evidence.keys import SigningKey, create, load_keyring, load_signing_key
from seclab.evidence.ledger import Entry, following, from_lines, to_lines
from seclab.evidence.signing import sign
from seclab.fingerprint import of_file, of_json

ENTRIES = "SELECT run_uuid, value FROM params WHERE key GLOB 'entry.*' ORDER BY key"
MODELS = """
    SELECT run_uuid FROM runs JOIN tags USING (run_uuid)
    WHERE key = 'seclab.kind' AND value = 'model' AND lifecycle_stage = 'active'
    ORDER BY start_time DESC
"""


def project(folder: Path) -> Path:
    """A project with the registers of this one, and no keys yet."""
    shutil.copytree(ROOT / "registers", folder / "registers")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.rmtree(folder / "registers" / "keys", ignore_errors=True)
    return folder


def pipeline_key(folder: Path) -> SigningKey:
    """The key that signs, its public half among those of the project."""
    at = datetime.now(UTC)
    public, private = folder / "registers" / "keys", Path(f"{folder}-keys")
    valid_from = at - timedelta(days=365)
    create(
        "pipeline",
        owner="benchmark",
        public_folder=public,
        private_folder=private,
        at=valid_from,
        days=730,
    )
    keyring = load_keyring(public)
    key = load_signing_key("pipeline", keyring=keyring, private_folder=private, at=at)
    if key is None:
        sys.exit("the key that was just made cannot be used")
    return key


def evaluate(store: Path) -> None:
    """One real run of every evaluation of a model in a new store."""
    environment = os.environ | {"SECLAB_STORE": str(store), "PREFECT_HOME": f"{store}-prefect"}
    what = ["--model", "softmax-regression", "--profile", "quick", "--no-promote"]
    wall([SECLAB, "evaluate", *what], environment)


@dataclass
class Growing:
    """A store that gets more bundles, each a run that was never made but verifies."""

    store: Path
    key: SigningKey

    def __post_init__(self) -> None:
        self._path = self.store / "mlflow.db"
        with closing(sqlite3.connect(self._path)) as database:
            (self._run,) = database.execute(MODELS).fetchone()
            self._parts = parts_of(database, self._run)
            rows = database.execute(ENTRIES).fetchall()
        self._ledger = rows[0][0]
        self._entries: list[Entry] = from_lines("".join(f"{line}\n" for _, line in rows))
        self._folder = self.store / "artifacts" / self._run / "artifacts"
        self._bundle = read((self._folder / BUNDLE_FILE).read_bytes())

    @property
    def bundles(self) -> int:
        """How many there are."""
        return sum(entry.kind == "bundle" for entry in self._entries)

    def grow(self, count: int) -> None:
        """Add bundles until there are ``count``."""
        with closing(sqlite3.connect(self._path)) as database:
            while self.bundles < count:
                self._add(database)
            database.commit()

    def _add(self, database: sqlite3.Connection) -> None:
        number = self.bundles
        run = copy_whole(database, self._run, self._parts, earlier=-number * MINUTE)
        bundle = Bundle(document := self._document(number), of_json(document))
        folder = self._write(run, bundle)
        entry = following(
            self._entries,
            at=bundle.predicate["finished"],
            kind="bundle",
            subject=bundle.predicate["subject"]["name"],
            run=run,
            digest=str(bundle.digest),
            about={
                "kind": bundle.predicate["subject"]["kind"],
                "verdict": bundle.predicate["decision"]["verdict"],
                "report": str(of_file(folder / REPORT_FILE)),
                "signed_by": self.key.keyid,
            },
        )
        self._entries.append(entry)
        self._enter(database, run, entry)

    def _document(self, number: int) -> Mapping[str, Any]:
        """The evidence once more, later and after the bundle before it."""
        later = timedelta(milliseconds=number * MINUTE)
        predicate = dict(self._bundle.predicate)
        for name in ("started", "finished"):
            predicate[name] = (datetime.fromisoformat(predicate[name]) + later).isoformat()
        about = (predicate["subject"]["kind"], predicate["subject"]["name"])
        predicate["previous"] = next(
            entry.digest
            for entry in reversed(self._entries)
            if entry.kind == "bundle" and (entry.about["kind"], entry.subject) == about
        )
        return {**self._bundle.document, "predicate": predicate}

    def _write(self, run: str, bundle: Bundle) -> Path:
        folder = self.store / "artifacts" / run / "artifacts"
        shutil.copytree(self._folder, folder)
        shutil.rmtree(folder / "approvals", ignore_errors=True)
        (folder / BUNDLE_FILE).write_text(bundle.text(), encoding="utf-8")
        envelope = json.dumps(sign(bundle.document, self.key), indent=2) + "\n"
        (folder / ENVELOPE_FILE).write_text(envelope, encoding="utf-8")
        return folder

    def _enter(self, database: sqlite3.Connection, run: str, entry: Entry) -> None:
        where = (self.store / "artifacts" / run / "artifacts").as_uri()
        database.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", [where, run])
        for name, value in (("bundle.digest", entry.digest), ("seclab.signed", self.key.keyid)):
            database.execute(
                "INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
                [name, value, run],
            )
        database.execute(
            "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
            [f"entry.{entry.sequence:08d}", to_lines([entry]).strip(), self._ledger],
        )


@dataclass(frozen=True)
class Taken:
    """What one command took: seconds on the clock, seconds of a processor, peak megabytes."""

    wall: float
    processor: float
    peak: float


def verify(folder: Path, store: Path) -> Taken:
    """Verify a store, in which nothing may differ."""
    environment = os.environ | {"SECLAB_STORE": str(store), "SECLAB_KEYS": f"{folder}-keys"}
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [SECLAB, "verify", "--all"], env=environment, cwd=folder, stdout=said, stderr=said
        )
        # Not wait(): it does not tell what this one process has used.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"it does not verify:\n{said.read().decode()[-5000:]}")
    return Taken(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def measure(folder: Path, store: Path, repeats: int) -> Taken:
    """Median times, and the most memory."""
    taken = [verify(folder, store) for _ in range(repeats)]
    return Taken(
        statistics.median(each.wall for each in taken),
        statistics.median(each.processor for each in taken),
        max(each.peak for each in taken),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundles", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--store", type=Path, help="a store to multiply a copy of")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seclab-bench-") as temporary:
        folder = project(Path(temporary) / "project")
        store = Path(temporary) / "store"
        if arguments.store:
            shutil.copytree(arguments.store, store)
        else:
            evaluate(store)
        growing = Growing(store, pipeline_key(folder))
        empty = measure(folder, Path(temporary) / "empty", arguments.repeats)
        print(f"{'empty store':>14}{empty.wall:8.2f} s{'':17}{empty.peak:12.0f} MB")
        first = 0.0
        for count in (arguments.bundles // 4, arguments.bundles // 2, arguments.bundles):
            growing.grow(count)
            taken = measure(folder, store, arguments.repeats)
            each = (taken.processor - empty.processor) / growing.bundles
            first = first or each
            rate = growing.bundles / taken.wall
            print(
                f"{growing.bundles:6} bundles{taken.wall:8.2f} s{rate:8.1f} a second"
                f"{taken.peak:12.0f} MB   {each * 1000:.1f} ms each, ratio {each / first:.2f}"
            )


if __name__ == "__main__":
    main()
