"""Exposures: an existing secret would be sent to a new destination."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.operations.state_entries import mark_uncertain
from keyturn.planning.destination_record import DestinationRules
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import credential_destinations, find_exposures
from keyturn.planning.scheduling import resolve_dependencies
from keyturn.schema.definitions import is_destination, is_named_field
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
SECRET = {"password": "p1"}
RULES = DestinationRules(is_destination=is_destination, is_named=is_named_field)


def exposures(*resources, secrets=SECRET):
    """Return (credential, through, field) of every exposure in the diff of these resources."""
    inputs = make_inputs(*resources, fingerprints={A: make_fingerprints(secrets)})
    found = [
        each for change in find_exposures(compute_changes(inputs), inputs, RULES) for each in change.exposures
    ]
    return [(each.address, each.through, each.path[-1]) for each in found]


def applied(desired, identity, secrets=None, **more):
    """Return the state entry and the live object of an applied resource."""
    known = make_state_entry(desired, identity, secrets, **more)
    return known, make_live_object(known)


def test_a_new_host_with_the_old_secret_is_an_exposure():
    """The host changes and the password stays."""
    before = applied(make_desired(A, {"host": "old"}, secrets=SECRET), "id-prod-db", SECRET)
    after = make_desired(A, {"host": "evil"}, secrets=SECRET, digest="d2")
    assert exposures(after, *before) == [(A, A, "host")]


def test_a_new_host_with_a_new_secret_is_no_exposure():
    """The old password is not sent to the new host."""
    before = applied(make_desired(A, {"host": "old"}, secrets=SECRET), "id-prod-db", SECRET)
    after = make_desired(A, {"host": "new"}, secrets={"password": "p2"}, digest="d2")
    assert exposures(after, *before, secrets={"password": "p2"}) == []


def test_one_of_two_secrets_that_stays_is_enough():
    """Rotating one field does not protect the other."""
    both = {"password": "p1", "ssh_private_key": "k1"}
    before = applied(make_desired(A, {"host": "old"}, secrets=both), "id-prod-db", both)
    now = {"password": "p2", "ssh_private_key": "k1"}
    after = make_desired(A, {"host": "new"}, secrets=now, digest="d2")
    assert exposures(after, *before, secrets=now) == [(A, A, "host")]


def test_a_plain_field_that_is_no_destination_is_no_exposure():
    """A warehouse name is no destination."""
    before = applied(make_desired(A, {"host": "h", "warehouse": "a"}, secrets=SECRET), "id-prod-db", SECRET)
    after = make_desired(A, {"host": "h", "warehouse": "b"}, secrets=SECRET, digest="d2")
    assert exposures(after, *before) == []


def test_reverting_a_drifted_host_is_no_exposure():
    """The approved destination is restored."""
    desired = make_desired(A, {"host": "good"}, secrets=SECRET)
    known = make_state_entry(desired, "id-prod-db", SECRET)
    edited = make_live_object(known, fields={("config", "host"): "evil"}, updated_at="2026-02-02T00:00:00Z")
    assert exposures(desired, known, edited) == []


@pytest.mark.parametrize(("host", "found"), [("elsewhere", [(A, B, "host")]), ("db.example.com", [])])
def test_a_new_connection_to_a_new_host_is_an_exposure(host, found):
    """A new connection uses an existing credential."""
    mine = make_desired(A, secrets=SECRET)
    assert (
        exposures(mine, *applied(mine, "id-prod-db", SECRET), make_desired(B, {"host": host}, uses="prod-db"))
        == found
    )


def test_a_new_connection_of_a_new_credential_is_no_exposure():
    """Secret and destination are reviewed together."""
    assert exposures(make_desired(A, secrets=SECRET), make_desired(B, {"host": "any"}, uses="prod-db")) == []


def test_a_moved_connection_exposes_its_credential():
    """The host of the connection changes; the manifest of the credential does not."""
    mine = make_desired(A, secrets=SECRET)
    before = make_desired(B, {"host": "old"}, uses="prod-db")
    moved = make_desired(B, {"host": "evil"}, uses="prod-db", digest="d2")
    assert exposures(mine, *applied(mine, "id-prod-db", SECRET), *applied(before, "id-pg"), moved) == [
        (A, B, "host")
    ]


def test_a_repointed_connection_exposes_the_new_credential():
    """The secret of the new credential was never sent to this host."""
    mine = make_desired(A, {"host": "elsewhere"}, secrets=SECRET)
    before = make_desired(B, {"host": "here"})
    attached = make_desired(B, {"host": "here"}, uses="prod-db", digest="d2")
    assert exposures(mine, *applied(mine, "id-prod-db", SECRET), *applied(before, "id-pg"), attached) == [
        (A, B, "host")
    ]


def test_a_kept_secret_can_be_exposed():
    """A kept live value stays while the host changes."""
    before = applied(make_desired(A, {"host": "old"}), "id-prod-db")
    after = make_desired(A, {"host": "new"}, kept_secrets=(("password",),), digest="d2")
    assert exposures(after, *before) == [(A, A, "host")]


def test_a_retirement_exposes_nothing():
    """A retired secret is not sent."""
    known, live = applied(make_desired(A, secrets=SECRET), "id-prod-db", SECRET)
    inputs = make_inputs(known, live)
    (change,) = find_exposures(compute_changes(inputs), inputs, RULES)
    assert (change.action, change.exposures) == (Action.RETIRE, ())


LATER = "2026-02-02T00:00:00Z"


def test_a_removed_destination_is_an_exposure():
    """Without its tunnel, the password is sent elsewhere."""
    before = applied(make_desired(A, {"host": "h", "ssh_host": "t"}, secrets=SECRET), "id-prod-db", SECRET)
    after = make_desired(A, {"host": "h"}, secrets=SECRET, digest="d2")
    assert exposures(after, *before) == [(A, A, "ssh_host")]


def test_a_removed_secret_may_still_be_stored():
    """A service with merge semantics keeps it and sends it to the new host."""
    before = applied(
        make_desired(A, {"host": "old"}, secrets={**SECRET, "private_key": "k"}),
        "id-prod-db",
        {**SECRET, "private_key": "k"},
    )
    after = make_desired(A, {"host": "new"}, secrets={"password": "p2"}, digest="d2")
    assert exposures(after, *before, secrets={"password": "p2"}) == [(A, A, "host")]


def test_an_earlier_secret_is_not_new():
    """It belongs to an earlier destination."""
    known, live = applied(
        make_desired(A, {"host": "old"}, secrets=SECRET),
        "id-prod-db",
        {"password": "p2"},
        earlier=("/password:1p",),
    )
    assert exposures(make_desired(A, {"host": "new"}, secrets=SECRET, digest="d2"), known, live) == [
        (A, A, "host")
    ]


@pytest.mark.parametrize(("host", "found"), [("old", []), ("evil", [(A, A, "host")])])
def test_an_object_created_again_with_the_same_secret(host, found):
    """The object was removed outside keyturn; the manifest brings back the old secret."""
    known, _ = applied(make_desired(A, {"host": "old"}, secrets=SECRET), "id-prod-db", SECRET)
    assert exposures(make_desired(A, {"host": host}, secrets=SECRET, digest="d2"), known) == found


def test_destinations_are_compared_as_a_whole():
    """The host of one and the port of another were never approved together."""
    mine = make_desired(A, {"host": "elsewhere"}, secrets=SECRET)
    one = make_desired(B, {"host": "h1", "port": 1}, uses="prod-db")
    two = make_desired(connection_address("other"), {"host": "h2", "port": 2}, uses="prod-db")
    third = make_desired(connection_address("third"), {"host": "h1", "port": 2}, uses="prod-db")
    known = (*applied(mine, "id-prod-db", SECRET), *applied(one, "id-1"), *applied(two, "id-2"))
    found = exposures(mine, one, two, third, *known)
    assert {each[1].name for each in found} == {"third"}
    assert (
        exposures(
            mine,
            one,
            two,
            make_desired(connection_address("third"), {"host": "h1", "port": 1}, uses="prod-db"),
            *known,
        )
        == []
    )


def scene(fields, **more):
    """Return the inputs of a rotation whose connection was edited in the UI."""
    new = {"password": "p2"}
    before, after = (
        make_desired(B, {"host": "here"}, uses="prod-db"),
        make_desired(A, secrets=new, digest="d2"),
    )
    known = make_state_entry(before, "id-pg")
    live = make_live_object(known, fields={**known.observed, **fields}, updated_at=LATER, **more)
    mine = applied(make_desired(A, secrets=SECRET), "id-prod-db", SECRET)
    return make_inputs(after, before, known, live, *mine, fingerprints={A: make_fingerprints(new)})


def test_a_new_secret_waits_for_the_revert_of_a_connection():
    """The edit is reverted first, so nothing is exposed."""
    inputs = scene({("config", "host"): "evil"})
    changes = resolve_dependencies(find_exposures(compute_changes(inputs), inputs, RULES), inputs.entries)
    assert {change.address: change.depends_on for change in changes} == {A: (B,), B: ()}
    assert [each for change in changes for each in change.exposures] == []


def test_an_unreverted_edit_exposes_a_new_secret():
    """A proxy that was added in the UI stays, so the rotation needs an approval."""
    inputs = scene({("config", "proxy"): "evil"})
    (change,) = find_exposures(compute_changes(inputs), inputs, RULES)
    assert [(each.address, each.through, each.path[-1]) for each in change.exposures] == [(A, B, "proxy")]


def test_an_edit_of_a_plain_field_exposes_nothing():
    """Another schema was chosen in the UI."""
    inputs = scene({("config", "schema"): "other"})
    assert [
        each for change in find_exposures(compute_changes(inputs), inputs, RULES) for each in change.exposures
    ] == []


def interrupted_run():
    """Return what remains of a run that wrote a new secret but not its connection."""
    credential_, connection_ = (
        make_desired(A, secrets=SECRET),
        make_desired(B, {"host": "new", "sslMode": "require"}, uses="prod-db"),
    )
    planned = compute_changes(
        make_inputs(credential_, connection_, fingerprints={A: make_fingerprints(SECRET)})
    )
    before = applied(
        credential_, "id-prod-db", SECRET, destinations=credential_destinations(planned, is_destination)[A]
    )
    return credential_, connection_, before


def test_an_interrupted_run_resumes_without_an_approval():
    """The plan that wrote the secret showed its destinations."""
    credential_, connection_, before = interrupted_run()
    assert exposures(credential_, connection_, *before) == []
    without = (replace(before[0], destinations=()), before[1])
    assert {each[2] for each in exposures(credential_, connection_, *without)} == {"host", "sslMode"}


@pytest.mark.parametrize(
    "other",
    [
        make_desired(B, {"host": "evil", "sslMode": "require"}, uses="prod-db"),
        make_desired(B, {"host": "new", "sslMode": "disable"}, uses="prod-db"),
        make_desired(B, {"host": "new"}, uses="prod-db"),
        make_desired(B, {"host": "new", "sslMode": "require", "proxy": "evil"}, uses="prod-db"),
        make_desired(connection_address("prod-other"), {"host": "new", "sslMode": "require"}, uses="prod-db"),
        replace(make_desired(B, {"host": "new", "sslMode": "require"}, uses="prod-db"), type="mysql"),
    ],
    ids=["host", "value", "less", "more", "name", "type"],
)
def test_a_destination_that_was_not_planned_is_an_exposure(other):
    """Name, type and every destination field count."""
    credential_, _, before = interrupted_run()
    assert exposures(credential_, other, *before) != []


@pytest.mark.parametrize(("at", "news"), [("2025-12-31T00:00:00Z", []), ("2026-01-02T00:00:00Z", ["host"])])
def test_a_planned_destination_expires_with_a_later_write(at, news):
    """A connection that was written since may not return to the planned destination."""
    credential_, connection_, (known, live) = interrupted_run()
    known = replace(known, updated_at="2026-01-01T00:00:00Z")
    elsewhere = make_desired(B, {"host": "old", "sslMode": "require"}, uses="prod-db", digest="d0")
    was, there = applied(elsewhere, "id-prod-pg", updated_at=at)
    live = replace(live, updated_at=known.updated_at)
    found = exposures(credential_, connection_, known, live, was, there)
    assert [each[2] for each in found] == news


def test_a_planned_destination_belongs_to_one_secret():
    """After an outside write of the credential, its secret is unknown."""
    credential_, connection_, (known, live) = interrupted_run()
    assert exposures(credential_, connection_, known, replace(live, updated_at="2026-12-31T00:00:00Z")) != []


def test_a_reasserted_secret_is_not_new():
    """Neither --reassert nor a new secret approves another destination of a connection."""
    before = applied(make_desired(A, secrets=SECRET), "id-prod-db", SECRET)
    was = applied(make_desired(B, {"host": "old"}, uses="prod-db"), "id-prod-pg")
    after = (make_desired(A, secrets=SECRET), make_desired(B, {"host": "evil"}, uses="prod-db", digest="d2"))
    forgotten = replace(before[0], fingerprints={}, digest="")
    inputs = make_inputs(*after, forgotten, before[1], *was, fingerprints={A: make_fingerprints(SECRET)})
    state = {A: before[0], B: was[0]}
    found = [
        each.path[-1]
        for one in find_exposures(compute_changes(inputs), inputs, RULES, state)
        for each in one.exposures
    ]
    assert found == ["host"]
    new = replace(inputs, fingerprints={A: make_fingerprints({"password": "p2"})})
    assert [
        each.path[-1]
        for one in find_exposures(compute_changes(new), new, RULES, state)
        for each in one.exposures
    ] == ["host"]


@pytest.mark.parametrize("gone", [False, True], ids=["there", "removed outside"])
@pytest.mark.parametrize("now", ["p1", "p0", "p2"])
def test_a_secret_of_an_interrupted_write_is_not_new(now, gone):
    """The entry still has the fingerprints from before the write; a new secret approves nothing either."""
    known, live = applied(make_desired(A, secrets=SECRET), "id-prod-db", {"password": "p1"})
    was = applied(make_desired(B, {"host": "old"}, uses="prod-db"), "id-prod-pg")
    cut = mark_uncertain(
        replace(known, earlier=("/password:" + make_fingerprints({"password": "p0"})["password",],))
    )
    after = (
        make_desired(A, secrets={"password": now}),
        make_desired(B, {"host": "evil"}, uses="prod-db", digest="d2"),
    )
    found = exposures(*after, cut, *was, *(() if gone else (live,)), secrets={"password": now})
    assert [each[2] for each in found if each[1] == B] == ["host"]
