"""Hands off: what is protected or not targeted leaves the diff's inputs."""

import pytest

from keyturn.planning.diff import compute_changes
from keyturn.planning.scope import limit_scope, matches_target
from making import connection, credential, held, shown, sides, wanted

A = credential("prod-db")
B = connection("prod-pg")
C = credential("prod-other")


def test_a_protected_resource_outlives_its_manifest():
    """Removing the file together with its flag blocks, because the state remembers."""
    known = held(wanted(A), "id-1", protect=True)
    hands = limit_scope(sides(known, shown(known)))
    assert compute_changes(hands.inputs) == ()
    assert [finding.code for finding in hands.diagnostics] == ["KT454"]


def test_a_protected_resource_may_change_while_it_is_wanted():
    """Protection is against going, not against changing."""
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


def test_a_target_narrows_to_itself_and_what_it_refers_to():
    """A connection brings its credential along and leaves the rest alone."""
    inputs = sides(wanted(A), wanted(B, uses="prod-db"), wanted(C))
    assert set(limit_scope(inputs, ("connection/prod-pg",)).inputs.desired) == {A, B}


def test_a_target_that_names_nothing_is_said():
    """A typing mistake must not read like success."""
    assert [finding.code for finding in limit_scope(sides(wanted(A)), ("prod-dbb",)).diagnostics] == ["KT460"]


def test_a_targeted_rename_keeps_its_old_entry():
    """Without the old entry the rename would look like a create."""
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
    """The forms that --target takes."""
    assert matches_target(A, target) is hit
