"""Dependencies between changes."""

from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.planning.diff import compute_changes
from keyturn.planning.scheduling import resolve_dependencies
from making import connection, credential, held, prints, shown, sides, wanted

A = credential("prod-db")
B = connection("prod-pg")


def waits(*resources):
    """Return the dependencies of each change of a diff."""
    inputs = sides(*resources)
    return {
        change.address: change.depends_on
        for change in resolve_dependencies(compute_changes(inputs), inputs.entries)
    }


def test_a_connection_waits_for_its_credential():
    """References are created first."""
    assert waits(wanted(A), wanted(B, uses="prod-db")) == {A: (), B: (A,)}


def test_a_retired_credential_waits_for_its_users():
    """Connections are detached before a retirement."""
    mine, user = wanted(A), wanted(B, uses="prod-db")
    known, user_known = held(mine, "id-prod-db"), held(user, "id-pg")
    assert waits(known, shown(known), user_known, shown(user_known)) == {A: (B,), B: ()}


def test_a_renamed_user_is_planned_under_its_new_name():
    """The state has the old name, the plan the new one."""
    mine, user = wanted(A), wanted(B, uses="prod-db")
    known, user_known = held(mine, "id-prod-db"), held(user, "id-pg")
    renamed = wanted(connection("prod-other"), moved_from="prod-pg")
    assert waits(known, shown(known), user_known, shown(user_known), renamed)[A] == (
        connection("prod-other"),
    )


def test_an_unchanged_credential_is_no_dependency():
    """The credential exists already."""
    mine = wanted(A)
    known = held(mine, "id-prod-db")
    assert waits(mine, known, shown(known), wanted(B, uses="prod-db")) == {B: ()}


def test_a_connection_waits_for_a_restored_credential():
    """A revoked credential is restored with a new secret before its connection is repointed."""
    mine, user = wanted(A, secrets={"password": "new"}), wanted(B, uses="prod-db")
    known, user_known = held(mine, "id-prod-db", {"password": "old"}), held(user, "id-pg")
    bare = {path: leaf for path, leaf in user_known.observed.items() if path != ("credential",)}
    gone = shown(known, status="deleted", updated_at="2026-02-01T00:00:00Z")
    lost = shown(user_known, fields=bare, updated_at="2026-02-01T00:00:00Z")
    retired = replace(known, retired_at="2026-01-02T00:00:00Z")
    inputs = sides(mine, retired, gone, user, user_known, lost, fingerprints={A: prints({"password": "new"})})
    changes = {
        change.address: change for change in resolve_dependencies(compute_changes(inputs), inputs.entries)
    }
    assert changes[A].action is Action.RESTORE
    assert (changes[A].depends_on, changes[B].depends_on) == ((), (A,))
