"""Measurement of whole processes: wall time, processor time and peak memory, with their children."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, to_builtins

STOPWATCH = Path(__file__).with_name("stopwatch.py")


class Sample(Struct, frozen=True):
    """One run: seconds of wall and processor time, MiB of the largest process (0: not measured), output."""

    wall: float
    cpu: float
    peak: float
    output_bytes: int = 0


class Measure(Struct, frozen=True, kw_only=True):
    """The median of several runs. ``floor`` is the wall time of the lower bound, ``spread`` the range."""

    name: str
    runs: int
    wall: float
    cpu: float
    peak: float
    spread: float
    floor: float | None = None
    note: str = ""

    def to_json(self) -> object:
        """Return the measure as a JSON object."""
        return to_builtins(self)


class BenchmarkError(RuntimeError):
    """A measured command failed."""


def run_once(argv: Sequence[object], *, cwd: Path, env: Mapping[str, str], expect: int = 0) -> Sample:
    """Run a command to its end; raises BenchmarkError for an exit code other than ``expect``."""
    words = [str(word) for word in argv]
    words[0] = shutil.which(words[0]) or words[0]
    with tempfile.NamedTemporaryFile("r") as result:
        completed = subprocess.run(
            [sys.executable, "-I", "-S", STOPWATCH, result.name, *words],
            cwd=cwd,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(cwd), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        wall, cpu, peak, code = (float(word) for word in result.read().split() or (0, 0, 0, -1))
    if code != expect:
        message = f"{' '.join(words)[:200]} exited with {code:.0f}:\n{completed.stdout[-2000:]}"
        raise BenchmarkError(message)
    return Sample(wall, cpu, peak / 1024, len(completed.stdout.encode()))


def measure_median(
    name: str, run: Callable[[], Sample], runs: int, *, floor: float | None = None, note: str = ""
) -> Measure:
    """Return the median of ``runs`` runs, after one warm-up run if ``runs`` > 1."""
    if runs > 1:
        run()
    return summarize_samples(name, [run() for _ in range(runs)], floor, note)


def measure_with_floor(
    name: str, run: Callable[[], Sample], run_floor: Callable[[], Sample], runs: int
) -> tuple[Measure, Measure]:
    """Return the medians of a command and of its floor.

    Their runs alternate, because the speed of a machine changes within minutes.
    """
    run()
    run_floor()
    pairs = [(run(), run_floor()) for _ in range(runs)]
    floor = summarize_samples(f"floor of {name}", [below for _, below in pairs])
    return summarize_samples(name, [sample for sample, _ in pairs], floor.wall), floor


def summarize_samples(
    name: str, samples: Sequence[Sample], floor: float | None = None, note: str = ""
) -> Measure:
    """Return the median times and the highest peak of samples."""
    walls = [sample.wall for sample in samples]
    return Measure(
        name=name,
        runs=len(samples),
        wall=statistics.median(walls),
        cpu=statistics.median(sample.cpu for sample in samples),
        peak=max(sample.peak for sample in samples),
        spread=max(walls) - min(walls),
        floor=floor,
        note=note,
    )


def format_table(measures: Sequence[Measure]) -> str:
    """Return the measures as a Markdown table."""
    head = ("benchmark", "wall", "floor", "processor", "peak memory", "runs", "note")
    rows = [head, tuple("---" for _ in head)]
    for measure in measures:
        floor = "" if measure.floor is None else f"{measure.floor * 1000:,.0f} ms"
        cells = (measure.name, f"{measure.wall * 1000:,.0f} ms", floor, f"{measure.cpu * 1000:,.0f} ms")
        peak = f"{measure.peak:,.0f} MiB" if measure.peak else ""
        rows.append((*cells, peak, str(measure.runs), measure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )
