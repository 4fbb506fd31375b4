"""Catalog of diagnostic codes: the title, reason, fix and exit code of each, read from ``codes.toml``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct


class Code(Struct, frozen=True, kw_only=True):
    """An entry of the catalog; ``exit_code`` is that of a command that stops with this error."""

    title: str
    why: str
    fix: str
    exit_code: int

    @property
    def hint(self) -> str:
        """The fix in the form of a diagnostic's hint: no capital at the start, no full stop."""
        return f"{self.fix[:1].lower()}{self.fix[1:]}".removesuffix(".")


@cache
def load_catalog() -> Mapping[str, Code]:
    """Return the entries of all codes, sorted by code."""
    # Most commands end without a diagnostic and need neither the parser nor the texts.
    import tomllib  # noqa: PLC0415

    text = Path(__file__).with_name("codes.toml").read_text(encoding="utf-8")
    return MappingProxyType({code: Code(**entry) for code, entry in tomllib.loads(text).items()})


def find_code(code: str) -> Code:
    """Return the entry of a code; raises KeyError for an unknown code."""
    return load_catalog()[code]
