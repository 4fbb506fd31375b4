"""Selectors of encrypted values."""

import pytest

from keyturn.sops.metadata import compile_selector
from sops_files import encrypt_manifest, parse_text


@pytest.mark.parametrize(
    ("selector", "pattern", "yes", "no"),
    [
        ("", "", ("a", "b"), ("a_unencrypted", "b")),
        ("encrypted_suffix", "_secret", ("a_secret", "b"), ("a", "secret")),
        ("unencrypted_suffix", "_plain", ("a", "b"), ("a", "b_plain")),
        ("encrypted_regex", "^secrets$", ("secrets", "x"), ("secretsx",)),
        ("encrypted_regex", "^(password|token)$", ("a", "token"), ("a", "tokens")),
        ("unencrypted_regex", "^(name|kind)$", ("a",), ("a", "kind", "b")),
    ],
)
def test_selects_as_sops_does(selector, pattern, yes, no):
    """One matching key of the path is enough."""
    chosen = compile_selector(selector, pattern)
    assert chosen(yes)
    assert not chosen(no)


@pytest.mark.parametrize(
    ("selector", "pattern"),
    [
        ("encrypted_regex", "secrets"),
        ("encrypted_regex", "^secrets$\n"),
        ("encrypted_regex", "(?i)^secrets$"),
        ("encrypted_regex", "^se.rets$"),
        ("encrypted_regex", ""),
        ("encrypted_suffix", "a.b"),
        ("encrypted_comment_regex", "sops:enc"),
        ("unencrypted_comment_regex", "x"),
    ],
)
def test_does_not_support_other_patterns(selector, pattern):
    """Patterns that Go and Python may read differently are left to sops."""
    assert compile_selector(selector, pattern) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--encrypted-regex", "^(secrets|host)$"),
        ("--unencrypted-regex", "^(config|name)$"),
        ("--encrypted-suffix", "rets"),
        ("--unencrypted-suffix", "fig"),
    ],
)
def test_agrees_with_the_real_sops(age_key, arguments):
    """Sops encrypts exactly the selected values of a file."""
    found = parse_text(encrypt_manifest(age_key, {"a": "x", "host_unencrypted": "y"}, *arguments))
    chosen = compile_selector(arguments[0].removeprefix("--").replace("-", "_"), arguments[1])
    seen = 0
    for path in found.spans:
        value = found.tree
        for key in path:
            value = value[int(key)] if isinstance(value, list) else value[key]
        if isinstance(value, str) and path[0] != "sops":
            keys = tuple(key for key in path if not key.isdigit())
            assert value.startswith("ENC[") == chosen(keys), path
            seen += 1
    assert seen > 4
