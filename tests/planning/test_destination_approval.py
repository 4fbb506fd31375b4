"""Approvals by name: one for each exposed credential."""

import pytest

from keyturn.model.change import MISSING, Action, Change, Exposure, FieldChange
from keyturn.planning.destination_approval import find_unapproved_exposures, suggest_destination_approval
from keyturn.planning.inputs import Approvals
from sample_resources import connection_address, credential_address, make_desired

MAIN, STAGING = credential_address("warehouse"), credential_address("bucket")
LINK, OTHER = connection_address("reports"), connection_address("warehouse")
HOST = ("config", "host")


def make_change(address, *exposed, action=Action.UPDATE, **more):
    """Return a change of an object with exposures of credentials through objects."""
    found = tuple(Exposure(credential, through, HOST, "old", "new") for credential, through in exposed)
    return Change(action=action, address=address, desired=make_desired(address), exposures=found, **more)


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ((), [MAIN]),
        (("warehouse",), []),
        (("reports",), []),
        (("bucket",), [MAIN]),
        (("report",), [MAIN]),
    ],
)
def test_the_name_of_the_credential_or_of_its_connection_approves(names, left):
    """Only one credential is exposed through this connection."""
    changes = [make_change(LINK, (MAIN, LINK))]
    found = find_unapproved_exposures(changes, Approvals(destinations=frozenset(names)))
    assert [each.address for each in found[LINK]] == left


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (("reports",), [STAGING, MAIN]),
        (("warehouse",), [STAGING]),
        (("bucket", "reports"), [MAIN]),
        (("bucket", "warehouse"), []),
    ],
)
def test_each_of_two_credentials_needs_its_own_name(names, left):
    """The name of the connection does not tell which of the two was meant."""
    changes = [make_change(LINK, (MAIN, LINK), (STAGING, LINK))]
    found = find_unapproved_exposures(changes, Approvals(destinations=frozenset(names)))
    assert [each.address for each in found[LINK]] == left


def test_the_credentials_of_a_connection_are_counted_in_the_whole_plan():
    """One is exposed by the change of the connection, the other by its own rotation."""
    changes = [make_change(LINK, (MAIN, LINK)), make_change(STAGING, (STAGING, LINK))]
    found = find_unapproved_exposures(changes, Approvals(destinations=frozenset({"reports"})))
    assert {address: len(group) for address, group in found.items()} == {LINK: 1, STAGING: 1}


def test_a_name_of_both_kinds_means_the_credential():
    """The connection of that name has another credential."""
    changes = [make_change(MAIN, (MAIN, MAIN)), make_change(OTHER, (STAGING, OTHER))]
    found = find_unapproved_exposures(changes, Approvals(destinations=frozenset({"warehouse"})))
    assert (found[MAIN], len(found[OTHER])) == ((), 1)


def test_the_hint_fits_the_case():
    """A new secret approves only the credential's own destination; a dropped credential is detached first."""
    own = suggest_destination_approval(make_change(MAIN, (MAIN, MAIN)), MAIN)
    moved = suggest_destination_approval(make_change(LINK, (MAIN, LINK)), MAIN)
    dropped = FieldChange(("credential",), MAIN, MAIN, MISSING)
    detached = suggest_destination_approval(make_change(LINK, (MAIN, LINK), fields=(dropped,)), MAIN)
    assert own.startswith("set a new secret in the same change; ")
    assert moved.startswith("restore the destination; ")
    assert detached.startswith("remove the credential in one change, apply it, and move the connection in ")
    assert all("--allow-destination-change warehouse" in hint for hint in (own, moved, detached))
