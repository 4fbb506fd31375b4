"""The envelope, judged without a key."""

import pytest

from encrypting import asking, document, encrypted, sops
from keyturn.model.diagnostic import Severity
from keyturn.policy.settings import PolicySettings
from keyturn.sops.checks import check_encryption

_PLAIN = "kind: credential\nname: a\n"


@pytest.fixture(scope="module")
def text(age_key):
    """Return an encrypted manifest."""
    return encrypted(age_key, {"password": "x", "token": "y"})


def findings(text, settings=None):
    """Return code and place of what is wrong with a file."""
    found = check_encryption(document(text), settings or PolicySettings())
    return [(finding.code, finding.origin.line, finding.origin.column) for finding in found]


def at(text, needle, offset=0):
    """Return line and column of a needle."""
    before = text[: text.index(needle) + offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_a_real_file_is_fine(text, age_key):
    """What sops writes with the recommended selector has nothing wrong with it."""
    assert findings(text) == []
    assert findings(text, PolicySettings(recipients={"m.yaml": (age_key.recipient,)})) == []


def test_a_plain_file_without_secrets_is_fine():
    """A connection needs no encryption."""
    assert findings(_PLAIN) == []


def test_plain_secrets_are_refused():
    """Secrets in a file that is not encrypted are one finding, at their key."""
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
def test_every_secret_is_encrypted_text_and_nothing_else(text, value, code):
    """Plain, empty, damaged and listed secrets are refused where they stand, without being quoted."""
    start = text.index("ENC[")
    changed = text[:start] + value + text[text.index("\n", start) :]
    line, column = at(text, "ENC[")
    assert findings(changed) == [(code, line, column + (value == "[a]"))]
    assert all(
        value not in finding.message
        for finding in check_encryption(document(changed), PolicySettings())
        if len(value) > 2
    )


def test_trailing_text_after_a_ciphertext_is_refused(text):
    """Sops itself would take it."""
    assert findings(text.replace("type:str]", "type:str]x", 1)) == [("KT211", *at(text, "ENC["))]


def test_a_secret_that_was_encrypted_without_quotes_is_refused(age_key):
    """A number or boolean inside has lost its digits already."""
    text = encrypted(age_key, {"password": 123})
    assert findings(text) == [("KT213", *at(text, "ENC["))]


def test_a_ciphertext_elsewhere_is_refused(age_key):
    """Only what is below secrets: is encrypted."""
    text = encrypted(age_key, {"password": "x"}, "--encrypted-regex", "^(secrets|host)$")
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
    """A selector that leaves room for a plain secret is refused, and so is one that nobody can be sure of."""
    text = encrypted(age_key, {"password": "x", "token": "y"}, *selector)
    codes = [code for code, *_ in findings(text)]
    assert "KT214" in codes
    assert set(codes) <= {"KT214", "KT209"}


def test_selectors_by_comment_are_refused(text):
    """A misplaced marker would expose a subtree, so what they cover is not guessed."""
    marked = text.replace("encrypted_regex: ^secrets$", "encrypted_comment_regex: sops:enc")
    assert findings(marked) == [("KT214", *at(marked, "encrypted_comment_regex"))]


def test_an_open_selector_that_covers_secrets_is_fine(age_key):
    """A list of what stays plain covers secrets as well, as long as no secret is on it."""
    text = encrypted(age_key, {"password": "x"}, "--unencrypted-regex", "^(kind|name|config)$")
    assert findings(text) == []


@pytest.mark.parametrize(
    "selector", ["", "    unencrypted_suffix: _plain\n", "    encrypted_regex: ^(secrets|config)$\n"]
)
def test_a_selector_that_covers_what_stands_in_clear_is_refused(text, selector):
    """No sops would open such a file, and none has written it so."""
    other = text.replace("    encrypted_regex: ^secrets$\n", selector)
    place = at(other, selector.strip().partition(":")[0] if selector else "sops:")
    assert findings(other) == [("KT214", *place)]


def test_the_mac_must_be_there_and_cover_everything(text):
    """No MAC, a damaged one, or one over encrypted values alone."""
    mac = next(line for line in text.split("\n") if line.startswith("    mac:"))
    assert findings(text.replace(mac + "\n", "")) == [("KT203", *at(text, "sops:"))]
    assert findings(text.replace(mac, "    mac: x")) == [("KT203", *at(text, mac, 9))]
    weak = text.replace("    version:", "    mac_only_encrypted: true\n    version:")
    assert findings(weak) == [("KT204", *at(weak, "mac_only_encrypted"))]


def test_files_of_ancient_versions_are_refused(text):
    """Before 3.0 the format had other rules."""
    version = next(line for line in text.split("\n") if line.startswith("    version:"))
    assert findings(text.replace(version, "    version: 2.0.10")) == [("KT205", *at(text, version, 13))]


def test_kinds_of_key_and_servers_are_those_that_policy_allows(text):
    """A hostile Vault address is refused twice: by its kind, and where the kind is allowed by its server."""
    hostile = asking(text, "http://127.0.0.1:1")
    place = at(hostile, "vault_address")
    assert findings(hostile) == [("KT206", *place)]
    allowed = PolicySettings(key_types=("age", "hc_vault"), servers=("https://vault.example",))
    assert findings(hostile, allowed) == [("KT207", *place)]
    named = PolicySettings(key_types=("age", "hc_vault"), servers=("http://127.0.0.1:1/",))
    assert findings(hostile, named) == []
    assert findings(text, PolicySettings(key_types=("pgp",))) == [("KT206", *at(text, "recipient"))]


def test_recipients_are_exactly_those_of_policy(text, age_key):
    """One too many stands at its entry, one too few at the block."""
    other = "age1" + "q" * 58
    wanted = PolicySettings(recipients={"": (age_key.recipient,), "m.yaml": (other,)})
    assert findings(text, wanted) == [("KT208", *at(text, "recipient")), ("KT208", *at(text, "sops:"))]
    both = PolicySettings(recipients={"m.yaml": (other, age_key.recipient)})
    assert findings(text, both) == [("KT208", *at(text, "sops:"))]


def test_comments_beside_secrets_are_doubtful(text):
    """Indented comments and those behind a ciphertext are warned of; others are left alone."""
    noted = text.replace("secrets:\n", "# fine\nsecrets:\n    # old: hunter2\n").replace(
        "type:str]\n", "type:str] # x\n", 1
    )
    found = check_encryption(document(noted), PolicySettings())
    assert [(finding.code, finding.severity) for finding in found] == [("KT215", Severity.WARNING)] * 2
    line = noted[: noted.index("# old")].count("\n") + 1
    assert [finding.origin.line for finding in found] == [line, line + 1]
    assert all("hunter2" not in finding.message for finding in found)


def test_comments_that_sops_encrypted_are_fine(age_key):
    """Sops encrypts a comment within the block."""
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
    text = sops(*arguments, stdin="kind: a\nsecrets:\n  # a note\n  password: x\n").decode()
    assert "#ENC[" in text
    assert findings(text) == []


def test_every_finding_of_a_file_is_told_at_once(text):
    """Faults of the block do not hide those of the values."""
    wrong = text.replace("version: 3", "version: x3").replace("type:str]\n", "type:str]x\n", 1)
    assert {code for code, *_ in findings(wrong)} == {"KT202", "KT211"}
