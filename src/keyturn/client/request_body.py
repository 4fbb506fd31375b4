"""Request bodies and headers as bytes. Secrets are revealed here, just before they are sent."""

import json
import math
from collections.abc import Mapping

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath, mask_path
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import is_mask

MAX_API_KEY_LENGTH = 4096
"""Bytes of an API key; JSON web tokens, which the service accepts too, are shorter."""

_MAX_HEADER_LENGTH = 256


def encode_body(tree: Mapping[str, object]) -> bytes:
    """Return ``tree`` as compact JSON in UTF-8 with its ``Secret`` leaves revealed.

    Leaves are text, numbers, booleans, null and ``Secret``. Branches are lists, tuples and mappings with
    text keys. Raises TypeError for anything else, ValueError for text or numbers that JSON cannot
    represent, and DiagnosticError (KT513) for plain text that is a mask. No message has the value.
    """
    encoded = json.dumps(_to_json_value(tree, ()), ensure_ascii=False, separators=(",", ":"))
    try:
        return encoded.encode()
    except UnicodeEncodeError:
        pass
    message = "a body has an unpaired surrogate, which UTF-8 cannot encode"
    raise ValueError(message)


def encode_bearer_token(key: Secret, source: str) -> bytes:
    """Return the value of the Authorization header for ``key``, without whitespace around it.

    Raises DiagnosticError (KT512) for a malformed key: empty, over 4,096 characters, or with whitespace,
    control or non-ASCII characters inside. The message names ``source``, never the key.
    """
    text = key.reveal()
    trimmed = text[: MAX_API_KEY_LENGTH * 2].strip(" \t\r\n\ufeff")
    problem = _describe_key_problem(trimmed)
    if problem:
        raise DiagnosticError(
            Diagnostic(
                code="KT512",
                severity=Severity.ERROR,
                message=f"the API key from {source} {problem}",
                origin=SourceLocation(source),
                hint="store only the key there: no label, no quotes, no `Bearer` prefix",
            )
        )
    return b"Bearer " + trimmed.encode("ascii")


def encode_header_value(text: str, name: str) -> bytes:
    """Return a setting as the value of a header; raises DiagnosticError (KT511) for an invalid value."""
    if text and len(text) <= _MAX_HEADER_LENGTH and all("!" <= letter <= "~" for letter in text):
        return text.encode("ascii")
    raise DiagnosticError(
        Diagnostic(
            code="KT511",
            severity=Severity.ERROR,
            message=f"{name} cannot be sent as a header",
            origin=SourceLocation("keyturn.yaml"),
            hint="write the ID as Planasonix shows it: ASCII only, no whitespace",
        )
    )


def _describe_key_problem(text: str) -> str:
    if not text:
        return "is empty"
    if len(text) > MAX_API_KEY_LENGTH:
        return f"is longer than {MAX_API_KEY_LENGTH} characters"
    if not text.isascii():
        return "has non-ASCII characters"
    if not all("!" <= letter <= "~" for letter in text):
        return "has whitespace or control characters"
    return ""


def _to_json_value(leaf: object, path: FieldPath) -> object:
    if isinstance(leaf, Secret):
        return leaf.reveal()
    if isinstance(leaf, str):
        return _require_unmasked(leaf, path)
    if leaf is None or isinstance(leaf, bool | int):
        return leaf
    if isinstance(leaf, float):
        return _require_finite(leaf, path)
    if isinstance(leaf, Mapping):
        return {
            _require_text_key(key, path): _to_json_value(value, (*path, str(key)))
            for key, value in leaf.items()
        }
    if isinstance(leaf, list | tuple):
        return [_to_json_value(value, path) for value in leaf]
    message = f"{mask_path(path)} is a {type(leaf).__name__}, which JSON cannot represent"
    raise TypeError(message)


def _require_text_key(key: object, path: FieldPath) -> str:
    if isinstance(key, str):
        return key
    message = f"a key below {mask_path(path) or 'the body'} is a {type(key).__name__}, not text"
    raise TypeError(message)


def _require_finite(number: float, path: FieldPath) -> float:
    if math.isfinite(number):
        return number
    message = f"{mask_path(path)} is not a finite number"
    raise ValueError(message)


def _require_unmasked(text: str, path: FieldPath) -> str:
    if path[:1] in {("name",), ("id",), ("type",)} or not is_mask(text):
        return text
    raise DiagnosticError(
        Diagnostic(
            code="KT513",
            severity=Severity.ERROR,
            message=f"{mask_path(path)} is a mask, not a value",
            origin=SourceLocation(mask_path(path)),
            hint="set the real value in the manifest, under `secrets`, or list the field under `keep`",
        )
    )
