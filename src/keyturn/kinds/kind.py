"""Kind: a kind of resource as a frozen record of functions."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.fields import FieldPath, Fields, flatten_tree, nest_fields
from keyturn.model.resource import DesiredResource, EncryptedSecret, LiveObject
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import may_be_secret


class ServiceRecord(Protocol):
    """An object as the service sent it, decoded from whichever dialect."""

    @property
    def id(self) -> str:
        """The service's id."""

    @property
    def name(self) -> str:
        """Its name there."""

    @property
    def type(self) -> str:
        """Its type there."""

    @property
    def status(self) -> str:
        """``active``, ``deleted`` or what else the service says; empty where it says nothing."""

    @property
    def created_at(self) -> str:
        """RFC 3339, empty where the service does not say."""

    @property
    def updated_at(self) -> str:
        """RFC 3339, empty where the service does not say."""

    @property
    def credential_id(self) -> str | None:
        """A connection's credential, by id."""

    @property
    def config(self) -> Mapping[str, object] | None:
        """The settings; None in a list that carries none."""

    @property
    def hidden(self) -> Mapping[FieldPath, bool]:
        """Paths below ``config`` that were taken out because they held a mask or a secret."""

    @property
    def extra(self) -> Mapping[str, object]:
        """Whatever else was in the answer."""


Ids = Mapping[Address, str]
References = tuple[tuple[FieldPath, Address], ...]


class ResourceKind(Struct, frozen=True, kw_only=True):
    """What can be done with a kind of resource, without a service.

    ``name`` is the word in manifests and addresses, ``collection`` the one in the service's paths.
    ``encode`` makes the full body of a create or an update: secrets at hand stand in it as
    ``Secret``, references as ids; it raises KeyError for a reference without an id. ``decode``
    reads a record into ``Live``. ``test`` makes the body of a connection test from a type and
    fields, wanted or live; None where the service cannot test this kind. ``references`` finds
    what the fields refer to.
    """

    name: str
    collection: str
    encode: Callable[[DesiredResource, Ids], dict[str, object]]
    decode: Callable[[ServiceRecord], LiveObject]
    find_references: Callable[[Fields], References]
    encode_test: Callable[[str, Fields, Ids], dict[str, object]] | None = None


def encode_settings(fields: Fields, ids: Ids) -> dict[FieldPath, object]:
    """Return the leaves below ``config``, by their path below it, with ids for references."""
    return {
        path[1:]: resolve_reference(leaf, ids)
        for path, leaf in fields.items()
        if path[0] == "config" and path[1:]
    }


def resolve_reference(leaf: object, ids: Ids) -> object:
    """Return a leaf as the service reads it: a reference as an id. Raises KeyError without one."""
    return ids[leaf] if isinstance(leaf, Address) else leaf


def merge_config(
    fields: Fields, secrets: Mapping[FieldPath, Secret | EncryptedSecret], ids: Ids
) -> dict[str, object]:
    """Return ``config`` as sent: plain settings and opened secrets in one tree."""
    if any(isinstance(value, EncryptedSecret) for value in secrets.values()):
        message = "a sealed secret cannot be sent; open it first"
        raise TypeError(message)
    return nest_fields({**encode_settings(fields, ids), **secrets})


def split_secrets(
    config: Mapping[str, object], hidden: frozenset[str]
) -> tuple[Fields, tuple[FieldPath, ...]]:
    """Split live settings into plain fields and the paths of what looks like a secret.

    ``hidden`` names the keys that are secret whatever they look like, at the top of ``config``.
    What looks like a secret is dropped here: it is never shown, compared or written back.
    """
    fields: dict[FieldPath, object] = {}
    dropped: list[FieldPath] = []
    for path, leaf in flatten_tree(config, ("config",)).items():
        if path[1] in hidden or any(may_be_secret(key, leaf) for key in path[1:]):
            dropped.append(path)
        else:
            fields[path] = leaf
    return fields, tuple(dropped)  # type: ignore[return-value]


def find_references(fields: Fields) -> References:
    """Return every reference to another resource with its path, in the order of the fields."""
    return tuple((path, leaf) for path, leaf in fields.items() if isinstance(leaf, Address))
