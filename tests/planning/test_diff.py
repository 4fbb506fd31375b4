"""The three-way diff."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from keyturn.model.change import MISSING, Action, SecretStatus
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

A = credential_address("prod-db")
B = connection_address("prod-pg")


def only(inputs):
    """Return the only change of a diff."""
    (change,) = compute_changes(inputs)
    return change


def settled(address=A, config=None, secrets=None, identity="id-prod-db", **more):
    """Return the three sides of a resource without changes."""
    desired = make_desired(address, config, secrets=secrets or {}, **more)
    known = make_state_entry(desired, identity, secrets)
    return desired, known, make_live_object(known)


def test_equal_sides_give_no_change():
    """A resource that is unchanged since the last apply has no change."""
    desired, known, live = settled(secrets={"password": "p1"})
    assert (
        compute_changes(
            make_inputs(desired, known, live, fingerprints={A: make_fingerprints({"password": "p1"})})
        )
        == ()
    )


def test_a_new_manifest_is_created_with_all_its_fields():
    """A manifest without entry and object becomes a create with all fields and secrets."""
    change = only(
        make_inputs(
            make_desired(A, secrets={"password": "p1"}),
            fingerprints={A: make_fingerprints({"password": "p1"})},
        )
    )
    assert change.action is Action.CREATE
    assert [(each.path, each.live, each.desired) for each in change.fields] == [
        (("config", "host"), MISSING, "db.example.com")
    ]
    assert [each.status for each in change.secrets] == [SecretStatus.SET]


def test_a_changed_field_is_an_update_with_all_three_values():
    """The change has the applied, live and desired value."""
    _, known, live = settled(config={"host": "old"})
    change = only(make_inputs(make_desired(A, {"host": "new"}), known, live))
    assert change.action is Action.UPDATE
    (field,) = change.fields
    assert (field.applied, field.live, field.desired, field.has_drifted) == ("old", "old", "new", False)


def test_drift_is_distinguished_from_a_manifest_change():
    """A field that was edited in the UI is reverted and reported as drift."""
    desired, known, live = settled(config={"host": "git"})
    edited = make_live_object(known, fields={("config", "host"): "ui"}, updated_at="2026-02-02T00:00:00Z")
    change = only(make_inputs(desired, known, edited))
    assert change.fields[0].has_drifted
    assert "outside keyturn" in change.reason
    assert live.fields != edited.fields


def test_unowned_fields_are_ignored():
    """A live field that the manifest never stated is no change."""
    desired, known, live = settled()
    more = make_live_object(known, fields={**live.fields, ("config", "pool"): 5})
    assert compute_changes(make_inputs(desired, known, more)) == ()


def test_a_field_removed_from_the_manifest_is_removed():
    """A field that keyturn wrote and the manifest no longer states is removed."""
    _, known, live = settled(config={"host": "db", "role": "reader"})
    change = only(make_inputs(make_desired(A, {"host": "db"}), known, live))
    assert [(each.path, each.desired) for each in change.fields] == [(("config", "role"), MISSING)]


@pytest.mark.parametrize(
    ("applied", "observed"), [("DB.Example.com ", "db.example.com"), (5432, "5432"), (True, "true")]
)
def test_a_normalized_value_is_no_drift(applied, observed):
    """The observed value is recorded and compared."""
    desired = make_desired(A, {"host": applied})
    known = make_state_entry(desired, "id-1", observed={("config", "host"): observed})
    assert compute_changes(make_inputs(desired, known, make_live_object(known))) == ()


def test_a_field_that_the_service_does_not_return_is_no_drift():
    """A missing key in a response is no difference after a write."""
    desired = make_desired(A, {"host": "db", "tenant": "t"})
    known = make_state_entry(desired, "id-1", observed={("config", "host"): "db"})
    assert compute_changes(make_inputs(desired, known, make_live_object(known))) == ()


@pytest.mark.parametrize(
    ("before", "now", "state", "action"),
    [
        ("p1", "p1", SecretStatus.UNCHANGED, None),
        ("p1", "p2", SecretStatus.ROTATED, Action.ROTATE),
        ("p1", "p0", SecretStatus.REUSED, Action.ROTATE),
    ],
)
def test_secrets_are_compared_by_fingerprint(before, now, state, action):
    """Equal fingerprints are unchanged, others rotated, earlier ones reused."""
    desired = make_desired(A, secrets={"password": now}, digest="d2")
    known = make_state_entry(desired, "id-1", {"password": before}, digest="d1", earlier=("/password:0p",))
    changes = compute_changes(
        make_inputs(
            desired, known, make_live_object(known), fingerprints={A: make_fingerprints({"password": now})}
        )
    )
    assert [change.action for change in changes] == ([action] if action else [])
    if changes:
        assert changes[0].secrets[0].status is state


def test_an_encrypted_secret_of_an_unchanged_file_is_unchanged():
    """The digest of the file suffices; no key is needed."""
    desired = make_desired(A, secrets={"password": "p1"}, opened=False)
    known = make_state_entry(desired, "id-1", {"password": "p1"})
    assert compute_changes(make_inputs(desired, known, make_live_object(known))) == ()


def test_an_encrypted_secret_of_a_changed_file_is_unknown():
    """Without a key, the plan reports the secret as unknown."""
    desired = make_desired(A, secrets={"password": "p1"}, opened=False, digest="d2")
    known = make_state_entry(desired, "id-1", {"password": "p1"}, digest="d1")
    change = only(make_inputs(desired, known, make_live_object(known)))
    assert change.action is Action.NO_OP
    assert change.secrets[0].status is SecretStatus.UNKNOWN


def test_an_unexplained_write_makes_the_secret_suspect():
    """The object was written outside keyturn, so the secret may differ."""
    desired, known, _ = settled(secrets={"password": "p1"})
    later = make_live_object(known, updated_at="2026-03-03T00:00:00Z")
    change = only(make_inputs(desired, known, later, fingerprints={A: make_fingerprints({"password": "p1"})}))
    assert (change.action, change.secrets[0].status) == (Action.NO_OP, SecretStatus.SUSPECT)


def test_a_missing_manifest_retires():
    """A state entry without a manifest is retired."""
    _, known, live = settled()
    assert only(make_inputs(known, live)).action is Action.RETIRE


def test_an_entry_without_manifest_and_object_is_forgotten():
    """Only the state changes."""
    _, known, _ = settled()
    assert only(make_inputs(known)).action is Action.FORGET


def test_a_tombstone_without_a_manifest_is_unchanged():
    """A retired resource stays retired."""
    desired = make_desired(A)
    known = make_state_entry(desired, "id-1", retired_at="2026-01-05T00:00:00Z")
    assert compute_changes(make_inputs(known)) == ()


def test_a_manifest_of_a_retired_resource_restores_it():
    """The deleted object is restored."""
    desired = make_desired(A)
    known = make_state_entry(desired, "id-1", retired_at="2026-01-05T00:00:00Z")
    assert (
        only(make_inputs(desired, known, make_live_object(known, status="deleted"))).action is Action.RESTORE
    )


def test_a_purged_object_is_created_again():
    """The reason says that the object was purged."""
    desired = make_desired(A)
    known = make_state_entry(desired, "id-1", retired_at="2026-01-05T00:00:00Z")
    change = only(make_inputs(desired, known))
    assert (change.action, "purged" in change.reason) == (Action.CREATE, True)


def test_moved_from_is_a_rename():
    """The object keeps its id and gets the new name."""
    old = make_desired(A)
    known = make_state_entry(old, "id-1")
    change = only(
        make_inputs(
            make_desired(credential_address("prod-new"), moved_from="prod-db"), known, make_live_object(known)
        )
    )
    assert (change.action, change.renamed_from) == (Action.RENAME, "prod-db")


def test_moved_from_has_no_effect_after_the_rename():
    """A manifest may keep its moved_from."""
    desired, known, live = settled(moved_from="prod-older")
    assert compute_changes(make_inputs(desired, known, live)) == ()


def test_another_type_replaces_the_object_and_repoints_connections():
    """The connection is otherwise unchanged and gets the new id."""
    desired, known, live = settled()
    user, user_known, user_live = settled(B, uses="prod-db", identity="id-pg")
    other = make_desired(A, type="aws")
    changes = compute_changes(make_inputs(other, known, live, user, user_known, user_live))
    assert [(change.address, change.action) for change in changes] == [
        (B, Action.UPDATE),
        (A, Action.REPLACE),
    ]
    assert changes[0].fields[0].path == ("credential",)
    assert desired != other


def test_a_reference_is_compared_by_id():
    """A connection that was repointed in the UI has drifted."""
    desired, known, live = settled(B, uses="prod-db", identity="id-pg")
    target, target_known, target_live = settled()
    assert compute_changes(make_inputs(desired, known, live, target, target_known, target_live)) == ()
    moved = make_live_object(
        known, fields={**live.fields, ("credential",): "id-other"}, updated_at="2026-02-02T00:00:00Z"
    )
    change = only(make_inputs(desired, known, moved, target, target_known, target_live))
    assert change.fields[0].live == "id-other"
    assert change.fields[0].desired == A


def test_an_unmanaged_object_with_the_same_name_is_adopted():
    """Adoption is a separate action, which needs an approval."""
    desired = make_desired(A)
    stranger = make_live_object(make_state_entry(desired, "id-9"))
    assert only(make_inputs(desired, stranger)).action is Action.ADOPT


def test_the_order_of_the_inputs_does_not_matter():
    """Every order of the same resources gives the same changes."""
    one = make_desired(A)
    two = make_desired(credential_address("prod-b"))
    known = make_state_entry(make_desired(credential_address("prod-c")), "id-c")
    first, *others = [
        compute_changes(make_inputs(*order))
        for order in permutations([one, two, known, make_live_object(known)])
    ]
    assert [change.address.name for change in first] == ["prod-b", "prod-c", "prod-db"]
    assert all(other == first for other in others)


def test_a_retirement_by_keyturn_is_no_outside_write():
    """The retirement itself changed the timestamp, and the restore writes every secret."""
    desired, known, _ = settled(secrets={"password": "p1"})
    retired = replace(known, retired_at="2026-03-03T00:00:00Z")
    later = make_live_object(known, updated_at="2026-03-03T00:00:00Z", status="deleted")
    inputs = make_inputs(desired, retired, later, fingerprints={A: make_fingerprints({"password": "p1"})})
    change = only(inputs)
    assert (change.action, change.secrets[0].status) == (Action.RESTORE, SecretStatus.UNCHANGED)
