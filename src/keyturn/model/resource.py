"""What a resource is: where it was written, what is wanted, what is live, what we know of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from keyturn.model.address import Address, SourceLocation
from keyturn.model.fields import FieldPath, Fields
from keyturn.model.secret import Secret

EMPTY: Mapping[Any, Any] = MappingProxyType({})


class EncryptedSecret(Struct, frozen=True):
    """A secret field that was not decrypted; ``digest`` is the SHA-256 of its ciphertext, as hex."""

    digest: str


class Lifecycle(Struct, frozen=True):
    """What a manifest says of its resource's life; none of it is known to the service."""

    protect: bool = False
    moved_from: str = ""
    max_age_days: int = 0
    strategy: str = "verify"
    grace_days: int = 7


class DesiredResource(Struct, frozen=True, kw_only=True):
    """One manifest as it was meant.

    ``fields`` holds the plain fields by path, beginning with ``config``; a reference to another
    resource is a leaf of type ``Address``. ``secrets`` holds the secret fields by path below
    ``config`` (``("password",)``), opened or not. ``digest`` is the SHA-256 of the file's bytes,
    as hex; ``ciphers`` the SHA-256 of each secret's ciphertext. ``keep`` names the secret fields
    whose live value stays; ``destination`` the plain fields that say where a secret goes.
    """

    address: Address
    type: str
    fields: Fields
    secrets: Mapping[FieldPath, Secret | EncryptedSecret]
    ciphertext_digests: Mapping[FieldPath, str]
    digest: str
    origin: SourceLocation
    labels: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    kept_secrets: tuple[FieldPath, ...] = ()
    destination_paths: frozenset[FieldPath] = frozenset()

    @property
    def is_decrypted(self) -> bool:
        """Whether every secret field is at hand."""
        return all(isinstance(value, Secret) for value in self.secrets.values())


class LiveObject(Struct, frozen=True, kw_only=True):
    """An object as the service shows it; ``fields`` as in ``Desired``, with ids for references.

    ``detailed`` is false for an item of a list that carries no ``config``. ``suspicious`` are the
    paths at which the service showed a mask or what looks like a secret; they are in no field.
    """

    address: Address
    id: str
    type: str
    fields: Fields
    created_at: str
    updated_at: str
    status: str = "active"
    has_config: bool = True
    secret_like_paths: tuple[FieldPath, ...] = ()


class StateEntry(Struct, frozen=True, kw_only=True):
    """What the ledger holds of a resource that is ours.

    ``applied`` are the plain fields last written, ``observed`` the same fields as the service
    showed them afterwards; ``fingerprints`` of the secret fields last written by path, ``earlier``
    those of values written before. ``retired_at`` is set on a tombstone. ``destinations`` are digests
    of where the plan that wrote these secrets was to send them: what of it a run did not come to is
    no news to the next.
    """

    address: Address
    id: str
    type: str
    digest: str
    applied: Fields
    observed: Fields
    fingerprints: Mapping[FieldPath, str]
    updated_at: str
    earlier: tuple[str, ...] = ()
    rotated_at: str = ""
    retired_at: str = ""
    protect: bool = False
    commit: str = ""
    destinations: tuple[str, ...] = ()
