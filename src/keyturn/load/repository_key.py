"""The repository's own key: 32 random bytes, SOPS-encrypted in git, that fingerprint secrets."""

import base64
import binascii
from typing import Final

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.load.decrypt import Opener, open_one
from keyturn.load.files import load_file
from keyturn.load.findings import fault
from keyturn.load.nodes import read
from keyturn.load.project import Project

FIELD: Final = ("secrets", "fingerprint_key")
"""Where the key stands in its file, as base64 of 32 bytes."""

LENGTH: Final = 32


def repository_key(project: Project, decrypt: Opener) -> bytes:
    """Return the key; raises Faulty KT040 where there is none, and what decryption raises."""
    where = Origin(project.fingerprint_key)
    if not (project.root / project.fingerprint_key).exists():
        hint = "restore it from git; `keyturn init` makes one for a new repository"
        raise Faulty(fault("KT040", where, "the repository has no fingerprint key", hint))
    source = load_file(project.root, project.fingerprint_key)
    opened = open_one(read(source.data, source.relative), decrypt)
    if FIELD not in opened:
        raise Faulty(_unusable(where))
    try:
        key = base64.b64decode(opened[FIELD].reveal(), validate=True)
    except (binascii.Error, ValueError):
        raise Faulty(_unusable(where)) from None
    if len(key) != LENGTH:
        raise Faulty(_unusable(where))
    return key


def _unusable(where: Origin) -> Diagnostic:
    hint = "restore it from git: with another key every secret would look rotated"
    return fault("KT040", where, "the repository's fingerprint key is damaged", hint)
