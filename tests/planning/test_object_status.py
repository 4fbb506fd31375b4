"""Statuses that keyturn does not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keyturn.model.diagnostic import Severity
from keyturn.planning.diff import compute_changes
from keyturn.planning.object_status import find_unknown_statuses, format_status
from sample_resources import credential_address, make_desired, make_inputs, make_live_object, make_state_entry

DB = credential_address("prod-db")
DESIRED = make_desired(DB, {"host": "db"})
ENTRY = make_state_entry(DESIRED, "cred_1")
LIVE = make_live_object(ENTRY)


@given(st.text(min_size=1).filter(lambda text: text not in ("active", "deleted")))
def test_an_unknown_status_is_a_warning_and_no_change(status):
    """The object exists: no change, no restore; the warning is located at the manifest."""
    inputs = make_inputs(DESIRED, ENTRY, replace(LIVE, status=status))
    (warning,) = find_unknown_statuses(inputs)
    assert (warning.code, warning.severity, warning.address) == ("KT475", Severity.WARNING, DB)
    assert warning.origin == DESIRED.origin
    assert compute_changes(inputs) == ()


@pytest.mark.parametrize("status", ["active", "deleted"])
def test_a_known_status_is_no_warning(status):
    """Neither for an active nor for a deleted object."""
    assert list(find_unknown_statuses(make_inputs(DESIRED, ENTRY, replace(LIVE, status=status)))) == []


def test_an_unmanaged_object_has_a_warning_if_a_manifest_declares_it():
    """It is about to be adopted; an object without a manifest is not mentioned."""
    expired = replace(LIVE, status="expired")
    assert len(list(find_unknown_statuses(make_inputs(DESIRED, expired)))) == 1
    assert list(find_unknown_statuses(make_inputs(ENTRY, expired))) == []


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("expired", "expired"),
        ("pending_review", "pending_review"),
        ("Expired", "…"),
        ("a-b-c-d", "…"),
        ("x" * 25, "…"),
        ("h1", "…"),
        ("\x1b[31m", "…"),
    ],
)
def test_only_plain_words_are_shown(status, shown):
    """Another text may repeat a secret or control the terminal."""
    assert format_status(replace(LIVE, status=status)) == shown
