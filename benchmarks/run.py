"""Runs the benchmarks: whole commands, as users run them, next to their floor.

Prints a table and writes it as JSON to ``benchmarks/results``. No figure fails a run, because the load of
the machine changes them.
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

from measure import (
    Measure,
    Sample,
    format_table,
    measure_median,
    measure_with_floor,
    run_once,
    summarize_samples,
)
from msgspec import Struct
from msgspec.structs import replace
from raw_requests import read_processor_seconds, time_requests
from rendering import measure_rendering
from sample_repository import API_KEY, SampleRepository, write_repository
from service import RunningEmulator, find_script, start_emulator

from keyturn.model.diagnostic import pluralize

RESULTS = Path(__file__).parent / "results"
FLOOR = Path(__file__).with_name("floor.py")
KEYTURN = find_script("keyturn")
PARALLELISM = 8
LATENCY_MS = 20.0
COMPLETION = {"_KEYTURN_COMPLETE": "bash_complete", "COMP_WORDS": "keyturn pl", "COMP_CWORD": "1"}
WITHOUT_AGE_KEY = {"PLANASONIX_API_KEY": API_KEY}


def measure_start_up(folder: Path, runs: int) -> Iterator[Measure]:
    """Measure the start of the process."""
    run = partial(run_once, cwd=folder)
    floor = partial(run, [sys.executable, "-c", "pass"], env={})
    version = partial(run, [KEYTURN, "--version"], env={})
    yield measure_with_floor("keyturn --version", version, floor, runs)[0]
    completion = partial(run, [KEYTURN], env=COMPLETION)
    yield measure_with_floor("completion of `keyturn pl`", completion, floor, runs)[0]


def measure_validate(repository: SampleRepository, runs: int) -> Iterator[Measure]:
    """Measure ``validate`` of some files, as in a pre-commit hook, and of all files."""
    paths = [str(path.relative_to(repository.root)) for path in repository.manifests]
    run = partial(run_once, cwd=repository.root, env={})
    for count in (1, 50, 500):
        floor = partial(run, [sys.executable, FLOOR, *paths[:count]])
        validate = partial(run, [KEYTURN, "validate", *paths[:count]])
        yield measure_with_floor(f"validate, {pluralize(count, 'file')}", validate, floor, runs)[0]
    validate_all = partial(run, [KEYTURN, "validate"])
    yield measure_median(f"validate, all {len(paths):,} files", validate_all, max(1, runs // 2))


class PlanAndApply:
    """Plan and apply of one repository: create all, then no change, one change, many changes."""

    def __init__(self, folder: Path, count: int, runs: int, emulator: RunningEmulator) -> None:
        self.repository = write_repository(folder / f"repository-{count}", count, emulator.base_url)
        self._count, self._runs, self._emulator = count, runs, emulator
        self._plan = [KEYTURN, "plan", "--detailed-exitcode"]

    def iterate_measures(self) -> Iterator[Measure]:
        """Yield all measures; each depends on the state that the previous one left."""
        yield from self._measure_creation()
        yield from self._measure_emulator()
        yield self._measure_unchanged_plan()
        apply = partial(self._run, [KEYTURN, "apply", "--auto-approve"])
        name = f"apply, no change in {self._count:,}"
        yield measure_with_floor(name, apply, self._run_floor, self._runs)[0]
        for changes in dict.fromkeys((1, self._count // 100)):
            yield self._measure_changed_plan(changes)

    def _run_floor(self) -> Sample:
        return self._run([sys.executable, FLOOR, "manifests", self._emulator.base_url])

    def _run(self, argv: list[object], env: dict[str, str] | None = None, expect: int = 0) -> Sample:
        environment = self.repository.environment if env is None else env
        return run_once(argv, cwd=self.repository.root, env=environment, expect=expect)

    def _measure_creation(self) -> Iterator[Measure]:
        plan = partial(self._run, self._plan, expect=2)
        yield measure_median(f"plan, {self._count:,} to create, no state", plan, min(self._runs, 3))
        sample = self._run([*self._plan, "--format", "json"], expect=2)
        note = f"{sample.output_bytes / 1e6:.1f} MB of JSON"
        yield summarize_samples(f"plan as JSON, {self._count:,} to create", [sample], note=note)
        before = self._count_requests()
        sample = self._run([KEYTURN, "apply", "--auto-approve"])
        requests = (self._count_requests() - before) / self._count
        cpu = sample.cpu / self._count * 1000
        note = f"per write: {requests:.2f} requests, {cpu:.2f} ms of processor time"
        yield summarize_samples(f"apply, {self._count:,} to create", [sample], note=note)

    def _measure_emulator(self) -> Iterator[Measure]:
        for name, path, count in (
            ("emulator: 1,000 small requests", "/api/organization", 1000),
            ("emulator: 10 pages of 500", "/api/credentials?limit=500", 10),
        ):
            cpu_start = read_processor_seconds(self._emulator.pid)
            wall = time_requests(self._emulator.base_url, path, count)
            cpu = read_processor_seconds(self._emulator.pid) - cpu_start
            note = f"{count / wall:,.0f} requests/s, {cpu / count * 1000:.2f} ms of processor time a request"
            yield summarize_samples(f"{name}, {self._count:,} objects", [Sample(wall, cpu, 0)], note=note)

    def _measure_unchanged_plan(self) -> Measure:
        # Without the age key, because a plan without changes decrypts nothing.
        plan = partial(self._run, self._plan, WITHOUT_AGE_KEY)
        before = self._count_requests()
        plan()
        requests = self._count_requests() - before
        name = f"plan, no change in {self._count:,}"
        measure, floor = measure_with_floor(name, plan, self._run_floor, self._runs)
        per_resource = measure.wall / self._count * 1000
        ratios = f"{measure.wall / floor.wall:.1f} x floor (processor time {measure.cpu / floor.cpu:.1f} x)"
        note = f"{requests} requests; {per_resource:.2f} ms a resource; {ratios}; no decryption"
        return replace(measure, note=note)

    def _measure_changed_plan(self, changes: int) -> Measure:
        connections = [path for path in self.repository.manifests if path.parent.name == "connections"]
        candidates = [path for path in connections if b"warehouse: LOAD" in path.read_bytes()]
        edited = candidates[: max(changes, 1)]
        _replace_text(edited, b"warehouse: LOAD", b"warehouse: OTHER")
        plan = partial(self._run, self._plan, expect=2)
        note = f"{plan().output_bytes:,} bytes of text"
        name = f"plan, {len(edited):,} to update in {self._count:,}"
        measure, _ = measure_with_floor(name, plan, self._run_floor, self._runs)
        _replace_text(edited, b"warehouse: OTHER", b"warehouse: LOAD")
        return replace(measure, note=note)

    def _count_requests(self) -> int:
        return len(self._emulator.list_requests())


def _replace_text(paths: list[Path], old: bytes, new: bytes) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes().replace(old, new))


class SlowApply(Struct, frozen=True):
    """An apply against a service with latency.

    ``process`` is the whole process. ``writes`` is the wall time from the first write to the last response,
    ``limit`` the lower bound of ``writes`` in seconds, ``raw_share`` the share of the limit that plain
    sockets reach.
    """

    process: Sample
    writes: float
    limit: float
    raw_share: float
    requests: int

    @property
    def share(self) -> float:
        """The share of the limit that the writes reach."""
        return self.limit / self.writes


def measure_latency(folder: Path, count: int, runs: int) -> Iterator[Measure]:
    """Measure an apply that mostly waits for the service.

    The limit is requests x latency / parallelism, from the first write to the last response. Plain sockets
    with the same number of requests show which share of the limit the emulator allows.
    """
    applies = sorted(
        (_run_slow_apply(folder / f"slow-{number}", count) for number in range(runs)),
        key=lambda apply: apply.share,
    )
    middle = applies[runs // 2]
    span = f"{applies[0].share:.0%} to {applies[-1].share:.0%} in {runs} runs"
    yield summarize_samples(
        f"apply, {count:,} to create at {LATENCY_MS:.0f} ms, parallelism {PARALLELISM}: writes",
        [Sample(middle.writes, middle.process.cpu, middle.process.peak)],
        middle.limit,
        f"{middle.requests:,} requests; {middle.share:.0%} of the limit ({span}), "
        f"plain sockets {middle.raw_share:.0%}",
    )
    yield summarize_samples(
        "the same apply: whole process",
        [middle.process],
        middle.limit,
        f"{middle.limit / middle.process.wall:.0%} of the limit",
    )


def _run_slow_apply(folder: Path, count: int) -> SlowApply:
    with start_emulator(LATENCY_MS) as emulator:
        repository = write_repository(folder, count, emulator.base_url)
        argv = [KEYTURN, "apply", "--auto-approve", "--parallelism", PARALLELISM]
        process = run_once(argv, cwd=repository.root, env=repository.environment)
        log = emulator.list_requests()
        first = next(number for number, request in enumerate(log) if request["method"] == "POST")
        requests = len(log) - first
        writes = (log[-1]["at"] - log[first]["at"]) / 1e6 + LATENCY_MS / 1000
        raw = time_requests(emulator.base_url, "/api/organization", requests, PARALLELISM)
    limit = requests * LATENCY_MS / 1000 / PARALLELISM
    return SlowApply(process, writes, limit, limit / raw, requests)


def iterate_measures(folder: Path, sizes: list[int], runs: int) -> Iterator[Measure]:
    """Yield every measure when it is complete."""
    yield from measure_start_up(folder, runs)
    yield from measure_validate(write_repository(folder / "validation", 1000), runs)
    for count in sizes:
        with start_emulator() as emulator:
            benchmark = PlanAndApply(folder, count, runs, emulator)
            yield from benchmark.iterate_measures()
        shutil.rmtree(benchmark.repository.root)
    yield from measure_latency(folder, min(1000, max(sizes)), runs)
    for changes in (1, 10_000):
        yield from measure_rendering(10_000, changes)


def main() -> None:
    """Run the benchmarks that the options select."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[100, 1000], help="resources of each repository"
    )
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyturn-bench-"))
    measures = []
    load_before = os.getloadavg()
    try:
        for measure in iterate_measures(folder, options.sizes, options.runs):
            measures.append(measure)
            print(f"{measure.wall * 1000:9,.0f} ms  {measure.name}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    print(format_table(measures))
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
    load = {"before": load_before, "after": os.getloadavg()}
    result = {"machine": machine, "load": load, "measures": [measure.to_json() for measure in measures]}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "run.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
