"""What large registers cost: ``seclab coverage`` and its page, at N risks and M runs.

Copies the shipped registers and multiplies their rows: every copy of a risk brings its rows of the
matrix and its thresholds under new ids, and belongs to one of fifty subjects. The store is one that
MLflow made, with runs of these subjects in turn, each with a verdict on every risk of its subject.
Every run's evidence is the kept bundle of ``tests/golden`` with criteria about these risks.

Every command is a process of its own. Prints seconds, those of the processor, and their ratio to
the same command on the registers as they are shipped, taken in turns. Machines are noisy: compare
within one run only.

    python benchmarks/registers_at_scale.py [--risks N] [--runs M] [--repeats N]
"""

import argparse
import csv
import json
import os
import shutil
import sqlite3
import statistics
import string
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SECLAB = str(Path(sys.executable).parent / "seclab")
GOLDEN = ROOT / "tests" / "golden" / "2026-11-21" / "mlp-hardened"
SUBJECTS = 50
HOUR = 3_600_000
WORDS = ("pass", "pass", "pass", "block", "not-evaluated")
VERDICTS = {"pass": "PASS", "block": "BLOCK", "not-evaluated": "NOT_EVALUATED"}
TABLES = ("risks.csv", "attack_defense_matrix.csv")


class Plain(yaml.SafeDumper):
    """Writes everything out: the registers know no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - it is asked of each value
        """Never an alias."""
        return True


def numbered(kind: str, number: int) -> str:
    """The id of a copy: ``R-QAA-01``, letters that no shipped id begins with."""
    letters, rest = string.ascii_uppercase, number // 99
    return f"{kind}-Q{letters[rest // 26]}{letters[rest % 26]}-{number % 99 + 1:02d}"


def grow(folder: Path, count: int) -> list[str]:
    """Fill the registers up to ``count`` risks, and give the ids of the copies."""
    risks, matrix = (read(folder / name) for name in TABLES)
    criteria = yaml.safe_load((folder / "thresholds.yaml").read_text(encoding="utf-8"))
    copies: list[str] = []
    more: dict[str, list[dict[str, Any]]] = {"risks": [], "matrix": [], "criteria": []}
    while len(risks) + len(copies) < count:
        source = risks[len(copies) % len(risks)]
        id_ = numbered("R", len(copies))
        copies.append(id_)
        more["risks"].append(source | {"id": id_, "title": f"{source['title']}, copy {id_}"})
        more["matrix"] += [
            row | {"risk_id": id_} for row in matrix if row["risk_id"] == source["id"]
        ]
        more["criteria"] += [
            each | {"risk": id_, "id": numbered("T", len(more["criteria"]) + number)}
            for number, each in enumerate(c for c in criteria if c["risk"] == source["id"])
        ]
    write(folder / TABLES[0], risks + more["risks"])
    write(folder / TABLES[1], matrix + more["matrix"])
    text = yaml.dump(criteria + more["criteria"], Dumper=Plain, sort_keys=False)
    (folder / "thresholds.yaml").write_text(text, encoding="utf-8")
    return copies


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table as the shipped ones are."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def add_subjects(folder: Path) -> list[str]:
    """List models to evaluate."""
    path = folder / "models.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = [f"model-{number:02d}" for number in range(SUBJECTS)]
    document["models"] |= dict.fromkeys(names, document["models"]["mlp"])
    path.write_text(yaml.dump(document, Dumper=Plain, sort_keys=False), encoding="utf-8")
    return names


def fill(store: Path, subjects: list[str], risks: list[str], count: int) -> int:
    """Make a store with ``count`` runs; the number of its tags."""
    from mlflow import MlflowClient

    store.mkdir()
    criteria = criteria_of(store.parent / "registers" / "thresholds.yaml")
    uri = f"sqlite:///{store / 'mlflow.db'}"
    experiment = MlflowClient(uri, uri).create_experiment(
        "security-evaluations", artifact_location=(store / "artifacts").as_uri()
    )
    now = int(time.time() * 1000)
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        for number in range(count):
            subject = number % len(subjects)
            run = uuid.uuid4().hex
            words = {
                id_: WORDS[(number + place) % len(WORDS)]
                for place, id_ in enumerate(risks[subject :: len(subjects)])
            }
            digest = seal(store / "artifacts" / run / "artifacts", words, criteria)
            database.execute(
                "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, "
                "artifact_uri, experiment_id) VALUES (?, ?, 'FINISHED', ?, 'active', ?, ?)",
                [
                    run,
                    f"PASS {subjects[subject]}",
                    now - (number + 1) * HOUR,
                    (store / "artifacts" / run / "artifacts").as_uri(),
                    experiment,
                ],
            )
            tags = tags_of(subjects[subject], digest) | {
                f"risk.{id_}": word for id_, word in words.items()
            }
            database.executemany(
                "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
                [(key, value, run) for key, value in tags.items()],
            )
        database.commit()
        return int(database.execute("SELECT count(*) FROM tags").fetchone()[0])


def criteria_of(thresholds: Path) -> dict[str, dict[str, Any]]:
    """One criterion for each risk that has any."""
    known = yaml.safe_load(thresholds.read_text(encoding="utf-8"))
    return {each["risk"]: each for each in known}


def seal(folder: Path, words: dict[str, str], criteria: dict[str, dict[str, Any]]) -> str:
    """Write a bundle that says of each risk what the tags say; its digest."""
    from seclab.evidence import Bundle
    from seclab.evidence.bundle import BUNDLE_FILE
    from seclab.fingerprint import of_json

    document = json.loads((GOLDEN / BUNDLE_FILE).read_bytes())
    judged = {id_: criteria.get(id_) for id_ in words}
    document["predicate"]["thresholds"] = [each for each in judged.values() if each]
    like = document["predicate"]["decision"]["criteria"][0]
    document["predicate"]["decision"]["criteria"] = [
        like
        | {
            "criterion": each["id"] if (each := judged[id_]) else "check:expect_rows_to_be_unique",
            "risks": [id_],
            "verdict": VERDICTS[word],
        }
        for id_, word in words.items()
    ]
    bundle = Bundle(document, of_json(document))
    path = folder / BUNDLE_FILE
    path.parent.mkdir(parents=True)
    path.write_text(bundle.text(), encoding="utf-8")
    return str(bundle.digest)


def tags_of(subject: str, digest: str) -> dict[str, str]:
    """What a finished run of a model is tagged with."""
    return {
        "seclab.kind": "model",
        "seclab.subject": subject,
        "seclab.profile": "quick",
        "seclab.verdict": "PASS",
        "bundle.digest": digest,
    }


def project(folder: Path, *, risks: int, runs: int) -> None:
    """Make a project with registers and a store, and print its size."""
    folder.mkdir()
    shutil.copytree(ROOT / "registers", folder / "registers")
    shutil.copytree(ROOT / "expectations", folder / "expectations")
    shutil.copy(ROOT / "pyproject.toml", folder)
    copies = grow(folder / "registers", risks)
    shipped = [row["id"] for row in read(folder / "registers" / TABLES[0])]
    tags = fill(folder / "mlruns", add_subjects(folder / "registers"), copies or shipped, runs)
    rows = len(read(folder / "registers" / TABLES[1]))
    print(f"{folder.name:8}{len(shipped):6} risks {rows:6} rows {runs:5} runs {tags:7} tags")


def spent(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds that a command takes, by the clock and of the processor; a crash ends all."""
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    cpu = after.children_user + after.children_system
    return seconds, cpu - before.children_user - before.children_system


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--risks", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seclab-bench-") as name:
        folders = Path(name) / "shipped", Path(name) / "large"
        project(folders[0], risks=0, runs=6)
        project(folders[1], risks=arguments.risks, runs=arguments.runs)
        commands = {
            "seclab coverage": [SECLAB, "coverage"],
            "seclab coverage --html": [SECLAB, "coverage", "--html", "page.html"],
            "seclab register check": [SECLAB, "register", "check"],
        }
        for what, command in commands.items():
            taken = [
                [spent(command, folder) for folder in folders] for _ in range(arguments.repeats)
            ]
            (small, _), (large, cpu) = (
                [statistics.median(each) for each in zip(*times, strict=True)]
                for times in zip(*taken, strict=True)
            )
            ratio = statistics.median(pair[1][1] / pair[0][1] for pair in taken)
            print(
                f"{what:26}{large:7.2f} s ({cpu:.2f} s CPU)  shipped {small:5.2f} s  "
                f"ratio of CPU {ratio:.1f}"
            )


if __name__ == "__main__":
    main()
