"""A credential: a named bundle of secrets that connections point at."""

from keyturn.kinds.kind import Ids, ResourceKind, ServiceRecord, find_references, merge_config, split_secrets
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
"""The fields that ``schemas/credential.schema.json`` calls secret; a test holds the two together."""

KEY_PART_PREFIX = "key_"
"""A field of an ``api_key`` that begins so is one part of a key in several parts."""


def encode_credential(desired: DesiredResource, ids: Ids) -> dict[str, object]:
    """Return the full body: name, type and settings with every secret at hand in place."""
    return {
        "name": desired.address.name,
        "type": desired.type,
        "config": merge_config(desired.fields, desired.secrets, ids),
    }


def decode_credential(record: ServiceRecord) -> LiveObject:
    """Read a record; a secret or a mask in its settings is reported by path and goes no further."""
    config = record.config or EMPTY
    parts = (key for key in config if record.type == "api_key" and key.startswith(KEY_PART_PREFIX))
    fields, suspicious = split_secrets(config, SECRET_FIELDS | frozenset(parts))
    return LiveObject(
        address=Address("credential", record.name),
        id=record.id,
        type=record.type,
        fields=fields,
        created_at=record.created_at,
        updated_at=record.updated_at,
        status=record.status or "active",
        has_config=record.config is not None,
        secret_like_paths=(*suspicious, *(("config", *path) for path in record.hidden)),
    )


KIND = ResourceKind(
    name="credential",
    collection="credentials",
    encode=encode_credential,
    decode=decode_credential,
    find_references=find_references,
)
