"""The settings of a resource on the wire: fields and secrets merged, references as ids, and back."""

from collections.abc import Mapping

from keyturn.core.address import Address
from keyturn.core.fields import Fields, FieldPath, flatten_tree, nest_fields
from keyturn.core.looks import may_be_secret
from keyturn.core.resource import EncryptedSecret
from keyturn.core.secret import Secret
from keyturn.kinds._kind import Ids, References


def encode_settings(fields: Fields, ids: Ids) -> dict[FieldPath, object]:
    """Return the leaves below ``config``, by their path below it, with ids for references."""
    return {
        path[1:]: resolve_reference(leaf, ids) for path, leaf in fields.items() if path[0] == "config" and path[1:]
    }


def resolve_reference(leaf: object, ids: Ids) -> object:
    """Return a leaf as the service reads it: a reference as an id. Raises KeyError without one."""
    return ids[leaf] if isinstance(leaf, Address) else leaf


def merge_config(fields: Fields, secrets: Mapping[FieldPath, Secret | EncryptedSecret], ids: Ids) -> dict[str, object]:
    """Return ``config`` as sent: plain settings and opened secrets in one tree."""
    if any(isinstance(value, EncryptedSecret) for value in secrets.values()):
        message = "a sealed secret cannot be sent; open it first"
        raise TypeError(message)
    return nest_fields({**encode_settings(fields, ids), **secrets})


def split_secrets(config: Mapping[str, object], hidden: frozenset[str]) -> tuple[Fields, tuple[FieldPath, ...]]:
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
