"""Manifests drafted from live objects fit their schema, or there is none."""

import pytest

from keyturn.manifests.draft import draft_manifest
from keyturn.model.address import Address
from keyturn.model.fields import flatten_tree
from keyturn.model.resource import LiveObject
from keyturn.schema.validate import validate_manifest
from keyturn.yamldoc.reader import parse_document


def live(kind, type_, config, suspicious=()):
    """Return a live object with a config."""
    return LiveObject(
        address=Address(kind, "prod-x"),
        id="1",
        type=type_,
        fields=flatten_tree({"config": config}),
        created_at="",
        updated_at="",
        secret_like_paths=suspicious,
    )


def drafted(kind, type_, config, **more):
    """Return the draft of a live object."""
    tree = {"kind": kind, "name": "prod-x", "type": type_, "config": config}
    return draft_manifest(live(kind, type_, config, **more), tree)


@pytest.mark.parametrize(
    ("type_", "config", "keep"),
    [
        ("database", {"engine": "postgresql", "host": "h", "username": "u"}, ["password"]),
        ("aws", {"role_arn": "arn:aws:iam::123456789012:role/r"}, None),
        ("api_key", {}, ["api_key"]),
        ("password", {"username": "u"}, ["password"]),
    ],
)
def test_keep_has_the_smallest_set_of_required_secrets(type_, config, keep):
    """The service does not show which secrets exist; the schema knows which are required."""
    made = drafted("credential", type_, config)
    assert made.tree.get("keep") == keep
    assert validate_manifest(parse_document(made.text.encode(), "prod-x.yaml"), "credential") == ()


def test_a_masked_secret_is_kept():
    """A mask shows that the secret exists."""
    config = {"engine": "snowflake", "host": "h", "username": "u"}
    made = drafted("credential", "database", config, suspicious=(("config", "private_key"),))
    assert made.tree["keep"] == ["private_key"]


def test_an_unknown_field_is_omitted_and_reported():
    """The schema of credentials accepts no other plain fields."""
    made = drafted("credential", "password", {"username": "u", "pool": 5})
    assert made.omitted_fields == ("config.pool",)


def test_a_field_of_a_closed_connector_is_declared_undocumented():
    """A connection keeps what the vendor's page does not name."""
    config = {"host": "h", "port": 5432, "database": "d", "poolSize": 5}
    made = drafted("connection", "postgres", config)
    assert made.tree["undocumented"] == ["poolSize"]


def test_an_object_that_the_schema_rejects_has_no_draft():
    """An invalid manifest would be useless."""
    assert drafted("credential", "mainframe", {"x": 1}) is None
