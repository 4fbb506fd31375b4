"""A connection: a connector, its plain settings and the credential that it uses."""

from keyturn.core.address import Address
from keyturn.core.fields import Fields, Path, nest
from keyturn.core.resource import EMPTY, Desired, Live
from keyturn.kinds._body import identified, merged, references, settings, visible
from keyturn.kinds._kind import Ids, Kind, Recorded

CREDENTIAL = ("credential",)
CATEGORY = ("category",)


def encode(desired: Desired, ids: Ids) -> dict[str, object]:
    """Return the full body: name, type, settings, credential and, where stated, category."""
    return {
        "name": desired.address.name,
        "type": desired.type,
        "config": merged(desired.fields, desired.secrets, ids),
        **_links(desired.fields, ids),
    }


def test(type: str, fields: Fields, ids: Ids) -> dict[str, object]:  # noqa: A002
    """Return the body of a connection test; live fields need no ids, for they hold them."""
    return {"type": type, "config": nest(settings(fields, ids)), **_links(fields, ids)}


def decode(record: Recorded) -> Live:
    """Read a record; a secret or a mask in its settings is reported by path and goes no further."""
    config, suspicious = visible(record.config or EMPTY, frozenset())
    fields = dict(config)
    if record.credential_id:
        fields[CREDENTIAL] = record.credential_id
    if isinstance(category := record.extra.get("category"), str) and category:
        fields[CATEGORY] = category
    return Live(
        address=Address("connection", record.name),
        id=record.id,
        type=record.type,
        fields=fields,
        created_at=record.created_at,
        updated_at=record.updated_at,
        status=record.status or "active",
        detailed=record.config is not None,
        suspicious=(*suspicious, *(("config", *path) for path in record.hidden)),
    )


def _links(fields: Fields, ids: Ids) -> dict[str, object]:
    words: dict[Path, str] = {CREDENTIAL: "credentialId", CATEGORY: "category"}
    return {word: identified(fields[path], ids) for path, word in words.items() if path in fields}


KIND = Kind(
    name="connection",
    collection="connections",
    encode=encode,
    decode=decode,
    references=references,
    test=test,
)
