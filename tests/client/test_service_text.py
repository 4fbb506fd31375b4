"""Texts of the service: only words of the vocabulary and plain values of manifests are shown."""

import base64
import codecs
import html
import json
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.service_text import (
    MAX_WORDS,
    collect_known_values,
    load_vocabulary,
    rebuild_text,
    rebuild_version,
)
from keyturn.model.address import Address

KNOWN = collect_known_values(
    [
        (
            Address("credential", "prod-ledger"),
            {
                ("config", "host"): "pg1.acme.example",
                ("config", "port"): 6432,
                ("config", "username"): "svc_ledger",
                ("config", "database"): "book keeping",
                ("config", "account"): "AB12345.eu-west-1",
                ("config", "note"): "eyJhbGciOiJI.eyJzdWIiOiIx.sig0",
                ("config", "ssl"): True,
                ("config", "schema"): "xy",
            },
        ),
        (Address("connection", "prod-ledger-ro"), {}),
    ]
)

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)


def _to_fullwidth(text):
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


ENCODINGS = {
    "raw": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base85": lambda text: base64.b85encode(text.encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex bytes": lambda text: text.encode().hex(" "),
    "hex escapes": lambda text: "".join(f"\\x{ord(letter):02x}" for letter in text),
    "URL": lambda text: urllib.parse.quote(text, safe=""),
    "URL, all": lambda text: "".join(f"%{ord(letter):02X}" for letter in text),
    "reversed": lambda text: text[::-1],
    "upper": str.upper,
    "swapped case": str.swapcase,
    "spaced": " ".join,
    "dotted": ".".join,
    "underscores": "_".join,
    "zero width": "\u200b".join,
    "soft hyphens": "\xad".join,
    "combining": "\u0301".join,
    "fullwidth": _to_fullwidth,
    "next letter": lambda text: "".join(chr(ord(letter) + 1) for letter in text),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "JSON": json.dumps,
    "JSON escapes": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "HTML": html.escape,
    "HTML numbers": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "numbers": lambda text: " ".join(str(ord(letter)) for letter in text),
    "one number": lambda text: str(int.from_bytes(text.encode())),
    "binary": lambda text: " ".join(f"{ord(letter):08b}" for letter in text),
    "words": lambda text: " ".join(text[start : start + 3] for start in range(0, len(text), 3)),
    "lines": lambda text: "\n".join(text[start : start + 4] for start in range(0, len(text), 4)),
    "pieces between words": lambda text: " failed ".join(
        text[start : start + 4] for start in range(0, len(text), 4)
    ),
    "between quotes": lambda text: "".join(f"'{letter}'" for letter in text),
    "key and value": lambda text: f"password={text}&user=x",
    "address": lambda text: f"postgres://svc:{text}@pg1.acme.example:6432/x",
    "a code": lambda text: f"ORA-{int.from_bytes(text.encode()) % 100_000:05}",
    "a status": lambda text: f"HTTP {sum(text.encode())}, SQLSTATE {text[:5].upper()}",
    "emoji": lambda text: "".join(chr(0x1F300 + ord(letter)) for letter in text),
}


PLAIN_WORDS = {*load_vocabulary(), *KNOWN, "…"}


def list_foreign_words(text):
    """Return the words of a rebuilt text that are neither known nor compounds of known words."""
    words = [word.removesuffix(":").casefold() for word in text.split()]
    return [word for word in words if word not in PLAIN_WORDS and not _is_compound(word)]


def _is_compound(word):
    return PLAIN_WORDS.issuperset(re.split(r"[._-]", word))


@given(secret=SECRETS, encoding=st.sampled_from(sorted(ENCODINGS)))
def test_no_piece_of_a_secret_is_shown(secret, encoding):
    """No four characters of a secret or of its encoded form are shown, except as part of a known word."""
    encoded = ENCODINGS[encoding](secret)
    shown = rebuild_text(f"login failed for svc_ledger with {encoded}: access denied", KNOWN)
    assert list_foreign_words(shown) == []
    joined = "".join(word for word in shown.split() if word.removesuffix(":").casefold() not in PLAIN_WORDS)
    for text in (secret, encoded):
        assert not any(text[start : start + 4] in joined for start in range(len(text) - 3))
    assert shown.startswith("login failed for svc_ledger with")


@given(text=st.text(max_size=400))
def test_any_text_becomes_known_words(text):
    """Whatever the text, known words alone are shown: each once, and at most forty."""
    shown = rebuild_text(text, KNOWN)
    words = [word.removesuffix(":") for word in shown.split() if word != "…"]
    assert list_foreign_words(shown) == []
    assert len(set(words)) == len(words) <= MAX_WORDS
    assert "… …" not in shown
    assert shown.isprintable()


@given(words=st.lists(st.sampled_from(sorted(load_vocabulary())), max_size=300))
def test_known_words_are_shown_once(words):
    """A text of known words cannot spell anything by repetition or by many codes."""
    shown = rebuild_text(" ".join(words)).split()
    parts = [part for word in shown if word != "…" for part in re.split(r"[._-]", word.casefold())]
    codes = [re.sub(r"\d", "0", word) for word in shown if re.search(r"\d", word)]
    assert sum(word != "…" for word in shown) <= MAX_WORDS
    assert len(set(codes)) == len(codes)
    assert max(map(parts.count, parts), default=0) <= 3  # as a word, and in a compound of the vocabulary


def test_the_vocabulary_has_no_letters():
    """No word is a single letter, and none occurs twice."""
    assert min(map(len, load_vocabulary())) >= 2
    assert all(word.isascii() and word.isprintable() for word in load_vocabulary().values())


MESSAGES = """
connection to server at "pg1.acme.example" (10.1.2.3), port 6432 failed: FATAL: password authentication failed
= connection to server at pg1.acme.example … port 6432 failed: fatal: password authentication …
FATAL:  password authentication failed for user "svc_ledger"
= fatal: password authentication failed for user svc_ledger
FATAL: no pg_hba.conf entry for host "10.1.2.3", user "svc_ledger", SSL off
= fatal: no pg_hba.conf entry for host … user svc_ledger SSL off
(1045, "Access denied for user 'svc_ledger'@'10.1.2.3' (using password: YES)")
= 1045 access denied for user svc_ledger … using password: yes
[28000] [Microsoft][ODBC Driver 18 for SQL Server]Login failed for user 'svc_ledger'. (18456)
= 28000 Microsoft ODBC driver … for SQL server login failed … user svc_ledger …
ORA-01017: invalid username/password; logon denied
= ORA-01017: invalid username password logon denied
250001 (08001): Failed to connect to DB: AB12345.eu-west-1. Incorrect username or password was specified.
= 250001 08001: failed to connect … db: AB12345.eu-west-1 incorrect username or password was specified
AADSTS7000222: The provided client secret keys for app '0f2c' are expired.
= AADSTS7000222: the provided client secret keys for … are expired
An error occurred (SignatureDoesNotMatch) when calling ListThings: The request signature does not match
= an error occurred SignatureDoesNotMatch when calling … the request signature does not match
{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
= error: invalid_grant … token has been expired or revoked
403 Access Denied: User does not have bigquery.jobs.create permission in project acme-dwh.
= 403 access denied: user does not have … permission in project …
[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer
= SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed: unable to get local issuer
could not translate host name "PG1.ACME.EXAMPLE" to address: Name or service not known
= could not translate host name pg1.acme.example to address: … or service … known
dial tcp: lookup pg1.acme.example: no such host
= dial TCP: lookup pg1.acme.example: no such host
connect ECONNREFUSED 10.1.2.3:6432
= connect ECONNREFUSED … 6432
INVALID_LOGIN: Invalid username, password, security token; or user locked out.
= INVALID_LOGIN: invalid username password security token or user locked out
a role is missing
= role is missing
Can't reach it
= can't reach it
"""


@pytest.mark.parametrize(
    ("text", "shown"), [pair.split("\n= ") for pair in re.split(r"\n(?!=)", MESSAGES.strip())]
)
def test_messages_of_vendors_stay_useful(text, shown):
    """What went wrong, and with which host and user, can be read."""
    assert rebuild_text(text, KNOWN) == shown


@pytest.mark.parametrize(
    "text", [None, 7, ["failed"], {"message": "failed"}, "", " ", "hunter2", "x" * 99_999, "…"]
)
def test_a_text_without_a_known_word_is_empty(text):
    """An ellipsis alone says nothing."""
    assert rebuild_text(text, KNOWN) == ""


@pytest.mark.parametrize("text", ["xy", "true", "eyJhbGciOiJI.eyJzdWIiOiIx.sig0", "book"])
def test_only_plain_values_of_some_length_are_known(text):
    """Short texts, booleans, possible secrets and parts of a value are not shown."""
    assert rebuild_text(f"{text} failed", KNOWN).endswith("… failed")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PostgreSQL 16.4 (Debian 16.4-1)", "PostgreSQL 16.4"),
        ("8.0", "8.0"),
        ("Oracle Database 19.22", "Oracle database 19.22"),
        ("MySQL", "MySQL"),
        ("12345678", ""),
        ("1.2345", ""),
        ("hunter2 16.4", "16.4"),
        ("x\x1b[31m", ""),
        (None, ""),
    ],
)
def test_a_version_is_product_and_number(text, shown):
    """The version of a server has at most four digits."""
    assert rebuild_version(text) == shown
