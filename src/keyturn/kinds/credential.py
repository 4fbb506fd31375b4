"""Credentials: named sets of secrets that connections refer to."""

from keyturn.kinds.kind import (
    Ids,
    ResourceKind,
    ServiceRecord,
    decode_status,
    find_references,
    mark_sets,
    merge_config,
    split_secrets,
)
from keyturn.model.address import Address
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject

SECRET_FIELDS = frozenset(
    {
        "access_token",
        "account_key",
        "api_key",
        "api_secret",
        "certificate",
        "certificate_password",
        "client_secret",
        "connection_string",
        "external_id",
        "headers",
        "password",
        "private_key",
        "private_key_passphrase",
        "refresh_token",
        "sas_token",
        "secret_access_key",
        "service_account_json",
        "session_token",
        "ssh_passphrase",
        "ssh_private_key",
    },
)
"""The secret fields of ``schemas/credential.schema.json``; a test compares the two."""

CREDENTIAL_SETS = frozenset({("config", "scopes")})
"""The lists that ``schemas/credential.schema.json`` marks with ``x-set``; a test compares the two."""

KEY_PART_PREFIX = "key_"
"""The prefix of the fields of an ``api_key`` credential that contain one part of its key."""


def encode_credential(desired: DesiredResource, ids: Ids) -> dict[str, object]:
    """Return the request body: name, type and settings, with the decrypted secrets."""
    return {
        "name": desired.address.name,
        "type": desired.type,
        "config": merge_config(desired.fields, desired.secrets, ids),
    }


def decode_credential(record: ServiceRecord) -> LiveObject:
    """Convert a record; possible secrets and masks are dropped and reported by path."""
    config = record.config or EMPTY
    parts = (key for key in config if record.type == "api_key" and key.startswith(KEY_PART_PREFIX))
    fields, dropped = split_secrets(config, SECRET_FIELDS | frozenset(parts))
    return LiveObject(
        address=Address("credential", record.name),
        id=record.id,
        type=record.type,
        fields=mark_sets(fields, CREDENTIAL_SETS),
        created_at=record.created_at,
        updated_at=record.updated_at,
        status=decode_status(record),
        has_config=record.config is not None,
        secret_like_paths=(*dropped, *(("config", *path) for path in record.hidden)),
    )


KIND = ResourceKind(
    name="credential",
    collection="credentials",
    encode=encode_credential,
    decode=decode_credential,
    find_references=find_references,
    sets=CREDENTIAL_SETS,
)
