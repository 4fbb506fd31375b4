"""Managed objects that are missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.diagnostic import Severity
from keyturn.planning.diff import compute_changes
from keyturn.planning.missing_objects import find_missing_objects
from sample_resources import credential_address, make_desired, make_inputs, make_live_object, make_state_entry


def check(missing, present, *, declared=True, retired=0):
    """Return the errors for so many missing and present objects; retired ones have no live object."""
    resources = []
    for number in range(missing + present + retired):
        desired = make_desired(credential_address(f"c-{number}"))
        more = {"retired_at": "2026-01-01T00:00:00Z"} if number >= missing + present else {}
        entry = make_state_entry(desired, f"id-{number}", **more)
        live = [make_live_object(entry)] if missing <= number < missing + present else []
        resources += [*([desired] if declared and not more else []), entry, *live]
    inputs = make_inputs(*resources)
    return list(find_missing_objects(compute_changes(inputs), inputs))


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("missing", "present", "refused"),
    [
        (0, 5, False),
        (1, 0, False),
        (1, 1, False),
        (2, 0, True),
        (3, 1, False),
        (4, 1, True),
        (4, 50, False),
        (6, 50, True),
    ],
)
def test_many_missing_objects_are_refused(missing, present, refused, declared):
    """A few were deleted outside keyturn; many, or all, are a loss of rights."""
    assert bool(check(missing, present, declared=declared)) == refused


def test_the_error_names_objects_and_the_key():
    """And the way to go on."""
    (error,) = check(12, 0)
    assert (error.code, error.severity) == ("KT474", Severity.ERROR)
    assert error.message == (
        "12 of 12 managed objects cannot be found: credential/c-0, credential/c-1, credential/c-10 and 9 more"
    )
    assert "API key" in error.hint
    assert "at most 3 at a time" in error.hint


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_retired_objects_do_not_count(missing, present, retired):
    """A tombstone has no live object."""
    assert check(missing, present, retired=retired) == check(missing, present)
