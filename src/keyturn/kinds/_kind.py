"""Kind: a kind of resource as a frozen record of functions."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.fields import Fields, FieldPath
from keyturn.core.resource import DesiredResource, LiveObject


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
