"""Reading a section of settings: every fault noted with its place, nothing raised before the end."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeAlias, TypeVar

from msgspec import Struct, field

from keyturn.catalog import find_code
from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.fields import FieldPath, format_path
from keyturn.core.resource import EMPTY

LocationLookup: TypeAlias = Callable[[FieldPath], SourceLocation]
"""From a path below the section to its place."""

_DAYS_PER_UNIT = {"d": 1, "w": 7}
_Default = TypeVar("_Default")


def parse_days(text: str) -> int | None:
    """Return the days of ``90d`` or ``12w``; None for anything else."""
    found = re.fullmatch(r"([0-9]{1,5})([dw])", text)
    return int(found[1]) * _DAYS_PER_UNIT[found[2]] if found else None


def suggest_nearest(word: str, known: Collection[str]) -> str:
    """Return the hint ``did you mean …?`` for a misspelt ``word``, or the known ones, or nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known here: {', '.join(sorted(known))}" if known else ""


class PolicySection(Struct, frozen=True, kw_only=True):
    """A cursor over one mapping of settings; ``faults`` is shared with every section below it."""

    tree: Mapping[str, object]
    find_location: LocationLookup
    path: FieldPath = ()
    errors: list[Diagnostic] = field(default_factory=list)

    def add_error(self, code: str, path: FieldPath, message: str, hint: str = "") -> None:
        """Note that something at ``path`` below this section is wrong."""
        origin = self.find_location((*self.path, *path))
        self.errors.append(
            Diagnostic(
                code=code,
                severity=Severity.ERROR,
                message=message,
                origin=origin,
                hint=hint or find_code(code).hint,
            )
        )

    def raise_errors(self) -> None:
        """Raise Faulty with all that was noted, if anything was."""
        if self.errors:
            raise DiagnosticError(*self.errors)

    def reject_unknown_keys(self, known: Collection[str]) -> "PolicySection":
        """Note every key that is not among ``known``; return this section."""
        for key in self.tree:
            if key not in known:
                self.add_error("KT303", (key,), f"{self._format_key(key)} is not a setting", suggest_nearest(key, known))
        return self

    def read_section(self, key: str, known: Collection[str] | None = None) -> "PolicySection":
        """Return the section at ``key``, empty where it is absent; ``known`` limits its keys."""
        value = self.tree.get(key)
        if value is not None and not isinstance(value, Mapping):
            self._reject_value(key, "a mapping", None)
        inner = PolicySection(
            tree=value if isinstance(value, Mapping) else EMPTY,
            find_location=self.find_location,
            path=(*self.path, key),
            errors=self.errors,
        )
        return inner if known is None else inner.reject_unknown_keys(known)

    def read_sections(self, known: Collection[str]) -> Iterator[tuple[str, "PolicySection"]]:
        """Yield each key of this section with the section below it."""
        for key in self.tree:
            yield key, self.read_section(key, known)

    def read_text(self, key: str, default: str = "") -> str:
        """Return the text at ``key``."""
        value = self.tree.get(key, default)
        return value if isinstance(value, str) else self._reject_value(key, "text", default)

    def read_texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the list of texts at ``key``."""
        value = self.tree.get(key, default)
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        return self._reject_value(key, "a list of texts", default)

    def read_choice(self, key: str, options: Collection[str], default: str) -> str:
        """Return the text at ``key``, one of ``options``."""
        value = self.tree.get(key, default)
        if isinstance(value, str) and value in options:
            return value
        return self._reject_value(key, f"one of {', '.join(options)}", default)

    def read_flag(self, key: str, *, default: bool) -> bool:
        """Return the boolean at ``key``."""
        value = self.tree.get(key, default)
        return value if isinstance(value, bool) else self._reject_value(key, "true or false", default)

    def read_number(self, key: str, default: int, most: int) -> int:
        """Return the whole number at ``key``, from 0 to ``most``."""
        value = self.tree.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        return self._reject_value(key, f"a whole number from 0 to {most}", default)

    def read_days(self, key: str, default: int) -> int:
        """Return the days at ``key``, written ``90d`` or ``12w``."""
        if key not in self.tree:
            return default
        value = self.tree[key]
        found = parse_days(value) if isinstance(value, str) else None
        if found is not None:
            return found
        return self._reject_value(key, "a number of days or weeks, such as 90d", default)

    def _reject_value(self, key: str, wanted: str, default: _Default) -> _Default:
        self.add_error("KT304", (key,), f"{self._format_key(key)} must be {wanted}")
        return default

    def _format_key(self, key: str) -> str:
        return format_path(("policy", *self.path, key))
