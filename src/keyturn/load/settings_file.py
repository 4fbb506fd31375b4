"""Reading keyturn.yaml section by section: every fault noted with its place, raised together."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from keyturn.core.diagnostic import Diagnostic, DiagnosticError
from keyturn.core.fields import FieldPath, format_path
from keyturn.load.findings import error_diagnostic
from keyturn.load.nodes import Document
from keyturn.policy.reading import suggest_nearest

_NAME_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class ConfigSection:
    """A mapping of the project file, its path, and the faults found so far in all of the file."""

    def __init__(self, document: Document, path: FieldPath = (), faults: list[Diagnostic] | None = None) -> None:
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

    def reject_unknown_keys(self, *known: str) -> None:
        """Note every key that is not among ``known``, with the nearest one."""
        for key in self.tree:
            if key not in known:
                message = f"{self._format_key(key)} is not a setting"
                origin = self._document.find_location((*self._path, key), key=True)
                self.errors.append(error_diagnostic("KT002", origin, message, suggest_nearest(key, known)))

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
            self.add_error("KT003", key, f"{self._format_key(key)} must be text", "put it in quotes if it is a number")
        return ""

    def read_checked_text(self, key: str, refusal: Callable[[str], str], default: str | None = None) -> str:
        """Return the text at ``key``; what ``refusal`` says of it is noted (KT004)."""
        value = self.read_text(key, default)
        why = refusal(value) if value else ""
        if why:
            self.add_error("KT004", key, f"{self._format_key(key)} is refused: {why}", "see `keyturn explain KT004`")
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
                "KT003", key, f"{self._format_key(key)} leads out of the project", "name a path below keyturn.yaml"
            )
            return False
        return True

    def _format_key(self, key: str) -> str:
        return format_path((*self._path, key))

    def _add_error_at(self, code: str, path: FieldPath, message: str, hint: str) -> None:
        self.errors.append(error_diagnostic(code, self._document.find_location(path), message, hint))
