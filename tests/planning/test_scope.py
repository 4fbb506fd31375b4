"""Scope: protected and untargeted resources are removed from the inputs."""

import pytest

from keyturn.planning.diff import compute_changes
from keyturn.planning.scope import limit_scope, matches_target
from making import connection, credential, held, shown, sides, wanted

A = credential("prod-db")
B = connection("prod-pg")
C = credential("prod-other")


def test_a_protected_resource_outlives_its_manifest():
    """Deleting the manifest together with its flag is an error, because the state has the flag."""
    known = held(wanted(A), "id-1", protect=True)
    hands = limit_scope(sides(known, shown(known)))
    assert compute_changes(hands.inputs) == ()
    assert [finding.code for finding in hands.diagnostics] == ["KT454"]


def test_a_protected_resource_may_change():
    """Protection prevents only a deletion."""
    known = held(wanted(A), "id-1", protect=True)
    hands = limit_scope(sides(wanted(A, {"host": "new"}), known, shown(known)))
    assert len(compute_changes(hands.inputs)) == 1
    assert hands.diagnostics == ()


def test_a_protected_resource_may_be_renamed():
    """A rename keeps the object."""
    known = held(wanted(A), "id-1", protect=True)
    hands = limit_scope(sides(wanted(C, moved_from="prod-db"), known, shown(known)))
    assert hands.diagnostics == ()
    assert A in hands.inputs.entries


def test_a_target_includes_its_references():
    """A connection includes its credential; other resources are excluded."""
    inputs = sides(wanted(A), wanted(B, uses="prod-db"), wanted(C))
    assert set(limit_scope(inputs, ("connection/prod-pg",)).inputs.desired) == {A, B}


def test_an_unmatched_target_is_an_error():
    """A typo must not look like success."""
    assert [finding.code for finding in limit_scope(sides(wanted(A)), ("prod-dbb",)).diagnostics] == ["KT460"]


def test_a_targeted_rename_keeps_its_old_entry():
    """Without the old entry, the rename would look like a create."""
    known = held(wanted(A), "id-1")
    hands = limit_scope(sides(wanted(C, moved_from="prod-db"), known, shown(known)), ("prod-other",))
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
