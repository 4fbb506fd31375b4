"""The schedule: a table of moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core.schedule import MOVES, Cycle, Event, Schedule, State
from making import credential

A, B, C, D = (credential(name) for name in "abcd")


def test_only_what_waits_for_nothing_can_be_taken():
    """A follower is not ready before what it waits for is done."""
    schedule = Schedule({A: (), B: (A,)})
    assert schedule.take() == A
    assert schedule.take() is None
    schedule.succeed(A)
    assert schedule.take() == B


def test_a_failure_blocks_everything_downstream_at_once():
    """What waits for a failure, even at second hand, will not run."""
    schedule = Schedule({A: (), B: (A,), C: (B,), D: ()})
    schedule.take()
    assert set(schedule.fail(A)) == {B, C}
    assert schedule.take() == D
    assert schedule.standing(State.BLOCKED) == (B, C)
    assert schedule.waits_for(C) == (B,)


def test_a_change_waits_for_all_not_for_any():
    """Two references, both first."""
    schedule = Schedule({A: (), B: (), C: (A, B)})
    schedule.take()
    schedule.take()
    schedule.succeed(A)
    assert schedule.take() is None
    schedule.succeed(B)
    assert schedule.take() == C


def test_what_is_not_listed_counts_as_done():
    """A reference to an unchanged resource holds nothing up."""
    assert Schedule({B: (A,)}).take() == B


def test_a_cycle_is_named_with_its_path():
    """Changes that wait for each other have no first step."""
    with pytest.raises(Cycle) as caught:
        Schedule({A: (B,), B: (C,), C: (A,), D: (A,)})
    assert caught.value.path[0] == caught.value.path[-1]
    assert set(caught.value.path) == {A, B, C}


@pytest.mark.parametrize("move", [(state, event) for state in State for event in Event])
def test_a_move_that_the_table_does_not_list_is_refused(move):
    """Done is done: nothing ends twice or starts twice."""
    schedule = Schedule({A: ()})
    schedule.states[A] = move[0]
    if move in MOVES:
        schedule._move(A, move[1])
        assert schedule.states[A] is MOVES[move]
    else:
        with pytest.raises(KeyError):
            schedule._move(A, move[1])


@given(st.lists(st.lists(st.integers(0, 11), max_size=3), max_size=12), st.integers(0, 2**12 - 1))
def test_every_change_ends_exactly_once(edges, failing):
    """Whatever fails, each change is done, failed or blocked at the end, and none is left over."""
    names = [credential(f"c{index:02}") for index in range(len(edges))]
    waits = {names[i]: [names[j] for j in found if j < i] for i, found in enumerate(edges)}
    schedule = Schedule(waits)
    while (address := schedule.take()) is not None:
        if failing >> names.index(address) & 1:
            schedule.fail(address)
        else:
            schedule.succeed(address)
    assert set(schedule.states.values()) <= {State.DONE, State.FAILED, State.BLOCKED}
    for one, others in waits.items():
        if schedule.states[one] is State.DONE:
            assert all(schedule.states[other] is State.DONE for other in others)
