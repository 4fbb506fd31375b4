"""Several things at once."""

import subprocess
import sys
import threading
from functools import partial

import pytest

from keyturn.operations.parallel import map_parallel, run_concurrently, start_background


def test_works_at_once_are_all_over_in_the_end():
    """Each on a thread of its own, results in order; what the first raised is raised, the last still done."""
    together = threading.Barrier(3, timeout=5)
    done = []

    def work(number):
        together.wait()
        done.append(number)
        if number:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="1"):
        run_concurrently([partial(work, number) for number in range(3)])
    assert sorted(done) == [0, 1, 2]
    assert run_concurrently([partial(str, number) for number in range(3)]) == ["0", "1", "2"]


def test_a_work_goes_on_while_another_is_done():
    """What came of it, or what it raised, is there for who asks."""
    go = threading.Event()
    end = start_background(lambda: go.wait(5))
    failing = start_background(partial(int, "x"))
    go.set()
    assert end() is True
    with pytest.raises(ValueError, match="'x'"):
        failing()


def test_works_keep_no_process_alive():
    """Who interrupts the wait for a silent service does not wait for it all the same."""
    code = (
        "import os, signal, threading\n"
        "from keyturn.operations.parallel import run_concurrently\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "run_concurrently([threading.Event().wait])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False, capture_output=True)
    assert b"KeyboardInterrupt" in done.stderr


def test_side_by_side_keeps_the_order():
    """In threads where there is more than one; without where not."""
    seen = []

    def work(item):
        seen.append(threading.current_thread())
        return item * 2

    assert map_parallel(work, [1, 2, 3], 3) == [2, 4, 6]
    assert threading.main_thread() not in seen
    assert map_parallel(work, [4], 3) == [8]
    assert map_parallel(work, [5, 6], 1) == [10, 12]
    assert set(seen[-3:]) == {threading.main_thread()}
