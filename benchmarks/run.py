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
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bare import processor_seconds, seconds
from drawing import drawings
from fleet import KEY, Fleet, write
from measure import Measure, Sample, in_turns, median, once, table
from msgspec.structs import replace
from service import Service, emulator, program

RESULTS = Path(__file__).parent / "results"
FLOOR = Path(__file__).with_name("floor.py")
KEYTURN = program("keyturn")
PARALLEL = 8
LATENCY = 20.0
COMPLETION = {"_KEYTURN_COMPLETE": "bash_complete", "COMP_WORDS": "keyturn pl", "COMP_CWORD": "1"}
KEYLESS = {"PLANASONIX_API_KEY": KEY}


def start_up(folder: Path, runs: int) -> Iterator[Measure]:
    """Measure how long it takes to do nothing."""
    run = partial(once, cwd=folder)
    floor = partial(run, [sys.executable, "-c", "pass"], env={})
    yield in_turns("keyturn --version", partial(run, [KEYTURN, "--version"], env={}), floor, runs)[0]
    yield in_turns("completion of `keyturn pl`", partial(run, [KEYTURN], env=COMPLETION), floor, runs)[0]


def validation(fleet: Fleet, runs: int) -> Iterator[Measure]:
    """Measure ``validate`` as a pre-commit hook runs it, on some files, and on the whole repository."""
    paths = [str(path.relative_to(fleet.root)) for path in fleet.manifests]
    run = partial(once, cwd=fleet.root, env={})
    for count in (1, 50, 500):
        floor = partial(run, [sys.executable, FLOOR, *paths[:count]])
        check = partial(run, [KEYTURN, "validate", *paths[:count]])
        yield in_turns(f"validate {count} files", check, floor, runs)[0]
    yield median(f"validate all {len(paths):,} files", partial(run, [KEYTURN, "validate"]), max(1, runs // 2))


class Reconciliation:
    """One fleet from nothing to made, and what follows: nothing to do, one change, many changes."""

    def __init__(self, folder: Path, count: int, runs: int, service: Service) -> None:
        self.fleet = write(folder / f"fleet-{count}", count, service.base_url)
        self._count, self._runs, self._service = count, runs, service
        self._plan = [KEYTURN, "plan", "--detailed-exitcode"]

    def measures(self) -> Iterator[Measure]:
        """Yield every measure, in the only order in which they can be taken."""
        yield from self._creation()
        yield from self._emulator()
        yield self._unchanged()
        again = partial(self._run, [KEYTURN, "apply", "--auto-approve"])
        yield in_turns(f"apply, nothing changed in {self._count:,}", again, self._floor, self._runs)[0]
        for changes in (1, self._count // 100):
            yield self._changed(changes)

    def _floor(self) -> Sample:
        return self._run([sys.executable, FLOOR, "manifests", self._service.base_url])

    def _run(self, argv: list[object], env: dict[str, str] | None = None, expect: int = 0) -> Sample:
        words = self.fleet.environment if env is None else env
        return once(argv, cwd=self.fleet.root, env=words, expect=expect)

    def _creation(self) -> Iterator[Measure]:
        cold = partial(self._run, self._plan, expect=2)
        yield median(f"plan, {self._count:,} to create, no state", cold, min(self._runs, 3))
        drawn = self._run([*self._plan, "--format", "json"], expect=2)
        note = f"{drawn.printed / 1e6:.1f} MB of JSON"
        yield median(f"the same as JSON, {self._count:,} to create", lambda: drawn, 1, note=note)
        before = self._requests()
        made = self._run([KEYTURN, "apply", "--auto-approve"])
        sent = self._requests() - before
        note = (
            f"{sent / self._count:.2f} requests a write, {made.cpu / self._count * 1000:.2f} ms of processor"
        )
        yield median(f"apply, {self._count:,} to create", lambda: made, 1, note=note)

    def _emulator(self) -> Iterator[Measure]:
        for name, path, times in (
            ("the emulator: 1,000 small requests", "/api/organization", 1000),
            ("the emulator: 10 pages of 500", "/api/credentials?limit=500", 10),
        ):
            used = processor_seconds(self._service.pid)
            wall = seconds(self._service.base_url, path, times)
            used = processor_seconds(self._service.pid) - used
            note = f"{times / wall:,.0f} requests/s, {used / times * 1000:.2f} ms of its processor each"
            sample = Sample(wall, used, 0)
            yield median(f"{name} ({self._count:,} objects)", partial(_given, sample), 1, note=note)

    def _unchanged(self) -> Measure:
        # Without a key to decrypt with: a plan that finds nothing changed needs none.
        plan = partial(self._run, self._plan, KEYLESS)
        before = self._requests()
        plan()
        sent = self._requests() - before
        taken, bare = in_turns(f"plan, nothing changed in {self._count:,}", plan, self._floor, self._runs)
        each = taken.wall / self._count * 1000
        ratios = f"{taken.wall / bare.wall:.1f}x the floor, processor {taken.cpu / bare.cpu:.1f}x"
        return replace(taken, note=f"{sent} requests; {each:.2f} ms a resource; {ratios}; no decryption")

    def _changed(self, changes: int) -> Measure:
        changed = [path for path in self.fleet.manifests if path.parent.name == "connections"]
        changed = [path for path in changed if b"warehouse: LOAD" in path.read_bytes()][: max(changes, 1)]
        for path in changed:
            path.write_bytes(path.read_bytes().replace(b"warehouse: LOAD", b"warehouse: OTHER"))
        plan = partial(self._run, self._plan, expect=2)
        printed = plan().printed
        name = f"plan, {len(changed):,} changed in {self._count:,}"
        taken, _ = in_turns(name, plan, self._floor, self._runs)
        for path in changed:
            path.write_bytes(path.read_bytes().replace(b"warehouse: OTHER", b"warehouse: LOAD"))
        return replace(taken, note=f"{printed:,} bytes of text")

    def _requests(self) -> int:
        return len(self._service.list_requests())


@dataclass(frozen=True, slots=True)
class Late:
    """An apply to a late service: its process, and of the limit what its writes and bare sockets reach."""

    whole: Sample
    writes: float
    limit: float
    bare: float
    sent: int

    @property
    def share(self) -> float:
        """The share of the limit that the writes reach."""
        return self.limit / self.writes


def latency(folder: Path, count: int, runs: int) -> Iterator[Measure]:
    """Measure an apply that waits for the service nearly all the time, against the waiting alone.

    The limit is requests x latency / parallelism, for the writing phase: from its first request to its
    last answer. What bare sockets take for as many requests shows how much of it the emulator gives away.
    """
    taken = sorted(
        (_late(folder / f"slow-{number}", count) for number in range(runs)), key=lambda one: one.share
    )
    middle = taken[runs // 2]
    span = f"{taken[0].share:.0%} to {taken[-1].share:.0%} in {runs} runs"
    note = (
        f"{middle.sent:,} requests; {middle.share:.0%} of the limit ({span}), bare sockets {middle.bare:.0%}"
    )
    writing = replace(middle.whole, wall=middle.writes)
    name = f"apply, {count:,} to create at {LATENCY:.0f} ms, {PARALLEL} at once: the writes"
    yield median(name, partial(_given, writing), 1, floor=middle.limit, note=note)
    whole = f"{middle.limit / middle.whole.wall:.0%} of the limit"
    yield median(
        "the same, the whole process", partial(_given, middle.whole), 1, floor=middle.limit, note=whole
    )


def _late(folder: Path, count: int) -> Late:
    with emulator(LATENCY) as service:
        fleet = write(folder, count, service.base_url)
        argv = [KEYTURN, "apply", "--auto-approve", "--parallelism", PARALLEL]
        sample = once(argv, cwd=fleet.root, env=fleet.environment)
        seen = service.list_requests()
        first = next(number for number, each in enumerate(seen) if each["method"] == "POST")
        sent = len(seen) - first
        writes = (seen[-1]["at"] - seen[first]["at"]) / 1e6 + LATENCY / 1000
        bare = seconds(service.base_url, "/api/organization", sent, PARALLEL)
    limit = sent * LATENCY / 1000 / PARALLEL
    return Late(sample, writes, limit, limit / bare, sent)


def _given(sample: Sample) -> Sample:
    return sample


def measures(folder: Path, sizes: list[int], runs: int) -> Iterator[Measure]:
    """Yield every measure as it is taken."""
    yield from start_up(folder, runs)
    yield from validation(write(folder / "validation", 1000), runs)
    for count in sizes:
        with emulator() as service:
            yield from Reconciliation(folder, count, runs, service).measures()
        shutil.rmtree(folder / f"fleet-{count}")
    yield from latency(folder, min(1000, max(sizes)), runs)
    for changes in (1, 10_000):
        yield from drawings(10_000, changes)


def main() -> None:
    """Run what the options ask for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="*", default=[100, 1000], help="resources in a fleet")
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyturn-bench-"))
    taken = []
    begin = os.getloadavg()
    try:
        for measure in measures(folder, given.sizes, given.runs):
            taken.append(measure)
            print(f"{measure.wall * 1000:9,.0f} ms  {measure.name}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    print(table(taken))
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
    load = {"before": begin, "after": os.getloadavg()}
    RESULTS.mkdir(exist_ok=True)
    result = {"machine": machine, "load": load, "measures": [measure.as_json() for measure in taken]}
    (RESULTS / "run.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
