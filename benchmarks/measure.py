"""Measures whole processes: wall time, processor time and peak memory, children included."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds of wall time and of processor time, and the largest process in MiB."""

    wall: float
    cpu: float
    peak: float


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
    with tempfile.TemporaryFile() as out:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=cwd,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(cwd), **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != expect:
            out.seek(0)
            said = out.read().decode(errors="replace")[-2000:]
            message = f"{' '.join(map(str, argv))[:200]} ended with {process.returncode}:\n{said}"
            raise FailedError(message)
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(
    name: str, run: Callable[[], Sample], runs: int, *, floor: float | None = None, note: str = ""
) -> Measure:
    """Run something several times, once more to warm up, and return the median."""
    if runs > 1:
        run()
    samples = [run() for _ in range(runs)]
    walls = [sample.wall for sample in samples]
    return Measure(
        name=name,
        runs=runs,
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
