"""Decryption in process, compared with the real sops."""

import json
import os
import re

import pyrage
import pytest

from fuzz.differential import Campaign
from keyturn.model.secret import Secret
from keyturn.sops.age_keys import find_age_keys
from keyturn.sops.native import Unsupported, decrypt_in_process
from sops_files import encrypt_manifest, make_key_environment, parse_text, run_sops

CASES = 200
"""How many files the small campaign tries; ``make fuzz`` tries a hundred times as many."""


@pytest.fixture
def ring(age_key):
    """Return the age key of the test run."""
    return find_age_keys({"SOPS_AGE_KEY": age_key.identity})


def reason(text, ring):
    """Return why a file is unsupported."""
    found = decrypt_in_process(parse_text(text), ring)
    assert isinstance(found, Unsupported), found
    return found.reason


@pytest.mark.parametrize(
    "value",
    [
        "0123",
        "1e5",
        "no",
        "12:30",
        "a\nb\n",
        "'\"\\",
        "日本 😀",
        " x ",
        "null",
        "\u2028",
        "\x01",
        "~",
        "x" * 60_000,
    ],
)
def test_decrypts_every_secret_unchanged(age_key, ring, value):
    """Text that YAML would rewrite is returned unchanged."""
    opened = decrypt_in_process(
        parse_text(encrypt_manifest(age_key, {"password": value, "deep": {"er": "x"}})), ring
    )
    assert opened == {("secrets", "password"): Secret(value), ("secrets", "deep", "er"): Secret("x")}


@pytest.mark.parametrize(
    "selector",
    [
        ("--encrypted-regex", "^(secrets|name)$"),
        ("--unencrypted-regex", "^(kind|config)$"),
        ("--encrypted-suffix", "rets"),
        ("--unencrypted-suffix", "fig"),
    ],
)
def test_follows_every_simple_selector(age_key, ring, selector):
    """The decrypted values are those that sops encrypted."""
    text = encrypt_manifest(age_key, {"password": "x", "list": ["y", "z"]}, *selector)
    opened = decrypt_in_process(parse_text(text), ring)
    there = json.loads(
        run_sops(
            "decrypt",
            "--input-type",
            "yaml",
            "--output-type",
            "json",
            stdin=text,
            env=make_key_environment(age_key),
        )
    )
    assert opened[("secrets", "list", "1")] == Secret(there["secrets"]["list"][1])
    assert len(opened) == text.count("ENC[") - 1


def test_decrypts_with_the_key_of_any_recipient(age_key, ring):
    """The first available recipient is used."""
    others = ",".join(str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2))
    text = encrypt_manifest(f"{others},{age_key.recipient}", {"password": "x"})
    assert decrypt_in_process(parse_text(text), ring) == {("secrets", "password"): Secret("x")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("host: db.acme.com", "host: evil.example.com"),
        ("port: 5432", "port: 5433"),
        ("tls: true", "tls: false"),
        ("name: prod-x", "name: prod-x\nadded: 1"),
        ("ratio: 0.5", "ratio: 0.25"),
        ("- a\n", "- b\n"),
    ],
)
def test_no_plain_value_can_be_changed(age_key, ring, old, new):
    """The MAC covers every value."""
    text = encrypt_manifest(age_key, {"password": "x"})
    assert old in text
    assert reason(text.replace(old, new), ring) == "the MAC does not match"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("    password:", "    token:"), "a value does not decrypt as text"),
        (lambda text: text.replace("type:str", "type:int", 1), "a value does not decrypt as text"),
        (
            lambda text: re.sub(r"password: ENC\S*", "password: plain", text),
            "a value does not decrypt as text",
        ),
        (lambda text: re.sub(r"password: ENC\S*", "password: ''", text), "a value does not decrypt as text"),
        (lambda text: re.sub(r"password: ENC\S*", "password: null", text), "the MAC does not match"),
        (lambda text: text.replace("type:str]", "type:str]x", 1), "a value does not decrypt as text"),
        (lambda text: re.sub(r"mac: .*", "mac: x", text), "the MAC does not match"),
        (
            lambda text: re.sub(r"lastmodified: .*", 'lastmodified: "2024-01-01T00:00:00Z"', text),
            "the MAC does not match",
        ),
        (lambda text: re.sub(r"    mac: .*\n", "", text), "the sops: block is malformed"),
        (
            lambda text: text.replace("    version", "    unknown: 1\n    version"),
            "the sops: block is malformed",
        ),
        (lambda text: text.replace("version: 3", "version: 4"), "the version of the format is not 3"),
        (
            lambda text: text.replace("    version", "    mac_only_encrypted: true\n    version"),
            "the MAC covers encrypted values only",
        ),
        (lambda text: text.replace("^secrets$", "secrets"), "the selector is not simple"),
        (
            lambda text: text.replace("secrets:\n", "secrets:\n    #ENC[x]\n"),
            "a comment is encrypted or empty",
        ),
        (lambda text: text.replace("secrets:\n", "secrets:  # \n"), "a comment is encrypted or empty"),
        (
            lambda text: text.replace("tags:", "more: [q?]\n    tags:"),
            "a flow list or mapping is not simple",
        ),
        (
            lambda text: text.replace("tags:", "more: [q,\n      r]\n    tags:"),
            "a flow list or mapping is not simple",
        ),
        (
            lambda text: text.replace("tags:", "more: [a:b]\n    tags:"),
            "a flow list or mapping is not simple",
        ),
        (
            lambda text: text.replace("recipient: age1", "recipient: age2"),
            "there are recipients other than plain age keys",
        ),
        (
            lambda text: text.replace("-----END AGE ENCRYPTED FILE-----", "-----END AGE-----"),
            "no available age key decrypts it",
        ),
        (lambda text: text[: text.index("sops:")], "the sops: block is malformed"),
    ],
)
def test_reports_unsupported_files(age_key, ring, change, why):
    """Each case has a reason, and no reason contains a value."""
    text = encrypt_manifest(age_key, {"password": "x", "token2": "y"})
    changed = change(text)
    assert changed != text
    assert reason(changed, ring) == why


@pytest.mark.parametrize("line", ["none: {}", "none: []", "none: [{}, []]"])
def test_supports_simple_flow_style(age_key, ring, line):
    """Short lists and labels in flow style are common."""
    plain = {"labels": {"environment": "prod", "owner": "data-platform"}, "tags": ["a", "b c"]}
    text = encrypt_manifest(age_key, {"password": "x"}, plain=plain)
    text = text.replace("tags:\n    - a\n    - b c\n", "tags: [a, b c]\n")
    text = text.replace(
        "labels:\n    environment: prod\n    owner: data-platform\n",
        f"labels: {{environment: prod, owner: 'data-platform'}}\n{line}\n",
    )
    assert "labels: {" in text and "tags: [" in text  # noqa: PT018
    assert decrypt_in_process(parse_text(text), ring) == {("secrets", "password"): Secret("x")}


def test_does_not_support_pgp_and_key_groups(age_key, ring):
    """Such files are left to sops even if an age key is available."""
    text = encrypt_manifest(age_key, {"password": "x"})
    pgp = "    pgp:\n        - created_at: '2024-01-01T00:00:00Z'\n          enc: x\n          fp: A\n"
    assert (
        reason(text.replace("    version", pgp + "    version"), ring)
        == "there are recipients other than age keys"
    )


def test_does_not_decrypt_without_the_key(age_key):
    """The key of another recipient decrypts nothing."""
    text = encrypt_manifest(age_key, {"password": "x"})
    stranger = find_age_keys({"SOPS_AGE_KEY": str(pyrage.x25519.Identity.generate())})
    assert reason(text, stranger) == "no available age key decrypts it"
    assert reason(text, find_age_keys({})) == "no available age key decrypts it"


def test_leaves_secrets_that_are_not_text_to_sops(age_key, ring):
    """Sops reports their type."""
    assert reason(encrypt_manifest(age_key, {"password": 83}), ring) == "a value does not decrypt as text"


def test_a_reason_contains_no_secret(age_key, ring, canary):
    """A value that cannot be decrypted is not in the reason."""
    value = canary()
    text = encrypt_manifest(age_key, {"password": value})
    canary.record(
        "reason", repr(decrypt_in_process(parse_text(text.replace("type:str", "type:int", 1)), ring))
    )
    canary.record("opened", repr(decrypt_in_process(parse_text(text), ring)))


def test_accepts_nothing_that_sops_rejects(sops):
    """Of random and mutated files, sops decrypts each supported file to the same values."""
    tally = Campaign(int(os.environ.get("FUZZ_SEED", "1")), sops, check_declined=0).run(CASES)
    assert tally.violations == []
    assert tally.counts["cases"] == CASES
    assert tally.counts["accepted by both"] > CASES / 10
    assert tally.counts["declined"] > CASES / 10
