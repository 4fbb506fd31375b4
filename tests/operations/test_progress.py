"""Progress events."""

import threading

from keyturn.model.change import Action, Change, ChangeOutcome, OutcomeStatus
from keyturn.operations.progress import PeriodicTimer, ProgressListener
from sample_resources import credential_address


def test_the_default_listener_does_nothing():
    """It accepts every event."""
    listener, address = ProgressListener(), credential_address("a")
    listener.start_phase("plan")
    listener.start_change(Change(action=Action.CREATE, address=address))
    listener.finish_change(ChangeOutcome(address=address, action="create", outcome_status=OutcomeStatus.DONE))
    assert vars(listener) == {}


def test_a_timer_calls_until_it_is_stopped():
    """On its own thread."""
    called, names = threading.Semaphore(0), []

    def call():
        names.append(threading.current_thread().name)
        called.release()

    timer = PeriodicTimer(0.001, 0.001, call)
    assert all(called.acquire(timeout=10) for _ in range(3))
    timer.stop()
    count = len(names)
    assert threading.current_thread().name not in names
    assert not called.acquire(timeout=0.05) or len(names) == count


def test_a_timer_that_is_stopped_early_never_calls():
    """As in every short run."""
    names = []
    PeriodicTimer(60, 60, lambda: names.append("x")).stop()
    assert names == []
