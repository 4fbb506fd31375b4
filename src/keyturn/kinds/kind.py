"""The interface of a resource kind, and functions that the kinds share."""

import json
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Fields, Leaf, UnorderedList, flatten_tree, nest_fields
from keyturn.model.resource import DesiredResource, EncryptedSecret, LiveObject
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import may_be_secret


class ServiceRecord(Protocol):
    """An object of the service, independent of the response format."""

    @property
    def id(self) -> str:
        """The id that the service assigned."""

    @property
    def name(self) -> str:
        """The name in the service."""

    @property
    def type(self) -> str:
        """The type in the service."""

    @property
    def status(self) -> str:
        """``active``, ``deleted`` or another status of the service; empty if it returns none."""

    @property
    def created_at(self) -> str:
        """RFC 3339; empty if the service returns none."""

    @property
    def updated_at(self) -> str:
        """RFC 3339; empty if the service returns none."""

    @property
    def credential_id(self) -> str | None:
        """The id of a connection's credential."""

    @property
    def config(self) -> Mapping[str, object] | None:
        """The settings; None for a list item without settings."""

    @property
    def hidden(self) -> Mapping[FieldPath, bool]:
        """Paths below ``config`` that the client removed because of a mask or a possible secret."""

    @property
    def extra(self) -> Mapping[str, object]:
        """The remaining keys of the response."""


Ids = Mapping[Address, str]
References = tuple[tuple[FieldPath, Address], ...]


class ResourceKind(Struct, frozen=True, kw_only=True):
    """A kind of resource as a record of functions.

    ``name`` is used in manifests and addresses, ``collection`` in paths of the API. ``encode``
    returns the request body of a create or an update, with secrets as ``Secret`` and references as
    ids; it raises KeyError for a reference without an id. ``decode`` converts a record of the
    service. ``sets`` are the paths of lists whose order has no meaning. ``encode_test`` returns the
    request body of a connection test for a type and desired or live fields; None if the service
    cannot test this kind.
    """

    name: str
    collection: str
    encode: Callable[[DesiredResource, Ids], dict[str, object]]
    decode: Callable[[ServiceRecord], LiveObject]
    find_references: Callable[[Fields], References]
    sets: frozenset[FieldPath] = frozenset()
    encode_test: Callable[[str, Fields, Ids], dict[str, object]] | None = None


def encode_settings(fields: Fields, ids: Ids) -> dict[FieldPath, object]:
    """Return the leaves below ``config`` by their path below it, with ids for references."""
    return {
        path[1:]: resolve_reference(leaf, ids)
        for path, leaf in fields.items()
        if path[0] == "config" and path[1:]
    }


def resolve_reference(leaf: object, ids: Ids) -> object:
    """Return the id of a reference, and any other leaf unchanged; raises KeyError without an id."""
    return ids[leaf] if isinstance(leaf, Address) else leaf


def merge_config(
    fields: Fields, secrets: Mapping[FieldPath, Secret | EncryptedSecret], ids: Ids
) -> dict[str, object]:
    """Return ``config`` of a request body: plain settings and decrypted secrets in one tree."""
    if any(isinstance(value, EncryptedSecret) for value in secrets.values()):
        message = "an encrypted secret cannot be sent; decrypt it first"
        raise TypeError(message)
    return nest_fields({**encode_settings(fields, ids), **secrets})


def split_secrets(
    config: Mapping[str, object], secret_names: frozenset[str]
) -> tuple[Fields, tuple[FieldPath, ...]]:
    """Split live settings into plain fields and the paths of possible secrets.

    ``secret_names`` are the top-level keys that always contain secrets. The values of possible
    secrets are dropped, so they are never displayed, compared or written back.
    """
    fields: dict[FieldPath, object] = {}
    dropped: list[FieldPath] = []
    for path, leaf in flatten_tree(config, ("config",)).items():
        if path[1] in secret_names or any(may_be_secret(key, leaf) for key in path[1:]):
            dropped.append(path)
        else:
            fields[path] = leaf
    return fields, tuple(dropped)  # type: ignore[return-value]


def decode_status(record: ServiceRecord) -> str:
    """Return the status in lower case; ``active`` if the service returns none."""
    return record.status.strip().lower() or "active"


def mark_sets(fields: Fields, sets: frozenset[FieldPath]) -> dict[FieldPath, Leaf]:
    """Return live fields whose lists at the paths of ``sets`` have no order.

    A deployment that stores settings as text returns such a list as JSON text.
    """
    return {path: _to_unordered(leaf) if path in sets else leaf for path, leaf in fields.items()}


def _to_unordered(leaf: Leaf) -> Leaf:
    items: object = leaf
    if isinstance(leaf, str) and leaf.startswith("["):
        try:
            items = json.loads(leaf)
        except ValueError:
            return leaf
    return UnorderedList(items) if isinstance(items, list) else leaf


def find_references(fields: Fields) -> References:
    """Return the references to other resources with their paths, in the order of the fields."""
    return tuple((path, leaf) for path, leaf in fields.items() if isinstance(leaf, Address))
