"""The diff identifies objects by ID and by the roles in the state; parts of names have no meaning."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.model.resource import Generation, GenerationRole
from keyturn.planning.diff import compute_changes
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_fingerprints,
    make_inputs,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-orders"), connection_address("prod-orders")


def changes_of(*resources, **more):
    """Return the changes by address."""
    return {change.address: change for change in compute_changes(make_inputs(*resources, **more))}


def rotated():
    """Return the manifest, entry and live object of a credential whose secret changed."""
    desired = make_desired(DB, secrets={"password": "new"})
    known = make_state_entry(desired, "id-1", {"password": "old"})
    return desired, known, make_live_object(known)


def successor(name="zz", replaces="id-1", **more):
    """Return entry and live object of the unfinished successor of an object."""
    generation = Generation(role=GenerationRole.SUCCESSOR, resource="prod-orders", replaces=replaces)
    entry = make_state_entry(make_desired(credential_address(name)), f"id-{name}", generation=generation)
    return replace(entry, **more), make_live_object(entry)


def test_a_successor_waits_for_the_rotation_of_the_object_that_it_replaces():
    """Whatever the names of both are; that of another object does not wait."""
    fingerprints = {DB: make_fingerprints({"password": "new"})}
    found = changes_of(*rotated(), *successor(), *successor("yy", "id-9"), fingerprints=fingerprints)
    assert {address.name: change.action for address, change in found.items()} == {
        "prod-orders": Action.ROTATE,
        "yy": Action.RETIRE,
    }
    assert "interrupted replacement of credential/prod-orders" in found[credential_address("yy")].reason


def test_without_a_rotation_a_successor_is_retired():
    """Nothing continues it."""
    desired, known, live = rotated()
    known = replace(known, fingerprints=make_fingerprints({"password": "new"}))
    found = changes_of(
        desired, known, live, *successor(), fingerprints={DB: make_fingerprints({"password": "new"})}
    )
    assert [(address.name, change.action) for address, change in found.items()] == [("zz", Action.RETIRE)]


@pytest.mark.parametrize("name", ["prod-orders-next-gen", "prod-orders-next-1a2b3c"])
def test_a_resource_with_the_name_of_a_successor_is_retired_without_a_manifest(name):
    """Also while the resource with the other part of its name rotates."""
    entry = make_state_entry(make_desired(credential_address(name)), "id-2")
    found = changes_of(
        *rotated(),
        entry,
        make_live_object(entry),
        fingerprints={DB: make_fingerprints({"password": "new"})},
    )
    assert found[entry.address].action is Action.RETIRE


def test_an_object_that_was_made_again_is_adopted():
    """Never created a second time; its users get the new ID."""
    desired = make_desired(DB)
    gone = make_state_entry(desired, "id-1")
    user = make_desired(PG, uses="prod-orders")
    user_entry = make_state_entry(user, "id-pg")
    user_live = make_live_object(user_entry, fields={**user_entry.observed, ("credential",): "id-1"})
    user_entry = replace(user_entry, observed=user_live.fields)
    remade = make_live_object(replace(gone, id="id-2"))
    found = changes_of(desired, gone, remade, user, user_entry, user_live)
    assert found[DB].action is Action.ADOPT
    assert (found[DB].live.id, "made again" in found[DB].reason) == ("id-2", True)
    assert (found[PG].action, found[PG].fields[0].path) == (Action.UPDATE, ("credential",))


def test_the_object_of_another_entry_is_not_adopted():
    """Somebody renamed it in the UI; its own entry renames it back."""
    desired, other = make_desired(DB), make_desired(credential_address("prod-other"))
    entry = make_state_entry(other, "id-2")
    renamed = make_live_object(entry, address=DB, updated_at="2026-03-03T00:00:00Z")
    found = changes_of(desired, other, entry, renamed)
    assert {address.name: change.action for address, change in found.items()} == {
        "prod-orders": Action.CREATE,
        "prod-other": Action.RENAME,
    }


def test_the_object_of_a_tombstone_may_be_adopted_under_another_name():
    """It was restored and renamed in the UI."""
    desired = make_desired(DB)
    tombstone = make_state_entry(
        make_desired(credential_address("prod-other")), "id-2", retired_at="2026-01-01T00:00:00Z"
    )
    found = changes_of(desired, tombstone, make_live_object(tombstone, address=DB))
    assert found[DB].action is Action.ADOPT
