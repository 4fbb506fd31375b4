"""Approval by seals: a pair is sealed, led by the credential itself, or does not move."""

from itertools import product

import pytest

from keyturn.model.change import MISSING, Action
from keyturn.planning.destination_record import DestinationRules
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.planning.sealed_destinations import SealApproval, list_credential_ids
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

A, OTHER = credential_address("prod-db"), credential_address("prod-other")
B = connection_address("prod-pg")
OLD, NEW = {"password": "p1"}, {"password": "p2"}
RULES = DestinationRules(is_destination=is_destination, is_named=is_named_field)
HOME, EVIL = "db.example.com", "evil.example.net"


def applied(desired, identity, secrets=None):
    """Return the state entry and the live object of an applied resource."""
    entry = make_state_entry(desired, identity, secrets)
    return entry, make_live_object(entry)


def read_inputs(resources, secrets=OLD):
    """Return the inputs of a plan, with decrypted secrets."""
    fingerprints = {A: make_fingerprints(secrets), OTHER: make_fingerprints(OLD)}
    return make_inputs(*resources, fingerprints=fingerprints)


def judge(resources, secrets=OLD, sealed=()):
    """Return the exposures by (credential, through, field, before, after)."""
    inputs = read_inputs(resources, secrets)
    changes = find_exposures(compute_changes(inputs), inputs, RULES)
    approval = SealApproval(
        inputs=inputs,
        is_destination=is_destination,
        sealed=frozenset(sealed),
        credential_ids=list_credential_ids(inputs),
    )
    return [
        (each.address, each.through, each.path[-1], each.before, each.after)
        for change in approval.judge_changes(changes)
        for each in change.exposures
    ]


@pytest.mark.parametrize(
    ("before", "host", "credential", "is_sealed"),
    list(
        product(
            ["absent", "same", "moved", "unrelated"], [HOME, EVIL], ["new", "kept", "rotated"], [True, False]
        )
    ),
)
def test_each_pair_is_judged(before, host, credential, is_sealed):
    """The oracle: an exposure, unless it is sealed, led by the credential itself, or unmoved."""
    mine = make_desired(A, {"host": HOME}, secrets=NEW if credential == "rotated" else OLD)
    user = make_desired(B, {"host": host}, uses="prod-db", digest="d2")
    resources = [mine, user]
    if credential != "new":
        resources += applied(make_desired(A, {"host": HOME}, secrets=OLD), "id-prod-db", OLD)
    known = {
        "same": make_desired(B, {"host": host}, uses="prod-db"),
        "moved": make_desired(B, {"host": "third.example.com"}, uses="prod-db"),
        "unrelated": make_desired(B, {"host": host}),
    }.get(before)
    if known:
        resources += applied(known, "id-prod-pg")
    found = judge(resources, NEW if credential == "rotated" else OLD, [B] if is_sealed else [])
    is_led = host == HOME and before in ("absent", "unrelated")  # by the credential itself
    expected = not (is_sealed or is_led or before == "same")
    assert bool(found) is expected
    assert {(each[0], each[1]) for each in found} <= {(A, B)}


def test_a_field_that_the_credential_does_not_state_needs_a_seal():
    """A second host, a proxy or another port is another destination; an encrypted TLS mode is none."""
    mine = make_desired(A, {"host": HOME, "port": 5432}, secrets=OLD)
    for config, expected in (
        ({"host": HOME}, []),
        ({"host": HOME, "port": 5432, "sslMode": "verify-full"}, []),
        ({"host": HOME, "port": 5433}, ["host", "port"]),
        ({"host": HOME, "proxy": EVIL}, ["host", "proxy"]),
        ({"host": HOME, "sslMode": "disable"}, ["host", "sslMode"]),
        ({"sslMode": "verify-full"}, ["sslMode"]),
    ):
        found = judge([mine, make_desired(B, config, uses="prod-db")])
        assert [each[2] for each in found] == expected, config


def test_a_connection_that_moves_shows_what_moves():
    """Not the fields that stay."""
    before = make_desired(B, {"host": "here", "port": 1}, uses="prod-db")
    after = make_desired(B, {"host": "there", "port": 1}, uses="prod-db", digest="d2")
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    found = judge([mine, *applied(mine, "id-prod-db", OLD), after, *applied(before, "id-prod-pg")])
    assert found == [(A, B, "host", "here", "there")]


def test_a_removed_destination_counts_as_moved():
    """What the service falls back to is unknown."""
    before = make_desired(B, {"host": HOME, "proxy": "p.example.com"}, uses="prod-db")
    after = make_desired(B, {"host": "there"}, uses="prod-db", digest="d2")
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    found = judge([mine, *applied(mine, "id-prod-db", OLD), after, *applied(before, "id-prod-pg")])
    assert [each[2:] for each in found] == [("host", HOME, "there"), ("proxy", "p.example.com", MISSING)]


def test_another_credential_needs_a_seal_of_its_own():
    """A pair is approved for one credential only."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    other = make_desired(OTHER, {"host": "elsewhere"}, secrets=OLD)
    before = make_desired(B, {"host": EVIL}, uses="prod-other")
    after = make_desired(B, {"host": EVIL}, uses="prod-db", digest="d2")
    resources = [
        mine, other, *applied(mine, "id-prod-db", OLD), *applied(other, "id-prod-other", OLD),
        after, *applied(before, "id-prod-pg"),
    ]  # fmt: skip
    assert [each[:2] for each in judge(resources)] == [(A, B)]
    assert judge(resources, sealed=[B]) == []


def test_a_moved_credential_is_approved_by_its_verified_seal():
    """Its secrets were decrypted, which verifies the seal over the new host; a kept secret has no seal."""
    before = make_desired(A, {"host": HOME}, secrets=OLD)
    known = applied(before, "id-prod-db", OLD)
    moved = make_desired(A, {"host": EVIL}, secrets=OLD, digest="d2")
    assert judge([moved, *known]) == []
    unopened = make_desired(A, {"host": EVIL}, secrets=OLD, digest="d2", opened=False)
    assert [each[:3] for each in judge([unopened, *known])] == [(A, A, "host")]
    kept = make_desired(A, {"host": EVIL}, kept_secrets=(("password",),), digest="d2")
    assert [each[:3] for each in judge([kept, *known])] == [(A, A, "host")]


def test_a_live_move_is_not_approved_by_the_seal_of_the_manifest():
    """Somebody repointed the connection in the UI: the rotated secret would go there."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    user = make_desired(B, {"host": HOME}, uses="prod-db")
    entry = make_state_entry(user, "id-prod-pg")
    live = make_live_object(entry, fields={**entry.observed, ("config", "host"): EVIL})
    rotated = make_desired(A, {"host": HOME}, secrets=NEW, digest="d2")
    resources = [rotated, *applied(mine, "id-prod-db", OLD), entry, live]
    assert [each[:3] for each in judge(resources, NEW, sealed=[B])] == [(A, B, "host")]


def test_a_credential_without_a_secret_needs_no_seal():
    """A role has nothing to send; a secret that the state knows, or that is kept, has."""
    role = make_desired(A, {"host": HOME})
    user = make_desired(B, {"host": EVIL}, uses="prod-db")
    assert judge([role, user]) == []
    kept = make_desired(A, {"host": HOME}, kept_secrets=(("password",),))
    assert [each[:2] for each in judge([kept, user])] == [(A, B)]
    known = make_desired(A, {"host": HOME}, secrets=OLD)
    assert [each[:2] for each in judge([role, *applied(known, "id-prod-db", OLD), user])] == [(A, B)]


def test_a_retired_connection_is_not_judged():
    """Nothing is sent there."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    user = make_desired(B, {"host": EVIL}, uses="prod-db")
    resources = [mine, *applied(mine, "id-prod-db", OLD), *applied(user, "id-prod-pg")]
    inputs = read_inputs(resources)
    assert {change.action for change in compute_changes(inputs)} == {Action.RETIRE}
    assert judge(resources) == []


STATED = {"host": HOME, "port": 5432, "database": "app"}


@pytest.mark.parametrize(
    "text",
    [
        "app host=evil.example.net sslmode=disable", "postgresql://evil.example.net/app", "app?host=evil",
        "@evil.example.net/app", "x -c host=evil", "a;host=b", "{host: b}", "a'b", "a%40b", "a\\b", "a&b",
    ],
)  # fmt: skip
def test_a_text_that_a_driver_may_read_as_a_connection_string_is_a_destination(text):
    """In a field that is none by itself: alone, in a list and in a mapping."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    known = make_desired(B, STATED, uses="prod-db")
    resources = [mine, *applied(mine, "id-prod-db", OLD), *applied(known, "id-prod-pg")]
    for value in (text, [text], [{"x": [text]}], [{text: 1}]):
        moved = make_desired(B, {**STATED, "database": value}, uses="prod-db", digest="d2")
        assert [each[2] for each in judge([*resources, moved])] == ["database"], value


@pytest.mark.parametrize("text", ["app", "Größe 2", "a.b-c_d$e", "My DB", "#1"])
def test_a_plain_text_is_no_destination(text):
    """Names of databases, schemas, tables and folders."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    known = make_desired(B, STATED, uses="prod-db")
    other = make_desired(B, {**STATED, "database": text}, uses="prod-db", digest="d2")
    assert judge([mine, *applied(mine, "id-prod-db", OLD), *applied(known, "id-prod-pg"), other]) == []


def test_a_dropped_reference_is_still_one():
    """The service keeps what an update does not send: the secret would follow the new host."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    known = make_desired(B, STATED, uses="prod-db")
    resources = [mine, *applied(mine, "id-prod-db", OLD), *applied(known, "id-prod-pg")]
    moved = make_desired(B, {**STATED, "host": EVIL}, digest="d2")
    for sealed in ([], [B]):
        assert [each[:3] for each in judge([*resources, moved], sealed=sealed)] == [(A, B, "host")]
    assert judge([*resources, make_desired(B, STATED, digest="d2")]) == []


@pytest.mark.parametrize("text", ["cred_01ABCDEF", "x cred_01ABCDEF", "a/cred_01ABCDEF?b", "{cred_01ABCDEF}"])
def test_an_id_in_a_text_is_a_reference(text):
    """As the service or a driver may resolve it; a seal covers references only."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    resources = [mine, *applied(mine, "cred_01ABCDEF", OLD)]
    for value in (text, [text], [{"id": text}]):
        user = make_desired(B, {"host": EVIL, "note": value})
        for sealed in ([], [B]):
            found = judge([*resources, user], sealed=sealed)
            assert {each[:2] for each in found} == {(A, B)}
    assert judge([*resources, make_desired(B, {"host": EVIL, "note": "cred_01ABCDEG"})]) == []


def test_a_connector_without_settings_leads_to_its_vendor():
    """The type itself is the destination: a new pair, and a changed type."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    resources = [mine, *applied(mine, "id-prod-db", OLD)]
    user = make_desired(B, {"note": "x"}, uses="prod-db", type="mailchimp")
    assert judge([*resources, user])
    known = make_desired(B, STATED, uses="prod-db")
    other = make_desired(B, STATED, uses="prod-db", type="mysql", digest="d2")
    assert judge([*resources, *applied(known, "id-prod-pg"), other])


@pytest.mark.parametrize(
    "config",
    [
        {**STATED, "sslMode": "require"}, STATED, {**STATED, "port": 5433, "sslMode": "verify-full"},
        {"host": HOME, "sslMode": "verify-full"}, {**STATED, "host": HOME.upper(), "sslMode": "verify-full"},
        {**STATED, "host": HOME + ".", "sslMode": "verify-full"},
    ],
)  # fmt: skip
def test_a_weaker_or_odd_destination_of_a_known_pair_needs_a_seal(config):
    """What the credential states is no excuse for a connection that moves."""
    mine = make_desired(A, {"host": HOME, "port": 5432}, secrets=OLD)
    known = make_desired(B, {**STATED, "sslMode": "verify-full"}, uses="prod-db")
    resources = [mine, *applied(mine, "id-prod-db", OLD), *applied(known, "id-prod-pg")]
    assert judge([*resources, make_desired(B, config, uses="prod-db", digest="d2")])


def test_a_seal_does_not_cover_what_only_the_service_holds():
    """Somebody added a proxy in the UI; the sealed manifest changes another field and does not state it."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    entry = make_state_entry(make_desired(B, {"host": HOME}, uses="prod-db"), "id-prod-pg")
    live = make_live_object(entry, fields={**entry.observed, ("config", "proxy"): EVIL})
    after = make_desired(B, {"host": HOME, "port": 1}, uses="prod-db", digest="d2")
    resources = [mine, *applied(mine, "id-prod-db", OLD), entry, live, after]
    assert [each[:3] for each in judge(resources, sealed=[B])] == [(A, B, "proxy")]


def test_a_seal_does_not_cover_a_credential_that_the_manifest_drops():
    """The service may leave it attached while the host moves."""
    mine = make_desired(A, {"host": HOME}, secrets=OLD)
    before = make_desired(B, {"host": HOME}, uses="prod-db")
    after = make_desired(B, {"host": EVIL}, digest="d2")
    resources = [mine, *applied(mine, "id-prod-db", OLD), *applied(before, "id-prod-pg"), after]
    assert [each[:3] for each in judge(resources, sealed=[B])] == [(A, B, "host")]
