"""Canaries and what gives one away: how they are made, and every shape in which one may surface.

A canary that is long and random is looked for in pieces of eight characters, so that half a
password in an error message is found too. Three kinds cannot be: a piece of something short, of a
number or of a word stands in innocent text by chance. Those are looked for whole, with nothing
alphanumeric beside them, and made so that chance does not write them: ``short`` is a letter
between two signs that our output does not use, ``numeric`` has eleven digits and a leading zero,
``word`` comes from a list that no text of the project uses.
"""

import base64
import hashlib
import html
import json
import random
import re
import string
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import quote, quote_plus

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

PIECE = 8
_BASE64_PIECE = 12
_ENDS = 64
_LETTERS = string.ascii_letters + string.digits
_WHITE = b" \t\r\n\\"
_WORDS = ("marmalade", "rhinoceros", "tangerine", "butterscotch", "periwinkle", "clementine", "pomegranate")
_P256_PREFIX = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
_P256_NUMBER = slice(48, 90)  # base64 of bytes 36 to 67: RFC 5915's privateKey inside RFC 5208's


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret of a test: its kind, and the value that must not surface."""

    kind: str
    value: str

    @property
    def whole(self) -> bool:
        """Whether only the whole of it counts, because its pieces occur by chance."""
        return self.kind in {"short", "numeric", "word"} or len(self.value) < _BASE64_PIECE


@dataclass(frozen=True, slots=True)
class LeakMatch:
    """A canary that was found: which, in what shape, and at which byte."""

    canary: Canary
    shape: str
    offset: int


def _random(count: int) -> Callable[[random.Random], str]:
    return lambda dice: "".join(dice.choices(_LETTERS, k=count))


def _pem(_: random.Random) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    shape = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, shape, serialization.NoEncryption()).decode()


def _spiced(spices: tuple[str, ...]) -> Callable[[random.Random], str]:
    return lambda dice: "".join(_random(3)(dice) + spice for spice in spices) + _random(3)(dice)


_MINTS: Mapping[str, Callable[[random.Random], str]] = MappingProxyType(
    {
        "ascii": _random(24),
        "pem": _pem,
        "quotes": _spiced(('"', "'", "\\", "%", ": ", " #", "$", "&<")),
        "unicode": _spiced(("é", "ß", "中", "я", "ø", "🔑", "ł")),
        "short": lambda dice: f"~{dice.choice(_LETTERS)}^",
        "numeric": lambda dice: "0" + "".join(dice.choices(string.digits[1:], k=10)),
        "word": lambda dice: dice.choice(_WORDS),
        "long": _random(4096),
    }
)
KINDS = tuple(_MINTS)


def make_canary(kind: str, dice: random.Random, taken: Iterable[str] = ()) -> Canary:
    """Make a canary of one of ``KINDS`` that is none of ``taken``."""
    used = frozenset(taken)
    while (value := _MINTS[kind](dice)) in used:
        pass
    return Canary(kind, value)


# The shapes --------------------------------------------------------------------------------------


def _yaml(text: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
    return "".join(named.get(char) or (char if " " <= char <= "~" else _code(ord(char))) for char in text)


def _code(point: int) -> str:
    if point <= 0xFF:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"


def _small(url: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), url)


_TEXTUAL: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "raw": str,
        "JSON": lambda text: json.dumps(text)[1:-1],
        "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        "Python literal": lambda text: repr(text)[1:-1],
        "Python escapes": lambda text: text.encode("unicode_escape").decode(),
        "YAML, double quotes": _yaml,
        "YAML, single quotes": lambda text: text.replace("'", "''"),
        "URL": lambda text: quote(text, safe=""),
        "URL, path": quote,
        "URL, form": quote_plus,
        "URL, small letters": lambda text: _small(quote(text, safe="")),
        "HTML": html.escape,
        "HTML, by number": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    }
)
_WIDE: Mapping[str, Callable[[str], bytes]] = MappingProxyType(
    {
        "hex": lambda text: text.encode().hex().encode(),
        "HEX": lambda text: text.encode().hex().upper().encode(),
        "UTF-16, little end first": lambda text: text.encode("utf-16-le"),
        "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    }
)


def _essence(value: str) -> str:
    """Leave out what is no secret: the frame of a PEM; of a P-256 key all but the number itself."""
    if "-----BEGIN" not in value:
        return value
    body = "".join(line for line in value.splitlines() if line and not line.startswith("-----"))
    return body[_P256_NUMBER] if body.startswith(_P256_PREFIX) else body


_Text = TypeVar("_Text", str, bytes)


def _pieces(text: _Text, size: int = PIECE) -> Iterator[_Text]:
    """Every piece of a text; of a very long one those near its ends, and each eighth between."""
    last = len(text) - size
    for start in range(last + 1):
        if start % PIECE == 0 or start < _ENDS or last - start < _ENDS:
            yield text[start : start + size]


def _base64(value: bytes) -> Iterator[bytes]:
    """What is certain of a value inside base64 at each of the three alignments."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + value + b"\0" * 3)
        first, last = -(-shift * 8 // 6), (shift + len(value)) * 8 // 6
        yield text[first:last]


def _digests(value: str) -> Iterator[tuple[str, bytes]]:
    for name in ("sha256", "md5", "sha1"):
        for text in (value, value + "\n"):
            digest = hashlib.new(name, text.encode(), usedforsecurity=False)
            yield f"unsalted {name}", digest.hexdigest().encode()
            yield f"unsalted {name}, capitals", digest.hexdigest().upper().encode()
            yield f"unsalted {name}, base64", base64.b64encode(digest.digest()).rstrip(b"=")


def _narrow(canary: Canary) -> Iterator[tuple[str, bytes]]:
    """Shapes of at least seven bytes, in which text is found."""
    essence = _essence(canary.value)
    for piece in () if canary.whole else _pieces(essence):
        for name, shape in _TEXTUAL.items():
            text = shape(piece).encode()
            yield name, text
            yield f"{name}, without white space", text.translate(None, _WHITE)
    for text in _base64(essence.encode()):
        for sample in (text,) if canary.whole else _pieces(text, _BASE64_PIECE):
            yield "base64", sample
            yield "base64, for URLs", sample.translate(bytes.maketrans(b"+/", b"-_"))


def _wide(canary: Canary) -> Iterator[tuple[str, bytes]]:
    """Shapes of at least fifteen bytes: those whose alphabet is too small to be told apart by less."""
    yield from _digests(canary.value)
    pieces = (canary.value,) if canary.whole else _pieces(_essence(canary.value))
    for piece in pieces:
        for name, shape in _WIDE.items():
            yield name, shape(piece)


def _tokens(canary: Canary) -> Iterator[tuple[str, bytes]]:
    """Shapes of a canary whose pieces say nothing: the whole of it, and a number as a number."""
    if canary.whole:
        for name, shape in _TEXTUAL.items():
            yield name, shape(canary.value).encode()
        if canary.kind == "numeric":
            yield "a number", canary.value.lstrip("0").encode()


# The search --------------------------------------------------------------------------------------


class NeedlePack:
    """Needles of at least ``2 * width - 1`` bytes, found by what stands at multiples of ``width``.

    Any run of seven bytes of a text holds four that begin at a multiple of four. So a text in which
    no such four belong to a needle holds no needle, and what is left to look at is next to nothing,
    however many needles there are.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._width = array(code).itemsize
        self._needles: dict[bytes, tuple[Canary, str]] = {}
        self._grams: dict[int, list[bytes]] = {}
        self._reach = 0

    def add(self, canary: Canary, shape: str, needle: bytes) -> None:
        """Take in a needle; one that is too short to be told from chance is left out."""
        if len(needle) < 2 * self._width - 1 or needle in self._needles:
            return
        self._needles[needle] = (canary, shape)
        self._reach = max(self._reach, len(needle))
        for at in range(len(needle) - self._width + 1):
            gram = int.from_bytes(needle[at : at + self._width], sys.byteorder)
            self._grams.setdefault(gram, []).append(needle)

    def seek(self, text: bytes) -> LeakMatch | None:
        """Return the first needle found in a text."""
        words = array(self._code)
        words.frombytes(text + b"\0" * (-len(text) % self._width))
        if self._grams.keys().isdisjoint(words):
            return None
        for at, gram in enumerate(words):
            if gram in self._grams:
                start = max(0, at * self._width - self._reach)
                near = text[start : at * self._width + self._reach]
                for needle in self._grams[gram]:
                    if (offset := near.find(needle)) >= 0:
                        return LeakMatch(*self._needles[needle], start + offset)
        return None


class LeakSearcher:
    """Looks for every shape of many canaries at once."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._packs = (NeedlePack("I"), NeedlePack("Q"))
        self._tokens: dict[bytes, tuple[Canary, str]] = {}
        for canary in canaries:
            for pack, shapes in zip(self._packs, (_narrow, _wide), strict=True):
                for shape, needle in shapes(canary):
                    pack.add(canary, shape, needle)
            for shape, token in _tokens(canary):
                self._tokens.setdefault(token, (canary, shape))

    def seek(self, haystack: bytes) -> LeakMatch | None:
        """Return the first canary found in a text, as it stands or with its white space left out."""
        squeezed = haystack.translate(None, _WHITE)
        for text in (haystack,) if squeezed == haystack else (haystack, squeezed):
            for pack in self._packs:
                if found := pack.seek(text):
                    return found
        for token, (canary, shape) in self._tokens.items():
            if token in haystack and (match := _alone(token).search(haystack)):
                return LeakMatch(canary, shape, match.start())
        return None


def _alone(token: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![0-9A-Za-z_])" + re.escape(token) + rb"(?![0-9A-Za-z_])")
