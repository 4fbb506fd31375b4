"""What tells the data key of a file."""

import pytest

from keyturn.sops.age_keys import AgeKeyring, find_age_keys
from keyturn.sops.data_keys import compute_key_traces, compute_mac_trace
from keyturn.sops.native import open_data_key
from sops_files import encrypt_manifest, make_key_environment, parse_text

PLAIN = {"kind": "credential", "name": "prod-y"}


def test_files_encrypted_apart_have_no_common_trace(age_key):
    """Even if their values are equal."""
    one, other = (parse_text(encrypt_manifest(age_key, {"password": "pw"})) for _ in range(2))
    assert compute_key_traces(one).isdisjoint(compute_key_traces(other))
    # One wrapped key, one secret, one MAC.
    assert len(compute_key_traces(one)) == 3


def test_the_layout_of_a_file_does_not_change_its_traces(age_key):
    """Line ends and a wrapped key on one line."""
    text = encrypt_manifest(age_key, {"password": "pw"})
    assert compute_key_traces(parse_text(text.replace("\n", "\r\n"))) == compute_key_traces(parse_text(text))


@pytest.mark.parametrize("text", ["a: 1\n", "sops: {age: [{enc: 1}], mac: 2}\n", "sops: []\n"])
def test_other_files_have_no_traces(text):
    """No wrapped key, no ciphertext."""
    document = parse_text(text)
    assert compute_key_traces(document) == frozenset()
    assert compute_mac_trace(document) == ""
    assert open_data_key(document, AgeKeyring()) is None


def test_a_data_key_needs_a_key_of_a_recipient(age_key):
    """32 bytes, or nothing."""
    document = parse_text(encrypt_manifest(age_key, {"password": "pw"}, plain=PLAIN))
    assert len(open_data_key(document, find_age_keys(make_key_environment(age_key)))) == 32
    assert open_data_key(document, AgeKeyring()) is None


def test_the_mac_trace_needs_a_full_mac(age_key):
    """A MAC over encrypted values only is equal in an edited copy."""
    text = encrypt_manifest(age_key, {"password": "pw"})
    assert compute_mac_trace(parse_text(text)) in compute_key_traces(parse_text(text))
    assert compute_mac_trace(parse_text(text + "    mac_only_encrypted: true\n")) == ""
    assert compute_mac_trace(parse_text("a: 1\n")) == ""
