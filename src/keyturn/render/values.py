"""How a plain value is shown: on one line, shortened aloud, and never where it looks like a secret."""

import json
import re
from typing import Final

from keyturn.core.address import Address
from keyturn.core.change import ABSENT
from keyturn.core.fields import Leaf, Path

LONG: Final = 100
"""The most characters of a value that are shown; of two that differ, from shortly before they do."""

NOTHING: Final = "(not set)"
HIDDEN: Final = "(hidden: looks like a secret)"

_LEAD: Final = 20
_BARE: Final = re.compile(r"[^\s\"'()→·…]+")
_SECRET_KEY: Final = re.compile(
    r"(^|_)(password|passwd|passphrase|pwd|secret|token|sas|service_account_json|connection_string"
    r"|((access|account|api|encryption|private|shared|signing|storage)_?key))$"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-.\s]")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
_TOKEN: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{8,}\.|\b(?:plnx|plx|flx)_\w{6,}|\bwhsec_\w{6,}"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{15,}|\bxox[abeprs]-[\w-]{10,}"
    r"|\bsk[-_](?:live|test|ant|proj)[-_][\w-]{10,}|\bAGE-SECRET-KEY-1\w+|\bAIza[\w-]{30,}"
)


def secretive(key: str) -> bool:
    """Tell whether a key is the name of a secret: ``client_secret``, ``apiKey``, not ``token_url``."""
    return bool(_SECRET_KEY.search(_CAMEL.sub("_", key).lower()))


def tokenlike(text: str) -> bool:
    """Tell whether text holds what is known to be the shape of a secret: a private key, a JWT, a PAT."""
    return bool(_TOKEN.search(text))


def hidden(path: Path, leaf: object) -> bool:
    """Tell whether a plain field must not be shown, because its name or its content is a secret's."""
    if leaf in (ABSENT, None) or isinstance(leaf, bool | Address):
        return False
    if any(map(secretive, path)):
        return True
    return tokenlike(leaf if isinstance(leaf, str) else json.dumps(leaf, default=str))


def bare(leaf: Leaf) -> Leaf:
    """Return a leaf without the user and password of an address: ``https://***@host``."""
    return _USERINFO.sub("***", leaf) if isinstance(leaf, str) else leaf


def shown(path: Path, leaf: Leaf) -> str:
    """Return a leaf as a reader sees it, at most about ``LONG`` characters; not yet sanitised."""
    return _shorten(_text(path, leaf), 0)


def pair(path: Path, before: Leaf, after: Leaf) -> tuple[str, str]:
    """Return two leaves as a reader sees them, so that where they differ is in sight."""
    if isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        first, second = shown(path, before), shown(path, after)
        if hidden(path, before) or hidden(path, after):
            return first, second
        return first, f"{second}, differs from line {_alike(before.split(chr(10)), after.split(chr(10))) + 1}"
    first, second = _text(path, before), _text(path, after)
    if first == second and before != after:
        return first, f"{second}, another value"
    if max(len(first), len(second)) <= LONG:
        return first, second
    alike = _alike(first, second)
    return _shorten(first, alike), _shorten(second, alike)


def _text(path: Path, leaf: Leaf) -> str:
    if leaf == ABSENT:
        return NOTHING
    if hidden(path, leaf):
        return HIDDEN
    match bare(leaf):
        case Address() as address:
            return str(address)
        case str() as text if "\n" in text:
            return f"({text.rstrip(chr(10)).count(chr(10)) + 1} lines, {len(text):,} characters)"
        case str() as text:
            return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
        case other:
            return json.dumps(other, ensure_ascii=False, default=str, sort_keys=True)


def _shorten(text: str, alike: int) -> str:
    skipped = alike - _LEAD if len(text) > LONG and alike > LONG - _LEAD else 0
    start = f"{text[:_LEAD]}… ({skipped - _LEAD:,} more characters) …" if skipped else ""
    rest = text[skipped:]
    if len(rest) <= LONG:
        return start + rest
    return f"{start}{rest[:LONG]}… ({len(rest) - LONG:,} more characters)"


def _alike(one: str | list[str], other: str | list[str]) -> int:
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
