"""The schedule of changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.planning.scheduling import (
    STATUS_TRANSITIONS,
    ChangeSchedule,
    ChangeStatus,
    DependencyCycle,
    ScheduleEvent,
)
from sample_resources import credential_address

A, B, C, D = (credential_address(name) for name in "abcd")


def test_a_change_is_ready_after_its_dependencies():
    """A dependent change is not ready earlier."""
    schedule = ChangeSchedule({A: (), B: (A,)})
    assert schedule.take_next() == A
    assert schedule.take_next() is None
    schedule.mark_done(A)
    assert schedule.take_next() == B


def test_a_failure_blocks_all_dependents():
    """Indirect dependents are blocked, too."""
    schedule = ChangeSchedule({A: (), B: (A,), C: (B,), D: ()})
    schedule.take_next()
    assert set(schedule.mark_failed(A)) == {B, C}
    assert schedule.take_next() == D
    assert [schedule.statuses[each] for each in (B, C)] == [ChangeStatus.BLOCKED] * 2
    assert schedule.waits_for(C) == (B,)


def test_a_change_waits_for_all_dependencies():
    """Two references must both be done."""
    schedule = ChangeSchedule({A: (), B: (), C: (A, B)})
    schedule.take_next()
    schedule.take_next()
    schedule.mark_done(A)
    assert schedule.take_next() is None
    schedule.mark_done(B)
    assert schedule.take_next() == C


def test_an_unlisted_dependency_counts_as_done():
    """A reference to an unchanged resource blocks nothing."""
    assert ChangeSchedule({B: (A,)}).take_next() == B


def test_a_cycle_is_reported_with_its_path():
    """Changes that depend on each other have no order."""
    with pytest.raises(DependencyCycle) as caught:
        ChangeSchedule({A: (B,), B: (C,), C: (A,), D: (A,)})
    assert caught.value.path[0] == caught.value.path[-1]
    assert set(caught.value.path) == {A, B, C}


@pytest.mark.parametrize("move", [(state, event) for state in ChangeStatus for event in ScheduleEvent])
def test_unlisted_transitions_are_rejected(move):
    """A change starts and ends once."""
    schedule = ChangeSchedule({A: ()})
    schedule.statuses[A] = move[0]
    if move in STATUS_TRANSITIONS:
        schedule._transition_to(A, move[1])
        assert schedule.statuses[A] is STATUS_TRANSITIONS[move]
    else:
        with pytest.raises(KeyError):
            schedule._transition_to(A, move[1])


@given(st.lists(st.lists(st.integers(0, 11), max_size=3), max_size=12), st.integers(0, 2**12 - 1))
def test_every_change_ends_exactly_once(edges, failing):
    """At the end, each change is done, failed or blocked."""
    names = [credential_address(f"c{index:02}") for index in range(len(edges))]
    waits = {names[i]: [names[j] for j in found if j < i] for i, found in enumerate(edges)}
    schedule = ChangeSchedule(waits)
    while (address := schedule.take_next()) is not None:
        if failing >> names.index(address) & 1:
            schedule.mark_failed(address)
        else:
            schedule.mark_done(address)
    assert set(schedule.statuses.values()) <= {ChangeStatus.DONE, ChangeStatus.FAILED, ChangeStatus.BLOCKED}
    for one, others in waits.items():
        if schedule.statuses[one] is ChangeStatus.DONE:
            assert all(schedule.statuses[other] is ChangeStatus.DONE for other in others)
