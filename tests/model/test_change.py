"""Changes: facts about one resource, and the precondition they stand on."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import MISSING, Action, Change, FieldChange, SecretStatus
from making import connection, credential, held, shown, wanted

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
    """A field drifted if we applied it, it moved, and it did not move to what git wants."""
    assert FieldChange(PATH, applied, live, wanted).has_drifted is drifted


def test_expected_is_when_the_live_object_was_last_touched():
    """A change stands on the live object as it was seen."""
    live = shown(held(wanted(credential("a")), "1"), updated_at="2026-02-03T04:05:06Z")
    change = Change(action=Action.UPDATE, address=credential("a"), live=live)
    assert change.expected_updated_at == "2026-02-03T04:05:06Z"


def test_expected_is_empty_where_nothing_is_live():
    """A creation stands on nothing."""
    assert Change(action=Action.CREATE, address=credential("a")).expected_updated_at == ""


def test_absent_is_no_value_of_a_manifest():
    """What stands for an absent field cannot be written in YAML, which refuses NUL."""
    assert "\0" in MISSING


def test_names_are_those_of_the_plan():
    """Actions and states have the words that a plan shows, each one once."""
    for names in (Action, SecretStatus):
        assert len({each.value for each in names}) == len(names)
        assert all(each.value == each.value.lower() for each in names)


def test_a_change_is_its_facts():
    """Two changes of the same facts are equal, and the reason is one of them."""
    one = Change(action=Action.UPDATE, address=credential("a"), reason="host changed")
    assert one == Change(action=Action.UPDATE, address=credential("a"), reason="host changed")
    assert one != Change(action=Action.UPDATE, address=credential("a"), reason="port changed")


def changed(action, address, type, **more):  # noqa: A002 - the word of the manifest
    """Return a change of a resource of this type."""
    return Change(action=action, address=address, desired=replace(wanted(address), type=type), **more)


@pytest.mark.parametrize(
    ("action", "needed"),
    [
        *((action, True) for action in (Action.CREATE, Action.REPLACE, Action.RESTORE, Action.ROTATE)),
        *((action, False) for action in (Action.RENAME, Action.ADOPT, Action.NO_OP, Action.UPDATE)),
    ],
)
def test_consent_is_needed_where_it_is_lost(action, needed):
    """An OAuth credential that is new, restored or has another secret needs a person; nothing else does."""
    crm = credential("crm")
    assert changed(action, crm, "oauth").is_consent_needed is needed
    assert not changed(action, crm, "database").is_consent_needed
    assert not changed(action, connection("crm"), "oauth").is_consent_needed
    assert not Change(action=action, address=crm).is_consent_needed


def test_consent_is_needed_when_settings_change():
    """Another client, scope or endpoint outdates a consent."""
    field = FieldChange(PATH, "a", "a", "b")
    assert changed(Action.UPDATE, credential("crm"), "oauth", fields=(field,)).is_consent_needed
