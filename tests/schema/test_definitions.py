"""What the schemas say of fields: secret, destination, identity, reference, accepted types."""

import json

import pytest

from corpus import tree
from keyturn.schema.definitions import (
    config_fields,
    credential_types_of,
    destination_paths,
    find_schema_folder,
    list_known_types,
    load_schema,
    load_type_schema,
    read_schema_text,
    reference_paths,
    sealed_paths,
    secret_fields,
    secret_path,
    secret_paths,
)

STAGING = {"credentialId": {"ref": "credential/s3"}, "bucket": "b"}


def test_the_schemas_are_there_as_they_stand():
    """What is printed is the file itself."""
    assert json.loads(read_schema_text("credential")) == load_schema("credential")
    assert (find_schema_folder() / "connection.schema.json").is_file()


def test_the_seven_types_are_known():
    """Those that the API takes, and no other."""
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


def test_fields_of_a_type_are_known():
    """The seal is no secret of its own, and what may not be set is no field."""
    assert secret_fields("credential", "aws") == ("secret_access_key", "session_token", "external_id")
    assert secret_fields("credential", "oauth") == ("client_secret",)
    assert config_fields("credential", "password") == ("username",)
    assert secret_fields("credential", "nonsense") == ()


def test_an_unknown_connector_is_open():
    """Nothing is known of its fields or of the credentials that it takes."""
    assert load_type_schema("connection", "teradata")["x-open"]
    assert (
        credential_types_of("teradata"),
        credential_types_of("postgres"),
        credential_types_of("duckdb"),
    ) == (None, ("database", "aws"), ())


def test_an_unknown_kind_is_all_destination():
    """A tampered file may say any kind, and its seal is asked for all the same."""
    assert load_type_schema("unheard", "aws") == {}
    assert sealed_paths("unheard", {"config": {"a": 1}}) == (("config", "a"),)


def test_secret_paths_are_those_that_are_stated():
    """Each header by itself, the seal apart."""
    stated = {"secrets": {"api_key": "x", "headers": {"A": "x", "B": "y"}, "seal": "s"}}
    assert secret_paths("credential", stated) == (("api_key",), ("headers", "A"), ("headers", "B"))
    assert secret_paths("connection", stated) == secret_paths("credential", {"secrets": "x"}) == ()


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
        ("credential", "database", {"proxy": "p", "unheard": {"of": 1}}, {"proxy", "unheard.of"}),
        ("connection", "postgres", {"host": "h", "schema": "s", "sslMode": "x"}, {"host", "sslMode"}),
        ("connection", "snowflake", {"account": "a", "staging": STAGING}, {"account", "staging.bucket"}),
        ("connection", "rest_api", {"headers": {"A": "b"}, "rateLimit": 1}, {"headers.A"}),
        (
            "connection",
            "teradata",
            {"host": "h", "pool": 3, "link": {"ref": "credential/x"}},
            {"host", "pool", "link"},
        ),
        ("connection", "mysql", {"database": "d", "unheard": 1}, {"unheard"}),
    ],
)
def test_destinations_are_what_is_not_said_to_be_none(kind, name, config, expected):
    """A field that nobody classified counts as a destination, however deep it stands."""
    found = destination_paths(kind, {"type": name, "config": config})
    assert {".".join(path[1:]) for path in found} == expected


def test_the_seal_covers_as_whom_a_secret_is_used():
    """User, role and database are sealed although they lead nowhere else; the warehouse is not."""
    config = {"host": "h", "username": "u", "role": "r", "warehouse": "w", "unheard": 1}
    found = sealed_paths("credential", {"type": "database", "config": config})
    assert [path[1] for path in found] == ["host", "role", "unheard", "username"]


def test_a_config_that_is_none_has_no_paths():
    """A manifest that does not fit its schema can still be asked."""
    assert destination_paths("credential", {"type": "aws", "config": "x"}) == ()
    assert sealed_paths("credential", {"type": "aws"}) == reference_paths("connection", {"config": []}) == ()


def test_references_are_found_wherever_they_stand():
    """At the top of a connection and at any depth of its config."""
    stated = {
        "type": "snowflake",
        "credential": "a",
        "config": {"staging": STAGING, "b": {"ref": "credential/b"}},
    }
    assert reference_paths("connection", stated) == (
        ("credential",),
        ("config", "staging", "credentialId"),
        ("config", "b"),
    )
    assert reference_paths("credential", {"credential": "a"}) == ()


def test_an_example_is_classified_as_its_reader_would():
    """The staging bucket and the account are destinations, the warehouse is not."""
    found = destination_paths("connection", tree("connections/prod-snowflake"))
    assert set(found) == {("config", "account"), ("config", "staging", "bucket")}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("password", ("password",)),
        ("headers.X-Api-Key", ("headers", "X-Api-Key")),
        ("headers.a.b", ("headers", "a.b")),
    ],
)
def test_a_kept_field_has_a_path(name, path):
    """The first dot divides, for a header's name may hold dots."""
    assert secret_path(name) == path
