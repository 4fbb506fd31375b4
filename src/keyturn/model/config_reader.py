"""Reads values of keyturn.yaml section by section and collects errors with their locations.

The shape (keys, types, choices) is checked by ``schemas/project.schema.json`` before. A value of another
type reads as its default here, so that one run reports the errors of shape and the errors of meaning.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from msgspec import Struct, field

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.resource import EMPTY

LocationLookup: TypeAlias = Callable[[FieldPath], SourceLocation]
"""Returns the location of a path in the file."""

_DAYS_PER_UNIT: Final = {"d": 1, "w": 7}
_PERIOD_PATTERN: Final = re.compile(r"([0-9]{1,5})([dw])")


def parse_days(text: str) -> int | None:
    """Return the days of ``90d`` or ``12w``; None for anything else."""
    period = _PERIOD_PATTERN.fullmatch(text)
    return int(period[1]) * _DAYS_PER_UNIT[period[2]] if period else None


class ConfigSection(Struct, frozen=True, kw_only=True):
    """A mapping of keyturn.yaml at ``path``; all sections of a file share the list ``errors``."""

    tree: Mapping[str, object]
    locate: LocationLookup
    path: FieldPath = ()
    errors: list[Diagnostic] = field(default_factory=list)

    def find_location(self, key: str = "") -> SourceLocation:
        """Return the location of the value of ``key``, or of the section."""
        return self.locate((*self.path, key) if key else self.path)

    def add_error(self, code: str, key: str, message: str, hint: str) -> None:
        """Add an error at the value of ``key``."""
        self.errors.append(error_diagnostic(code, self.find_location(key), message, hint))

    def raise_errors(self) -> None:
        """Raise DiagnosticError with all errors of the file, if there are any."""
        if self.errors:
            raise DiagnosticError(*self.errors)

    def format_key(self, key: str) -> str:
        """Return the path of ``key`` for a message: ``workspaces.prod.base_url``."""
        return format_path((*self.path, key))

    def read_section(self, key: str) -> "ConfigSection":
        """Return the mapping at ``key``, empty if absent."""
        value = self.tree.get(key)
        return ConfigSection(
            tree=value if isinstance(value, Mapping) else EMPTY,
            locate=self.locate,
            path=(*self.path, key),
            errors=self.errors,
        )

    def read_sections(self) -> Iterator[tuple[str, "ConfigSection"]]:
        """Yield each key of this section with the mapping at it."""
        for key in self.tree:
            yield key, self.read_section(key)

    def read_text(self, key: str, default: str = "") -> str:
        """Return the text at ``key``."""
        value = self.tree.get(key)
        return value if isinstance(value, str) else default

    def read_texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the list of texts at ``key``."""
        value = self.tree.get(key)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else default

    def read_flag(self, key: str, *, default: bool) -> bool:
        """Return the boolean at ``key``."""
        value = self.tree.get(key)
        return value if isinstance(value, bool) else default

    def read_number(self, key: str, default: float) -> float:
        """Return the number at ``key``."""
        value = self.tree.get(key)
        return float(value) if isinstance(value, int | float) else default

    def read_integer(self, key: str, default: int) -> int:
        """Return the whole number at ``key``."""
        value = self.tree.get(key)
        return value if isinstance(value, int) else default

    def read_days(self, key: str, default: int) -> int:
        """Return the days at ``key``, written ``90d`` or ``12w``; adds KT003 for anything else."""
        value = self.tree.get(key)
        if not isinstance(value, str):
            return default
        days = parse_days(value)
        if days is None:
            message = f"{self.format_key(key)} must be a number of days or weeks"
            self.add_error("KT003", key, message, "for example: 90d or 12w")
            return default
        return days

    def read_checked_text(self, key: str, find_problem: Callable[[str], str], default: str = "") -> str:
        """Return the address at ``key``; adds KT004 if ``find_problem`` returns a problem.

        The message does not contain the text: an address may hold a password.
        """
        text = self.read_text(key, default)
        problem = find_problem(text) if text else ""
        if problem:
            message = f"{self.format_key(key)} is refused: {problem}"
            self.add_error("KT004", key, message, "see `keyturn explain KT004`")
        return text

    def read_path(self, key: str, default: str) -> str:
        """Return the path at ``key``, below the root; adds KT003 for any other."""
        path = self.read_text(key, default)
        return path if self._is_below_root(key, path) else default

    def read_paths(self, key: str) -> tuple[str, ...]:
        """Return the paths at ``key``, all below the root; adds KT003 for any other."""
        return tuple(
            PurePosixPath(item).as_posix() for item in self.read_texts(key) if self._is_below_root(key, item)
        )

    def _is_below_root(self, key: str, text: str) -> bool:
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts or "\\" in text:
            message = f"{self.format_key(key)} leads out of the project"
            self.add_error("KT003", key, message, "name a path below keyturn.yaml, with / between folders")
            return False
        return True
