"""Measurement of processes."""

import sys

import pytest
from measure import BenchmarkError, Sample, format_table, run_once, summarize_samples


def test_a_command_is_measured(tmp_path):
    """A run has its times, the memory of the process and the size of its output."""
    sample = run_once([sys.executable, "-c", "print('abc')"], cwd=tmp_path, env={})
    assert sample.wall > 0
    assert sample.peak > 1
    assert sample.output_bytes == 4


def test_an_unexpected_exit_code_is_an_error(tmp_path):
    """The error has the exit code and the output; an expected code is no error."""
    argv = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    with pytest.raises(BenchmarkError, match=r"exited with 3:\nthe reason"):
        run_once(argv, cwd=tmp_path, env={})
    assert run_once(argv, cwd=tmp_path, env={}, expect=3).output_bytes == 11


def test_a_summary_has_median_times_and_the_highest_peak():
    """Wall and processor time are medians; the table has one row a measure."""
    samples = [Sample(3, 1, 10), Sample(1, 2, 30), Sample(2, 3, 20)]
    measure = summarize_samples("plan", samples, floor=0.5, note="a note")
    assert (measure.wall, measure.cpu, measure.peak, measure.spread, measure.runs) == (2, 2, 30, 2, 3)
    table = format_table([measure]).splitlines()
    cells = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert cells == ["plan", "2,000 ms", "500 ms", "2,000 ms", "30 MiB", "3", "a note"]
    assert measure.to_json()["name"] == "plan"
