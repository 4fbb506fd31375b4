"""Signatures of documents and records: any other bytes, key or workspace makes them invalid."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.state.document import State, decode_state, encode_state
from keyturn.state.events import JournalPosition, RunFinished, encode_event
from keyturn.state.journal_record import decode_journal_record, encode_journal_record, is_next
from keyturn.state.signatures import (
    is_signed_document,
    is_signed_record,
    remove_document_signature,
    remove_record_signature,
    sign_document,
    sign_record,
)
from keyturn.state.stores.base import LogLine
from keyturn.trust.signing import SigningKey

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(32))
DOCUMENT = encode_state(State(workspace="prod", organization="org"))
LINE, HASH = encode_journal_record(
    JournalPosition(), "2026-01-02T03:04:05Z", encode_event(RunFinished("r", "ended"))
)
SIGNED_DOCUMENT = sign_document(DOCUMENT, KEY, "prod")
SIGNED_LINE = sign_record(LINE, KEY, "prod")


def test_signed_content_is_still_json_and_readable():
    """The readers of keyturn ignore the signature; a store with a key has verified it."""
    assert "signature" in json.loads(SIGNED_DOCUMENT)
    assert decode_state(SIGNED_DOCUMENT, "x", "prod", "org") == decode_state(DOCUMENT, "x", "prod", "org")
    assert json.loads(SIGNED_LINE) | {"signature": ""} == json.loads(LINE) | {"signature": ""}
    record = decode_journal_record(LogLine(0, SIGNED_LINE))
    assert record == decode_journal_record(LogLine(0, LINE))
    assert is_next(record, JournalPosition())


def test_the_signature_is_removed_exactly():
    """Without it, every byte is that of the unsigned content."""
    unsigned, signature = remove_document_signature(SIGNED_DOCUMENT)
    assert (unsigned, len(signature)) == (DOCUMENT, 88)
    unsigned, signature = remove_record_signature(SIGNED_LINE)
    assert (unsigned, len(signature)) == (LINE, 88)
    assert remove_document_signature(DOCUMENT) == (DOCUMENT, "")
    assert remove_record_signature(LINE) == (LINE, "")


def test_a_signature_belongs_to_one_key_and_one_workspace():
    """The state of staging is none of production."""
    assert is_signed_document(SIGNED_DOCUMENT, KEY.public_key, "prod")
    assert not is_signed_document(SIGNED_DOCUMENT, OTHER.public_key, "prod")
    assert not is_signed_document(SIGNED_DOCUMENT, KEY.public_key, "staging")
    assert is_signed_record(SIGNED_LINE, KEY.public_key, "prod")
    assert not is_signed_record(SIGNED_LINE, OTHER.public_key, "prod")
    assert not is_signed_record(SIGNED_LINE, KEY.public_key, "staging")


def test_a_record_is_no_document():
    """The same bytes under the other type have no valid signature."""
    _, signature = remove_record_signature(SIGNED_LINE)
    forged = b'{"signature":"' + signature.encode() + b'",' + LINE[1:]
    assert not is_signed_document(forged, KEY.public_key, "prod")


@given(st.data())
def test_any_changed_byte_is_found(data):
    """In documents and records, at every place."""
    signed = data.draw(st.sampled_from([SIGNED_DOCUMENT, SIGNED_LINE]))
    place = data.draw(st.integers(0, len(signed) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != signed[place]))
    changed = signed[:place] + bytes([byte]) + signed[place + 1 :]
    check = is_signed_document if signed is SIGNED_DOCUMENT else is_signed_record
    assert not check(changed, KEY.public_key, "prod")


@given(st.binary(max_size=200))
def test_any_bytes_may_be_read(data):
    """Neither function raises for damaged content."""
    assert not is_signed_document(data, KEY.public_key, "prod")
    assert not is_signed_record(data, KEY.public_key, "prod")
    assert not is_signed_document(b'{"signature":"' + data, KEY.public_key, "prod")
    assert not is_signed_record(data + b'"}\n', KEY.public_key, "prod")


@pytest.mark.parametrize("cut", [1, 3, 50, 100])
def test_a_truncated_signature_is_none(cut):
    """A torn line is not signed."""
    assert not is_signed_record(SIGNED_LINE[:-cut], KEY.public_key, "prod")
