"""Diagnosis of alternatives: the intended one, its missing fields, and foreign fields."""

import pytest

from keyturn.schema.alternatives import explain_alternatives
from keyturn.schema.definitions import list_known_types, load_type_schema

AWS = "alternatives: access keys (access_key_id, secret_access_key); a role to assume (role_arn)"


@pytest.mark.parametrize(
    ("type_", "present", "code", "message", "missing"),
    [
        (
            "aws",
            "",
            "KT137",
            "none of the alternatives of this credential type is given",
            "access_key_id secret_access_key role_arn",
        ),
        (
            "aws",
            "region",
            "KT137",
            "none of the alternatives of this credential type is given",
            "access_key_id secret_access_key role_arn",
        ),
        ("aws", "access_key_id", "KT137", "access keys: secret_access_key is missing", "secret_access_key"),
        (
            "aws",
            "secret_access_key region",
            "KT137",
            "access keys: access_key_id is missing",
            "access_key_id",
        ),
        (
            "aws",
            "access_key_id secret_access_key role_arn",
            "KT138",
            "two alternatives are mixed: access keys and a role to assume",
            "",
        ),
        ("aws", "role_arn session_token", "KT138", "session_token does not belong to a role to assume", ""),
        (
            "azure",
            "tenant_id client_id",
            "KT137",
            "a client secret: client_secret is missing",
            "client_secret",
        ),
        (
            "azure",
            "tenant_id client_id certificate client_secret",
            "KT138",
            "two alternatives are mixed: a client secret and a certificate",
            "",
        ),
        ("azure", "storage_account", "KT137", "a storage account key: account_key is missing", "account_key"),
        (
            "azure",
            "certificate",
            "KT137",
            "a certificate: tenant_id and client_id are missing",
            "tenant_id client_id",
        ),
        (
            "api_key",
            "api_key key_a",
            "KT138",
            "two alternatives are mixed: one key and a key in parts",
            "",
        ),
        ("database", "username host", "KT137", "user and password: password is missing", "password"),
        (
            "database",
            "username password private_key",
            "KT138",
            "two alternatives are mixed: user and password and a key pair",
            "",
        ),
        (
            "gcp",
            "service_account_json workload_identity_config",
            "KT138",
            "two alternatives are mixed: a service account's JSON and workload federation",
            "",
        ),
    ],
)
def test_explains_a_mismatch(type_, present, code, message, missing):
    """Messages use the titles of the alternatives."""
    found = explain_alternatives(present.split(), load_type_schema("credential", type_)["oneOf"])
    assert found is not None
    assert (found.code, found.message, found.missing_fields) == (code, message, frozenset(missing.split()))


@pytest.mark.parametrize(
    ("type_", "present"),
    [
        ("aws", "access_key_id secret_access_key session_token region"),
        ("aws", "role_arn role_chain external_id"),
        ("api_key", "key_a key_b headers"),
        ("api_key", "headers"),
        ("api_key", "api_key api_secret headers"),
        ("azure", "connection_string storage_account"),
        ("database", "username private_key private_key_passphrase ssh_host ssh_private_key"),
    ],
)
def test_accepts_a_complete_alternative(type_, present):
    """One complete alternative with its optional fields matches."""
    assert explain_alternatives(present.split(), load_type_schema("credential", type_)["oneOf"]) is None


def test_the_hint_lists_every_alternative_with_its_fields():
    """The hint is sufficient without the documentation."""
    found = explain_alternatives([], load_type_schema("credential", "aws")["oneOf"])
    assert found is not None
    assert found.hint == AWS


@pytest.mark.parametrize(
    "type_",
    [name for name in list_known_types("credential") if "oneOf" in load_type_schema("credential", name)],
)
def test_lists_all_alternatives_of_each_type(type_):
    """The titles and fields are listed if no alternative is given and if two are mixed."""
    branches = load_type_schema("credential", type_)["oneOf"]
    nothing = explain_alternatives([], branches)
    everything = explain_alternatives([name for branch in branches for name in branch["x-own"]], branches)
    for found, code in ((nothing, "KT137"), (everything, "KT138")):
        assert found.code == code
        assert all(f"{each['title']} ({', '.join(each['x-own'])})" in found.hint for each in branches)
