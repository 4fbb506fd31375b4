"""Recipients of encrypted files."""

import hashlib
import json
import re
import subprocess

import pyrage
import pytest

from keyturn.files.discovery import SourceFile
from keyturn.sops.recipients import FileRecipients, recipients_by_file
from keyturn.yamldoc.scalars import emit_flow
from sops_files import PLAIN, encrypt_manifest, make_key_environment, run_sops


def source(text, name="m/a.yaml"):
    """Return a source file."""
    data = text.encode()
    return SourceFile(None, name, hashlib.sha256(data).hexdigest(), data)


def test_reads_recipients_keys_and_ciphertexts(age_key):
    """No key is needed."""
    found = recipients_by_file([source(encrypt_manifest(age_key, {"password": "old", "token": "kept"}))])[
        "m/a.yaml"
    ]
    assert found.names == {f"age:{age_key.recipient}"}
    assert found.wrapped_keys.keys() == found.names
    assert {path for path, _ in found.ciphertexts} == {("secrets", "password"), ("secrets", "token")}
    assert all(text.startswith("ENC[") for _, text in found.ciphertexts)


def test_omits_files_without_valid_metadata():
    """A plain file, invalid YAML and invalid metadata give no entry."""
    texts = ("name: a\n", "a: [", "a: 1\nsops: {}\n", "a: 1\nsops: []\n")
    assert recipients_by_file(source(text, f"m/{number}.yaml") for number, text in enumerate(texts)) == {}


def make_recipients(wrapped, ciphertexts):
    """Return a file of one recipient."""
    return FileRecipients(
        names=frozenset({"age:a"}), wrapped_keys={"age:a": wrapped}, ciphertexts=ciphertexts
    )


def test_detects_a_rewrapped_data_key():
    """One unchanged ciphertext implies the same data key; only changed wraps mean new recipients."""
    one, two = (("p",), "ENC[1]"), (("q",), "ENC[2]")
    before = make_recipients("w1", frozenset({one, two}))
    again = make_recipients("w2", before.ciphertexts)
    partly = make_recipients("w2", frozenset({one}))
    anew = make_recipients("w2", frozenset({(("p",), "ENC[3]")}))
    assert (again.has_same_data_key(before), again.is_rewrapped(before)) == (True, True)
    assert (partly.has_same_data_key(before), partly.is_rewrapped(before)) == (True, False)
    assert (anew.has_same_data_key(before), anew.is_rewrapped(before)) == (False, False)
    assert not before.is_rewrapped(before)


TYPES = ("--input-type", "yaml", "--output-type", "yaml")
GROUPS = [{"age": ["A"]}, {"age": ["B", "C"]}]


@pytest.fixture
def split_file(tmp_path):
    """Return a function that encrypts a file with key groups and a threshold, for new keys by letter."""
    keys = {letter: str(pyrage.x25519.Identity.generate().to_public()) for letter in "ABC"}

    def encrypt(threshold, groups=GROUPS):
        named = [{"age": [keys[letter] for letter in group["age"]]} for group in groups]
        rule = {"encrypted_regex": "^secrets$", "shamir_threshold": threshold, "key_groups": named}
        rules = tmp_path / "rules.yaml"
        rules.write_text(json.dumps({"creation_rules": [rule]}))
        plain = json.dumps({"kind": "credential", "secrets": {"password": "x"}})
        text = run_sops("--config", str(rules), "encrypt", *TYPES, "/dev/stdin", stdin=plain).decode()
        return recipients_by_file([source(text)])["m/a.yaml"], keys

    return encrypt


@pytest.mark.parametrize(("written", "needed"), [(0, 2), (2, 2)])
def test_reads_key_groups_and_their_number(split_file, written, needed):
    """Without a number, sops needs a key of each group."""
    found, keys = split_file(written)
    groups = ({f"age:{keys['A']}"}, {f"age:{keys['B']}", f"age:{keys['C']}"})
    assert (found.groups, found.threshold) == (groups, needed)


def test_one_group_needs_one_key(age_key):
    """The usual file has its recipients at the top."""
    text = encrypt_manifest(age_key, {"password": "x"})
    found = recipients_by_file([source(text)])["m/a.yaml"]
    assert (found.groups, found.threshold) == (({f"age:{age_key.recipient}"},), 1)


EDITS = {
    "nothing": lambda text: text,
    "host": lambda text: text.replace("db.acme.com", "db.example.com"),
    "number": lambda text: text.replace("5432", "5433"),
    "number as text": lambda text: text.replace("5432", '"5432"'),
    "number as fraction": lambda text: text.replace("5432", "5432.0"),
    "boolean": lambda text: text.replace("tls: true", "tls: false"),
    "list item": lambda text: text.replace("- b\n", "- c\n"),
    "list order": lambda text: re.sub(r"( *- a\n)( *- b\n)", r"\2\1", text),
    "list to mapping": lambda text: re.sub(r"( *)- a\n *- b\n", r"\1p: a\n\1q: b\n", text),
    "key": lambda text: text.replace("ratio:", "share:"),
    "removed": lambda text: re.sub(r" *ratio: .*\n", "", text),
    "added": lambda text: text.replace("kind:", "more: x\nkind:"),
    "added null": lambda text: text.replace("kind:", "more: null\nkind:"),
    "order": lambda text: re.sub(r"(kind: .*\n)(name: .*\n)", r"\2\1", text),
    "comment": lambda text: text.replace("kind:", "# why\nkind:"),
    "quotes": lambda text: text.replace("db.acme.com", '"db.acme.com"'),
    "swapped ciphertexts": lambda text: re.sub(r"( +one: )(.*)(\n +two: )(.*)", r"\1\4\3\2", text),
    "removed ciphertext": lambda text: re.sub(r" +two: .*\n", "", text),
}


@pytest.mark.parametrize("only_encrypted", [False, True])
@pytest.mark.parametrize("edit", EDITS)
def test_a_stale_mac_is_what_sops_refuses(age_key, tmp_path, edit, only_encrypted):
    """The oracle is sops, which decrypts a file with the key and compares the MAC."""
    rule = {"age": age_key.recipient, "encrypted_regex": "^secrets$", "mac_only_encrypted": only_encrypted}
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps({"creation_rules": [rule]}))
    plain = emit_flow(PLAIN | {"secrets": {"one": "1", "two": "2"}})
    before = run_sops("--config", str(rules), "encrypt", *TYPES, "/dev/stdin", stdin=plain).decode()
    after = EDITS[edit](before)
    assert (after == before) is (edit == "nothing")
    try:
        run_sops("decrypt", *TYPES, "/dev/stdin", stdin=after, env=make_key_environment(age_key))
        is_accepted = True
    except subprocess.CalledProcessError:
        is_accepted = False
    then, now = (recipients_by_file([source(text)])["m/a.yaml"] for text in (before, after))
    assert now.has_stale_mac(then) is not is_accepted
