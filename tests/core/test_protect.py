"""Hands off: what is protected or not targeted leaves the diff's inputs."""

import pytest

from keyturn.core.diff import diff
from keyturn.core.protect import matches, protect
from making import connection, credential, held, shown, sides, wanted

A = credential("prod-db")
B = connection("prod-pg")
C = credential("prod-other")


def test_a_protected_resource_outlives_its_manifest():
    """Removing the file together with its flag blocks, because the ledger remembers."""
    known = held(wanted(A), "id-1", protect=True)
    hands = protect(sides(known, shown(known)))
    assert diff(hands.inputs) == ()
    assert [finding.code for finding in hands.findings] == ["KT454"]


def test_a_protected_resource_may_change_while_it_is_wanted():
    """Protection is against going, not against changing."""
    known = held(wanted(A), "id-1", protect=True)
    hands = protect(sides(wanted(A, {"host": "new"}), known, shown(known)))
    assert len(diff(hands.inputs)) == 1
    assert hands.findings == ()


def test_a_protected_resource_may_be_renamed():
    """A rename keeps the object."""
    known = held(wanted(A), "id-1", protect=True)
    hands = protect(sides(wanted(C, moved_from="prod-db"), known, shown(known)))
    assert hands.findings == ()
    assert A in hands.inputs.known


def test_a_target_narrows_to_itself_and_what_it_refers_to():
    """A connection brings its credential along and leaves the rest alone."""
    inputs = sides(wanted(A), wanted(B, uses="prod-db"), wanted(C))
    assert set(protect(inputs, ("connection/prod-pg",)).inputs.desired) == {A, B}


def test_a_target_that_names_nothing_is_said():
    """A typing mistake must not read like success."""
    assert [finding.code for finding in protect(sides(wanted(A)), ("prod-dbb",)).findings] == ["KT460"]


def test_a_targeted_rename_keeps_its_old_entry():
    """Without the old entry the rename would look like a create."""
    known = held(wanted(A), "id-1")
    hands = protect(sides(wanted(C, moved_from="prod-db"), known, shown(known)), ("prod-other",))
    assert A in hands.inputs.known


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
    assert matches(A, target) is hit
