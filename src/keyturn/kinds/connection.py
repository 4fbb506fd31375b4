"""Connections: a connector with plain settings and a reference to a credential."""

from keyturn.kinds.kind import (
    Ids,
    ResourceKind,
    ServiceRecord,
    decode_status,
    encode_settings,
    find_references,
    mark_sets,
    merge_config,
    resolve_reference,
    split_secrets,
)
from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Fields, nest_fields
from keyturn.model.resource import EMPTY, DesiredResource, LiveObject

CREDENTIAL_PATH = ("credential",)
CATEGORY_PATH = ("category",)
CONNECTION_SETS = frozenset({("config", "objects"), ("config", "topics")})
"""The lists that ``schemas/connection.schema.json`` marks with ``x-set``; a test compares the two."""


def encode_connection(desired: DesiredResource, ids: Ids) -> dict[str, object]:
    """Return the request body: name, type, settings, credential id and an optional category."""
    return {
        "name": desired.address.name,
        "type": desired.type,
        "config": merge_config(desired.fields, desired.secrets, ids),
        **_encode_links(desired.fields, ids),
    }


def encode_connection_test(type: str, fields: Fields, ids: Ids) -> dict[str, object]:  # noqa: A002
    """Return the request body of a connection test; live fields already contain ids."""
    return {"type": type, "config": nest_fields(encode_settings(fields, ids)), **_encode_links(fields, ids)}


def decode_connection(record: ServiceRecord) -> LiveObject:
    """Convert a record; possible secrets and masks are dropped and reported by path."""
    config, dropped = split_secrets(record.config or EMPTY, frozenset())
    fields = mark_sets(config, CONNECTION_SETS)
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
        status=decode_status(record),
        has_config=record.config is not None,
        secret_like_paths=(*dropped, *(("config", *path) for path in record.hidden)),
    )


def _encode_links(fields: Fields, ids: Ids) -> dict[str, object]:
    names: dict[FieldPath, str] = {CREDENTIAL_PATH: "credentialId", CATEGORY_PATH: "category"}
    return {name: resolve_reference(fields[path], ids) for path, name in names.items() if path in fields}


KIND = ResourceKind(
    name="connection",
    collection="connections",
    encode=encode_connection,
    decode=decode_connection,
    find_references=find_references,
    sets=CONNECTION_SETS,
    encode_test=encode_connection_test,
)
