"""The pairs of connections and credentials that may be tested: those that are as they were applied."""

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.operations.test_connections import approved_pair
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
LATER = "2026-02-02T00:00:00Z"


def scene():
    """Return the entries and the live objects of a connection and its credential, without drift."""
    db = make_state_entry(make_desired(DB), "id-prod-db")
    pg = make_state_entry(make_desired(PG, uses="prod-db"), "c1")
    return {DB: db, PG: pg}, make_live_object(pg), {"id-prod-db": make_live_object(db)}


def refusal(live, entries, credentials):
    """Return why a pair is refused."""
    return approved_pair(live, entries, credentials).refusal


def test_a_pair_without_drift_may_be_tested():
    """The test uses the live fields."""
    entries, live, credentials = scene()
    made = approved_pair(live, entries, credentials)
    assert made.refusal == ""
    assert made.fields == live.fields
    assert made.credentials == (DB,)


def test_a_hidden_credential_is_taken_from_the_state():
    """The API of some deployments does not return the credential of a connection."""
    entries, live, credentials = scene()
    bare = {path: leaf for path, leaf in live.fields.items() if path != ("credential",)}
    observed = {path: leaf for path, leaf in entries[PG].observed.items() if path != ("credential",)}
    entries[PG] = replace(entries[PG], observed=observed)
    made = approved_pair(replace(live, fields=bare), entries, credentials)
    assert made.refusal == ""
    assert made.fields[("credential",)] == DB


def test_a_changed_host_is_refused():
    """A test would send the secret to the new host."""
    entries, live, credentials = scene()
    moved = replace(live, fields={**live.fields, ("config", "host"): "evil.example.com"}, updated_at=LATER)
    assert refusal(moved, entries, credentials) == "config.host differs from the applied value"


def test_an_added_destination_is_refused():
    """A proxy that is not in the manifest is a destination, too."""
    entries, live, credentials = scene()
    added = replace(live, fields={**live.fields, ("config", "proxy"): "evil.example.com"}, updated_at=LATER)
    assert refusal(added, entries, credentials) == "config.proxy was added outside keyturn"


def test_a_new_update_time_is_no_drift():
    """The fields did not change."""
    entries, live, credentials = scene()
    assert refusal(replace(live, updated_at=LATER), entries, credentials) == ""


def test_a_different_credential_is_refused():
    """It was changed in the UI."""
    entries, live, credentials = scene()
    other = replace(live, fields={**live.fields, ("credential",): "id-other"}, updated_at=LATER)
    assert "differs from the applied value" in refusal(other, entries, credentials)


def test_a_changed_credential_is_refused():
    """The host of the credential is a destination, too."""
    entries, live, credentials = scene()
    db = credentials["id-prod-db"]
    moved = replace(db, fields={("config", "host"): "evil.example.com"}, updated_at=LATER)
    assert refusal(live, entries, {"id-prod-db": moved}) == (
        "credential/prod-db: config.host differs from the applied value"
    )


def test_an_unmanaged_connection_is_refused():
    """Never applied, retired, or uncertain after an interrupted run."""
    entries, live, credentials = scene()
    assert "not in the state" in refusal(live, {DB: entries[DB]}, credentials)
    assert "not in the state" in refusal(
        live, {**entries, PG: replace(entries[PG], retired_at=LATER)}, credentials
    )
    assert "an interrupted run" in refusal(
        live, {**entries, PG: replace(entries[PG], digest="")}, credentials
    )
    assert "no longer in the state" in refusal(live, {PG: entries[PG]}, credentials)
    assert "has no live object" in refusal(live, entries, {})


def test_an_added_credential_is_refused():
    """The connection was applied without a credential."""
    entries, live, credentials = scene()
    plain = make_state_entry(make_desired(Address("connection", "prod-pg")), "c1")
    assert "was not applied with" in refusal(live, {**entries, PG: plain}, credentials)
