"""Decryption of many files: in process where that is certain, the rest through sops, side by side."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeAlias

from msgspec.structs import replace

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Cause, Diagnostic, Faulty, Severity
from keyturn.core.fields import Path
from keyturn.core.secret import Secret
from keyturn.load import sops_native
from keyturn.load.envelope import judge
from keyturn.load.findings import fault
from keyturn.load.keys import Keyring, keyring
from keyturn.load.metadata import Envelope, envelope
from keyturn.load.nodes import Document
from keyturn.load.sops_binary import Sops, find_sops, refusal
from keyturn.policy.settings import Settings

Opened: TypeAlias = Mapping[Path, Secret] | Faulty
Opener: TypeAlias = Callable[[Sequence[Document]], tuple[Opened, ...]]
"""Decrypts documents: for each, in order, its secrets by their path in the file, or why not."""

_WRONG_KEY = 128


def opener(environment: Mapping[str, str], settings: Settings, decryptor: str = "auto") -> Opener:
    """Return what decrypts documents with the keys that ``environment`` leads to.

    Each envelope is judged first: a file with an error there is never decrypted, and no process
    is started for it. ``decryptor`` is ``auto`` (in process, else sops) or ``sops`` (always the
    binary). Keys and the binary are looked for once, when the first file needs them; as many
    processes run side by side as there are cores.
    """
    return _Opener(environment, settings, decryptor).open


def open_one(document: Document, open_all: Opener) -> Mapping[Path, Secret]:
    """Return the secrets of one document; raises Faulty."""
    opened = open_all((document,))[0]
    if isinstance(opened, Faulty):
        raise opened
    return opened


class _Opener:
    def __init__(self, environment: Mapping[str, str], settings: Settings, decryptor: str) -> None:
        self._environment = environment
        self._settings = settings
        self._native = decryptor == "auto"

    def open(self, documents: Sequence[Document]) -> tuple[Opened, ...]:
        results: dict[int, Opened] = {}
        rest: dict[int, str] = {}
        for index, document in enumerate(documents):
            first = self._first(document)
            if isinstance(first, sops_native.Declined):
                rest[index] = first.reason
            else:
                results[index] = first
        if rest:
            _ = self._sops  # looked for once, before threads would do so side by side
            with ThreadPoolExecutor(max_workers=min(len(rest), _cores())) as pool:
                waiting = {
                    index: pool.submit(self._by_sops, documents[index], reason)
                    for index, reason in rest.items()
                }
                results.update((index, future.result()) for index, future in waiting.items())
        return tuple(results[index] for index in range(len(documents)))

    def _first(self, document: Document) -> Opened | sops_native.Declined:
        wrong = [one for one in judge(document, self._settings) if one.severity is Severity.ERROR]
        if wrong:
            return Faulty(*wrong)
        if "sops" not in document.tree:
            return {}
        opened: sops_native.Opened | sops_native.Declined
        opened = sops_native.Declined("the project asks for sops")
        if self._native:
            opened = sops_native.decrypt(document, self._keyring)
        if isinstance(opened, sops_native.Declined) and (hopeless := self._hopeless(document)):
            return Faulty(hopeless)
        return opened

    def _hopeless(self, document: Document) -> Diagnostic | None:
        found = envelope(document)
        keys = self._keyring
        if not isinstance(found, Envelope) or keys.others:
            return None
        if any(one.kind != "age" or one.name in keys.recipients for one in found.recipients):
            return None
        if not keys.empty:
            return refusal(_WRONG_KEY, document.file)
        broken = "; ".join(finding.message for finding in keys.findings)
        hint = "set SOPS_AGE_KEY_FILE or SOPS_AGE_KEY, or put the key into sops/age/keys.txt of ~/.config"
        message = f"there is no age key to decrypt with{': ' if broken else ''}{broken}"
        code = "KT021" if broken else "KT020"
        return fault(code, Origin(document.file), message, hint, cause=Cause.NO_KEY)

    def _by_sops(self, document: Document, reason: str) -> Opened:
        sops = self._sops
        if isinstance(sops, Faulty):
            return Faulty(*(_located(finding, document, reason) for finding in sops.findings))
        try:
            return sops.decrypt(document)
        except Faulty as error:
            return error

    @cached_property
    def _keyring(self) -> Keyring:
        return keyring(self._environment)

    @cached_property
    def _sops(self) -> Sops | Faulty:
        try:
            return find_sops(self._keyring.environment, self._settings.key_types, self._settings.servers)
        except Faulty as error:
            return error


def _located(finding: Diagnostic, document: Document, reason: str) -> Diagnostic:
    message = f"{finding.message}, and this file needs it: {reason}"
    return replace(finding, origin=Origin(document.file), message=message)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
