"""Names of fields that may be shown: those made of words that the schemas use.

A secret can stand in the place of a key, so any other key is shown as a mask.
"""

import re
from typing import Final

from keyturn.model.fields import FieldPath, format_path

MASK_TEXT: Final = "▒▒▒"

_WORDS: Final = """
access account age api app arn at audience auth authorization base bootstrap bucket ca catalog category
by certificate chain client cluster code config connection consumer container count credential database
dataset decryptor domain drive driver email endpoint engine env environment environments expiry
external file fingerprint folder from gateway grace group header headers host hosts http id identity
impersonation info item json keep key keys keyspace kind known labels level lifecycle limit limits
lived location managed manifests max mechanism minimum mode model moved name namespace objects
organization pace pagination pass passphrase passwd password path paths pem percent pfx policy pool
port prefix principal private privileged production project protect protocol provider put pwd quota
rate reason recipients redirect ref refresh region registry required resource retire role rotate
rotation router rule rules sas sasl schema scopes seal search secret secrets security serial server servers
service session shared short sid signature signing site soon sops source ssh ssl staging state
storage strategy stream string style subject tenant tls token tokens topics trust tunnel type types
uncommitted undocumented universe uri url user username vendor verification version waive warehouse
web workforce workgroup workload workspace workspaces x
"""
_FIELD_WORDS: Final = frozenset(_WORDS.split())
_WORD_ENDS: Final = re.compile(r"[-_.\s]|(?<=[a-z0-9])(?=[A-Z])")


def is_field_name(key: str) -> bool:
    """Tell whether a key consists of words of the schemas, such as ``db.password`` or ``X-Api-Key``."""
    return all(word.lower() in _FIELD_WORDS for word in _WORD_ENDS.split(key))


def mask_key(key: str) -> str:
    """Return a key that is the name of a field or an index, else a mask."""
    return key if is_field_name(key) or (key.isascii() and key.isdigit() and len(key) < 4) else MASK_TEXT  # noqa: PLR2004


def mask_path(path: FieldPath) -> str:
    """Return a path for display, with a mask for each key that is not the name of a field."""
    return format_path(tuple(map(mask_key, path)))
