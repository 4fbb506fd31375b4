"""The API key: from a named environment variable or a file, never from a flag or the project file."""

import stat
from collections.abc import Mapping
from pathlib import Path

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.secret import Secret
from keyturn.load.project import ApiKeySource

MAX_API_KEY_BYTES = 8192
"""Bytes beyond which a file holds something other than a key."""


def read_api_key(root: Path, source: ApiKeySource, surroundings: Mapping[str, str]) -> tuple[Secret, str]:
    """Return the key and the words by which messages name its source; raises Faulty KT030."""
    if source.kind == "env":
        where = f"the environment variable {source.name}"
        value = surroundings.get(source.name, "")
        missing = f"{where} is not set"
    else:
        where = f"the file {source.name}"
        value, missing = _read_key_file(root / source.name, where)
    if not value.strip():
        hint = "set it to a service key of the workspace; `api_key:` in keyturn.yaml says where keyturn looks"
        raise DiagnosticError(
            Diagnostic(
                code="KT030",
                severity=Severity.ERROR,
                message=f"there is no API key: {missing}",
                origin=SourceLocation("keyturn.yaml"),
                hint=hint,
            )
        )
    return Secret(value.strip()), where


def _read_key_file(path: Path, where: str) -> tuple[str, str]:
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > MAX_API_KEY_BYTES:
            return "", f"{where} holds no key"
        return path.read_text("ascii"), f"{where} is empty"
    except FileNotFoundError:
        return "", f"{where} does not exist"
    except (OSError, UnicodeDecodeError):
        return "", f"{where} cannot be read"
