"""A resource from its three sides: the manifest, the live object and the state entry."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import force_setattr

from keyturn.model.address import Address, SourceLocation
from keyturn.model.clock import normalize_timestamp
from keyturn.model.fields import FieldPath, Fields
from keyturn.model.secret import Secret

EMPTY: Mapping[Any, Any] = MappingProxyType({})


class EncryptedSecret(Struct, frozen=True):
    """A secret field that is not decrypted; ``digest`` is the SHA-256 of its ciphertext, as hex."""

    digest: str


class Lifecycle(Struct, frozen=True):
    """The lifecycle settings of a manifest; they are never sent to the service."""

    protect: bool = False
    moved_from: str = ""
    max_age_days: int = 0
    strategy: str = "verify"
    grace_days: int = 7


class DesiredResource(Struct, frozen=True, kw_only=True):
    """The resource that a manifest describes.

    ``fields`` maps the path of each plain field to its leaf; paths of settings start with
    ``config``, and a reference to another resource is an ``Address``. ``secrets`` maps the path
    below ``config`` (``("password",)``) of each secret field to its value, decrypted or not.
    ``digest`` is the SHA-256 of the file, ``ciphertext_digests`` that of each secret's ciphertext,
    as hex. ``kept_secrets`` are the secret fields whose live value stays. ``destination_paths``
    are the plain fields that determine where the secrets are sent. ``seal`` is the readable seal of a
    connection.
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
    seal: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


class LiveObject(Struct, frozen=True, kw_only=True):
    """An object as the service returns it; ``fields`` as in ``DesiredResource``, with ids for references.

    ``has_config`` is false for a list item without ``config``. ``secret_like_paths`` are the paths
    at which the service returned a mask or a possible secret; ``fields`` does not contain them. The
    timestamps are in canonical form, so equal texts are equal instants.
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

    def __post_init__(self) -> None:
        force_setattr(self, "created_at", normalize_timestamp(self.created_at))
        force_setattr(self, "updated_at", normalize_timestamp(self.updated_at))


class GenerationRole(Enum):
    """The role of an object beside the object of its resource."""

    SUCCESSOR = "successor"
    PREDECESSOR = "predecessor"


class Generation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The role of an object that a replacement created or left.

    ``resource`` is the name of the resource that is replaced. ``replaces`` is the ID of the object that an
    unfinished successor replaces. ``retires_on`` is the ISO date from which a predecessor is retired; a
    predecessor without a date is retired by the apply that replaced it.
    """

    role: GenerationRole
    resource: str
    replaces: str = ""
    retires_on: str = ""


class StateEntry(Struct, frozen=True, kw_only=True):
    """The record of a managed resource in the state.

    ``applied`` are the plain fields last written, ``observed`` the same fields as the service
    returned them afterwards. ``fingerprints`` belong to the secret values last written, by path;
    ``earlier`` are those of previous values, as ``pointer:fingerprint``. ``retired_at`` is set on a
    tombstone. ``destinations`` are digests of the destinations that were planned together with
    these secrets: those that an interrupted run did not reach need no new approval. ``untested``: the
    connection test after the last write could not be run. ``generation`` is set for an object that no
    manifest describes because a replacement created or left it.
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
    untested: bool = False
    generation: Generation | None = None

    def __post_init__(self) -> None:
        # The service may return the same instant in another form next time.
        force_setattr(self, "updated_at", normalize_timestamp(self.updated_at))

    @property
    def is_successor(self) -> bool:
        """Whether the object is the unfinished successor of another."""
        return self.generation is not None and self.generation.role is GenerationRole.SUCCESSOR

    @property
    def is_predecessor(self) -> bool:
        """Whether the object was replaced by another."""
        return self.generation is not None and self.generation.role is GenerationRole.PREDECESSOR

    @property
    def replaced_id(self) -> str:
        """The ID of the object that this live, unfinished successor replaces; empty for all others."""
        if self.generation is None or not self.is_successor or self.retired_at:
            return ""
        return self.generation.replaces
