"""Masking of possible secrets in source lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.views.diagnostics.masking import MASK_TEXT, mask_lines, may_hold_secret

CLEAN = """\
kind: credential
name: prod-db
config:
  host: db.example.com   # the new one: hunter2
  labels: [a, b]
  items:
    - one
    - name: two
  description: |
    two lines
    of text
# hunter2
secrets:
  password: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]
  seal: hunter2
  headers:
    X-Api-Key: hunter2
sops:
  mac: ENC[AES256_GCM,data:x]
"""

SHOWN = """\
kind: credential
name: prod-db
config:
  host: db.example.com   # …
  labels: [a, b]
  items:
    - one
    - name: two
  description: |
    two lines
    of text
# …
secrets:
  password: ENC[…]
  seal: ▒▒▒
  headers:
    X-Api-Key: ▒▒▒
sops:
  mac: ENC[…]
"""

PEM = "-----BEGIN PRIVATE KEY-----"
RANDOM = "q7Zt0LmX2vB9kD4sW8yR1cH5"


def shown(text, clear=None):
    """Return the masked text, line by line."""
    lines = mask_lines(text, 1, text.count("\n") + 1, clear)
    return ["".join(piece.shown for piece in pieces) for pieces in lines]


def test_structure_and_plain_values_are_visible():
    """Only secrets and comments are masked."""
    assert shown(CLEAN) == SHOWN.split("\n")


def test_line_ends_and_byte_order_marks_have_no_effect():
    """CRLF and a byte order mark."""
    assert shown("\ufeff" + CLEAN.replace("\n", "\r\n")) == SHOWN.split("\n")


@pytest.mark.parametrize(
    "text",
    [
        "secrets:\n  hunter2: x",
        "secrets:\n  password:\n    hunter2",
        "secrets:\n  private_key: |\n    hunter2\n    a: hunter2",
        f"secrets:\n  private_key: |\n{PEM}\nhunter2\n",
        "secrets:\n  password: 'a\nhunter2'\n",
        'secrets:\n  password: "hunter2',
        "secrets: hunter2",
        "secrets: {password: hunter2}",
        "{kind: credential, secrets: {password: hunter2}}",
        "'secrets':\n  password: hunter2",
        "  secrets:\n    password: hunter2",
        "Secrets:\n  password: hunter2",
        "secrets:\n  # hunter2",
        "config:\n  password: hunter2",
        "config:\n  password: 'x\n    hunter2'",
        "config:\n  clientSecret: >-\n    hunter2",
        "config:\n  token:\n    value: hunter2",
        "config: {password: hunter2}",
        "config:\n  x: {token: hunter2}",
        "config:\n  url: https://u:hunter2@db.example.com/",
        f"config:\n  cert: |\n    {PEM}\n    hunter2\n",
        f"config:\n  x: |\n    {RANDOM}\n    hunter2\n",
        "config:\n  x: a\nhunter2\n",
        "hunter2",
        "? hunter2",
        "config:\n  x: y # hunter2",
        "config:\n  - password: hunter2",
        "kind: credential\n\tpassword: hunter2",
    ],
)
def test_a_secret_is_masked(text):
    """In valid and in broken YAML."""
    assert "hunter2" not in "\n".join(shown(text))


@pytest.mark.parametrize(
    "text", ["config:\n  pasword: hunter2", "config:\n  x: [hunter2]", "config:\n  - hunter2"]
)
def test_a_possible_secret_line_shows_only_its_key(text):
    """A secret can have any name there."""
    assert "hunter2" in "\n".join(shown(text))
    assert "hunter2" not in "\n".join(shown(text, frozenset()))
    assert "hunter2" in "\n".join(shown(text, frozenset({2})))


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("config: {host: hunter2, prot: hunter2}", "config: {host: ▒▒▒, prot: ▒▒▒}"),
        ("config: {a: 'hunter2 {', b: \"hunter2, \" }  ", "config: {a: ▒▒▒, b: ▒▒▒ }  "),
        ("config: {a: {b: hunter2}}", "config: ▒▒▒"),
        ("config: {a: hunter2, hunter2}", "config: ▒▒▒"),
        ("config: {a: hunter2", "config: ▒▒▒"),
        ("config: {a: b,", "config: ▒▒▒"),
        ("config: {a: b}hunter2", "config: ▒▒▒"),
        ("config: {a: b} # hunter2", "config: ▒▒▒"),
        ("config: {ghp_aB3dE5gH7jK9mN1pQ3sT5vW7: b}", "config: ▒▒▒"),
        ("password: {a: hunter2}", "password: ▒▒▒"),
    ],
)
def test_a_possible_secret_flow_mapping_shows_only_its_keys(line, kept):
    """So a caret can mark a key."""
    assert shown(line, frozenset()) == [kept]


@given(st.text(alphabet="ab: \n\t-#'\"|>{}[]&*!%@,?secrts", max_size=120), st.integers(0, 6))
def test_below_secrets_only_known_keys_are_visible(text, indent):
    """Any text: only names of secret fields remain."""
    lines = [" " * indent + part for part in text.split("\n")]
    body = "\n".join(lines) + "\n  CANARY\n  password: CANARY\n  CANARY: x\n"
    assert "CANARY" not in "\n".join(shown(f"secrets:\n{body}"))


@given(st.text(alphabet="abc:d \t-#'\"|>{}[]é日", max_size=60))
def test_pieces_cover_a_line_in_order(text):
    """Any line: the pieces are adjacent, and verbatim pieces equal the source."""
    (pieces,) = mask_lines(text, 1, 1, None)
    at = 0
    for piece in pieces:
        assert piece.start == at
        at += piece.length
        assert not piece.verbatim or piece.shown == text[piece.start : at]
    assert at == len(text) or not text.strip()


@pytest.mark.parametrize(
    "text",
    [
        RANDOM,
        "a" * 8 + "0" * 8 + "f" * 16,
        PEM,
        "x; password=y",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2lnbmF0dXJl",
    ],
)
def test_suspicious_text(text):
    """Random characters, long hex, keys, pairs and tokens."""
    assert may_hold_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "db.example.com",
        "arn:aws:iam::123456789012:role/reader",
        "manifests/prod/credentials/prod-snowflake-reader",
        "xy12345.us-east-1.snowflakecomputing.com",
        "https://login.example.com/oauth/token",
    ],
)
def test_plain_text_is_not_suspicious(text):
    """Hosts, paths and names."""
    assert not may_hold_secret(text)
    assert MASK_TEXT not in text
