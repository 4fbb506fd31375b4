"""The API key: from a named environment variable or a file, never from a flag or the project file."""

import stat
from collections.abc import Mapping
from pathlib import Path

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.secret import Secret
from keyturn.load.project import KeySource

LONGEST = 8192
"""Bytes beyond which a file holds something other than a key."""


def api_key(root: Path, source: KeySource, surroundings: Mapping[str, str]) -> tuple[Secret, str]:
    """Return the key and the words by which messages name its source; raises Faulty KT030."""
    if source.kind == "env":
        where = f"the environment variable {source.name}"
        value = surroundings.get(source.name, "")
        missing = f"{where} is not set"
    else:
        where = f"the file {source.name}"
        value, missing = _from_file(root / source.name, where)
    if not value.strip():
        hint = "set it to a service key of the workspace; `api_key:` in keyturn.yaml says where keyturn looks"
        raise Faulty(
            Diagnostic(
                code="KT030",
                severity=Severity.ERROR,
                message=f"there is no API key: {missing}",
                origin=Origin("keyturn.yaml"),
                hint=hint,
            )
        )
    return Secret(value.strip()), where


def _from_file(path: Path, where: str) -> tuple[str, str]:
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > LONGEST:
            return "", f"{where} holds no key"
        return path.read_text("ascii"), f"{where} is empty"
    except FileNotFoundError:
        return "", f"{where} does not exist"
    except (OSError, UnicodeDecodeError):
        return "", f"{where} cannot be read"
