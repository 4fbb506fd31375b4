"""Where a resource stands: its name in git, its place in a file."""

from typing import Self

from msgspec import Struct


class Address(Struct, frozen=True, order=True):
    """The name by which git knows a resource: ``credential/prod-x``."""

    kind: str
    name: str

    def __hash__(self) -> int:
        # Everything is looked up by its address: the name alone is quicker, and tells nearly all apart.
        return hash(self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``kind/name``; raises ValueError for anything else."""
        kind, slash, name = text.partition("/")
        if not (kind and slash and name):
            message = "an address is written kind/name"
            raise ValueError(message)
        return cls(kind, name)


class SourceLocation(Struct, frozen=True, order=True):
    """A place in a file: its path below the project's root, line and column from 1 (0: all of it)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)
