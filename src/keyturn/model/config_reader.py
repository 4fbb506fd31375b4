"""Reading keyturn.yaml section by section: every fault noted with its place, raised together."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Struct, field

from keyturn.catalog import find_code
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.resource import EMPTY
from keyturn.yamldoc.reader import Document

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
                self.add_error(
                    "KT303", (key,), f"{self._format_key(key)} is not a setting", suggest_nearest(key, known)
                )
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


_NAME_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class ConfigSection:
    """A mapping of the project file, its path, and the faults found so far in all of the file."""

    def __init__(
        self, document: Document, path: FieldPath = (), faults: list[Diagnostic] | None = None
    ) -> None:
        self._document = document
        self._path = path
        self.errors: list[Diagnostic] = [] if faults is None else faults
        tree: Any = document.tree
        for key in path:
            tree = tree.get(key) if isinstance(tree, dict) else None
        if tree is not None and not isinstance(tree, dict):
            self.add_error("KT003", "", f"{format_path(path)} must be a mapping", "write its keys below it")
        self.tree: Mapping[str, Any] = tree if isinstance(tree, dict) else {}

    def read_section(self, key: str) -> "ConfigSection":
        """Return the mapping at ``key``, empty where there is none."""
        return ConfigSection(self._document, (*self._path, key), self.errors)

    def add_error(self, code: str, key: str, message: str, hint: str) -> None:
        """Note that the value of ``key``, or the section itself, is wrong."""
        path = (*self._path, key) if key else self._path
        self._add_error_at(code, path, message, hint)

    def reject_unknown_keys(self, *known: str, renamed: Mapping[str, str] = EMPTY) -> None:
        """Record an error for each key outside ``known``.

        The hint is the new name of a key in ``renamed`` (old to new), otherwise the nearest known key.
        """
        for key in self.tree:
            if key not in known:
                message = f"{self._format_key(key)} is not a setting"
                origin = self._document.find_location((*self._path, key), key=True)
                hint = (
                    f"rename `{key}:` to `{renamed[key]}:`" if key in renamed else suggest_nearest(key, known)
                )
                self.errors.append(error_diagnostic("KT002", origin, message, hint))

    def check_workspace_name(self, key: str) -> bool:
        """Tell whether ``key`` is a fit name for a workspace; note it where it is not."""
        if _NAME_PATTERN.fullmatch(key):
            return True
        self.add_error("KT003", key, "a name is small letters, digits, - and _", "rename the workspace")
        return False

    def read_text(self, key: str, default: str | None = None) -> str:
        """Return the text at ``key``; without a default it must be there."""
        value = self.tree.get(key, default)
        if isinstance(value, str) and value:
            return value
        if value is None:
            self.add_error("KT003", "", f"{self._format_key(key)} is missing", f"add `{key}:`")
        else:
            self.add_error(
                "KT003", key, f"{self._format_key(key)} must be text", "put it in quotes if it is a number"
            )
        return ""

    def read_checked_text(self, key: str, refusal: Callable[[str], str], default: str | None = None) -> str:
        """Return the text at ``key``; what ``refusal`` says of it is noted (KT004)."""
        value = self.read_text(key, default)
        why = refusal(value) if value else ""
        if why:
            self.add_error(
                "KT004", key, f"{self._format_key(key)} is refused: {why}", "see `keyturn explain KT004`"
            )
        return value

    def read_choice(self, key: str, options: Collection[str], default: str) -> str:
        """Return the text at ``key``, one of ``options``."""
        value = self.tree.get(key, default)
        if isinstance(value, str) and value in options:
            return value
        self.add_error(
            "KT003", key, f"{self._format_key(key)} must be one of {', '.join(options)}", "take one of them"
        )
        return default

    def read_number(self, key: str, default: float) -> float:
        """Return the number at ``key``, 0 or more."""
        value = self.tree.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
        self.add_error(
            "KT003",
            key,
            f"{self._format_key(key)} must be a number, 0 or more",
            "write a number such as 10 or 0.5",
        )
        return default

    def read_path(self, key: str, default: str) -> str:
        """Return the path at ``key``, below the root."""
        value = self.read_text(key, default)
        return value if not value or self._is_below_root(key, value) else default

    def read_paths(self, key: str) -> tuple[str, ...]:
        """Return the list of paths at ``key``, at least one, all of them below the root."""
        value = self.tree.get(key)
        if value is None:
            self.add_error("KT003", "", f"{self._format_key(key)} is missing", f"add `{key}: [folder]`")
            return ()
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(item, str) and item for item in value)
        ):
            self.add_error(
                "KT003",
                key,
                f"{self._format_key(key)} must be a list of folders",
                f"write it like `{key}: [manifests]`",
            )
            return ()
        return tuple(PurePosixPath(item).as_posix() for item in value if self._is_below_root(key, item))

    def raise_errors(self) -> None:
        """Raise Faulty with all that was noted, if anything was."""
        if self.errors:
            raise DiagnosticError(*self.errors)

    def _is_below_root(self, key: str, value: str) -> bool:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or "\\" in value:
            self.add_error(
                "KT003",
                key,
                f"{self._format_key(key)} leads out of the project",
                "name a path below keyturn.yaml",
            )
            return False
        return True

    def _format_key(self, key: str) -> str:
        return format_path((*self._path, key))

    def _add_error_at(self, code: str, path: FieldPath, message: str, hint: str) -> None:
        self.errors.append(error_diagnostic(code, self._document.find_location(path), message, hint))
