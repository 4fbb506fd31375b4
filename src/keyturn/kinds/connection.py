"""A connection: a connector, its plain settings and the credential that it uses."""

from keyturn.kinds.kind import (
    Ids,
    ResourceKind,
    ServiceRecord,
    encode_settings,
    find_references,
    merge_config,
    resolve_reference,
    split_secrets,
)
from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Fields, nest_fields
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject

CREDENTIAL_PATH = ("credential",)
CATEGORY_PATH = ("category",)


def encode_connection(desired: DesiredResource, ids: Ids) -> dict[str, object]:
    """Return the full body: name, type, settings, credential and, where stated, category."""
    return {
        "name": desired.address.name,
        "type": desired.type,
        "config": merge_config(desired.fields, desired.secrets, ids),
        **_encode_links(desired.fields, ids),
    }


def encode_connection_test(type: str, fields: Fields, ids: Ids) -> dict[str, object]:  # noqa: A002
    """Return the body of a connection test; live fields need no ids, for they hold them."""
    return {"type": type, "config": nest_fields(encode_settings(fields, ids)), **_encode_links(fields, ids)}


def decode_connection(record: ServiceRecord) -> LiveObject:
    """Read a record; a secret or a mask in its settings is reported by path and goes no further."""
    config, suspicious = split_secrets(record.config or EMPTY, frozenset())
    fields = dict(config)
    if record.credential_id:
        fields[CREDENTIAL_PATH] = record.credential_id
    if isinstance(category := record.extra.get("category"), str) and category:
        fields[CATEGORY_PATH] = category
    return LiveObject(
        address=Address("connection", record.name),
        id=record.id,
        type=record.type,
        fields=fields,
        created_at=record.created_at,
        updated_at=record.updated_at,
        status=record.status or "active",
        has_config=record.config is not None,
        secret_like_paths=(*suspicious, *(("config", *path) for path in record.hidden)),
    )


def _encode_links(fields: Fields, ids: Ids) -> dict[str, object]:
    words: dict[FieldPath, str] = {CREDENTIAL_PATH: "credentialId", CATEGORY_PATH: "category"}
    return {word: resolve_reference(fields[path], ids) for path, word in words.items() if path in fields}


KIND = ResourceKind(
    name="connection",
    collection="connections",
    encode=encode_connection,
    decode=decode_connection,
    find_references=find_references,
    encode_test=encode_connection_test,
)
