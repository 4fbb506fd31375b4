"""Exposures: a secret that stays meets a destination that is new to it."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action
from keyturn.operations.state_entries import mark_uncertain
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import credential_destinations, find_exposures
from keyturn.planning.scheduling import resolve_dependencies
from keyturn.schema.definitions import is_destination
from making import connection, credential, held, prints, shown, sides, wanted

A = credential("prod-db")
B = connection("prod-pg")
SECRET = {"password": "p1"}


def exposures(*resources, secrets=SECRET):
    """Return (credential, through, path) of every exposure in the diff of some resources."""
    inputs = sides(*resources, fingerprints={A: prints(secrets)})
    found = [
        each
        for change in find_exposures(compute_changes(inputs), inputs, is_destination)
        for each in change.exposures
    ]
    return [(each.address, each.through, each.path[-1]) for each in found]


def applied(desired, identity, secrets=None, **more):
    """Return the state entry and the live object of a resource as it was applied."""
    known = held(desired, identity, secrets, **more)
    return known, shown(known)


def test_a_new_host_with_the_old_secret_exposes():
    """The host changes and the password stays."""
    before = applied(wanted(A, {"host": "old"}, secrets=SECRET), "id-prod-db", SECRET)
    after = wanted(A, {"host": "evil"}, secrets=SECRET, digest="d2")
    assert exposures(after, *before) == [(A, A, "host")]


def test_a_new_host_with_a_new_secret_does_not():
    """The old password never goes to the new host."""
    before = applied(wanted(A, {"host": "old"}, secrets=SECRET), "id-prod-db", SECRET)
    after = wanted(A, {"host": "new"}, secrets={"password": "p2"}, digest="d2")
    assert exposures(after, *before, secrets={"password": "p2"}) == []


def test_one_secret_of_two_that_stays_is_enough():
    """Rotating one field does not excuse the other."""
    both = {"password": "p1", "ssh_private_key": "k1"}
    before = applied(wanted(A, {"host": "old"}, secrets=both), "id-prod-db", both)
    now = {"password": "p2", "ssh_private_key": "k1"}
    after = wanted(A, {"host": "new"}, secrets=now, digest="d2")
    assert exposures(after, *before, secrets=now) == [(A, A, "host")]


def test_a_plain_field_that_is_no_destination_is_no_exposure():
    """A warehouse name sends nothing anywhere."""
    before = applied(wanted(A, {"host": "h", "warehouse": "a"}, secrets=SECRET), "id-prod-db", SECRET)
    after = wanted(A, {"host": "h", "warehouse": "b"}, secrets=SECRET, digest="d2")
    assert exposures(after, *before) == []


def test_putting_a_drifted_host_back_is_no_exposure():
    """The approved destination returns; that is the point of keyturn."""
    desired = wanted(A, {"host": "good"}, secrets=SECRET)
    known = held(desired, "id-prod-db", SECRET)
    edited = shown(known, fields={("config", "host"): "evil"}, updated_at="2026-02-02T00:00:00Z")
    assert exposures(desired, known, edited) == []


@pytest.mark.parametrize(("host", "found"), [("elsewhere", [(A, B, "host")]), ("db.example.com", [])])
def test_a_new_connection_exposes_only_where_the_secret_never_went(host, found):
    """A credential that exists is pointed at a host by a new connection."""
    mine = wanted(A, secrets=SECRET)
    assert (
        exposures(mine, *applied(mine, "id-prod-db", SECRET), wanted(B, {"host": host}, uses="prod-db"))
        == found
    )


def test_a_connection_to_a_credential_that_is_new_too_exposes_nothing():
    """Secret and destination come in one change: that pair is what was reviewed."""
    assert exposures(wanted(A, secrets=SECRET), wanted(B, {"host": "any"}, uses="prod-db")) == []


def test_a_connection_that_moves_exposes_the_credential_behind_it():
    """The connection's host changes; the credential's manifest does not."""
    mine = wanted(A, secrets=SECRET)
    before = wanted(B, {"host": "old"}, uses="prod-db")
    moved = wanted(B, {"host": "evil"}, uses="prod-db", digest="d2")
    assert exposures(mine, *applied(mine, "id-prod-db", SECRET), *applied(before, "id-pg"), moved) == [
        (A, B, "host")
    ]


def test_a_connection_that_takes_another_credential_exposes_that_one():
    """The reference moves to a credential that never went to this host."""
    mine = wanted(A, {"host": "elsewhere"}, secrets=SECRET)
    before = wanted(B, {"host": "here"})
    attached = wanted(B, {"host": "here"}, uses="prod-db", digest="d2")
    assert exposures(mine, *applied(mine, "id-prod-db", SECRET), *applied(before, "id-pg"), attached) == [
        (A, B, "host")
    ]


def test_a_kept_secret_is_a_secret_that_stays():
    """A placeholder that keeps the live value does not hide a move."""
    before = applied(wanted(A, {"host": "old"}), "id-prod-db")
    after = wanted(A, {"host": "new"}, kept_secrets=(("password",),), digest="d2")
    assert exposures(after, *before) == [(A, A, "host")]


def test_a_retirement_exposes_nothing():
    """What goes is sent nowhere."""
    known, live = applied(wanted(A, secrets=SECRET), "id-prod-db", SECRET)
    inputs = sides(known, live)
    (change,) = find_exposures(compute_changes(inputs), inputs, is_destination)
    assert (change.action, change.exposures) == (Action.RETIRE, ())


LATER = "2026-02-02T00:00:00Z"


def test_a_destination_that_is_dropped_is_one_that_moved():
    """Without its tunnel the password goes another way."""
    before = applied(wanted(A, {"host": "h", "ssh_host": "t"}, secrets=SECRET), "id-prod-db", SECRET)
    after = wanted(A, {"host": "h"}, secrets=SECRET, digest="d2")
    assert exposures(after, *before) == [(A, A, "ssh_host")]


def test_a_secret_that_is_dropped_may_still_be_there():
    """A service that merges keeps it, and sends it to the new host."""
    before = applied(
        wanted(A, {"host": "old"}, secrets={**SECRET, "private_key": "k"}),
        "id-prod-db",
        {**SECRET, "private_key": "k"},
    )
    after = wanted(A, {"host": "new"}, secrets={"password": "p2"}, digest="d2")
    assert exposures(after, *before, secrets={"password": "p2"}) == [(A, A, "host")]


def test_an_earlier_secret_is_no_new_one():
    """It was made for another host."""
    known, live = applied(
        wanted(A, {"host": "old"}, secrets=SECRET),
        "id-prod-db",
        {"password": "p2"},
        earlier=("/password:1p",),
    )
    assert exposures(wanted(A, {"host": "new"}, secrets=SECRET, digest="d2"), known, live) == [(A, A, "host")]


@pytest.mark.parametrize(("host", "found"), [("old", []), ("evil", [(A, A, "host")])])
def test_what_is_made_again_with_the_same_secret(host, found):
    """Removed outside keyturn: the manifest brings back the old secret, so its host counts."""
    known, _ = applied(wanted(A, {"host": "old"}, secrets=SECRET), "id-prod-db", SECRET)
    assert exposures(wanted(A, {"host": host}, secrets=SECRET, digest="d2"), known) == found


def test_places_are_compared_as_a_whole():
    """Host of one and port of another: nobody approved that."""
    mine = wanted(A, {"host": "elsewhere"}, secrets=SECRET)
    one = wanted(B, {"host": "h1", "port": 1}, uses="prod-db")
    two = wanted(connection("other"), {"host": "h2", "port": 2}, uses="prod-db")
    third = wanted(connection("third"), {"host": "h1", "port": 2}, uses="prod-db")
    known = (*applied(mine, "id-prod-db", SECRET), *applied(one, "id-1"), *applied(two, "id-2"))
    found = exposures(mine, one, two, third, *known)
    assert {each[1].name for each in found} == {"third"}
    assert (
        exposures(
            mine, one, two, wanted(connection("third"), {"host": "h1", "port": 1}, uses="prod-db"), *known
        )
        == []
    )


def scene(fields, **more):
    """Return a rotation of a credential whose connection somebody edited in the UI."""
    new = {"password": "p2"}
    before, after = wanted(B, {"host": "here"}, uses="prod-db"), wanted(A, secrets=new, digest="d2")
    known = held(before, "id-pg")
    live = shown(known, fields={**known.observed, **fields}, updated_at=LATER, **more)
    mine = applied(wanted(A, secrets=SECRET), "id-prod-db", SECRET)
    return sides(after, before, known, live, *mine, fingerprints={A: prints(new)})


def test_a_new_secret_waits_for_a_connection_to_be_put_back():
    """What was edited is undone first, and nothing is exposed."""
    inputs = scene({("config", "host"): "evil"})
    changes = resolve_dependencies(
        find_exposures(compute_changes(inputs), inputs, is_destination), inputs.entries
    )
    assert {change.address: change.depends_on for change in changes} == {A: (B,), B: ()}
    assert [each for change in changes for each in change.exposures] == []


def test_a_new_secret_does_not_go_to_what_nobody_puts_back():
    """A proxy that somebody added stays where it is: the rotation needs consent."""
    inputs = scene({("config", "proxy"): "evil"})
    (change,) = find_exposures(compute_changes(inputs), inputs, is_destination)
    assert [(each.address, each.through, each.path[-1]) for each in change.exposures] == [(A, B, "proxy")]


def test_a_field_that_leads_nowhere_is_no_obstacle():
    """Somebody chose another schema in the UI."""
    inputs = scene({("config", "schema"): "other"})
    assert [
        each
        for change in find_exposures(compute_changes(inputs), inputs, is_destination)
        for each in change.exposures
    ] == []


def half_way():
    """Return what a run left that wrote a new secret and did not come to the connection that uses it."""
    credential_, connection_ = (
        wanted(A, secrets=SECRET),
        wanted(B, {"host": "new", "sslMode": "require"}, uses="prod-db"),
    )
    planned = compute_changes(sides(credential_, connection_, fingerprints={A: prints(SECRET)}))
    before = applied(
        credential_, "id-prod-db", SECRET, destinations=credential_destinations(planned, is_destination)[A]
    )
    return credential_, connection_, before


def test_a_run_that_ended_half_way_is_taken_up_without_a_word():
    """The plan that wrote the secret showed where it was to go."""
    credential_, connection_, before = half_way()
    assert exposures(credential_, connection_, *before) == []
    without = (replace(before[0], destinations=()), before[1])
    assert {each[2] for each in exposures(credential_, connection_, *without)} == {"host", "sslMode"}


@pytest.mark.parametrize(
    "other",
    [
        wanted(B, {"host": "evil", "sslMode": "require"}, uses="prod-db"),
        wanted(B, {"host": "new", "sslMode": "disable"}, uses="prod-db"),
        wanted(B, {"host": "new"}, uses="prod-db"),
        wanted(B, {"host": "new", "sslMode": "require", "proxy": "evil"}, uses="prod-db"),
        wanted(connection("prod-other"), {"host": "new", "sslMode": "require"}, uses="prod-db"),
        replace(wanted(B, {"host": "new", "sslMode": "require"}, uses="prod-db"), type="mysql"),
    ],
    ids=["host", "value", "less", "more", "name", "type"],
)
def test_another_place_than_was_shown_is_news(other):
    """Each of name, type and what says where counts."""
    credential_, _, before = half_way()
    assert exposures(credential_, other, *before) != []


@pytest.mark.parametrize(("at", "news"), [("2025-12-31T00:00:00Z", []), ("2026-01-02T00:00:00Z", ["host"])])
def test_what_was_shown_is_done_with_once_the_connection_was_written(at, news):
    """A connection that a run did not come to may follow; one that went elsewhere since may not go back."""
    credential_, connection_, (known, live) = half_way()
    known = replace(known, updated_at="2026-01-01T00:00:00Z")
    elsewhere = wanted(B, {"host": "old", "sslMode": "require"}, uses="prod-db", digest="d0")
    was, there = applied(elsewhere, "id-prod-pg", updated_at=at)
    live = replace(live, updated_at=known.updated_at)
    found = exposures(credential_, connection_, known, live, was, there)
    assert [each[2] for each in found] == news


def test_what_was_shown_for_one_secret_is_not_shown_for_another():
    """Somebody wrote the credential since: which secret it holds is not known."""
    credential_, connection_, (known, live) = half_way()
    assert exposures(credential_, connection_, known, replace(live, updated_at="2026-12-31T00:00:00Z")) != []


def test_a_secret_that_is_written_again_is_no_new_one():
    """Whoever asks for it with --reassert has not said that it may go elsewhere."""
    before = applied(wanted(A, secrets=SECRET), "id-prod-db", SECRET)
    was = applied(wanted(B, {"host": "old"}, uses="prod-db"), "id-prod-pg")
    after = (wanted(A, secrets=SECRET), wanted(B, {"host": "evil"}, uses="prod-db", digest="d2"))
    forgotten = replace(before[0], fingerprints={}, digest="")
    inputs = sides(*after, forgotten, before[1], *was, fingerprints={A: prints(SECRET)})
    state = {A: before[0], B: was[0]}
    found = [
        each.path[-1]
        for one in find_exposures(compute_changes(inputs), inputs, is_destination, state)
        for each in one.exposures
    ]
    assert found == ["host"]
    new = replace(inputs, fingerprints={A: prints({"password": "p2"})})
    assert [
        each
        for one in find_exposures(compute_changes(new), new, is_destination, state)
        for each in one.exposures
    ] == []


@pytest.mark.parametrize("gone", [False, True], ids=["there", "removed outside"])
@pytest.mark.parametrize("now", ["p1", "p0", "p2"])
def test_after_a_write_that_was_cut_off_the_same_secret_is_no_new_one(now, gone):
    """The state is not sure of it, and knows it still: the value before the write, and those before that."""
    known, live = applied(wanted(A, secrets=SECRET), "id-prod-db", {"password": "p1"})
    was = applied(wanted(B, {"host": "old"}, uses="prod-db"), "id-prod-pg")
    cut = mark_uncertain(replace(known, earlier=("/password:" + prints({"password": "p0"})["password",],)))
    after = (wanted(A, secrets={"password": now}), wanted(B, {"host": "evil"}, uses="prod-db", digest="d2"))
    found = exposures(*after, cut, *was, *(() if gone else (live,)), secrets={"password": now})
    assert [each[2] for each in found if each[1] == B] == (["host"] if now != "p2" else [])
