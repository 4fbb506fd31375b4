"""What may be tested with what: only what is live as it was applied."""

from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.operations.test_connections import approved_pair
from making import connection, credential, held, shown, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
LATER = "2026-02-02T00:00:00Z"


def scene():
    """Return the entries and the live objects of a connection and its credential, untouched."""
    db = held(wanted(DB), "id-prod-db")
    pg = held(wanted(PG, uses="prod-db"), "c1")
    return {DB: db, PG: pg}, shown(pg), {"id-prod-db": shown(db)}


def refusal(live, entries, credentials):
    """Return why a pair is refused."""
    return approved_pair(live, entries, credentials).refusal


def test_what_is_as_it_was_applied_may_be_tested():
    """The test sends the live fields."""
    entries, live, credentials = scene()
    made = approved_pair(live, entries, credentials)
    assert made.refusal == ""
    assert made.fields == live.fields
    assert made.credentials == (DB,)


def test_a_link_that_is_not_shown_is_taken_from_the_state():
    """A deployment that hides the credential of a connection still has it tested with its own."""
    entries, live, credentials = scene()
    bare = {path: leaf for path, leaf in live.fields.items() if path != ("credential",)}
    observed = {path: leaf for path, leaf in entries[PG].observed.items() if path != ("credential",)}
    entries[PG] = replace(entries[PG], observed=observed)
    made = approved_pair(replace(live, fields=bare), entries, credentials)
    assert made.refusal == ""
    assert made.fields[("credential",)] == DB


def test_a_host_that_moved_is_refused():
    """The one edit that a test would make pay."""
    entries, live, credentials = scene()
    moved = replace(live, fields={**live.fields, ("config", "host"): "evil.example.com"}, updated_at=LATER)
    assert refusal(moved, entries, credentials) == "config.host is not as it was applied"


def test_a_destination_that_was_added_is_refused():
    """A proxy that git never stated leads elsewhere too."""
    entries, live, credentials = scene()
    added = replace(live, fields={**live.fields, ("config", "proxy"): "evil.example.com"}, updated_at=LATER)
    assert refusal(added, entries, credentials) == "config.proxy was added outside keyturn"


def test_a_save_that_changed_nothing_is_no_obstacle():
    """Another time alone moves no destination."""
    entries, live, credentials = scene()
    assert refusal(replace(live, updated_at=LATER), entries, credentials) == ""


def test_another_credential_is_refused():
    """Repointed in the UI."""
    entries, live, credentials = scene()
    other = replace(live, fields={**live.fields, ("credential",): "id-other"}, updated_at=LATER)
    assert "not as it was applied" in refusal(other, entries, credentials)


def test_a_credential_that_moved_is_refused():
    """Its own host counts as much as the connection's."""
    entries, live, credentials = scene()
    db = credentials["id-prod-db"]
    moved = replace(db, fields={("config", "host"): "evil.example.com"}, updated_at=LATER)
    assert refusal(live, entries, {"id-prod-db": moved}) == (
        "credential/prod-db: config.host is not as it was applied"
    )


def test_what_is_not_ours_is_refused():
    """Never applied, retired, or left open by a run that was cut off."""
    entries, live, credentials = scene()
    assert "not in the state" in refusal(live, {DB: entries[DB]}, credentials)
    assert "not in the state" in refusal(
        live, {**entries, PG: replace(entries[PG], retired_at=LATER)}, credentials
    )
    assert "left it open" in refusal(live, {**entries, PG: replace(entries[PG], digest="")}, credentials)
    assert "not in the state any more" in refusal(live, {PG: entries[PG]}, credentials)
    assert "is not live" in refusal(live, entries, {})


def test_a_credential_where_none_was_applied_is_refused():
    """A connection that had none has no business with one."""
    entries, live, credentials = scene()
    plain = held(wanted(Address("connection", "prod-pg")), "c1")
    assert "was not applied with it" in refusal(live, {**entries, PG: plain}, credentials)
