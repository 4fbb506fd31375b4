"""Recipients of encrypted files."""

import hashlib

from keyturn.files.discovery import SourceFile
from keyturn.sops.recipients import FileRecipients, recipients_by_file
from sops_files import encrypt_manifest


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


def test_detects_a_rewrapped_data_key():
    """One unchanged ciphertext implies the same data key; only changed wraps mean new recipients."""
    names, one, two = frozenset({"age:a"}), (("p",), "ENC[1]"), (("q",), "ENC[2]")
    before = FileRecipients(names, {"age:a": "w1"}, frozenset({one, two}))
    again = FileRecipients(names, {"age:a": "w2"}, before.ciphertexts)
    partly = FileRecipients(names, {"age:a": "w2"}, frozenset({one}))
    anew = FileRecipients(names, {"age:a": "w2"}, frozenset({(("p",), "ENC[3]")}))
    assert (again.has_same_data_key(before), again.is_rewrapped(before)) == (True, True)
    assert (partly.has_same_data_key(before), partly.is_rewrapped(before)) == (True, False)
    assert (anew.has_same_data_key(before), anew.is_rewrapped(before)) == (False, False)
    assert not before.is_rewrapped(before)
