"""The default suite on as much as Fashion-MNIST holds, beside the digits: seconds and memory.

The rows are made of digits: two of a class mixed, enlarged, moved by up to two pixels, and noisy.
They are no benchmark of what is found. Every size is a process of its own; peak memory is what the
system says of it.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import zoom

from seclab.datasets import Dataset, digits

SIZES = ((1797, 8), (15000, 28), (60000, 28))
_SCALE = 255.0
_AT_ONCE = 5000


def grown(rows: int, side: int, *, seed: int = 0) -> Dataset:
    """Digits as whole numbers from 0 to 255 on images of another size, in bounded memory."""
    rng, whole = np.random.default_rng(seed), digits()
    chosen = rng.integers(len(whole), size=rows)
    members = [np.flatnonzero(whole.labels == label) for label in range(10)]
    partners = np.array([rng.choice(members[label]) for label in whole.labels[chosen]])
    features = np.empty((rows, side * side))
    for start in range(0, rows, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        share = rng.uniform(0.0, 0.5, (len(chosen[part]), 1))
        mixed = (1.0 - share) * whole.features[chosen[part]]
        mixed += share * whole.features[partners[part]]
        large = zoom(mixed.reshape(-1, 8, 8), (1, side / 8, side / 8), order=1) * (_SCALE / 16.0)
        steps = rng.integers(-2, 3, size=(len(large), 2))
        large = np.stack([np.roll(a, tuple(b), (0, 1)) for a, b in zip(large, steps, strict=True)])
        large += rng.normal(0.0, 12.0, large.shape) * (large > 0.0)
        features[part] = np.clip(np.round(large), 0.0, _SCALE).reshape(len(large), -1)
    return Dataset(
        name="grown",
        features=features,
        labels=whole.labels[chosen],
        feature_names=tuple(f"pixel{i}" for i in range(side * side)),
        class_names=whole.class_names,
        feature_range=(0.0, _SCALE),
        image_shape=(side, side),
        provenance=whole.provenance,
    )


def measure(rows: int, side: int) -> None:
    """In this process: print rows, columns, seconds, and megabytes before and at most."""
    from poisoning.trials import suite

    from seclab import data_checks

    data = digits() if side == 8 else grown(rows, side)
    expectations = suite("any")
    data_checks.check(digits().take(np.arange(200)), expectations, baseline=None)  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    report = data_checks.check(data, expectations, baseline=None)
    seconds = time.perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failed = [r.expectation for r in report.results if r.status != "passed"]
    table = data.features.nbytes / 2**20
    print(
        f"{rows:6} rows x {side * side:3}: {seconds:7.1f} s, {1e3 * seconds / rows:6.2f} ms a row; "
        f"table {table:4.0f} MB, process {before / 1024:5.0f} MB before and "
        f"{most / 1024:5.0f} MB at most; failed: {', '.join(failed) or 'none'}",
        flush=True,
    )


def compare() -> None:
    """Each size in a process of its own."""
    print("suite any.json, seconds and memory by size (data made of digits)", flush=True)
    for rows, side in SIZES:
        script = Path(__file__).resolve().parent.parent / "poison_detection.py"
        command = [sys.executable, str(script), "--size", str(rows), str(side)]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
