"""A manifest as policy rules read it: plain fields and locations, without secrets or file access."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import force_setattr

from keyturn.model.address import Address, SourceLocation
from keyturn.model.fields import FieldPath, Fields, Leaf
from keyturn.model.resource import EMPTY, Lifecycle
from keyturn.policy.names import normalize_field_names


class SpanLike(Protocol):
    """The location of a value and its key in a file; lines and columns start at 1."""

    @property
    def line(self) -> int:
        """The line of the value."""

    @property
    def column(self) -> int:
        """The column of the value."""

    @property
    def key_line(self) -> int:
        """The line of the key, 0 without a key."""

    @property
    def key_column(self) -> int:
        """The column of the key, 0 without a key."""


class Waiver(Struct, frozen=True):
    """A waiver in a manifest: the code of the rule, the reason, and the path of the code in the manifest."""

    rule: str
    reason: str
    path: FieldPath


class ResourceView(Struct, frozen=True, kw_only=True):
    """The part of a manifest that can be read without a key.

    ``config`` has the plain fields by flat path; each path starts with ``config``. ``references``
    has every reference by its path in the manifest (``("credential",)``, ``("config", "staging",
    "credentialId")``). ``secret_paths`` are the paths of the secret fields below ``secrets``.
    ``spans`` is keyed by the path in the manifest (``("config", "host")``, ``("labels",)``).
    ``unexpected_texts`` are the paths of texts that do not match the pattern of their field, so that they
    count as destinations. ``ciphertext_digests`` is that of ``DesiredResource``. Two files with a common
    element of ``key_traces`` have the same data key. ``mac_trace`` identifies a MAC over all values, or is
    empty. Names are unique within a ``workspace``, files within the project.
    """

    address: Address
    type: str
    file: str
    workspace: str = ""
    config: Fields = field(default_factory=lambda: EMPTY)
    labels: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    references: Mapping[FieldPath, Address] = field(default_factory=lambda: EMPTY)
    secret_paths: tuple[FieldPath, ...] = ()
    unexpected_texts: tuple[FieldPath, ...] = ()
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    waivers: tuple[Waiver, ...] = ()
    spans: Mapping[FieldPath, SpanLike] = field(default_factory=lambda: EMPTY)
    digest: str = ""
    ciphertext_digests: Mapping[FieldPath, str] = field(default_factory=lambda: EMPTY)
    key_traces: frozenset[str] = frozenset()
    mac_trace: str = ""
    _names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = frozenset(name for path in self.config for name in normalize_field_names(path))
        force_setattr(self, "_names", names)

    def find_fields(self, names: frozenset[str]) -> Iterable[tuple[FieldPath, Leaf]]:
        """Return the plain fields whose normalized names contain one of ``names`` (normalized)."""
        # Each rule queries each manifest, and most queries match nothing.
        if self._names.isdisjoint(names):
            return ()
        return [
            (path, leaf)
            for path, leaf in self.config.items()
            if not names.isdisjoint(normalize_field_names(path))
        ]

    def find_location(self, path: FieldPath = (), *, key: bool = False) -> SourceLocation:
        """Return the location of the value at ``path``, or of its nearest parent that has one.

        With ``key``, return the location of the key.
        """
        while path and path not in self.spans:
            path = path[:-1]
        span = self.spans.get(path)
        if span is None:
            return SourceLocation(self.file)
        if key and span.key_line:
            return SourceLocation(self.file, span.key_line, span.key_column)
        return SourceLocation(self.file, span.line, span.column)
