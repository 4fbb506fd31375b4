"""Changes: drift, preconditions and consent."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretStatus
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

PATH = ("config", "host")


@pytest.mark.parametrize(
    ("applied", "live", "wanted", "drifted"),
    [
        ("a", "b", "a", True),
        ("a", "b", "c", True),
        ("a", MISSING, "a", True),
        ("a", "b", "b", False),
        ("a", "a", "b", False),
        ("a", "a", "a", False),
        (MISSING, "b", "a", False),
        (MISSING, MISSING, "a", False),
    ],
)
def test_drift(applied, live, wanted, drifted):
    """A field drifted if it was applied, changed since, and differs from the desired value."""
    assert FieldChange(PATH, applied, live, wanted).has_drifted is drifted


def test_precondition_is_the_timestamp_of_the_live_object():
    """A write expects the live object as the plan read it."""
    live = make_live_object(
        make_state_entry(make_desired(credential_address("a")), "1"), updated_at="2026-02-03T04:05:06Z"
    )
    change = Change(action=Action.UPDATE, address=credential_address("a"), live=live)
    assert change.expected_updated_at == "2026-02-03T04:05:06Z"


def test_precondition_is_empty_without_a_live_object():
    """A create has no precondition."""
    assert Change(action=Action.CREATE, address=credential_address("a")).expected_updated_at == ""


def test_missing_cannot_be_a_manifest_value():
    """The value for a missing field contains NUL, which YAML rejects."""
    assert "\0" in MISSING


def test_enum_values_are_unique_and_lower_case():
    """Actions and statuses have the names that a plan shows."""
    for names in (Action, SecretStatus):
        assert len({each.value for each in names}) == len(names)
        assert all(each.value == each.value.lower() for each in names)


def test_changes_compare_by_value():
    """Two changes are equal if all fields are, including the reason."""
    one = Change(action=Action.UPDATE, address=credential_address("a"), reason="host changed")
    assert one == Change(action=Action.UPDATE, address=credential_address("a"), reason="host changed")
    assert one != Change(action=Action.UPDATE, address=credential_address("a"), reason="port changed")


def changed(action, address, type, **more):  # noqa: A002 - the word of the manifest
    """Return a change of a resource of this type."""
    return Change(action=action, address=address, desired=replace(make_desired(address), type=type), **more)


@pytest.mark.parametrize(
    ("action", "needed"),
    [
        *((action, True) for action in (Action.CREATE, Action.REPLACE, Action.RESTORE, Action.ROTATE)),
        *((action, False) for action in (Action.RENAME, Action.ADOPT, Action.NO_OP, Action.UPDATE)),
    ],
)
def test_consent_is_needed_after_these_actions(action, needed):
    """A new, restored or rotated OAuth credential needs consent; other resources do not."""
    crm = credential_address("crm")
    assert changed(action, crm, "oauth").is_consent_needed is needed
    assert not changed(action, crm, "database").is_consent_needed
    assert not changed(action, connection_address("crm"), "oauth").is_consent_needed
    assert not Change(action=action, address=crm).is_consent_needed


def test_consent_is_needed_when_settings_change():
    """A changed client, scope or endpoint invalidates a consent."""
    field = FieldChange(PATH, "a", "a", "b")
    assert changed(Action.UPDATE, credential_address("crm"), "oauth", fields=(field,)).is_consent_needed
