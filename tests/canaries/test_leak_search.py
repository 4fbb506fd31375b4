"""The search finds every shape of every kind of secret at every position, and no random text."""

import base64
import codecs
import hashlib
import html
import json
import os
import random
import textwrap
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leak_search import KINDS, Canary, LeakSearcher, make_canary

PIECEWISE = ("ascii", "pem", "quotes", "unicode", "long")
SHAPES = {
    "raw": str.encode,
    "json": lambda value: json.dumps({"a": value}).encode(),
    "json, not ascii": lambda value: json.dumps({"a": value}, ensure_ascii=False).encode(),
    "json in json": lambda value: json.dumps(json.dumps({"a": value})).encode(),
    "yaml": lambda value: yaml.safe_dump({"a": value}, width=10**6).encode(),
    "yaml, folded": lambda value: yaml.safe_dump({"a": {"b": value}}, width=20).encode(),
    "yaml, double quotes": lambda value: yaml.safe_dump({"a": value}, default_style='"').encode(),
    "yaml, not ascii": lambda value: yaml.safe_dump({"a": value}, allow_unicode=True).encode(),
    "indented": lambda value: textwrap.indent(value, "      ").encode(),
    "python": lambda value: repr({"a": value}).encode(),
    "url": lambda value: f"https://x.example/?a={quote(value, safe='')}&b=1".encode(),
    "url, form": lambda value: f"a={quote_plus(value)}".encode(),
    "html": lambda value: f"<b>{html.escape(value)}</b>".encode(),
}
CODED = {
    "hex": lambda value: value.encode().hex().encode(),
    "hex, capitals": lambda value: value.encode().hex().upper().encode(),
    "hex, spaced": lambda value: value.encode().hex(" ").encode(),
    "base64": lambda value: base64.b64encode(value.encode()),
    "base64, one byte on": lambda value: base64.b64encode(b":" + value.encode()),
    "base64, two bytes on": lambda value: base64.b64encode(b"a:" + value.encode()),
    "base64, in lines": lambda value: base64.encodebytes(b"user:" + value.encode()),
    "base64, for urls": lambda value: base64.urlsafe_b64encode(value.encode()),
    "utf-16": lambda value: value.encode("utf-16"),
    "utf-16, big end first": lambda value: value.encode("utf-16-be"),
}
DIGESTS = {
    "sha256": lambda value: hashlib.sha256(value.encode()).hexdigest().encode(),
    "sha256 of a line": lambda value: hashlib.sha256(value.encode() + b"\n").hexdigest().encode(),
    "sha256 in base64": lambda value: base64.b64encode(hashlib.sha256(value.encode()).digest()),
    "md5": lambda value: hashlib.md5(value.encode(), usedforsecurity=False).hexdigest().encode(),
    "sha1": lambda value: hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest().encode(),
}
BEFORE, AFTER = b"Plan: 2 to create.\npassword: ", b"\n  host: db.example.com\n"


def found(canary: Canary, text: bytes) -> bool:
    """Tell whether a text contains a canary."""
    seeker = LeakSearcher([canary])
    assert seeker.seek(BEFORE + AFTER) is None
    return seeker.seek(BEFORE + text + AFTER) is not None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_text_shapes(kind, shape):
    """Every kind is found in every text shape."""
    canary = make_canary(kind, random.Random(shape))
    assert found(canary, SHAPES[shape](canary.value))


@pytest.mark.parametrize("shape", CODED)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "short"])
def test_coded_shapes(kind, shape):
    """Every kind but three characters is found in every encoding."""
    canary = make_canary(kind, random.Random(shape))
    assert found(canary, CODED[shape](canary.value))


@pytest.mark.parametrize("shape", DIGESTS)
@pytest.mark.parametrize("kind", KINDS)
def test_digests(kind, shape):
    """The plain hash of every kind is found."""
    canary = make_canary(kind, random.Random(shape))
    assert found(canary, DIGESTS[shape](canary.value))


@pytest.mark.parametrize("kind", ["ascii", "quotes", "unicode"])
def test_pieces(kind):
    """Any eight characters of a random secret are found, in whatever shape."""
    canary = make_canary(kind, random.Random(3))
    for start in range(len(canary.value) - 7):
        piece = canary.value[start : start + 8]
        for code in (
            str.encode,
            json.dumps,
            lambda text: text.encode().hex(),
            lambda text: text.encode("utf-16"),
        ):
            text = code(piece)
            assert found(canary, text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("start", [0, 31, 55, 2049, 4080])
def test_pieces_of_a_long_secret(start):
    """Any fifteen characters of a long secret are found."""
    canary = make_canary("long", random.Random(3))
    assert found(canary, canary.value[start : start + 15].encode())


def test_pieces_of_a_pem():
    """A line of a key is found; its header and the common prefix of keys are not."""
    canary, other = (make_canary("pem", random.Random(0)) for _ in range(2))
    lines = canary.value.splitlines()
    assert found(canary, lines[1].encode())
    assert found(canary, lines[2].encode())
    assert not found(canary, other.value.encode())


@pytest.mark.parametrize("kind", ["short", "numeric", "word"])
def test_no_pieces_of_small_secrets(kind):
    """A small secret is found only as a whole word."""
    canary = make_canary(kind, random.Random(5))
    assert found(canary, f"({canary.value})".encode())
    assert not found(canary, f"x{canary.value}y".encode())
    assert not found(canary, canary.value[:-1].encode())


def test_number_read_as_a_number():
    """A number without its leading zero is found."""
    canary = make_canary("numeric", random.Random(5))
    assert found(canary, str(int(canary.value)).encode())


@pytest.mark.parametrize("kind", KINDS)
def test_chance_is_not_found(kind):
    """A megabyte of random bytes, hex, base64 and text holds no canary."""
    dice = random.Random(11)
    seeker = LeakSearcher([make_canary(kind, dice)])
    noise = dice.randbytes(1_000_000)
    assert seeker.seek(noise) is None
    assert seeker.seek(noise.hex().encode()) is None
    assert seeker.seek(base64.b64encode(noise)) is None
    assert seeker.seek(codecs.encode(noise, "uu")) is None


@given(before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_place_does_not_matter(before, after):
    """A secret is found at every offset and in any text."""
    canary = Canary("ascii", "kV3qTz8RmW1xLb5Yc7Nd")
    assert LeakSearcher([canary]).seek(before + b"kV3qTz8R" + after)


def test_many_at_once():
    """The match names the leaked canary."""
    dice = random.Random(2)
    canaries = [make_canary(kind, dice) for kind in KINDS for _ in range(5)]
    sighting = LeakSearcher(canaries).seek(os.urandom(1000) + canaries[7].value.encode())
    assert sighting.canary == canaries[7]
    assert sighting.offset >= 1000
