"""The workspace keys that a person or a pipeline trusts: known outside of the repository.

Anybody who can merge can write another key into the repository. Its ID is therefore compared with the
variable KEYTURN_KEY_ID of the job, or with the file ``known_keys`` in the user's configuration folder,
as SSH does it with ``known_hosts``. A line of the file has the ID of an organization and that of a key.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

KEY_ID_VARIABLE: Final = "KEYTURN_KEY_ID"
"""The variable with the key ID of a workspace; for several workspaces, ``NAME=ID`` with blanks between."""

_APPEND_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def list_known_key_ids(environment: Mapping[str, str], workspace: str, organization: str) -> frozenset[str]:
    """Return the IDs of the keys that are trusted for a workspace; the variable has priority over the file.

    A line that is not text names no key. Raises OSError for a file that cannot be read.
    """
    words = environment.get(KEY_ID_VARIABLE, "").split()
    if words:
        named = {name: key_id for name, _, key_id in (word.rpartition("=") for word in words)}
        return frozenset({named[key] for key in (workspace, "") if key in named})
    path = find_known_keys_file(environment)
    if path is None or not path.exists():
        return frozenset()
    lines = (line.partition("#")[0].split() for line in path.read_text("utf-8", "replace").splitlines())
    return frozenset(each[1] for each in lines if len(each) > 1 and each[0] == organization)


def find_known_keys_file(environment: Mapping[str, str]) -> Path | None:
    """Return the path of ``known_keys``: below XDG_CONFIG_HOME, else below ~/.config; None without a home."""
    candidates = (Path(environment.get("XDG_CONFIG_HOME", "")), Path(environment.get("HOME", ""), ".config"))
    return next((base / "keyturn/known_keys" for base in candidates if base.is_absolute()), None)


def add_known_key(environment: Mapping[str, str], organization: str, key_id: str) -> Path | None:
    """Trust a key for an organization; return the file, None without a home. Raises OSError."""
    path = find_known_keys_file(environment)
    if path is None:
        return None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, _APPEND_FLAGS, 0o600), "a", encoding="utf-8") as file:
        file.write(f"{organization} {key_id}\n")
    return path
