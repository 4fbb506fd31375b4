"""Functions on threads."""

import subprocess
import sys
import threading
from functools import partial

import pytest

from keyturn.operations.parallel import map_parallel, run_concurrently, start_background


def test_concurrent_tasks_all_finish():
    """Results are in order; the first error is raised after the other tasks have finished."""
    together = threading.Barrier(3, timeout=5)
    done = []

    def task(number):
        together.wait()
        done.append(number)
        if number:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="1"):
        run_concurrently([partial(task, number) for number in range(3)])
    assert sorted(done) == [0, 1, 2]
    assert run_concurrently([partial(str, number) for number in range(3)]) == ["0", "1", "2"]


def test_a_background_task_returns_or_raises():
    """When its result is requested."""
    go = threading.Event()
    end = start_background(lambda: go.wait(5))
    failing = start_background(partial(int, "x"))
    go.set()
    assert end() is True
    with pytest.raises(ValueError, match="'x'"):
        failing()


def test_a_background_task_keeps_no_process_alive():
    """An interrupt ends the process although the task does not return."""
    code = (
        "import os, signal, threading\n"
        "from keyturn.operations.parallel import run_concurrently\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "run_concurrently([threading.Event().wait])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False, capture_output=True)
    assert b"KeyboardInterrupt" in done.stderr


def test_map_parallel_keeps_the_order():
    """One item or one worker runs on the calling thread."""
    seen = []

    def task(item):
        seen.append(threading.current_thread())
        return item * 2

    assert map_parallel(task, [1, 2, 3], 3) == [2, 4, 6]
    assert threading.main_thread() not in seen
    assert map_parallel(task, [4], 3) == [8]
    assert map_parallel(task, [5, 6], 1) == [10, 12]
    assert set(seen[-3:]) == {threading.main_thread()}
