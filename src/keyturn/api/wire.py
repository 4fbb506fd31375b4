"""Out to the service: the one place of this package that reveals secrets."""

import json
import math
from collections.abc import Iterable, Mapping

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.fields import Path, dotted
from keyturn.core.looks import masked
from keyturn.core.secret import Secret

LONGEST_KEY = 4096
"""Bytes of an API key: JSON web tokens, which the service takes too, stay below this."""

_SHORTEST_HIDDEN = 4
_SHORT = 1000  # letters: the message of a test has some fifty
_LONGEST_HEADER = 256


def encode_body(tree: Mapping[str, object]) -> bytes:
    """Return ``tree`` as compact JSON in UTF-8, its ``Secret`` leaves revealed.

    Leaves are text, numbers, booleans, null and ``Secret``; branches are mappings with text for
    keys, lists and tuples. Raises TypeError for anything else and ValueError for text or numbers
    that JSON has no form for, neither with the value; Faulty (KT513) for plain text that is a mask.
    """
    encoded = json.dumps(_plain(tree, ()), ensure_ascii=False, separators=(",", ":"))
    try:
        return encoded.encode()
    except UnicodeEncodeError:
        pass
    message = "a body holds half of a surrogate pair, which UTF-8 has no form for"
    raise ValueError(message)


def bearer(key: Secret, source: str) -> bytes:
    """Return the value of the Authorization header for ``key``, blanks around it removed.

    Raises Faulty (KT512) for what cannot be a key: empty, over 4,096 characters, with blanks, control
    or non-ASCII characters inside. The message names ``source``, never the key.
    """
    text = _text(key)
    trimmed = text[: LONGEST_KEY * 2].strip(" \t\r\n\ufeff")
    wrong = _wrong_key(trimmed)
    if wrong:
        raise Faulty(
            Diagnostic(
                code="KT512",
                severity=Severity.ERROR,
                message=f"the API key from {source} {wrong}",
                origin=Origin(source),
                hint="put the key alone there: no label, no quotes, no `Bearer` before it",
            )
        )
    return b"Bearer " + trimmed.encode("ascii")


def header(text: str, name: str) -> bytes:
    """Return a plain setting as the value of a header; raises Faulty (KT511) for what cannot be one."""
    if text and len(text) <= _LONGEST_HEADER and all("!" <= letter <= "~" for letter in text):
        return text.encode("ascii")
    raise Faulty(
        Diagnostic(
            code="KT511",
            severity=Severity.ERROR,
            message=f"{name} cannot be sent as a header",
            origin=Origin("keyturn.yaml"),
            hint="write the id as Planasonix shows it: no blanks, ASCII only",
        )
    )


def conceal(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with every occurrence of a secret replaced by ``[hidden]``.

    Secrets of fewer than four characters hide the whole text if they occur: cutting them out of
    words would show where they stood.
    """
    for secret in secrets:
        value = _text(secret)
        if value and value in text:
            text = text.replace(value, "[hidden]") if len(value) >= _SHORTEST_HIDDEN else "[hidden]"
    return text


class Veil:
    """Hides many secrets in short texts: what one text costs does not grow with their number.

    Each stretch of a text that is as long as some secret is looked up by its hash, which Python keys
    anew in each process; only what is met by that is compared. In a long text each secret is looked
    for, which takes less then.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        longest_first = sorted(secrets, key=lambda secret: -len(_text(secret)))
        self._met = {hash(_text(secret)): secret for secret in longest_first}
        self._lengths = sorted({len(_text(secret)) for secret in longest_first} - {0}, reverse=True)

    def over(self, text: str) -> str:
        """Return ``text`` as ``conceal`` would, longer secrets first."""
        if len(text) > _SHORT:
            return conceal(text, self._met.values())
        stretches = (
            hash(text[start : start + length])
            for length in self._lengths
            for start in range(len(text) - length + 1)
        )
        return conceal(text, [self._met[each] for each in stretches if each in self._met])


UNVEILED = Veil()
"""Hides nothing."""


def secrets_of(tree: object) -> tuple[Secret, ...]:
    """Return the ``Secret`` leaves of a body, in order."""
    if isinstance(tree, Secret):
        return (tree,)
    branches = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list | tuple) else ()
    return tuple(secret for branch in branches for secret in secrets_of(branch))


def _text(secret: Secret) -> str:
    return secret.reveal()


def _wrong_key(text: str) -> str:
    if not text:
        return "is empty"
    if len(text) > LONGEST_KEY:
        return f"is longer than {LONGEST_KEY} characters"
    if not text.isascii():
        return "holds characters outside ASCII"
    if not all("!" <= letter <= "~" for letter in text):
        return "holds blanks or control characters"
    return ""


def _plain(leaf: object, path: Path) -> object:
    if isinstance(leaf, Secret):
        return _text(leaf)
    if isinstance(leaf, str):
        return _unmasked(leaf, path)
    if leaf is None or isinstance(leaf, bool | int):
        return leaf
    if isinstance(leaf, float):
        return _finite(leaf, path)
    if isinstance(leaf, Mapping):
        return {_key(key, path): _plain(value, (*path, str(key))) for key, value in leaf.items()}
    if isinstance(leaf, list | tuple):
        return [_plain(value, path) for value in leaf]
    message = f"{dotted(path)} is a {type(leaf).__name__}, which has no form in JSON"
    raise TypeError(message)


def _key(key: object, path: Path) -> str:
    if isinstance(key, str):
        return key
    message = f"a key below {dotted(path) or 'the body'} is a {type(key).__name__}, not text"
    raise TypeError(message)


def _finite(number: float, path: Path) -> float:
    if math.isfinite(number):
        return number
    message = f"{dotted(path)} is not a finite number"
    raise ValueError(message)


def _unmasked(text: str, path: Path) -> str:
    if path[:1] in {("name",), ("id",), ("type",)} or not masked(text):
        return text
    raise Faulty(
        Diagnostic(
            code="KT513",
            severity=Severity.ERROR,
            message=f"{dotted(path)} holds a mask, not a value",
            origin=Origin(dotted(path)),
            hint="state the real value in the manifest, under secrets, or list the field under keep",
        )
    )
