"""Out to the service: the one place of this package that reveals secrets."""

import json
import math
from collections.abc import Iterable, Mapping

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath, format_path
from keyturn.model.secret import Secret
from keyturn.model.secret_detection import is_mask

MAX_API_KEY_LENGTH = 4096
"""Bytes of an API key: JSON web tokens, which the service takes too, stay below this."""

_MIN_REDACTED_LENGTH = 4
_SHORT_TEXT_LENGTH = 1000  # letters: the message of a test has some fifty
_MAX_HEADER_LENGTH = 256


def encode_body(tree: Mapping[str, object]) -> bytes:
    """Return ``tree`` as compact JSON in UTF-8, its ``Secret`` leaves revealed.

    Leaves are text, numbers, booleans, null and ``Secret``; branches are mappings with text for
    keys, lists and tuples. Raises TypeError for anything else and ValueError for text or numbers
    that JSON has no form for, neither with the value; Faulty (KT513) for plain text that is a mask.
    """
    encoded = json.dumps(_to_json_value(tree, ()), ensure_ascii=False, separators=(",", ":"))
    try:
        return encoded.encode()
    except UnicodeEncodeError:
        pass
    message = "a body holds half of a surrogate pair, which UTF-8 has no form for"
    raise ValueError(message)


def encode_bearer_token(key: Secret, source: str) -> bytes:
    """Return the value of the Authorization header for ``key``, blanks around it removed.

    Raises Faulty (KT512) for what cannot be a key: empty, over 4,096 characters, with blanks, control
    or non-ASCII characters inside. The message names ``source``, never the key.
    """
    text = _reveal_secret(key)
    trimmed = text[: MAX_API_KEY_LENGTH * 2].strip(" \t\r\n\ufeff")
    wrong = _describe_key_problem(trimmed)
    if wrong:
        raise DiagnosticError(
            Diagnostic(
                code="KT512",
                severity=Severity.ERROR,
                message=f"the API key from {source} {wrong}",
                origin=SourceLocation(source),
                hint="put the key alone there: no label, no quotes, no `Bearer` before it",
            )
        )
    return b"Bearer " + trimmed.encode("ascii")


def encode_header_value(text: str, name: str) -> bytes:
    """Return a plain setting as the value of a header; raises Faulty (KT511) for what cannot be one."""
    if text and len(text) <= _MAX_HEADER_LENGTH and all("!" <= letter <= "~" for letter in text):
        return text.encode("ascii")
    raise DiagnosticError(
        Diagnostic(
            code="KT511",
            severity=Severity.ERROR,
            message=f"{name} cannot be sent as a header",
            origin=SourceLocation("keyturn.yaml"),
            hint="write the id as Planasonix shows it: no blanks, ASCII only",
        )
    )


def redact_secrets(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with every occurrence of a secret replaced by ``[hidden]``.

    Secrets of fewer than four characters hide the whole text if they occur: cutting them out of
    words would show where they stood.
    """
    for secret in secrets:
        value = _reveal_secret(secret)
        if value and value in text:
            text = text.replace(value, "[hidden]") if len(value) >= _MIN_REDACTED_LENGTH else "[hidden]"
    return text


class SecretRedactor:
    """Hides many secrets in short texts: what one text costs does not grow with their number.

    Each stretch of a text that is as long as some secret is looked up by its hash, which Python keys
    anew in each process; only what is met by that is compared. In a long text each secret is looked
    for, which takes less then.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        longest_first = sorted(secrets, key=lambda secret: -len(_reveal_secret(secret)))
        self._secret_by_hash = {hash(_reveal_secret(secret)): secret for secret in longest_first}
        self._lengths = sorted({len(_reveal_secret(secret)) for secret in longest_first} - {0}, reverse=True)

    def redact(self, text: str) -> str:
        """Return ``text`` as ``conceal`` would, longer secrets first."""
        if len(text) > _SHORT_TEXT_LENGTH:
            return redact_secrets(text, self._secret_by_hash.values())
        stretches = (
            hash(text[start : start + length])
            for length in self._lengths
            for start in range(len(text) - length + 1)
        )
        return redact_secrets(
            text, [self._secret_by_hash[each] for each in stretches if each in self._secret_by_hash]
        )


NO_REDACTION = SecretRedactor()
"""Hides nothing."""


def collect_secrets(tree: object) -> tuple[Secret, ...]:
    """Return the ``Secret`` leaves of a body, in order."""
    if isinstance(tree, Secret):
        return (tree,)
    branches = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list | tuple) else ()
    return tuple(secret for branch in branches for secret in collect_secrets(branch))


def _reveal_secret(secret: Secret) -> str:
    return secret.reveal()


def _describe_key_problem(text: str) -> str:
    if not text:
        return "is empty"
    if len(text) > MAX_API_KEY_LENGTH:
        return f"is longer than {MAX_API_KEY_LENGTH} characters"
    if not text.isascii():
        return "holds characters outside ASCII"
    if not all("!" <= letter <= "~" for letter in text):
        return "holds blanks or control characters"
    return ""


def _to_json_value(leaf: object, path: FieldPath) -> object:
    if isinstance(leaf, Secret):
        return _reveal_secret(leaf)
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
    message = f"{format_path(path)} is a {type(leaf).__name__}, which has no form in JSON"
    raise TypeError(message)


def _require_text_key(key: object, path: FieldPath) -> str:
    if isinstance(key, str):
        return key
    message = f"a key below {format_path(path) or 'the body'} is a {type(key).__name__}, not text"
    raise TypeError(message)


def _require_finite(number: float, path: FieldPath) -> float:
    if math.isfinite(number):
        return number
    message = f"{format_path(path)} is not a finite number"
    raise ValueError(message)


def _require_unmasked(text: str, path: FieldPath) -> str:
    if path[:1] in {("name",), ("id",), ("type",)} or not is_mask(text):
        return text
    raise DiagnosticError(
        Diagnostic(
            code="KT513",
            severity=Severity.ERROR,
            message=f"{format_path(path)} holds a mask, not a value",
            origin=SourceLocation(format_path(path)),
            hint="state the real value in the manifest, under secrets, or list the field under keep",
        )
    )
