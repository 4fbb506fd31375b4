"""Annotations of the schemas: secret, destination, identity, accepted types."""

import json

import pytest

from example_manifests import parse_example
from keyturn.schema.definitions import (
    config_fields,
    credential_types_of,
    destination_paths,
    find_schema_folder,
    list_known_types,
    load_schema,
    load_type_schema,
    parse_secret_path,
    read_schema_text,
    secret_fields,
    select_sealed_paths,
)

STAGING = {"credentialId": {"ref": "credential/s3"}, "bucket": "b"}


def test_reads_the_schema_files():
    """The text is that of the file."""
    assert json.loads(read_schema_text("credential")) == load_schema("credential")
    assert (find_schema_folder() / "connection.schema.json").is_file()


def test_lists_the_known_types():
    """The credential types are those of the API."""
    assert list_known_types("credential") == (
        "aws",
        "azure",
        "gcp",
        "database",
        "api_key",
        "oauth",
        "password",
    )
    assert {"postgres", "snowflake", "s3", "bigquery", "salesforce"} <= set(list_known_types("connection"))


def test_lists_the_fields_of_a_type():
    """Neither the seal nor a read-only field is a secret field."""
    assert secret_fields("credential", "aws") == ("secret_access_key", "session_token", "external_id")
    assert secret_fields("credential", "oauth") == ("client_secret",)
    assert config_fields("credential", "password") == ("username",)
    assert secret_fields("credential", "nonsense") == ()


def test_an_unknown_connector_is_open():
    """Its fields and its credential types are unknown."""
    assert load_type_schema("connection", "teradata")["x-open"]
    assert (
        credential_types_of("teradata"),
        credential_types_of("postgres"),
        credential_types_of("duckdb"),
    ) == (None, ("database", "aws"), ())


def test_all_fields_of_an_unknown_kind_are_destinations():
    """The seal covers the fields of a tampered file with any kind."""
    assert load_type_schema("unknown", "aws") == {}
    assert select_sealed_paths("unknown", "aws", [("config", "a")]) == (("config", "a"),)


@pytest.mark.parametrize(
    ("kind", "name", "config", "expected"),
    [
        (
            "credential",
            "database",
            {"host": "h", "port": 1, "warehouse": "w", "username": "u"},
            {"host", "port"},
        ),
        (
            "credential",
            "database",
            {"ssh_host": "h", "ssh_username": "u", "known_hosts": "k"},
            {"ssh_host", "known_hosts"},
        ),
        ("credential", "aws", {"role_arn": "r", "role_chain": [], "region": "x"}, {"role_arn", "role_chain"}),
        ("credential", "oauth", {"token_url": "t", "client_id": "c", "scopes": []}, {"token_url"}),
        ("credential", "database", {"proxy": "p", "unknown": {"of": 1}}, {"proxy", "unknown.of"}),
        ("connection", "postgres", {"host": "h", "schema": "s", "sslMode": "x"}, {"host", "sslMode"}),
        ("connection", "snowflake", {"account": "a", "staging": STAGING}, {"account", "staging.bucket"}),
        ("connection", "rest_api", {"headers": {"A": "b"}, "rateLimit": 1}, {"headers.A"}),
        (
            "connection",
            "teradata",
            {"host": "h", "pool": 3, "link": {"ref": "credential/x"}},
            {"host", "pool", "link"},
        ),
        ("connection", "mysql", {"database": "d", "unknown": 1}, {"unknown"}),
    ],
)
def test_unclassified_fields_are_destinations(kind, name, config, expected):
    """A field without an annotation is a destination at any depth."""
    paths = destination_paths(kind, {"type": name, "config": config})
    assert {".".join(path[1:]) for path in paths} == expected


def test_the_seal_covers_identities():
    """User, role and database are sealed although they are not destinations; the warehouse is not sealed."""
    names = ("host", "username", "role", "warehouse", "unknown")
    paths = select_sealed_paths("credential", "database", [("config", name) for name in names])
    assert [path[1] for path in paths] == ["host", "role", "unknown", "username"]


def test_a_config_that_is_not_a_mapping_has_no_destinations():
    """An invalid manifest has no paths."""
    assert destination_paths("credential", {"type": "aws", "config": "x"}) == ()


def test_classifies_an_example():
    """The staging bucket and the account are destinations, the warehouse is not."""
    paths = destination_paths("connection", parse_example("connections/prod-snowflake"))
    assert set(paths) == {("config", "account"), ("config", "staging", "bucket")}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("password", ("password",)),
        ("headers.X-Api-Key", ("headers", "X-Api-Key")),
        ("headers.a.b", ("headers", "a.b")),
    ],
)
def test_parses_the_path_of_a_kept_field(name, path):
    """Only the first dot separates, because the name of a header may contain dots."""
    assert parse_secret_path(name) == path
