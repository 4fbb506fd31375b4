"""Measures whole processes: wall time, processor time and peak memory, children included."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

STOPWATCH = Path(__file__).with_name("stopwatch.py")


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds of wall time and of processor time, the largest process in MiB, bytes printed."""

    wall: float
    cpu: float
    peak: float
    printed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The median of some runs of one thing; ``floor`` is the wall time of what it cannot go below."""

    name: str
    runs: int
    wall: float
    cpu: float
    peak: float
    spread: float
    floor: float | None = None
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the measure as a JSON object."""
        return asdict(self)


class FailedError(RuntimeError):
    """What was to be measured did not do its work."""


def once(argv: Sequence[object], *, cwd: Path, env: Mapping[str, str], expect: int = 0) -> Sample:
    """Run a command to its end; raises FailedError where its exit code is not the expected one."""
    words = [str(word) for word in argv]
    words[0] = shutil.which(words[0]) or words[0]
    with tempfile.NamedTemporaryFile("r") as result:
        ended = subprocess.run(
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
        message = f"{' '.join(words)[:200]} ended with {code:.0f}:\n{ended.stdout[-2000:]}"
        raise FailedError(message)
    return Sample(wall, cpu, peak / 1024, len(ended.stdout.encode()))


def median(
    name: str, run: Callable[[], Sample], runs: int, *, floor: float | None = None, note: str = ""
) -> Measure:
    """Run something several times, once more to warm up, and return the median."""
    if runs > 1:
        run()
    return _middle(name, [run() for _ in range(runs)], floor, note)


def in_turns(
    name: str, run: Callable[[], Sample], bare: Callable[[], Sample], runs: int
) -> tuple[Measure, Measure]:
    """Run something and its floor in turns, and return both: a machine changes its speed within minutes."""
    run()
    bare()
    pairs = [(run(), bare()) for _ in range(runs)]
    floor = _middle(f"floor of {name}", [below for _, below in pairs])
    return _middle(name, [taken for taken, _ in pairs], floor.wall), floor


def _middle(name: str, samples: Sequence[Sample], floor: float | None = None, note: str = "") -> Measure:
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


def table(measures: Sequence[Measure]) -> str:
    """Return the measures as a table in Markdown."""
    head = ("what", "wall", "floor", "cpu", "peak memory", "runs", "note")
    rows = [head, tuple("---" for _ in head)]
    for each in measures:
        floor = "" if each.floor is None else f"{each.floor * 1000:,.0f} ms"
        cells = (each.name, f"{each.wall * 1000:,.0f} ms", floor, f"{each.cpu * 1000:,.0f} ms")
        rows.append((*cells, f"{each.peak:,.0f} MiB", str(each.runs), each.note))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )
