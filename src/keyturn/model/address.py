"""Addresses of resources and locations in source files."""

from typing import Self

from msgspec import Struct


class Address(Struct, frozen=True, order=True):
    """The kind and name of a resource, written ``credential/prod-x``."""

    kind: str
    name: str

    def __hash__(self) -> int:
        # Addresses are keys of most mappings; the name alone is faster to hash and nearly unique.
        return hash(self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``kind/name``; raises ValueError for any other form."""
        kind, slash, name = text.partition("/")
        if not (kind and slash and name):
            message = "an address has the form kind/name"
            raise ValueError(message)
        return cls(kind, name)


class SourceLocation(Struct, frozen=True, order=True):
    """A position in a file: path relative to the project root, line and column from 1 (0: the whole file)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)
