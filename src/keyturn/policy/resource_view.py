"""Subject: one manifest as the rules see it, plain fields and places, no secret and no file access."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import force_setattr

from keyturn.model.address import Address, SourceLocation
from keyturn.model.fields import FieldPath, Fields, Leaf
from keyturn.model.resource import EMPTY, Lifecycle
from keyturn.policy.names import names_of


class SpanLike(Protocol):
    """Where a value and its key stand in a file; lines and columns count from 1."""

    @property
    def line(self) -> int:
        """Line of the value."""

    @property
    def column(self) -> int:
        """Column of the value."""

    @property
    def key_line(self) -> int:
        """Line of the key, 0 where there is none."""

    @property
    def key_column(self) -> int:
        """Column of the key, 0 where there is none."""


class Waiver(Struct, frozen=True):
    """An inline waiver: the code of the rule it lifts, why, and the path of that code in the manifest."""

    rule: str
    reason: str
    path: FieldPath


class ResourceView(Struct, frozen=True, kw_only=True):
    """One manifest, as far as it can be read without a key.

    ``config`` holds the plain fields, flat, each path beginning with ``config``. ``references``
    holds every reference by its path in the manifest (``("credential",)``, ``("config", "staging",
    "credentialId")``). ``secret_paths`` are the paths of the secret fields below ``secrets``.
    ``places`` is keyed by the path in the manifest (``("config", "host")``, ``("labels",)``);
    ``ciphers`` as in ``Desired``. Names are unique within a ``workspace``, files everywhere.
    """

    address: Address
    type: str
    file: str
    workspace: str = ""
    config: Fields = field(default_factory=lambda: EMPTY)
    labels: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    references: Mapping[FieldPath, Address] = field(default_factory=lambda: EMPTY)
    secret_paths: tuple[FieldPath, ...] = ()
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    waivers: tuple[Waiver, ...] = ()
    spans: Mapping[FieldPath, SpanLike] = field(default_factory=lambda: EMPTY)
    digest: str = ""
    ciphertext_digests: Mapping[FieldPath, str] = field(default_factory=lambda: EMPTY)
    _names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = frozenset(name for path in self.config for name in names_of(path))
        force_setattr(self, "_names", names)

    def fields_named(self, names: frozenset[str]) -> Iterable[tuple[FieldPath, Leaf]]:
        """Return the plain fields that go by one of ``names``, folded: see ``spelling.names_of``."""
        # Nearly every question finds nothing, and every rule asks every manifest.
        if self._names.isdisjoint(names):
            return ()
        return [(path, leaf) for path, leaf in self.config.items() if not names.isdisjoint(names_of(path))]

    def find_location(self, path: FieldPath = (), *, key: bool = False) -> SourceLocation:
        """Return where ``path`` stands, or the nearest thing around it that has a place.

        ``key`` asks for the place of the key instead of that of the value.
        """
        while path and path not in self.spans:
            path = path[:-1]
        place = self.spans.get(path)
        if place is None:
            return SourceLocation(self.file)
        if key and place.key_line:
            return SourceLocation(self.file, place.key_line, place.key_column)
        return SourceLocation(self.file, place.line, place.column)
