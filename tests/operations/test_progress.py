"""What a run tells while it goes on."""

import threading

from keyturn.model.change import Action, Change, ChangeOutcome, OutcomeStatus
from keyturn.operations.progress import PeriodicTimer, ProgressListener
from making import credential


def test_nobody_has_to_listen():
    """Each moment can be ignored."""
    watch, address = ProgressListener(), credential("a")
    watch.start_phase("plan")
    watch.start_change(Change(action=Action.CREATE, address=address))
    watch.finish_change(ChangeOutcome(address=address, action="create", outcome_status=OutcomeStatus.DONE))
    assert vars(watch) == {}


def test_an_alarm_rings_until_it_is_stopped():
    """From a thread of its own; and after ``stop`` it is silent for good."""
    rung, names = threading.Semaphore(0), []

    def ring():
        names.append(threading.current_thread().name)
        rung.release()

    alarm = PeriodicTimer(0.001, 0.001, ring)
    assert all(rung.acquire(timeout=10) for _ in range(3))
    alarm.stop()
    count = len(names)
    assert threading.current_thread().name not in names
    assert not rung.acquire(timeout=0.05) or len(names) == count


def test_an_alarm_that_is_stopped_in_time_never_rings():
    """As for every quick run."""
    names = []
    PeriodicTimer(60, 60, lambda: names.append("x")).stop()
    assert names == []
