"""Our attacks beside the adversarial-robustness-toolbox (ART): how long, and how strong.

Same models, same rows (digits, seed 0), taking turns in one process with one thread. Seconds are
those of the processor, medians of the repeats. Strength is robust accuracy, judged for all tools
by the same code: lower is the stronger attack. Machines are noisy: compare within one run only.

Needs the dependency group ``bench``. About ten minutes, with ``--quick`` less than one; what is
left out there (rows, repeats, radii, shadows) makes its figures no statement about strength.

    python benchmarks/attacks_vs_peers.py [--quick] [--section NAME]
"""

import argparse
import os
import platform
import sys
import time

from threadpoolctl import threadpool_limits

SECTIONS = ("linear", "pgd", "forest", "membership", "extraction", "growth")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of everything, under a minute")
    parser.add_argument("--section", choices=SECTIONS, help="only this one")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.case:
        compare(arguments.section, quick=arguments.quick)
        return
    from peers.growth import run_case

    name, rows, columns = arguments.case
    with threadpool_limits(limits=1):
        run_case(name, int(rows), int(columns))


def compare(section: str | None, *, quick: bool) -> None:
    """Run the sections, then say which aims they met."""
    from peers import extraction, forests, growth, membership, white_box
    from peers.art_models import VERSION
    from peers.lab import Lab

    run = {
        "linear": white_box.linear,
        "pgd": white_box.gradients,
        "forest": forests.black_box,
        "membership": membership.membership,
        "extraction": extraction.extraction,
        "growth": growth.growth,
    }
    start = time.perf_counter()
    print(f"ART {VERSION}, Python {platform.python_version()}, {os.cpu_count()} processors")
    print(f"others on the machine: load {os.getloadavg()[0]:.1f} at the start")
    lab = Lab(quick=quick)
    # Only here: it limits the libraries that are loaded by now, and no others.
    with threadpool_limits(limits=1):
        aims = [aim for name in ([section] if section else SECTIONS) for aim in run[name](lab)]
    if aims:
        print("\nAims\n----")
    for aim in aims:
        print(f"{'met   ' if aim.met else 'MISSED'}  {aim.what}: {aim.found}")
    print(f"\n{time.perf_counter() - start:.0f} s, load {os.getloadavg()[0]:.1f} at the end")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
