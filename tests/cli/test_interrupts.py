"""What SIGINT and SIGTERM end, and when."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from keyturn.cli.interrupts import InterruptHandler, InterruptibleSleep
from keyturn.model.clock import WaitInterruptedError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_before_the_first_write_ends_at_once(number):
    """Nothing has to be finished, so nothing is waited for."""
    with InterruptHandler() as interrupts, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert not interrupts.is_stopped()


def test_an_interrupt_between_writes_is_gentle(capfd):
    """What is under way is finished, and it is said how to leave at once."""
    with InterruptHandler() as interrupts:
        interrupts.defer_interrupts()
        assert not interrupts.is_stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.is_stopped()
    assert "no new change starts" in capfd.readouterr().err


def test_handlers_are_put_back():
    """Whoever was there before is there again."""
    before = signal.getsignal(signal.SIGINT)
    with InterruptHandler():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("deferred", [False, True])
def test_an_interrupt_ends_the_waits_of_all_threads(number, deferred):
    """Before the first write and after it."""
    with InterruptHandler() as interrupts:
        if deferred:
            interrupts.defer_interrupts()
            os.kill(os.getpid(), number)
        else:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        with pytest.raises(WaitInterruptedError):
            interrupts.sleep(60)


def test_a_sleep_without_an_interrupt_takes_its_time():
    """It returns None."""
    start = time.monotonic()
    InterruptibleSleep()(0.02)
    assert time.monotonic() - start >= 0.02


def test_an_interrupt_ends_the_sleeps_of_all_threads():
    """Each one within 0.2 s, and each later one at once."""
    sleep, start = InterruptibleSleep(), threading.Barrier(9)

    def wait_long(_):
        start.wait()
        with pytest.raises(WaitInterruptedError):
            sleep(60)
        return time.monotonic()

    with ThreadPoolExecutor(8) as pool:
        ends = [pool.submit(wait_long, each) for each in range(8)]
        start.wait()
        interrupted = time.monotonic()
        sleep.interrupt()
        assert max(each.result() for each in ends) - interrupted < 0.2
    for _ in range(3):
        with pytest.raises(WaitInterruptedError):
            sleep(60)


@pytest.mark.waits
def test_a_signal_handler_may_interrupt_at_any_moment():
    """Many signals in a thread that sleeps and interrupts: no deadlock."""
    sleep, seen = InterruptibleSleep(), []

    def handle(*_):
        sleep.interrupt()
        seen.append(1)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        while len(seen) < 100:
            with pytest.raises(WaitInterruptedError):
                sleep(60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
