"""Checks of encryption without a key."""

import pytest

from keyturn.model.diagnostic import Severity
from keyturn.policy.settings import PolicySettings
from keyturn.sops.checks import check_encryption
from sops_files import add_vault_key, encrypt_manifest, parse_text, run_sops

_PLAIN = "kind: credential\nname: a\n"


@pytest.fixture(scope="module")
def text(age_key):
    """Return an encrypted manifest."""
    return encrypt_manifest(age_key, {"password": "x", "token": "y"})


def findings(text, settings=None):
    """Return code and location of each diagnostic of a file."""
    found = check_encryption(parse_text(text), settings or PolicySettings())
    return [(finding.code, finding.origin.line, finding.origin.column) for finding in found]


def at(text, needle, offset=0):
    """Return line and column of a text in the file."""
    before = text[: text.index(needle) + offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_accepts_a_real_file(text, age_key):
    """A file that sops writes with the recommended selector has no diagnostics."""
    assert findings(text) == []
    assert findings(text, PolicySettings(recipients={"m.yaml": (age_key.recipient,)})) == []


def test_accepts_a_plain_file_without_secrets():
    """A connection needs no encryption."""
    assert findings(_PLAIN) == []


def test_rejects_plain_secrets():
    """Secrets in an unencrypted file give one diagnostic at their key."""
    assert findings(_PLAIN + "secrets:\n  password: hunter2\n") == [("KT201", 3, 1)]
    assert findings(_PLAIN + "secrets:\n") == [("KT212", 3, 9)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("hunter2", "KT209"), ("5", "KT209"), ("false", "KT209"), ("0", "KT209"), ("''", "KT212"), ("null",
        "KT212"), ("{}", "KT212"),
        ("[]", "KT212"), ("ENC[AES256_GCM,data:x]", "KT211"), ("ENC[]", "KT211"), ("[a]", "KT216"),
    ],
)  # fmt: skip
def test_rejects_secrets_that_are_not_encrypted_text(text, value, code):
    """Plain, empty, damaged and listed secrets are reported without their value."""
    start = text.index("ENC[")
    changed = text[:start] + value + text[text.index("\n", start) :]
    line, column = at(text, "ENC[")
    assert findings(changed) == [(code, line, column + (value == "[a]"))]
    assert all(
        value not in finding.message
        for finding in check_encryption(parse_text(changed), PolicySettings())
        if len(value) > 2
    )


def test_rejects_text_after_a_ciphertext(text):
    """Sops would accept it."""
    assert findings(text.replace("type:str]", "type:str]x", 1)) == [("KT211", *at(text, "ENC["))]


def test_rejects_a_secret_that_was_encrypted_without_quotes(age_key):
    """A number may have lost digits."""
    text = encrypt_manifest(age_key, {"password": 123})
    assert findings(text) == [("KT213", *at(text, "ENC["))]


def test_rejects_a_ciphertext_outside_of_secrets(age_key):
    """Only values under ``secrets:`` are encrypted."""
    text = encrypt_manifest(age_key, {"password": "x"}, "--encrypted-regex", "^(secrets|host)$")
    assert findings(text) == [("KT210", *at(text, "ENC["))]


@pytest.mark.parametrize(
    "selector",
    [
        ("--encrypted-regex", "^(password|token)$"),
        ("--encrypted-regex", "secrets"),
        ("--unencrypted-regex", "^(kind|name|config|token)$"),
        ("--encrypted-suffix", "word"),
    ],
)
def test_the_selector_must_cover_secrets(age_key, selector):
    """A selector that permits a plain secret or that cannot be evaluated is rejected."""
    text = encrypt_manifest(age_key, {"password": "x", "token": "y"}, *selector)
    codes = [code for code, *_ in findings(text)]
    assert "KT214" in codes
    assert set(codes) <= {"KT214", "KT209"}


def test_rejects_selectors_by_comment(text):
    """A misplaced comment would expose values."""
    marked = text.replace("encrypted_regex: ^secrets$", "encrypted_comment_regex: sops:enc")
    assert findings(marked) == [("KT214", *at(marked, "encrypted_comment_regex"))]


def test_accepts_an_inverse_selector(age_key):
    """A list of plain keys is accepted if it contains no secret."""
    text = encrypt_manifest(age_key, {"password": "x"}, "--unencrypted-regex", "^(kind|name|config)$")
    assert findings(text) == []


@pytest.mark.parametrize(
    "selector", ["", "    unencrypted_suffix: _plain\n", "    encrypted_regex: ^(secrets|config)$\n"]
)
def test_rejects_a_selector_that_covers_plain_values(text, selector):
    """Sops can neither decrypt nor write such a file."""
    other = text.replace("    encrypted_regex: ^secrets$\n", selector)
    place = at(other, selector.strip().partition(":")[0] if selector else "sops:")
    assert findings(other) == [("KT214", *place)]


def test_requires_a_mac_over_all_values(text):
    """A missing MAC, a damaged MAC and a MAC over encrypted values only are rejected."""
    mac = next(line for line in text.split("\n") if line.startswith("    mac:"))
    assert findings(text.replace(mac + "\n", "")) == [("KT203", *at(text, "sops:"))]
    assert findings(text.replace(mac, "    mac: x")) == [("KT203", *at(text, mac, 9))]
    weak = text.replace("    version:", "    mac_only_encrypted: true\n    version:")
    assert findings(weak) == [("KT204", *at(weak, "mac_only_encrypted"))]


def test_rejects_files_of_old_versions(text):
    """The format before 3.0 has other rules."""
    version = next(line for line in text.split("\n") if line.startswith("    version:"))
    assert findings(text.replace(version, "    version: 2.0.10")) == [("KT205", *at(text, version, 13))]


def test_rejects_key_types_and_servers_outside_of_policy(text):
    """A hostile Vault address is rejected by its key type, and by its server if the type is allowed."""
    hostile = add_vault_key(text, "http://127.0.0.1:1")
    place = at(hostile, "vault_address")
    assert findings(hostile) == [("KT206", *place)]
    allowed = PolicySettings(key_types=("age", "hc_vault"), servers=("https://vault.example",))
    assert findings(hostile, allowed) == [("KT207", *place)]
    named = PolicySettings(key_types=("age", "hc_vault"), servers=("http://127.0.0.1:1/",))
    assert findings(hostile, named) == []
    assert findings(text, PolicySettings(key_types=("pgp",))) == [("KT206", *at(text, "recipient"))]


def test_requires_exactly_the_recipients_of_policy(text, age_key):
    """An extra recipient is reported at its entry, a missing one at the block."""
    other = "age1" + "q" * 58
    wanted = PolicySettings(recipients={"": (age_key.recipient,), "m.yaml": (other,)})
    assert findings(text, wanted) == [("KT208", *at(text, "recipient")), ("KT208", *at(text, "sops:"))]
    both = PolicySettings(recipients={"m.yaml": (other, age_key.recipient)})
    assert findings(text, both) == [("KT208", *at(text, "sops:"))]


def test_warns_of_comments_next_to_secrets(text):
    """Indented comments and those after a ciphertext are reported; other comments are not."""
    noted = text.replace("secrets:\n", "# fine\nsecrets:\n    # old: hunter2\n").replace(
        "type:str]\n", "type:str] # x\n", 1
    )
    found = check_encryption(parse_text(noted), PolicySettings())
    assert [(finding.code, finding.severity) for finding in found] == [("KT215", Severity.WARNING)] * 2
    line = noted[: noted.index("# old")].count("\n") + 1
    assert [finding.origin.line for finding in found] == [line, line + 1]
    assert all("hunter2" not in finding.message for finding in found)


def test_accepts_encrypted_comments(age_key):
    """Sops encrypts comments in the block."""
    arguments = (
        "encrypt",
        "--age",
        age_key.recipient,
        "--encrypted-regex",
        "^secrets$",
        "--input-type",
        "yaml",
        "--output-type",
        "yaml",
        "/dev/stdin",
    )
    text = run_sops(*arguments, stdin="kind: a\nsecrets:\n  # a note\n  password: x\n").decode()
    assert "#ENC[" in text
    assert findings(text) == []


def test_reports_all_errors_at_once(text):
    """Errors of the metadata do not hide those of the values."""
    wrong = text.replace("version: 3", "version: x3").replace("type:str]\n", "type:str]x\n", 1)
    assert {code for code, *_ in findings(wrong)} == {"KT202", "KT211"}
