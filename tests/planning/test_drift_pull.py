"""Which drifted fields may be written to a manifest."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import Address
from keyturn.model.change import MISSING, FieldChange
from keyturn.planning.drift import select_pullable
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_live_object,
    make_state_entry,
)

HOST, PORT, NAME = ("config", "host"), ("config", "port"), ("config", "database")
DB, PG = (
    make_desired(credential_address("prod-db"), secrets={"password": "p"}),
    make_desired(connection_address("prod-pg"), uses="prod-db"),
)


def chosen(desired, *fields, sealed=frozenset({HOST}), agreed=(), **live):
    """Select among the drifted fields of a resource."""
    now = replace(make_live_object(make_state_entry(desired, "id")), **live)
    return select_pullable(desired, now, fields, sealed, frozenset(agreed))


def drift(path, before, now):
    """Return a field that changed only in the live object."""
    return FieldChange(path, before, now, before)


def test_a_plain_field_is_written():
    """The field does not determine a destination."""
    assert chosen(PG, drift(NAME, "app", "app2")).to_write == (drift(NAME, "app", "app2"),)


@pytest.mark.parametrize("desired", [DB, PG], ids=["credential", "connection"])
def test_a_destination_needs_an_approval_by_credential(desired):
    """After the pull, no plan would show the changed destination."""
    moved = drift(HOST, "db.example.com", "other.example.com")
    refused = chosen(desired, moved)
    assert refused.to_write == ()
    assert [each.needed_approval for each in refused.skipped] == ["prod-db"]
    assert chosen(desired, moved, agreed=["prod-db"]).to_write == (moved,)


def test_a_credential_without_secrets_needs_no_approval():
    """A role has a destination, but no secret."""
    plain = make_desired(credential_address("prod-role"))
    assert chosen(plain, drift(HOST, "a", "b")).skipped == ()


def test_another_credential_is_approved_by_its_own_name():
    """The secret of the new credential is sent to the host of the connection."""
    moved = drift(("credential",), Address("credential", "prod-db"), Address("credential", "prod-ro"))
    assert [each.needed_approval for each in chosen(PG, moved).skipped] == ["prod-ro"]
    assert chosen(PG, moved, agreed=["prod-ro"]).to_write == (moved,)


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (
            drift(("credential",), Address("credential", "prod-db"), MISSING),
            "remove `credential:` from the manifest",
        ),
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
def test_skipped_fields_have_a_reason(field, why):
    """Fields that a manifest cannot store safely are skipped."""
    refused = chosen(PG, field)
    assert refused.to_write == ()
    assert why in refused.skipped[0].reason


def test_a_masked_path_is_skipped():
    """A mask is not a value."""
    refused = chosen(PG, drift(NAME, "app", MISSING), secret_like_paths=(NAME,))
    assert "mask" in refused.skipped[0].reason


def test_a_field_removed_in_the_ui_is_removed():
    """A field that was applied and has no live value."""
    assert chosen(PG, drift(NAME, "app", MISSING)).to_write == (drift(NAME, "app", MISSING),)


def test_a_removed_destination_needs_an_approval():
    """Without its host, a connection uses a default that was not reviewed."""
    refused = chosen(PG, drift(HOST, "db.example.com", MISSING))
    assert [each.needed_approval for each in refused.skipped] == ["prod-db"]


def test_an_object_without_settings_is_skipped():
    """A response without any settings proves nothing about a single one."""
    refused = chosen(
        PG, drift(NAME, "app", MISSING), fields={("credential",): Address("credential", "prod-db")}
    )
    assert "no settings" in refused.skipped[0].reason


def test_manifest_changes_are_ignored():
    """A change of the manifest is left for the apply."""
    assert chosen(PG, FieldChange(NAME, "app", "app", "app2")) == chosen(PG)


@pytest.mark.parametrize(
    ("before", "now", "written"),
    [(5432, "5433", 5433), (True, "false", False), (5432, "x", "x"), ("5432", "5433", "5433"), (1, "²", "²")],
)
def test_the_manifest_keeps_its_types(before, now, written):
    """A deployment may return every value as text."""
    (field,) = chosen(PG, drift(PORT, before, now)).to_write
    assert field.live == written
    assert type(field.live) is type(written)
