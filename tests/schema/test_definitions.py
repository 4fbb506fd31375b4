"""Annotations of the schemas: secret, destination, identity, accepted types."""

import json

import pytest

from example_manifests import parse_example
from keyturn.schema.definitions import (
    config_fields,
    credential_types_of,
    destination_paths,
    find_schema_folder,
    is_destination,
    is_named_field,
    list_known_types,
    load_schema,
    load_type_schema,
    parse_secret_path,
    read_schema_text,
    secret_fields,
    select_sealed_paths,
    select_unexpected_texts,
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
    assert select_sealed_paths("unknown", "aws", {("config", "a"): 1}) == (("config", "a"),)


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
        (
            "connection",
            "rest_api",
            {"rateLimit": {"proxy": "p", "x": {"baseUrl": "u"}}},
            {"rateLimit.proxy", "rateLimit.x.baseUrl"},
        ),
        ("connection", "rest_api", {"rateLimit": [{"proxy": "p"}]}, {"rateLimit"}),
        ("connection", "stripe", {"objects": ["contacts", {"url": "u"}]}, {"objects"}),
        ("connection", "s3", {"pathStyle": {"endpoint": "e"}}, {"pathStyle.endpoint"}),
    ],
)
def test_unclassified_fields_are_destinations(kind, name, config, expected):
    """A field without an annotation is a destination at any depth."""
    paths = destination_paths(kind, {"type": name, "config": config})
    assert {".".join(path[1:]) for path in paths} == expected


def test_the_seal_covers_identities():
    """User, role and database are sealed although they are not destinations; the warehouse is not sealed."""
    names = ("host", "username", "role", "warehouse", "unknown")
    paths = select_sealed_paths("credential", "database", {("config", name): "x" for name in names})
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


CONNECTION_STRINGS = (
    "analytics host=evil.example.net sslmode=disable",
    "postgresql://evil.example.net/analytics",
    "analytics?host=evil.example.net",
    "@evil.example.net/x",
    "evil.example.net:1521/ORCL",
    "(DESCRIPTION=(ADDRESS=(HOST=evil)))",
    "x;Server=evil.example.net",
    "{host: evil}",
    "//evil.example.net/x",
    "\\\\evil\\share",
    "-h evil.example.net",
    "db,evil.example.net",
    "x\nhost evil",
    "x\u202ehost",
    "",
    " ",
    "x%2Fevil",
)
"""What a driver may read as more than a name."""

NAMES = (
    "analytics",
    "ANALYTICS_2",
    "my-db",
    "Sales 2026",
    '"My Schema"',
    "größe",
    "数据",
    "$user",
    "ORCL.example",
    "a",
)


@pytest.mark.parametrize("text", CONNECTION_STRINGS)
@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("connection", "postgres", "database"),
        ("connection", "postgres", "schema"),
        ("connection", "snowflake", "role"),
        ("connection", "snowflake", "warehouse"),
        ("connection", "oracle", "serviceName"),
        ("connection", "bigquery", "dataset"),
        ("credential", "database", "warehouse"),
        ("credential", "database", "username"),
    ],
)
def test_a_text_that_is_no_name_is_a_destination(kind, name, field, text):
    """A driver that reads it as a connection string goes where it says."""
    assert is_destination(kind, name, ("config", field), text)
    assert not is_destination(kind, name, ("config", field))
    assert select_unexpected_texts(kind, name, {("config", field): text}) == (("config", field),)
    assert ("config", field) in select_sealed_paths(kind, name, {("config", field): text})


@pytest.mark.parametrize("text", NAMES)
@pytest.mark.parametrize("field", ["database", "schema"])
def test_names_are_no_destinations(field, text):
    """Letters of any script, digits, dashes, dots and blanks between words."""
    assert not is_destination("connection", "postgres", ("config", field), text)


@pytest.mark.parametrize(
    ("kind", "name", "field", "value"),
    [
        ("connection", "postgres", "searchPath", 'public, "My Schema", $user'),
        ("connection", "s3", "prefix", "raw/date=2026-01-01/"),
        ("connection", "s3", "pathStyle", "true"),
        ("connection", "sftp", "path", "/outbound/*.csv"),
        ("connection", "databricks", "httpPath", "sql/protocolv1/o/123/0123-abc"),
        ("connection", "openai", "model", "models/small-1.5:latest"),
        ("connection", "openai", "maxTokens", "4096"),
        ("connection", "rest_api", "rateLimit", "10 per second"),
        ("connection", "fabric", "itemType", "warehouse"),
        ("credential", "database", "username", "svc@acme.example"),
        ("credential", "database", "username", "DOMAIN\\svc"),
        ("credential", "oauth", "scopes", ["api", "https://www.googleapis.com/auth/bigquery"]),
        ("credential", "gcp", "client_email", "reader@acme-analytics.iam.gserviceaccount.com"),
    ],
)
def test_each_field_has_the_pattern_of_its_values(kind, name, field, value):
    """A path, a login, a scope or a number as text is what its field expects."""
    assert not is_destination(kind, name, ("config", field), value)


@pytest.mark.parametrize(
    ("kind", "name", "field", "value"),
    [
        ("connection", "postgres", "searchPath", "x -c host=evil.example.net"),
        ("connection", "s3", "prefix", "https://evil.example.net/"),
        ("connection", "s3", "pathStyle", "evil.example.net"),
        ("connection", "databricks", "httpPath", ".evil.example.net/x"),
        ("connection", "databricks", "httpPath", "//evil.example.net/x"),
        ("connection", "openai", "maxTokens", "evil"),
        ("connection", "fabric", "itemType", "evil"),
        ("credential", "database", "username", "evil.example.net/x"),
        ("credential", "database", "username", "u:p@evil.example.net"),
    ],
)
def test_another_text_is_a_destination(kind, name, field, value):
    """Whatever a driver or a concatenation may make of it."""
    assert is_destination(kind, name, ("config", field), value)


def test_a_named_field_is_in_the_schema_of_its_type():
    """A key below a field without named keys is not."""
    assert is_named_field("connection", "mysql", ("config", "host"))
    assert not is_named_field("connection", "mailchimp", ("config", "host"))
    assert not is_named_field("connection", "rest_api", ("config", "rateLimit", "proxy"))
    assert not is_named_field("connection", "evilcorp", ("config", "host"))
