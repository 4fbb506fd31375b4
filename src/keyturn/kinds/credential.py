"""A credential: a named bundle of secrets that connections point at."""

from keyturn.core.address import Address
from keyturn.core.resource import EMPTY, Desired, Live
from keyturn.kinds._body import merged, references, visible
from keyturn.kinds._kind import Ids, Kind, Recorded

SECRETS = frozenset(
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

PARTS = "key_"
"""A field of an ``api_key`` that begins so is one part of a key in several parts."""


def encode(desired: Desired, ids: Ids) -> dict[str, object]:
    """Return the full body: name, type and settings with every secret at hand in place."""
    return {
        "name": desired.address.name,
        "type": desired.type,
        "config": merged(desired.fields, desired.secrets, ids),
    }


def decode(record: Recorded) -> Live:
    """Read a record; a secret or a mask in its settings is reported by path and goes no further."""
    config = record.config or EMPTY
    parts = (key for key in config if record.type == "api_key" and key.startswith(PARTS))
    fields, suspicious = visible(config, SECRETS | frozenset(parts))
    return Live(
        address=Address("credential", record.name),
        id=record.id,
        type=record.type,
        fields=fields,
        created_at=record.created_at,
        updated_at=record.updated_at,
        status=record.status or "active",
        detailed=record.config is not None,
        suspicious=(*suspicious, *(("config", *path) for path in record.hidden)),
    )


KIND = Kind(
    name="credential",
    collection="credentials",
    encode=encode,
    decode=decode,
    references=references,
)
