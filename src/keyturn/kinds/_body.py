"""The settings of a resource on the wire: fields and secrets merged, references as ids, and back."""

from collections.abc import Mapping

from keyturn.core.address import Address
from keyturn.core.fields import Fields, Path, flatten, nest
from keyturn.core.looks import suspicious
from keyturn.core.resource import Sealed
from keyturn.core.secret import Secret
from keyturn.kinds._kind import Ids, References


def settings(fields: Fields, ids: Ids) -> dict[Path, object]:
    """Return the leaves below ``config``, by their path below it, with ids for references."""
    return {
        path[1:]: identified(leaf, ids) for path, leaf in fields.items() if path[0] == "config" and path[1:]
    }


def identified(leaf: object, ids: Ids) -> object:
    """Return a leaf as the service reads it: a reference as an id. Raises KeyError without one."""
    return ids[leaf] if isinstance(leaf, Address) else leaf


def merged(fields: Fields, secrets: Mapping[Path, Secret | Sealed], ids: Ids) -> dict[str, object]:
    """Return ``config`` as sent: plain settings and opened secrets in one tree."""
    if any(isinstance(value, Sealed) for value in secrets.values()):
        message = "a sealed secret cannot be sent; open it first"
        raise TypeError(message)
    return nest({**settings(fields, ids), **secrets})


def visible(config: Mapping[str, object], hidden: frozenset[str]) -> tuple[Fields, tuple[Path, ...]]:
    """Split live settings into plain fields and the paths of what looks like a secret.

    ``hidden`` names the keys that are secret whatever they look like, at the top of ``config``.
    What looks like a secret is dropped here: it is never shown, compared or written back.
    """
    fields: dict[Path, object] = {}
    dropped: list[Path] = []
    for path, leaf in flatten(config, ("config",)).items():
        if path[1] in hidden or any(suspicious(key, leaf) for key in path[1:]):
            dropped.append(path)
        else:
            fields[path] = leaf
    return fields, tuple(dropped)  # type: ignore[return-value]


def references(fields: Fields) -> References:
    """Return every reference to another resource with its path, in the order of the fields."""
    return tuple((path, leaf) for path, leaf in fields.items() if isinstance(leaf, Address))
