"""What the pipeline costs beside the bare library.

Runs, in one go and taking turns, ``seclab evaluate --profile quick`` and a script that makes the
same library calls (load, split, train, evaluate, decide, seal) with no Prefect and no MLflow, and
without the checks that come before a training. Prints wall times, their ratio, and where the rest
goes. Machines are noisy: compare within one run only.

    python benchmarks/overhead.py [--repeats N]
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def bare() -> None:
    """The library alone: what ``seclab evaluate --profile quick`` computes, one after another."""
    from threadpoolctl import threadpool_limits

    import seclab.evaluations  # noqa: F401
    from seclab import custody, data_checks, datasets, evidence, gate, models, rag, registers
    from seclab import registry as evaluations
    from seclab.detection import DatasetTarget

    started = datetime.now(UTC)
    register = registers.load_registers(ROOT / "registers")
    profile = register.profiles["quick"].evaluations
    whole = datasets.load("digits")
    data = datasets.split(whole, seed=0)
    digest = str(data.test.fingerprint().ordered)
    environment = evidence.observe(ROOT)
    screen = data_checks.SuiteScreen(
        data_checks.load_suite(ROOT / "expectations" / "digits.json"),
        custody.load_histories(ROOT / "registers" / custody.FOLDER)["digits"],
    )
    with threadpool_limits(limits=1):
        trained = [models.train(spec, data.train, seed=0) for spec in models.SPECS.values()]
        subjects: list[models.Target | rag.AgentTarget | DatasetTarget] = [
            *(models.Target(model, data) for model in trained),
            rag.default_agent(),
            DatasetTarget(whole, screen, None),
        ]
        for target in subjects:
            subject = target.subject
            outcomes = [
                evaluations.run(
                    entry, target, seed=0, dataset_digest=digest, **profile.get(name, {})
                )
                for name, entry in evaluations.registered(subject.kind).items()
            ]
            decision = gate.decide(subject, outcomes, (), register.thresholds)
            evidence.seal(
                evidence.Facts(
                    subject=subject,
                    profile="quick",
                    seed=0,
                    started=started,
                    finished=datetime.now(UTC),
                    description={},
                    datasets=list(data.parts().values()),
                    registers=register.digests,
                    environment=environment,
                ),
                outcomes=outcomes,
                reports=(),
                thresholds=register.thresholds,
                decision=decision,
                artifacts={},
            )


def wall(command: list[str], environment: dict[str, str]) -> float:
    """Seconds a command takes; the gate's verdict does not matter here, a crash does."""
    start = time.perf_counter()
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - start


def imports() -> dict[str, float]:
    """Seconds of import by package, each in a process of its own, files cached."""
    seconds = {}
    for name in ("numpy", "sklearn.neural_network", "mlflow", "prefect", "great_expectations"):
        code = (
            f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
        )
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
        seconds[name] = float(done.stdout.splitlines()[-1])
    return seconds


def stages(environment: dict[str, str]) -> list[str]:
    """The progress lines of one warm run: when each stage was done."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "seclab"),
            "evaluate",
            "--profile",
            "quick",
            "--refresh",
        ],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if re.match(r" *[\d.]+ s  ", line)]
    first = [line for line in lines if "  data " in line][:1]
    trained = [line for line in lines if "  trained " in line][-1:]
    measured = [line for line in lines if "  measured " in line][-1:]
    return [*first, *trained, *measured, *lines[-1:]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        bare()
        return
    seclab = str(Path(sys.executable).parent / "seclab")
    script = [sys.executable, __file__, "--bare"]
    with tempfile.TemporaryDirectory(prefix="seclab-bench-") as folder:
        environment = os.environ | {
            "SECLAB_STORE": f"{folder}/store",
            "PREFECT_HOME": f"{folder}/prefect",
        }
        wall(script, environment)  # file caches
        cold = wall([seclab, "evaluate", "--profile", "quick", "--refresh"], environment)
        pairs = [
            (
                wall(script, environment),
                wall([seclab, "evaluate", "--profile", "quick", "--refresh"], environment),
            )
            for _ in range(arguments.repeats)
        ]
        last = stages(environment)
    library = statistics.median(pair[0] for pair in pairs)
    warm = statistics.median(pair[1] for pair in pairs)
    ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
    print(f"bare library           {library:6.1f} s  (median of {len(pairs)})")
    print(f"seclab evaluate, warm  {warm:6.1f} s  ratio {ratio:.2f}")
    print(f"seclab evaluate, cold  {cold:6.1f} s  ratio {cold / library:.2f}  (new databases)")
    print("pairs                  " + ", ".join(f"{b:.1f}/{s:.1f}" for b, s in pairs))
    print("imports, each alone    " + ", ".join(f"{k} {v:.1f}" for k, v in imports().items()))
    print("a warm run, when each stage ended:")
    for line in last:
        print(line)


if __name__ == "__main__":
    main()
