"""Dependencies between changes."""

from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.planning.diff import compute_changes
from keyturn.planning.scheduling import resolve_dependencies
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_fingerprints,
    make_inputs,
    make_live_object,
    make_state_entry,
)

A = credential_address("prod-db")
B = connection_address("prod-pg")


def waits(*resources):
    """Return the dependencies of each change of a diff."""
    inputs = make_inputs(*resources)
    return {
        change.address: change.depends_on
        for change in resolve_dependencies(compute_changes(inputs), inputs.entries)
    }


def test_a_connection_waits_for_its_credential():
    """References are created first."""
    assert waits(make_desired(A), make_desired(B, uses="prod-db")) == {A: (), B: (A,)}


def test_a_retired_credential_waits_for_its_users():
    """Connections are detached before a retirement."""
    mine, user = make_desired(A), make_desired(B, uses="prod-db")
    known, user_known = make_state_entry(mine, "id-prod-db"), make_state_entry(user, "id-pg")
    assert waits(known, make_live_object(known), user_known, make_live_object(user_known)) == {A: (B,), B: ()}


def test_a_renamed_user_is_planned_under_its_new_name():
    """The state has the old name, the plan the new one."""
    mine, user = make_desired(A), make_desired(B, uses="prod-db")
    known, user_known = make_state_entry(mine, "id-prod-db"), make_state_entry(user, "id-pg")
    renamed = make_desired(connection_address("prod-other"), moved_from="prod-pg")
    assert waits(known, make_live_object(known), user_known, make_live_object(user_known), renamed)[A] == (
        connection_address("prod-other"),
    )


def test_an_unchanged_credential_is_no_dependency():
    """The credential exists already."""
    mine = make_desired(A)
    known = make_state_entry(mine, "id-prod-db")
    assert waits(mine, known, make_live_object(known), make_desired(B, uses="prod-db")) == {B: ()}


def test_a_connection_waits_for_a_restored_credential():
    """A revoked credential is restored with a new secret before its connection is repointed."""
    mine, user = make_desired(A, secrets={"password": "new"}), make_desired(B, uses="prod-db")
    known, user_known = (
        make_state_entry(mine, "id-prod-db", {"password": "old"}),
        make_state_entry(user, "id-pg"),
    )
    bare = {path: leaf for path, leaf in user_known.observed.items() if path != ("credential",)}
    gone = make_live_object(known, status="deleted", updated_at="2026-02-01T00:00:00Z")
    lost = make_live_object(user_known, fields=bare, updated_at="2026-02-01T00:00:00Z")
    retired = replace(known, retired_at="2026-01-02T00:00:00Z")
    inputs = make_inputs(
        mine, retired, gone, user, user_known, lost, fingerprints={A: make_fingerprints({"password": "new"})}
    )
    changes = {
        change.address: change for change in resolve_dependencies(compute_changes(inputs), inputs.entries)
    }
    assert changes[A].action is Action.RESTORE
    assert (changes[A].depends_on, changes[B].depends_on) == ((), (A,))
