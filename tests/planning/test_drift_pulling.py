"""Which drift may go back into git."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, FieldChange
from keyturn.planning.drift import select_pullable
from making import connection, credential, held, shown, wanted

HOST, PORT, NAME = ("config", "host"), ("config", "port"), ("config", "database")
DB, PG = (
    wanted(credential("prod-db"), secrets={"password": "p"}),
    wanted(connection("prod-pg"), uses="prod-db"),
)


def chosen(desired, *fields, sealed=frozenset({HOST}), agreed=(), **live):
    """Sort some drift of a resource."""
    now = replace(shown(held(desired, "id")), **live)
    return select_pullable(desired, now, fields, sealed, frozenset(agreed))


def drift(path, before, now):
    """Return a field that moved live alone."""
    return FieldChange(path, before, now, before)


def test_a_plain_field_is_taken():
    """It tells no secret where to go."""
    assert chosen(PG, drift(NAME, "app", "app2")).to_write == (drift(NAME, "app", "app2"),)


@pytest.mark.parametrize("desired", [DB, PG], ids=["credential", "connection"])
def test_a_destination_asks_for_consent_by_the_name_of_the_credential(desired):
    """Once it is in git, nothing would show any more that it moved."""
    moved = drift(HOST, "db.example.com", "other.example.com")
    refused = chosen(desired, moved)
    assert refused.to_write == ()
    assert [each.needed_approval for each in refused.skipped] == ["prod-db"]
    assert chosen(desired, moved, agreed=["prod-db"]).to_write == (moved,)


def test_a_credential_without_secrets_has_nothing_to_expose():
    """A role has a destination and nothing to send there."""
    plain = wanted(credential("prod-role"))
    assert chosen(plain, drift(HOST, "a", "b")).skipped == ()


def test_another_credential_is_agreed_to_by_its_own_name():
    """It is the new one's secret that goes to this connection's host."""
    moved = drift(("credential",), Address("credential", "prod-db"), Address("credential", "prod-ro"))
    assert [each.needed_approval for each in chosen(PG, moved).skipped] == ["prod-ro"]
    assert chosen(PG, moved, agreed=["prod-ro"]).to_write == (moved,)


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (drift(("credential",), Address("credential", "prod-db"), MISSING), "remove `credential:` from the manifest"),
        (drift(("config", "api_key"), "none", MISSING), "named like a secret"),
        (FieldChange(NAME, "app", MISSING, "app3"), "the manifest changed too"),
        (drift(NAME, "app", "********"), "looks like a secret"),
        (drift(("config", "api_key"), "none", "abc"), "looks like a secret"),
        (drift(NAME, "app", "postgres://u:word@h/app"), "looks like a secret"),
        (drift(NAME, {}, {"a": []}), "manually"),
        (FieldChange(NAME, "app", "app2", "app3"), "the manifest changed too"),
        (drift(("credential",), Address("credential", "prod-db"), "cred_other"), "not in git"),
    ],
)
def test_what_is_left_says_why(field, why):
    """Nothing is written that git could not answer for."""
    refused = chosen(PG, field)
    assert refused.to_write == ()
    assert why in refused.skipped[0].reason


def test_a_path_that_the_service_hides_is_left():
    """A mask is no value."""
    refused = chosen(PG, drift(NAME, "app", MISSING), secret_like_paths=(NAME,))
    assert "mask" in refused.skipped[0].reason


def test_a_field_that_is_gone_live_goes():
    """It was written before, and somebody took it out in the UI."""
    assert chosen(PG, drift(NAME, "app", MISSING)).to_write == (drift(NAME, "app", MISSING),)


def test_a_destination_that_is_gone_asks_for_consent_too():
    """Without its host, a connection falls back to one that nobody reviewed."""
    refused = chosen(PG, drift(HOST, "db.example.com", MISSING))
    assert [each.needed_approval for each in refused.skipped] == ["prod-db"]


def test_an_object_without_any_settings_is_not_believed():
    """An answer that leaves them all out says nothing of any one of them."""
    refused = chosen(
        PG, drift(NAME, "app", MISSING), fields={("credential",): Address("credential", "prod-db")}
    )
    assert "no settings" in refused.skipped[0].reason


def test_what_did_not_drift_is_no_business_of_a_pull():
    """A change of git's own stays for the apply."""
    assert chosen(PG, FieldChange(NAME, "app", "app", "app2")) == chosen(PG)


@pytest.mark.parametrize(
    ("before", "now", "written"),
    [(5432, "5433", 5433), (True, "false", False), (5432, "x", "x"), ("5432", "5433", "5433"), (1, "²", "²")],
)
def test_git_keeps_the_type_that_it_was_written_in(before, now, written):
    """A deployment may answer everything as text."""
    (field,) = chosen(PG, drift(PORT, before, now)).to_write
    assert field.live == written
    assert type(field.live) is type(written)
