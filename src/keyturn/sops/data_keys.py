"""Which files have the same data key, as far as their ciphertexts tell without a key."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from keyturn.sops.ciphertext import looks_encrypted
from keyturn.yamldoc.reader import Document

_TRACE_DIGITS: Final = 32
"""128 bits: enough to tell ciphertexts apart, in half the memory."""


def compute_key_traces(document: Document) -> frozenset[str]:
    """Return a digest of each wrapped data key and ciphertext of a document, and of its MAC.

    SOPS never writes the same ciphertext twice, so two files with a common trace have the same data key.
    """
    return frozenset(_digest_text(text) for text in _walk_traces(document.tree))


def compute_mac_trace(document: Document) -> str:
    """Return the trace of a MAC that covers all values; empty without one."""
    block = document.tree.get("sops")
    mac = block.get("mac") if isinstance(block, dict) and not block.get("mac_only_encrypted") else None
    return _digest_text(mac) if isinstance(mac, str) and looks_encrypted(mac) else ""


def _walk_traces(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, dict):
            wrapped = here.get("enc")
            if isinstance(wrapped, str) and wrapped:
                yield wrapped
            pending.extend(here.values())
        elif isinstance(here, list):
            pending.extend(here)
        elif looks_encrypted(here):
            yield here


def _digest_text(text: str) -> str:
    return sha256(text.strip().encode()).hexdigest()[:_TRACE_DIGITS]
