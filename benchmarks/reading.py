"""What reading a store costs: ``seclab gate``, ``runs``, ``risks`` and ``--help``, each cold.

Evaluates one model for real (or takes a store that is there: ``--store``), copies the store, and
multiplies the rows of its database until it holds N runs with their child runs, tags, parameters,
metrics and ledger entries. Real are the run that is gated, its files, and what every row holds;
the other runs are copies of rows under new IDs, without files of their own, and their ledger
entries name bundles that do not exist.

Every command is a process of its own; the system has read the files before. Prints seconds, and
the ratio to ``python -c "import numpy, pydantic"`` taken in turns with it. Machines are noisy:
compare within one run only.

    python benchmarks/reading.py [--runs N] [--repeats N] [--store FOLDER]
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
import uuid
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECLAB = str(Path(sys.executable).parent / "seclab")
BARE = [sys.executable, "-c", "import numpy, pydantic"]
MINUTE = 60_000
TABLES = ("runs", "tags", "params", "metrics", "latest_metrics")


def evaluate(store: Path) -> None:
    """One real run in a new store."""
    what = ["--model", "softmax-regression", "--evaluation", "random_noise", "--no-promote"]
    environment = os.environ | {"SECLAB_STORE": str(store), "PREFECT_HOME": f"{store}-prefect"}
    wall([SECLAB, "evaluate", "--profile", "quick", *what], environment)


def multiply(path: Path, count: int) -> str:
    """Fill a database up to ``count`` runs, and give the ID of the newest real one."""
    with closing(sqlite3.connect(path)) as database:
        real = database.execute(
            "SELECT run_uuid FROM runs JOIN tags USING (run_uuid) "
            "WHERE key = 'seclab.verdict' AND lifecycle_stage = 'active' ORDER BY start_time DESC"
        ).fetchall()
        parts = {source: parts_of(database, source) for (source,) in real}
        for number in range(len(real), count):
            (source,) = real[number % len(real)]
            copy_whole(database, source, parts[source], earlier=number * MINUTE)
        lengthen_ledger(database, count)
        database.commit()
    return str(real[0][0])


def parts_of(database: sqlite3.Connection, run: str) -> list[str]:
    """The child runs of a run."""
    query = "SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId' AND value = ?"
    return [part for (part,) in database.execute(query, [run])]


def copy_whole(database: sqlite3.Connection, run: str, parts: list[str], *, earlier: int) -> str:
    """A run and its child runs once more, and the ID of the copy."""
    copied = copy_run(database, run, earlier=earlier)
    for part in parts:
        again = copy_run(database, part, earlier=earlier)
        database.execute(
            "UPDATE tags SET value = ? WHERE run_uuid = ? AND key = 'mlflow.parentRunId'",
            [copied, again],
        )
    return copied


def copy_run(database: sqlite3.Connection, run: str, *, earlier: int) -> str:
    """The rows of a run once more, under a new ID and an earlier time."""
    copied = uuid.uuid4().hex
    for table in TABLES:
        columns = [
            name for (name,) in database.execute("SELECT name FROM pragma_table_info(?)", [table])
        ]
        changed = {"run_uuid": f"'{copied}'", "start_time": f"start_time - {earlier}"}
        values = ", ".join(changed.get(name, name) for name in columns)
        database.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} "  # noqa: S608
            "WHERE run_uuid = ?",
            [run],
        )
    return copied


def lengthen_ledger(database: sqlite3.Connection, count: int) -> None:
    """Entries for runs that are copies, in a chain after the real ones."""
    from seclab.evidence.ledger import following, from_lines, to_lines
    from seclab.fingerprint import of_json

    rows = database.execute(
        "SELECT run_uuid, value FROM params WHERE key GLOB 'entry.*' ORDER BY key"
    ).fetchall()
    if not rows:
        return
    entries = from_lines("".join(f"{value}\n" for _, value in rows))
    first = entries[0]
    while len(entries) < count:
        entry = following(
            entries,
            at=first.at,
            kind="bundle",
            subject=first.subject,
            run=uuid.uuid4().hex,
            digest=str(of_json(len(entries))),
            about=first.about,
        )
        entries.append(entry)
        database.execute(
            "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
            [f"entry.{entry.sequence:08d}", to_lines([entry]).strip(), rows[0][0]],
        )


def wall(command: list[str], environment: dict[str, str]) -> float:
    """Seconds a command takes; the gate's verdict does not matter here, a crash does."""
    start = time.perf_counter()
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1, 3) or "Traceback" in done.stderr:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return seconds


def measure(commands: dict[str, list[str]], environment: dict[str, str], repeats: int) -> None:
    """Time the commands and the bare imports in turns, and print a line each."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for command in (BARE, *commands.values()):
        wall(command, environment)  # file caches
    for _ in range(repeats):
        for name, command in commands.items():
            taken[name].append((wall(BARE, environment), wall(command, environment)))
    bare = statistics.median(pair[0] for pairs in taken.values() for pair in pairs)
    print(f"{'import numpy, pydantic':24}{bare:6.2f} s")
    for name, pairs in taken.items():
        seconds = statistics.median(pair[1] for pair in pairs)
        ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
        worst = max(pair[1] for pair in pairs)
        print(f"{name:24}{seconds:6.2f} s  ratio {ratio:.1f}  (slowest {worst:.2f} s)")


def describe(database: Path) -> str:
    """How much the store holds."""
    with closing(sqlite3.connect(database)) as connection:
        held = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }
    return json.dumps(held | {"megabytes": database.stat().st_size // 2**20})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--store", type=Path, help="a store with runs to multiply a copy of")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seclab-bench-") as folder:
        store = Path(folder) / "store"
        if arguments.store:
            shutil.copytree(arguments.store, store)
        else:
            evaluate(store)
        run = multiply(store / "mlflow.db", arguments.runs)
        print(f"{arguments.runs} runs: {describe(store / 'mlflow.db')}")
        commands = {
            "seclab gate RUN": [SECLAB, "gate", run],
            "seclab runs": [SECLAB, "runs"],
            "seclab risks": [SECLAB, "risks"],
            "seclab --help": [SECLAB, "--help"],
        }
        measure(commands, os.environ | {"SECLAB_STORE": str(store)}, arguments.repeats)


if __name__ == "__main__":
    main()
