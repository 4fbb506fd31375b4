"""Runs the benchmarks: whole commands, as users run them, beside the floor that nothing can go below.

Prints a table and writes it as JSON into ``benchmarks/results``. Figures are printed and not judged:
a machine that does something else at the same time says nothing about keyturn.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fleet import Fleet, write
from measure import Measure, median, once, table
from service import emulator, program

RESULTS = Path(__file__).parent / "results"
FLOOR = Path(__file__).with_name("floor.py")
KEYTURN = program("keyturn")
PARALLEL = 8
LATENCY = 20.0


def start_up(folder: Path, runs: int) -> Iterator[Measure]:
    """Measure how long it takes to do nothing."""
    bare = partial(once, [sys.executable, "-c", "pass"], cwd=folder, env={})
    floor = median("an interpreter", bare, runs)
    version = partial(once, [KEYTURN, "--version"], cwd=folder, env={})
    yield median("keyturn --version", version, runs, floor=floor.wall)


def validation(fleet: Fleet, runs: int) -> Iterator[Measure]:
    """Measure ``validate`` as a pre-commit hook runs it, on some files, and on the whole repository."""
    paths = [str(path.relative_to(fleet.root)) for path in fleet.manifests]
    for count in (1, 50, 500):
        if count <= len(paths):
            compose = partial(once, [sys.executable, FLOOR, *paths[:count]], cwd=fleet.root, env={})
            floor = median("compose", compose, runs)
            check = partial(once, [KEYTURN, "validate", *paths[:count]], cwd=fleet.root, env={})
            yield median(f"validate {count} files", check, runs, floor=floor.wall)
    whole = partial(once, [KEYTURN, "validate"], cwd=fleet.root, env={})
    yield median(f"validate all {len(paths):,} files", whole, max(1, runs // 2))


def reconciliation(folder: Path, count: int, runs: int) -> Iterator[Measure]:
    """Measure the first plan, the apply that makes everything, and what follows: nothing to do."""
    with emulator() as service:
        fleet = write(folder / f"fleet-{count}", count, service.base_url)
        run = partial(once, cwd=fleet.root, env=fleet.environment)

        def requests() -> int:
            return len(service.requests())

        plan = [KEYTURN, "plan", "--detailed-exitcode"]
        yield median(f"plan, {count:,} to create", partial(run, plan, expect=2), 1)
        before = requests()
        made = median(f"apply, {count:,} to create", partial(run, [KEYTURN, "apply", "--auto-approve"]), 1)
        yield _noted(made, f"{requests() - before:,} requests")
        paths = [str(path) for path in fleet.manifests]
        floor = median("compose", partial(once, [sys.executable, FLOOR, *paths], cwd=folder, env={}), 1)
        before = requests()
        run(plan)
        note = f"{requests() - before:,} requests"
        name = f"plan, nothing changed in {count:,}"
        yield median(name, partial(run, plan), runs, floor=floor.wall, note=note)
        again = partial(run, [KEYTURN, "apply", "--auto-approve"])
        yield median(f"apply, nothing changed in {count:,}", again, runs, floor=floor.wall)


def latency(folder: Path, count: int) -> Iterator[Measure]:
    """Measure an apply that waits for the service nearly all the time, against the waiting alone."""
    with emulator(LATENCY) as service:
        fleet = write(folder / f"slow-{count}", count, service.base_url)
        argv = [KEYTURN, "apply", "--auto-approve", "--parallelism", PARALLEL]
        sample = once(argv, cwd=fleet.root, env=fleet.environment)
        sent = len(service.requests())
    floor = sent * LATENCY / 1000 / PARALLEL
    note = f"{sent:,} requests; {floor / sample.wall:.0%} of the limit at {PARALLEL} in parallel"
    yield median(f"apply, {count:,} to create at {LATENCY:.0f} ms", lambda: sample, 1, floor=floor, note=note)


def _noted(measure: Measure, note: str) -> Measure:
    return Measure(**{**measure.as_json(), "note": note})  # type: ignore[arg-type]


def measures(folder: Path, sizes: list[int], runs: int) -> Iterator[Measure]:
    """Yield every measure as it is taken."""
    yield from start_up(folder, runs)
    yield from validation(write(folder / "validation", 1000), runs)
    for count in sizes:
        yield from reconciliation(folder, count, runs)
    yield from latency(folder, min(1000, max(sizes)))


def main() -> None:
    """Run what the options ask for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="*", default=[100, 1000], help="resources in a fleet")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyturn-bench-"))
    taken = []
    try:
        for measure in measures(folder, given.sizes, given.runs):
            taken.append(measure)
            print(f"{measure.wall * 1000:9,.0f} ms  {measure.name}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    print(table(taken))
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
    RESULTS.mkdir(exist_ok=True)
    result = {"machine": machine, "measures": [measure.as_json() for measure in taken]}
    (RESULTS / "run.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
