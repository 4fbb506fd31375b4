"""State entries."""

from msgspec.structs import replace

from keyturn.operations.state_entries import MAX_EARLIER_FINGERPRINTS, WriteMetadata, build_entry
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_fingerprints,
    make_live_object,
    make_state_entry,
)

DB = credential_address("prod-db")
DESIRED = make_desired(DB, {"host": "h", "port": 1}, digest="d2", protect=True)
LIVE = make_live_object(make_state_entry(DESIRED, "id1"), updated_at="2026-02-02T00:00:00Z")
NOW = WriteMetadata(written_at="2026-02-02T00:00:00Z", commit="c0ffee")


def test_a_new_entry():
    """Applied and observed fields, time and commit."""
    made = build_entry(DESIRED, LIVE, None, make_fingerprints({"password": "x"}), NOW)
    assert (made.id, made.digest, made.commit, made.protect) == ("id1", "d2", "c0ffee", True)
    assert made.applied == DESIRED.fields
    assert made.observed == LIVE.fields
    assert made.updated_at == LIVE.updated_at
    assert made.rotated_at == NOW.written_at
    assert made.earlier == ()


def test_observed_fields_include_initial_destinations():
    """Unmanaged fields are left out, except destinations that existed when the object was created."""
    filled = {("config", "host"): "H", ("config", "sslMode"): "require", ("config", "database"): "x"}
    desired = make_desired(connection_address("prod-pg"))
    live = make_live_object(make_state_entry(desired, "id1"), fields=filled)
    made = build_entry(desired, live, None, {}, NOW)
    assert made.observed == {("config", "host"): "H", ("config", "sslMode"): "require"}
    later = replace(live, fields={**filled, ("config", "proxy"): "evil"})
    assert build_entry(desired, later, made, {}, NOW).observed == made.observed


def test_rotated_at_changes_only_with_the_secret():
    """A change of another field is not a rotation."""
    known = make_state_entry(DESIRED, "id1", {"password": "x"}, rotated_at="2025-01-01T00:00:00Z")
    assert (
        build_entry(DESIRED, LIVE, known, make_fingerprints({"password": "x"}), NOW).rotated_at
        == known.rotated_at
    )
    assert (
        build_entry(DESIRED, LIVE, known, make_fingerprints({"password": "y"}), NOW).rotated_at
        == NOW.written_at
    )


def test_destinations_belong_to_fully_rotated_secrets():
    """If only some secrets are new, the entry has none."""
    secrets = {"password": "x", "ssh_private_key": "k"}
    desired = make_desired(DB, secrets=secrets)
    there = replace(NOW, destinations=("k1-there",))
    made = build_entry(desired, LIVE, None, make_fingerprints(secrets), there)
    assert made.destinations == ("k1-there",)
    later = replace(NOW, destinations=("k1-elsewhere",))
    assert build_entry(desired, LIVE, made, make_fingerprints(secrets), later).destinations == ()
    both = {"password": "y", "ssh_private_key": "l"}
    assert build_entry(desired, LIVE, made, make_fingerprints(both), later).destinations == ("k1-elsewhere",)
    assert (
        build_entry(desired, LIVE, made, make_fingerprints(both | {"password": "x"}), later).destinations
        == ()
    )
    kept = replace(desired, kept_secrets=frozenset({("passphrase",)}))
    assert build_entry(kept, LIVE, None, make_fingerprints(secrets), there).destinations == ()


def test_earlier_fingerprints_are_kept():
    """Without the current one, at most twenty."""
    known = make_state_entry(DESIRED, "id1", {"password": "x"}, earlier=("/password:z",))
    made = build_entry(DESIRED, LIVE, known, make_fingerprints({"password": "y"}), NOW)
    assert made.earlier == ("/password:z", "/password:x")
    back = build_entry(DESIRED, LIVE, made, make_fingerprints({"password": "x"}), NOW)
    assert "/password:x" not in back.earlier
    many = make_state_entry(
        DESIRED, "id1", {"password": "x"}, earlier=tuple(f"/password:{n}" for n in range(30))
    )
    kept = build_entry(DESIRED, LIVE, many, make_fingerprints({"password": "y"}), NOW).earlier
    assert len(kept) == MAX_EARLIER_FINGERPRINTS
    assert kept[-1] == "/password:x"
