"""One's own age key: the one that sops would find, or a new one where sops will look."""

import os
from collections.abc import Mapping
from pathlib import Path

import pyrage  # type: ignore[import-untyped]

from keyturn.engine.founding import list_age_recipients


def find_or_create_age_key(environment: Mapping[str, str]) -> tuple[str, Path | None]:
    """Return the public key, and the file of a private key that was made for it, if one was.

    A new file is readable by its owner alone; a file that exists is never touched.
    """
    found = list_age_recipients(environment)
    if found:
        return found[0], None
    identity = pyrage.x25519.Identity.generate()
    place = _age_key_path(environment)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public()), place


def _age_key_path(environment: Mapping[str, str]) -> Path:
    named = environment.get("SOPS_AGE_KEY_FILE")
    if named:
        return Path(named)
    config = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")) / ".config")
    return Path(config).expanduser() / "sops" / "age" / "keys.txt"
