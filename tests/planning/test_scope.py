"""Scope: protected and untargeted resources are removed from the inputs."""

import pytest

from keyturn.model.change import Action
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.resource import Generation, GenerationRole
from keyturn.planning.diff import compute_changes
from keyturn.planning.scope import limit_scope, matches_target
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_inputs,
    make_live_object,
    make_state_entry,
)

A = credential_address("prod-db")
B = connection_address("prod-pg")
C = credential_address("prod-other")


def test_a_protected_resource_outlives_its_manifest():
    """Deleting the manifest together with its flag is an error, because the state has the flag."""
    known = make_state_entry(make_desired(A), "id-1", protect=True)
    hands = limit_scope(make_inputs(known, make_live_object(known)))
    assert compute_changes(hands.inputs) == ()
    assert [finding.code for finding in hands.diagnostics] == ["KT454"]


def test_a_protected_resource_may_change():
    """Protection prevents only a deletion."""
    known = make_state_entry(make_desired(A), "id-1", protect=True)
    hands = limit_scope(make_inputs(make_desired(A, {"host": "new"}), known, make_live_object(known)))
    assert len(compute_changes(hands.inputs)) == 1
    assert hands.diagnostics == ()


def test_a_protected_resource_may_be_renamed():
    """A rename keeps the object."""
    known = make_state_entry(make_desired(A), "id-1", protect=True)
    hands = limit_scope(make_inputs(make_desired(C, moved_from="prod-db"), known, make_live_object(known)))
    assert hands.diagnostics == ()
    assert A in hands.inputs.entries


@pytest.mark.parametrize(
    ("today", "is_kept"), [("2026-02-09", True), ("2026-02-10", False), ("2026-12-31", False), ("", True)]
)
def test_a_predecessor_is_kept_until_the_date_of_its_entry(today, is_kept):
    """Its name may be any; without a known day it is kept."""
    generation = Generation(role=GenerationRole.PREDECESSOR, resource="prod-db", retires_on="2026-02-10")
    known = make_state_entry(make_desired(C), "id-1", generation=generation, protect=True)
    scoped = limit_scope(make_inputs(known, make_live_object(known)), (), today)
    assert ([change.action.value for change in compute_changes(scoped.inputs)] == []) is is_kept
    assert scoped.diagnostics == ()


@pytest.mark.parametrize("name", ["prod-ticket-until-2099-01-01", "prod-next-gen", "prod-retiring-staff"])
def test_a_name_with_a_date_or_a_role_has_no_meaning(name):
    """Such a resource is in scope with its manifest, and retired without it."""
    desired = make_desired(credential_address(name))
    known = make_state_entry(desired, "id-1")
    inputs = make_inputs(desired, known, make_live_object(known))
    assert compute_changes(limit_scope(inputs, (), "2026-01-01").inputs) == ()
    without = make_inputs(known, make_live_object(known))
    (change,) = compute_changes(limit_scope(without, (), "2026-01-01").inputs)
    assert (change.action, change.address) == (Action.RETIRE, desired.address)


def test_a_target_includes_its_references():
    """A connection includes its credential; other resources are excluded."""
    inputs = make_inputs(make_desired(A), make_desired(B, uses="prod-db"), make_desired(C))
    assert set(limit_scope(inputs, ("connection/prod-pg",)).inputs.desired) == {A, B}


def test_an_unmatched_target_is_an_error():
    """A typo must not look like success; the nearest name is suggested."""
    with pytest.raises(DiagnosticError) as caught:
        limit_scope(make_inputs(make_desired(A)), ("prod-dbb", "prod-*", "connection/elsewhere"))
    near, far = sorted(caught.value.diagnostics, key=lambda each: "prod-dbb" not in each.message)
    assert {near.code, far.code} == {"KT460"}
    assert near.hint == "did you mean prod-db?"
    assert "connection/NAME" in far.hint


def test_a_targeted_rename_keeps_its_old_entry():
    """Without the old entry, the rename would look like a create."""
    known = make_state_entry(make_desired(A), "id-1")
    hands = limit_scope(
        make_inputs(make_desired(C, moved_from="prod-db"), known, make_live_object(known)), ("prod-other",)
    )
    assert A in hands.inputs.entries


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ("credential/prod-db", True),
        ("prod-db", True),
        ("credential/*", True),
        ("prod-*", True),
        ("connection/prod-db", False),
        ("db", False),
    ],
)
def test_a_target_is_an_address_a_name_or_a_pattern(target, hit):
    """The forms of --target."""
    assert matches_target(A, target) is hit
